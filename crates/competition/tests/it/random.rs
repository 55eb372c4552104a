//! Random acts on random ledgers: whatever is accepted keeps the promises.

use apogee_competition::claim::Action;
use apogee_competition::{Act, Competition, Outcome, Payee, Phase, fold, payout_commitment};
use apogee_rules::Quantity;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::world::{OPERATORS, SALT, World, at, hash, id, rule_set, rules_json, words};

const MINERS: [&str; 5] = ["t01000", "t01001", "t01002", "t01003", "t01004"];
const ENTITIES: [&str; 3] = ["ones", "twos", "threes"];
const NAMES: [&str; 4] = ["Ones", "Twos", "六块", "Nordwind"];

fn any_seq(world: &World, rng: &mut ChaCha8Rng) -> u64 {
    rng.random_range(1..=world.competition.seq() + 1)
}

fn act(world: &World, rng: &mut ChaCha8Rng) -> Act {
    let head = world.head;
    let near = |rng: &mut ChaCha8Rng| at((head + rng.random_range(-300..300)).max(0));
    let root = |rng: &mut ChaCha8Rng| hash(["a", "b"].choose(rng).unwrap());
    let pin = |rng: &mut ChaCha8Rng| {
        let end = world.competition.end().map_or(0, |end| end.height() - 1);
        let epoch = if rng.random_bool(0.7) { end } else { head - 1 };
        world.pin(epoch, ["a", "b"].choose(rng).unwrap())
    };
    match rng.random_range(0..30) {
        0 => {
            let before = world.competition.rules().last();
            let number = before.map_or(1, |b| b.rules.version.number + 1);
            let from = if number == 1 { at(1000) } else { near(rng) };
            let rules = rules_json(number, from.height(), before.map(|b| b.hash), from < at(head));
            Act::PublishRules { rules: rule_set(&rules), simulation: Some(hash("simulated")) }
        }
        1 => Act::OpenRegistration,
        2 => Act::Start,
        3 | 4 => Act::Incident { title: words("It stands"), text: words("All of it."), from: near(rng) },
        5 | 6 => Act::CloseIncident { incident: any_seq(world, rng), until: near(rng) },
        7 => Act::Pause { incident: any_seq(world, rng), from: near(rng) },
        8 => Act::Resume { from: near(rng) },
        9 => Act::Freeze { pin: pin(rng) },
        10 => Act::Thaw,
        11 => Act::End,
        12 => Act::Provisional { until: at(head + rng.random_range(150..250)) },
        13 | 14 => {
            let pin = pin(rng);
            Act::Finalize { shadow: if rng.random_bool(0.8) { pin.root } else { root(rng) }, pin }
        }
        15 => {
            let pin = pin(rng);
            Act::Amend { shadow: pin.root, pin }
        }
        16 => Act::ApprovePayout {
            version: rng.random_range(0..3),
            root: hash("tree"),
            total: Quantity(rng.random_range(0..30)),
        },
        17 | 18 => {
            let amount = Quantity(rng.random_range(1..20));
            let payees = rng.random_bool(0.5).then(|| vec![Payee { entity: id("ones"), amount }]);
            Act::Pay { amount, transactions: vec!["bafy".to_owned()], payees }
        }
        19 if rng.random_bool(0.2) => Act::Archive,
        20 if rng.random_bool(0.05) => Act::Cancel,
        21 => Act::SetEnd { until: near(rng), emergency: rng.random() },
        22 => Act::RemoveInterval {
            from: near(rng),
            until: near(rng),
            metrics: vec![id("power")],
            regions: vec![],
        },
        23 => Act::Disqualify { entities: vec![id(ENTITIES.choose(rng).unwrap())] },
        24 => Act::SetAmount { pool: id(["main", "bounty"].choose(rng).unwrap()), amount: Quantity(7) },
        25 => Act::Waive {
            entity: id(MINERS.choose(rng).unwrap()),
            check: id(["size", "none"].choose(rng).unwrap()),
        },
        26 => Act::SetRegion { target: id(MINERS.choose(rng).unwrap()), region: id("asia") },
        27 => Act::AnswerAppeal { appeal: any_seq(world, rng), outcome: Outcome::Dismissed, decision: None },
        _ => Act::Revert { seq: any_seq(world, rng) },
    }
}

fn action(world: &World, rng: &mut ChaCha8Rng) -> Action {
    match rng.random_range(0..8) {
        0 | 1 => Action::Claim {
            name: (*NAMES.choose(rng).unwrap()).to_owned(),
            region: Some(id("asia")),
            tracks: vec![],
        },
        2 => Action::Join,
        3 => Action::Leave,
        4 => Action::Transfer { from: id(ENTITIES.choose(rng).unwrap()) },
        5 => Action::Rename { name: (*NAMES.choose(rng).unwrap()).to_owned() },
        6 => Action::SetPayoutAddress { commitment: payout_commitment(&SALT, "t1payout") },
        _ => Action::Appeal { about: any_seq(world, rng), text: "Look again.".to_owned() },
    }
}

fn keeps_promises(before: &Competition, now: &Competition) {
    assert_eq!(now.seq(), before.seq() + 1);
    assert_ne!(before.phase(), Phase::Archived, "something followed an archive");
    // Final standings are only ever added to, and each is of the ledger as it was.
    assert_eq!(now.finals()[..before.finals().len()], *before.finals());
    for last in now.finals() {
        assert_eq!(last.pin.seq + 1, last.moment.seq);
    }
    // Nothing is frozen that cannot be thawed.
    assert!(now.frozen().is_none() || now.phase() < Phase::Final, "frozen for ever");
    if let Some(paid_to) = now.paid_to() {
        let known: u128 = paid_to.values().map(|amount| amount.0).sum();
        assert!(now.payout().is_none_or(|(_, paid)| paid.0 == known));
    }
    // A pin that lasts is the pin that was.
    if let (Some(old), Some(new)) = (before.frozen(), now.frozen()) {
        assert_eq!(old, new);
    }
    assert!(now.phase() >= before.phase() || (before.phase() == Phase::Paid && now.phase() == Phase::Final));
    if let Some(ended) = now.timestamps().ended {
        assert!(now.end().unwrap() <= ended.epoch, "the end lies behind the end");
        assert!(now.paused().is_none());
    }
    if let Some((payout, paid)) = now.payout() {
        assert!(paid <= payout.total);
    }
    let live = now.live();
    assert!(
        now.timestamps()
            .removed_intervals
            .iter()
            .all(|removed| removed.from < removed.until && live.contains(&removed.seq))
    );
    for miner in MINERS {
        let miner = id(miner);
        let mut spans: Vec<(i64, i64)> = now
            .entities()
            .values()
            .flat_map(|entity| &entity.members)
            .filter(|member| member.participant == miner)
            .map(|member| (member.from.height(), member.until.map_or(i64::MAX, |until| until.height())))
            .collect();
        spans.sort_unstable();
        assert!(spans.iter().all(|(from, until)| from < until));
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{miner} is a member twice: {spans:?}");
    }
    let reads = now.reads(now.head().unwrap().0.epoch);
    assert!(now.start().is_none_or(|start| now.paused().is_none() || reads >= start));
}

#[test]
fn whatever_is_accepted_keeps_the_promises() {
    let mut reached = std::collections::BTreeSet::new();
    let mut accepted = 0;
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut world = World::founded();
        world.head = 900;
        for _ in 0..250 {
            world.head += [0, 0, 1, 20, 200][rng.random_range(0..5)];
            world.final_epoch = world.head - rng.random_range(0..5);
            let before = world.competition.clone();
            let done = if rng.random_bool(0.25) {
                let asked = action(&world, &mut rng);
                let (miner, entity) = (MINERS.choose(&mut rng).unwrap(), ENTITIES.choose(&mut rng).unwrap());
                world.ask(miner, entity, asked)
            } else {
                let proposed = act(&world, &mut rng);
                let count = rng.random_range(1..=3);
                world.by(proposed, &OPERATORS[..count])
            };
            match done {
                Ok(_) => {
                    keeps_promises(&before, &world.competition);
                    reached.insert(world.competition.phase());
                    accepted += 1;
                }
                Err(refusal) => {
                    assert_eq!(world.competition, before);
                    assert!(
                        !refusal.path.is_empty() && !refusal.wrong.is_empty() && !refusal.remedy.is_empty()
                    );
                }
            }
        }
        assert_eq!(fold(id("sr1"), &world.ledger).unwrap(), world.competition);
        // Every prefix is a ledger of its own.
        let half = world.ledger.len() / 2;
        let mut halfway = fold(id("sr1"), &world.ledger[..half]).unwrap();
        world.ledger[half..].iter().for_each(|signed| halfway.append(signed).unwrap());
        assert_eq!(halfway, world.competition);
    }
    assert!(accepted > 1_000, "{accepted} acts were accepted");
    assert!(reached.len() >= 7, "only {reached:?} were reached");
}
