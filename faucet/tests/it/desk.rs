//! Requests on real databases, many at once, from two processes.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Atto, Clock, Epoch, ManualClock, NetworkId, Timestamp};
use apogee_faucet::operate::{By, put_entry, set_enabled};
use apogee_faucet::policy::{Code, Policy};
use apogee_faucet::{
    ActorKey, Answer, Ask, Desk, DeskError, Named, Notation, Recipient, Recipients, Request, Unresolved,
    free_funds,
};
use apogee_store::{
    Account, AccountKind, Faucet, FaucetEntry, Identity, IdentityId, LimitKey, Mark, Page, PaymentState,
    Standing, Store, StoreError, Wallet, WalletMode,
};
use apogee_store_postgres::PostgresStore;
use apogee_store_sqlite::SqliteStore;
use apogee_testkit::postgres;
use async_trait::async_trait;
use fvm_shared::address::{Address, Payload};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const FIL: u128 = 1_000_000_000_000_000_000;
const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// Nothing but an identity, a recipient and a network limits anybody here.
const POLICY: &str = "
version = 7
amount = \"10 FIL\"
[account]
kinds = [\"user\"]
min_age = \"30d\"
[[limit]]
rule = \"identity-day\"
scope = \"identity\"
grants = 1
within = \"24h\"
[[limit]]
rule = \"recipient-day\"
scope = \"actor\"
grants = 2
within = \"24h\"
[[limit]]
rule = \"v6-network-day\"
scope = \"v6-network\"
grants = 3
within = \"24h\"
[budget]
grants_per_day = 1000
amount_per_day = \"100000 FIL\"
[wallet]
floor = \"100 FIL\"
low = 10
";

/// Every actor with an Ethereum address has its last byte as id too.
#[derive(Debug)]
struct Chain;

#[async_trait]
impl Recipients for Chain {
    async fn recipient(&self, address: &Named) -> Result<Recipient, Unresolved> {
        let Named::Filecoin(address) = address else { panic!("{address:?} is of another network") };
        let stable = match address.payload() {
            Payload::ID(id) => {
                let mut bytes = [0x11; 20];
                bytes[12..].copy_from_slice(&id.to_be_bytes());
                Address::new_delegated(10, &bytes).unwrap()
            }
            _ => *address,
        };
        Ok(Recipient { key: ActorKey::of(&stable, 't'), balance: Atto(0), miner: false })
    }
}

fn network() -> NetworkId {
    "devnet-a".parse().unwrap()
}

fn identity(number: i64) -> Identity {
    let account = Account {
        provider: "github".to_owned(),
        subject: number.to_string(),
        handle: format!("user-{number}"),
        kind: AccountKind::User,
        created: Some(Timestamp::from_seconds(1_500_000_000)),
    };
    Identity { id: IdentityId(number), account, first_seen: NOW, last_seen: NOW, standing: Standing::Ok }
}

fn faucet(policy: &Policy) -> Faucet {
    Faucet {
        network: network(),
        name: "drip".to_owned(),
        wallet: "hot".to_owned(),
        enabled: true,
        reason: String::new(),
        changed_by: "cli".to_owned(),
        changed_at: NOW,
        policy_version: policy.version,
        policy_digest: policy.digest(),
        day: 0,
        day_grants: 0,
        day_amount: Atto(0),
        full_at: Timestamp(0),
    }
}

/// A faucet in one database, asked through the desks of two processes.
struct Place {
    store: Arc<dyn Store>,
    desks: [Arc<Desk>; 2],
    clock: ManualClock,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
    async fn new(stores: [Arc<dyn Store>; 2], policy: &str, folder: Option<tempfile::TempDir>) -> Self {
        let policy = Policy::read(policy).unwrap();
        let clock = ManualClock::at(NOW);
        let wallet = Wallet {
            network: network(),
            name: "hot".to_owned(),
            address: "t1hot".to_owned(),
            next_nonce: 0,
            mode: WalletMode::Open,
            reason: String::new(),
            proposes_for: None,
        };
        let mut work = stores[0].begin().await.unwrap();
        work.put_wallet(&wallet).await.unwrap();
        work.put_faucet(&faucet(&policy), "").await.unwrap();
        work.commit().await.unwrap();
        let mut seed = 0;
        let desks = stores.each_ref().map(|store| {
            seed += 1;
            let random = Box::new(ChaCha8Rng::seed_from_u64(seed));
            let name = (network(), "drip".to_owned(), Notation::Filecoin('t'));
            let desk = Desk::new(Arc::clone(store), Arc::new(clock.clone()), random, name, policy.clone());
            desk.set_funds(Some(Atto(1_000_000 * FIL)));
            desk
        });
        let [store, _] = stores;
        Self { store, desks, clock, _folder: folder }
    }

    /// What a person sends; `address` is where from.
    async fn request(&self, who: i64, to: &str, address: &str, key: &str) -> Request {
        let desk = &self.desks[0];
        let recipient = Chain.recipient(&desk.recipient(to).unwrap()).await.unwrap();
        let from: IpAddr = address.parse().unwrap();
        let identity = identity(who);
        let ask = Ask { identity: &identity, from, recipient: to, code: "", key };
        desk.request(ask, &recipient).unwrap()
    }

    /// All at once, every other one at the other desk.
    async fn ask(&self, requests: Vec<Request>) -> Vec<Answer> {
        let tasks = requests.into_iter().enumerate().map(|(index, request)| {
            let desk = Arc::clone(&self.desks[index % 2]);
            tokio::spawn(async move { desk.accept(request).await.unwrap() })
        });
        let mut answers = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            answers.push(task.await.unwrap());
        }
        answers
    }

    /// Everything that a request may change, in words.
    async fn rows(&self) -> String {
        let grants = self.store.newest_grants(&network(), "drip", 10_000).await.unwrap();
        let mut text = format!("{:?}\n", self.store.faucet(&network(), "drip").await.unwrap());
        for grant in &grants {
            let keys: Vec<_> = grant.charges.iter().map(|key| (key.clone(), 100)).collect();
            text +=
                &format!("{grant:?} {:?}\n", self.store.charges(&network(), "drip", &keys).await.unwrap());
        }
        for state in PaymentState::ALL {
            let page = Page { after: None, limit: 10_000 };
            text += &format!("{:?}", self.store.payments(&network(), "hot", *state, page).await.unwrap());
        }
        text
    }

    /// I6: what the faucet has counted is the sum of what was not given back.
    async fn counters_fit(&self) {
        let faucet = self.store.faucet(&network(), "drip").await.unwrap().unwrap();
        let grants = self.store.newest_grants(&network(), "drip", 10_000).await.unwrap();
        let counted: Vec<_> = grants.iter().filter(|grant| grant.refunded.is_none()).collect();
        assert_eq!(faucet.day_grants, counted.len() as u64);
        assert_eq!(faucet.day_amount.0, counted.iter().map(|grant| grant.amount.0).sum::<u128>());
        let keys: BTreeSet<LimitKey> = grants.iter().flat_map(|grant| grant.charges.clone()).collect();
        for key in keys {
            let charged = self.store.charges(&network(), "drip", &[(key.clone(), 10_000)]).await.unwrap();
            let expected = counted.iter().filter(|grant| grant.charges.contains(&key)).count();
            assert_eq!(charged[0].len(), expected, "{key:?}");
        }
    }
}

fn granted(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| matches!(answer, Answer::Granted(_))).count()
}

fn codes(answer: &Answer) -> Vec<Code> {
    let Answer::Refused(assessment) = answer else { panic!("not refused: {answer:?}") };
    assessment.refusals().map(|check| check.code).collect()
}

async fn sqlite(policy: &str) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("apogee.sqlite");
    let first: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).await.unwrap());
    let second: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).await.unwrap());
    Place::new([first, second], policy, Some(folder)).await
}

async fn postgres_place(policy: &str) -> Option<Place> {
    let url = postgres::database()?;
    let first: Arc<dyn Store> = Arc::new(PostgresStore::connect(&url).await.unwrap());
    let second: Arc<dyn Store> = Arc::new(PostgresStore::connect(&url).await.unwrap());
    Some(Place::new([first, second], policy, None).await)
}

macro_rules! on_both {
    ($($case:ident,)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(super::sqlite(super::POLICY).await).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let Some(place) = super::postgres_place(super::POLICY).await else { return };
                super::$case(place).await;
            })*
        }
    };
}

on_both! {
    of_100_requests_of_one_identity_one_is_granted,
    of_100_requests_for_one_actor_in_five_forms_two_are_granted,
    of_100_requests_from_one_64_three_are_granted,
    who_is_refused_changes_no_row,
    the_same_key_asks_for_the_same_grant_and_for_no_other,
    after_the_switch_is_thrown_nothing_is_granted,
    what_fails_is_given_back_exactly_and_what_is_unknown_is_not,
    a_desk_with_an_old_policy_decides_nothing,
    an_operator_s_entry_counts_from_the_next_request_on,
    an_exception_for_a_network_lifts_the_limit_by_network_alone,
    the_reserve_of_the_wallet_is_kept,
}

async fn of_100_requests_of_one_identity_one_is_granted(place: Place) {
    let mut requests = Vec::new();
    for number in 0..100 {
        let from = format!("2001:db8:{number:x}::1");
        requests.push(place.request(1, &format!("t0{number}"), &from, &format!("k{number}")).await);
    }
    let answers = place.ask(requests).await;
    assert_eq!(granted(&answers), 1);
    let refused = answers.iter().find(|answer| matches!(answer, Answer::Refused(_))).unwrap();
    assert_eq!(codes(refused), [Code::IdentityLimit]);
    place.counters_fit().await;
}

async fn of_100_requests_for_one_actor_in_five_forms_two_are_granted(place: Place) {
    let mut bytes = [0x11; 20];
    bytes[12..].copy_from_slice(&1000_u64.to_be_bytes());
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let forms = [
        "t01000".to_owned(),
        "0xff000000000000000000000000000000000003e8".to_owned(),
        format!("0x{hex}"),
        format!("0X{}", hex.to_uppercase()),
        ActorKey::of(&Address::new_delegated(10, &bytes).unwrap(), 't').to_string(),
    ];
    let mut requests = Vec::new();
    for number in 0..100_i64 {
        let form = &forms[usize::try_from(number).unwrap() % 5];
        let from = format!("2001:db8:{number:x}::1");
        requests.push(place.request(number, form, &from, "k").await);
    }
    let answers = place.ask(requests).await;
    assert_eq!(granted(&answers), 2);
    place.counters_fit().await;
}

async fn of_100_requests_from_one_64_three_are_granted(place: Place) {
    let mut requests = Vec::new();
    for number in 0..100_i64 {
        let from = format!("2001:db8:1:2:{number:x}::{number:x}");
        requests.push(place.request(number, &format!("t0{number}"), &from, "k").await);
    }
    assert_eq!(granted(&place.ask(requests).await), 3);
    place.counters_fit().await;
}

async fn who_is_refused_changes_no_row(place: Place) {
    let request = place.request(1, "t01000", "192.0.2.1", "first").await;
    let [Answer::Granted(grant)] = &place.ask(vec![request.clone()]).await[..] else { panic!("refused") };
    let payment = place.store.payment(&network(), &grant.payment()).await.unwrap().unwrap();
    // By the form with its key: an id may be somebody else's after a fork.
    assert_eq!((payment.amount, &payment.payee), (Atto(10 * FIL), &request.applicant.actor));
    let before = place.rows().await;
    let mut refused = Vec::new();
    for number in 0..20 {
        refused.push(place.request(1, &format!("t0{number}"), "192.0.2.2", &format!("k{number}")).await);
    }
    for answer in place.ask(refused.clone()).await {
        assert_eq!(codes(&answer), [Code::IdentityLimit]);
    }
    let looked = place.desks[1].eligibility(&refused[0].applicant).await.unwrap();
    assert_eq!(looked.next_allowed_at(), Some(Timestamp(NOW.0 + 86_400_000_000)));
    assert_eq!(place.rows().await, before);
    place.clock.advance(Duration::from_secs(86_400));
    assert_eq!(granted(&place.ask(vec![refused[0].clone()]).await), 1, "at the moment that was told");
}

async fn the_same_key_asks_for_the_same_grant_and_for_no_other(place: Place) {
    let request = place.request(1, "t01000", "192.0.2.1", "a-key").await;
    let answers = place.ask(vec![request.clone(); 40]).await;
    assert_eq!(granted(&answers), 1);
    let ids: BTreeSet<_> = answers
        .iter()
        .map(|answer| match answer {
            Answer::Granted(grant) | Answer::Repeated(grant) => grant.id.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids.len(), 1);
    let id = ids.first().unwrap();
    assert!(id.len() == 36 && id.as_bytes()[14] == b'7', "a UUID of version 7: {id}");
    let before = place.rows().await;
    let other = place.request(1, "t01001", "192.0.2.1", "a-key").await;
    assert_eq!(place.ask(vec![other]).await, [Answer::OtherRequest]);
    // From another place it is the same request.
    let again = place.request(1, "t01000", "198.51.100.1", "a-key").await;
    assert!(matches!(&place.ask(vec![again]).await[..], [Answer::Repeated(_)]));
    assert_eq!(place.rows().await, before);
    let wrong = |key: &'static str| {
        let identity = identity(1);
        let recipient =
            Recipient { key: ActorKey::of(&Address::new_id(7), 't'), balance: Atto(0), miner: false };
        let from = IpAddr::from([192, 0, 2, 1]);
        let ask = Ask { identity: &identity, from, recipient: "t07", code: "", key };
        place.desks[0].request(ask, &recipient).unwrap_err()
    };
    for key in ["", "a b", "é", "x\n"] {
        assert!(matches!(wrong(key), DeskError::Key), "{key:?}");
    }
}

async fn after_the_switch_is_thrown_nothing_is_granted(place: Place) {
    let mut requests = Vec::new();
    for number in 0..100_i64 {
        let from = format!("2001:db8:{number:x}::1");
        requests.push(place.request(number, &format!("t0{number}"), &from, "k").await);
    }
    let late = requests.split_off(60);
    let by = By { actor: "operator:ada", reason: "fee spike", at: NOW };
    let (answers, ()) = tokio::join!(place.ask(requests), async {
        set_enabled(place.store.as_ref(), (&network(), "drip"), false, by).await.unwrap();
        let at_once = place.store.newest_grants(&network(), "drip", 1_000).await.unwrap().len();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let later = place.store.newest_grants(&network(), "drip", 1_000).await.unwrap().len();
        assert_eq!(at_once, later, "nothing was granted after it was paused");
    });
    for answer in place.ask(late.clone()).await {
        assert_eq!(codes(&answer), [Code::Paused]);
        let Answer::Refused(assessment) = answer else { continue };
        assert_eq!(assessment.checks[0].reason.as_deref(), Some("fee spike"));
    }
    let grants = place.store.newest_grants(&network(), "drip", 1_000).await.unwrap().len();
    assert_eq!(granted(&answers), grants);
    set_enabled(place.store.as_ref(), (&network(), "drip"), true, by).await.unwrap();
    assert_eq!(granted(&place.ask(late).await), 40);
    place.counters_fit().await;
    let actions: Vec<_> = place.store.newest_audit(10).await.unwrap();
    let actions: Vec<_> = actions.iter().map(|entry| entry.event.action.as_str()).collect();
    assert_eq!(actions, ["faucet-resume", "faucet-pause"]);
}

async fn what_fails_is_given_back_exactly_and_what_is_unknown_is_not(place: Place) {
    let mut requests = Vec::new();
    for number in 0..6_i64 {
        let from = format!("2001:db8:{number:x}::1");
        requests.push(place.request(number, &format!("t0{number}"), &from, "k").await);
    }
    let answers = place.ask(requests.clone()).await;
    assert_eq!(granted(&answers), 6);
    let ends = [
        (0, PaymentState::Failed),
        (1, PaymentState::Cancelled),
        (2, PaymentState::Paying),
        (3, PaymentState::Held),
    ];
    let grants: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Answer::Granted(grant) => grant.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    let mut work = place.store.begin().await.unwrap();
    for (index, end) in ends {
        let payment = grants[index].payment();
        work.set_payment(&network(), &payment, PaymentState::Accepted, end, "x").await.unwrap();
    }
    work.commit().await.unwrap();
    let (one, two) = tokio::join!(place.desks[0].settle(), place.desks[1].settle());
    assert_eq!(one.unwrap() + two.unwrap(), 2, "each once, however many look");
    place.counters_fit().await;
    let again: Vec<_> =
        requests.iter().map(|request| Request { key: "again".to_owned(), ..request.clone() }).collect();
    let answers = place.ask(again).await;
    let passed: Vec<_> = answers.iter().map(|answer| matches!(answer, Answer::Granted(_))).collect();
    assert_eq!(passed, [true, true, false, false, false, false]);
    // A fork brings one of them to life again.
    let mut work = place.store.begin().await.unwrap();
    let payment = grants[0].payment();
    work.set_payment(&network(), &payment, PaymentState::Failed, PaymentState::Paying, "").await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(place.desks[0].settle().await.unwrap(), 1);
    place.counters_fit().await;
}

async fn a_desk_with_an_old_policy_decides_nothing(place: Place) {
    let newer = Policy::read(&POLICY.replace("version = 7", "version = 8")).unwrap();
    let mut work = place.store.begin().await.unwrap();
    work.put_faucet(&faucet(&newer), "").await.unwrap();
    work.commit().await.unwrap();
    let request = place.request(1, "t01000", "192.0.2.1", "k").await;
    let refused = place.desks[0].accept(request).await.unwrap_err();
    assert!(matches!(refused, DeskError::Policy { found: 8, ours: 7 }), "{refused:?}");
}

async fn an_operator_s_entry_counts_from_the_next_request_on(place: Place) {
    let by = By { actor: "operator:ada", reason: "farm", at: NOW };
    let entry = |scope: &str, key: &str, denies, lifts: &str| FaucetEntry {
        network: network(),
        faucet: "drip".to_owned(),
        subject: LimitKey { scope: scope.to_owned(), key: key.to_owned() },
        denies,
        lifts: lifts.to_owned(),
        until: Some(Timestamp(NOW.0 + 60_000_000)),
        reason: String::new(),
        by: String::new(),
        at: Timestamp(0),
    };
    put_entry(place.store.as_ref(), &entry("v4-network", "192.0.2.0/24", true, ""), by).await.unwrap();
    put_entry(place.store.as_ref(), &entry("identity", "github:2", false, "identity-limit"), by)
        .await
        .unwrap();
    put_entry(place.store.as_ref(), &entry("identity", "github:3", false, "a-new-rule"), by).await.unwrap();
    let shorter = FaucetEntry {
        until: Some(Timestamp(NOW.0 + 59_000_000)),
        ..entry("v4-network", "192.0.2.0/24", true, "")
    };
    let ended = put_entry(place.store.as_ref(), &shorter, by).await;
    assert!(
        matches!(ended, Err(StoreError::Conflict { .. })),
        "a refusal is ended by striking it: {ended:?}"
    );
    let one = place.request(1, "t01000", "192.0.2.1", "k").await;
    assert_eq!(codes(&place.ask(vec![one.clone()]).await[0]), [Code::Denied]);
    for (key, passes) in [("a", true), ("b", true), ("c", false)] {
        let two = place.request(2, "t01002", "198.51.100.1", key).await;
        assert_eq!(granted(&place.ask(vec![two]).await) == 1, passes, "the recipient's limit stays: {key}");
    }
    for (key, passes) in [("a", true), ("b", false)] {
        let three = place.request(3, "t01003", "198.51.100.1", key).await;
        assert_eq!(granted(&place.ask(vec![three]).await) == 1, passes, "an unknown rule lifts nothing");
    }
    place.clock.advance(Duration::from_secs(60));
    assert_eq!(granted(&place.ask(vec![one]).await), 1, "it has ended");
    assert_eq!(place.store.newest_audit(10).await.unwrap().len(), 3);
}

async fn an_exception_for_a_network_lifts_the_limit_by_network_alone(place: Place) {
    let by = By { actor: "payer:ada", reason: "workshop", at: NOW };
    let subject = LimitKey { scope: "v4-address".to_owned(), key: "192.0.2.1/32".to_owned() };
    let entry = FaucetEntry {
        network: network(),
        faucet: "drip".to_owned(),
        subject: subject.clone(),
        denies: false,
        lifts: String::new(),
        until: Some(Timestamp(NOW.0 + 60_000_000)),
        reason: String::new(),
        by: String::new(),
        at: Timestamp(0),
    };
    put_entry(place.store.as_ref(), &entry, by).await.unwrap();
    let held = place.store.entries_of(&network(), "drip", &[subject]).await.unwrap();
    assert_eq!(held[0].lifts, "network-limit", "what is shown is what holds");
    let one = place.request(1, "t01000", "192.0.2.1", "a").await;
    assert_eq!(granted(&place.ask(vec![one]).await), 1);
    let again = place.request(1, "t01001", "192.0.2.1", "b").await;
    assert_eq!(codes(&place.ask(vec![again]).await[0]), [Code::IdentityLimit]);
}

async fn the_reserve_of_the_wallet_is_kept(place: Place) {
    let mark =
        Mark { epoch: Epoch::new(1).unwrap(), key: "bafy-1".to_owned(), nonce: 0, balance: Atto(135 * FIL) };
    let mut work = place.store.begin().await.unwrap();
    assert_eq!(free_funds(place.store.as_ref(), &network(), "hot").await.unwrap(), None);
    work.put_mark(&network(), "hot", &mark, Epoch::new(0).unwrap()).await.unwrap();
    work.commit().await.unwrap();
    let free = free_funds(place.store.as_ref(), &network(), "hot").await.unwrap();
    assert_eq!(free, Some(Atto(135 * FIL)));
    place.desks[0].set_funds(free);
    let mut answers = Vec::new();
    for number in 0..6_i64 {
        let from = format!("2001:db8:{number:x}::1");
        let request = place.request(number, &format!("t0{number}"), &from, "k").await;
        answers.push(place.desks[0].accept(request).await.unwrap());
    }
    assert_eq!(granted(&answers), 3, "with the fourth, less than 100 FIL would be left");
    assert_eq!(codes(&answers[3]), [Code::WalletEmpty]);
    let free = free_funds(place.store.as_ref(), &network(), "hot").await.unwrap();
    assert_eq!((free, place.desks[0].funds()), (Some(Atto(105 * FIL)), free));
    place.desks[0].set_funds(None);
    let request = place.request(9, "t09", "192.0.2.9", "k").await;
    assert_eq!(
        codes(&place.desks[0].accept(request).await.unwrap()),
        [Code::WalletEmpty],
        "unknown is not enough"
    );
    assert_eq!(place.clock.now(), NOW);
}
