use apogee_domain::{Epoch, NetworkId, ProbeKind, Timestamp};

use crate::{
    DealCourse, LaneKey, MAX_DEAL, Page, ProbeAttempt, ProbeDeal, ProbeSlot, SlotOutcome, SlotVerdict, Store,
    StoreError,
};

const RACE: &str = "sprint";

fn devnet() -> NetworkId {
    "devnet-a".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

fn epoch(height: i64) -> Epoch {
    Epoch::new(height).unwrap()
}

fn key(miner: &str) -> LaneKey {
    LaneKey { network: devnet(), race: RACE.to_owned(), kind: ProbeKind::Storage, miner: miner.to_owned() }
}

fn deal(miner: &str, slot: u64) -> ProbeDeal {
    ProbeDeal {
        key: key(miner),
        slot,
        id: format!("{miner}-{slot}"),
        payload: 1_000,
        size: 1_200,
        root: "bafyroot".to_owned(),
        piece: "baga6ea4sea".to_owned(),
        proposal: "bafyproposal".to_owned(),
        document: vec![0, 255, 1],
        made: at(100 + i64::try_from(slot).unwrap()),
        start: epoch(5_000),
        end: epoch(500_000),
        after: 7,
        course: DealCourse::default(),
    }
}

async fn put(store: &dyn Store, deals: &[ProbeDeal]) {
    let mut work = store.begin().await.unwrap();
    for deal in deals {
        assert_eq!(&work.put_deal(deal).await.unwrap(), deal);
    }
    work.commit().await.unwrap();
}

pub async fn a_slot_has_one_deal_whoever_makes_another(store: &dyn Store) {
    let first = deal("t01000", 3);
    put(store, std::slice::from_ref(&first)).await;
    let other = ProbeDeal { id: "other".to_owned(), document: vec![9], ..first.clone() };
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.put_deal(&other).await.unwrap(), first);
    work.commit().await.unwrap();
    assert_eq!(store.deal(&first.key, 3).await.unwrap(), Some(first.clone()));
    assert_eq!(store.deal(&first.key, 4).await.unwrap(), None);
    assert_eq!(store.deal(&key("t01001"), 3).await.unwrap(), None);
    assert_eq!(store.deal_named("t01000-3").await.unwrap(), Some(first));
    assert_eq!(store.deal_named("other").await.unwrap(), None);
    let mut work = store.begin().await.unwrap();
    let large = ProbeDeal { document: vec![0; MAX_DEAL + 1], ..deal("t01000", 9) };
    assert!(matches!(work.put_deal(&large).await, Err(StoreError::TooLarge { .. })));
}

pub async fn what_is_fetched_of_a_deal_grows_without_gaps(store: &dyn Store) {
    put(store, &[deal("t01000", 1)]).await;
    let fetches =
        [(500, 600, 0), (0, 100, 100), (0, 50, 100), (50, 300, 300), (301, 900, 300), (300, 1_200, 1_200)];
    for (second, (from, to, reached)) in (1_000_i64..).zip(fetches) {
        let mut work = store.begin().await.unwrap();
        work.put_fetch("t01000-1", from, to, at(second)).await.unwrap();
        work.commit().await.unwrap();
        let course = store.deal_named("t01000-1").await.unwrap().unwrap().course;
        assert_eq!((course.fetched, course.fetched_at), (reached, Some(at(second))), "{from} to {to}");
    }
    // What the chain says later leaves it as it is.
    let mut work = store.begin().await.unwrap();
    let course = DealCourse { deal: Some(70), published: Some(epoch(900)), ..DealCourse::default() };
    work.set_deal("t01000-1", &course).await.unwrap();
    work.commit().await.unwrap();
    let found = store.deal_named("t01000-1").await.unwrap().unwrap().course;
    let expected = DealCourse { fetched: 1_200, fetched_at: Some(at(1_005)), ..course };
    assert_eq!(found, expected);
}

pub async fn deals_are_followed_until_they_are_closed(store: &dyn Store) {
    let late = ProbeDeal { start: epoch(9_000), ..deal("t01000", 1) };
    let soon = deal("t01001", 1);
    let again = deal("t01002", 1);
    put(store, &[late.clone(), soon.clone(), again.clone()]).await;
    let open = |after, limit| async move {
        let deals = store.open_deals(&devnet(), RACE, Page { after, limit }).await.unwrap();
        deals.into_iter().map(|deal| deal.id).collect::<Vec<_>>()
    };
    assert_eq!(open(None, 10).await, ["t01001-1", "t01002-1", "t01000-1"]);
    assert_eq!(open(None, 1).await, ["t01001-1"]);
    assert_eq!(open(Some((epoch(5_000), "t01001-1".to_owned())), 10).await, ["t01002-1", "t01000-1"]);
    let mut work = store.begin().await.unwrap();
    let course = DealCourse { slashed: Some(epoch(7_000)), closed: true, ..DealCourse::default() };
    work.set_deal("t01002-1", &course).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(open(None, 10).await, ["t01001-1", "t01000-1"]);
    let promised = |from| async move { store.promised_deals(&devnet(), RACE, epoch(from)).await.unwrap() };
    let size = late.size;
    assert_eq!(promised(0).await, [(size, 2)]);
    assert_eq!(promised(9_000).await, [(size, 1)], "the other one's start has passed");
    let mut work = store.begin().await.unwrap();
    let course = DealCourse { deal: Some(7), published: Some(epoch(100)), ..DealCourse::default() };
    work.set_deal("t01000-1", &course).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(promised(0).await, [(size, 1)], "what is published is locked by the chain itself");
    assert!(store.open_deals(&devnet(), "other", Page { after: None, limit: 10 }).await.unwrap().is_empty());
}

pub async fn deals_of_slots_that_went_well_can_be_read_back(store: &dyn Store) {
    let deals: Vec<ProbeDeal> = (1..5).map(|slot| deal("t01000", slot)).collect();
    put(store, &deals).await;
    let mut work = store.begin().await.unwrap();
    for (number, outcome) in
        [(1, SlotOutcome::Ok), (2, SlotOutcome::Fail), (3, SlotOutcome::Ok), (4, SlotOutcome::Ok)]
    {
        let verdict = SlotVerdict { outcome, code: String::new(), at: at(1), epoch: epoch(10) };
        let slot = ProbeSlot {
            key: key("t01000"),
            slot: number,
            due: at(0),
            ended: at(1),
            attempts: 1,
            look: at(1),
            verdict: Some(verdict),
        };
        work.put_slot(&slot).await.unwrap();
    }
    let lost = DealCourse { slashed: Some(epoch(8)), closed: true, ..DealCourse::default() };
    work.set_deal("t01000-4", &lost).await.unwrap();
    work.commit().await.unwrap();
    let stored = |by, limit| async move {
        let deals = store.stored_deals(&key("t01000"), at(by), limit).await.unwrap();
        deals.into_iter().map(|deal| deal.slot).collect::<Vec<_>>()
    };
    assert_eq!(stored(i64::MAX / 1_000_000, 10).await, [3, 1]);
    assert_eq!(stored(i64::MAX / 1_000_000, 1).await, [3]);
    assert_eq!(stored(-1, 10).await, [] as [u64; 0], "nothing was known yet");
}

pub async fn that_data_could_not_be_had_is_known_for_its_time(store: &dyn Store) {
    let made = |slot: u64, bot: &str, code: &str, second: i64| ProbeAttempt {
        key: key("t01000"),
        slot,
        attempt: 1,
        fence: slot,
        bot: bot.to_owned(),
        region: "eu".to_owned(),
        leased: at(0),
        ended: at(second),
        code: code.to_owned(),
        evidence: None,
        late: None,
        entry: 0,
    };
    let mut work = store.begin().await.unwrap();
    work.put_attempt_made(&made(1, "eu-1", "TCP_REFUSED", 50)).await.unwrap();
    work.put_attempt_made(&made(2, "eu-1", "BOT_SERVER_UNREACHABLE", 100)).await.unwrap();
    work.put_attempt_made(&made(3, "eu-1", "BOT_SERVER_UNREACHABLE", 110)).await.unwrap();
    work.put_attempt_made(&made(4, "eu-2", "BOT_SERVER_UNREACHABLE", 120)).await.unwrap();
    work.commit().await.unwrap();
    let (own, other) = (key("t01000"), key("t01001"));
    let away = |of, from, to| store.bots_without_data(of, at(from), at(to));
    assert_eq!(away(&own, 100, 100).await.unwrap(), 1);
    assert_eq!(away(&own, 0, 119).await.unwrap(), 1, "one bot twice");
    assert_eq!(away(&own, 0, 1_000).await.unwrap(), 2);
    assert_eq!(away(&own, 0, 99).await.unwrap(), 0);
    assert_eq!(away(&own, 121, 200).await.unwrap(), 0);
    assert_eq!(away(&other, 0, 1_000).await.unwrap(), 0, "of another miner it says nothing");
}
