//! The ledger of a package, and what a package says of it.

use apogee_competition::claim::Action;
use apogee_competition::{
    Accepted, Act, Competition, Founded, Kind, Row, Said, Signed, Unfounded, check_claims, check_rows,
};
use apogee_leaderboard::{Effect, Entity};
use apogee_rules::RuleSet;
use serde_json::{Value, json};

use crate::keys::{Crypto, Wallet};
use crate::world::{World, at, id, signed, words};

/// What a package holds of a ledger.
#[derive(Clone)]
struct Package {
    rows: Vec<(Effect, Value, Signed, Vec<Value>)>,
    rules: Vec<RuleSet>,
    entities: Vec<Entity>,
    claims: Vec<Accepted>,
}

impl Package {
    fn of(competition: &Competition, ledger: &[Signed]) -> Self {
        let decisions = competition.decisions_document().unwrap();
        let rows = ledger.iter().zip(decisions.list()).map(|(signed, decision)| {
            let value = serde_json::to_value(signed).unwrap();
            let signatures = value["signatures"].as_array().unwrap().clone();
            (decision.effect.clone(), value["entry"].clone(), signed.clone(), signatures)
        });
        Self {
            rows: rows.collect(),
            rules: competition.rules().iter().map(|published| (*published.rules).clone()).collect(),
            entities: competition.entities_document().unwrap().list().to_vec(),
            claims: ledger.iter().filter_map(Accepted::of).collect(),
        }
    }

    fn check(&self) -> Result<Founded, Unfounded> {
        let rows = self.rows.iter().map(|(effect, entry, signed, signatures)| Row {
            effect,
            entry,
            hash: signed.hash,
            signatures,
        });
        let Self { rules, entities, claims, .. } = self;
        check_rows(id("sr1"), rows, &Said { rules, entities, claims })
    }

    fn wrong(&self) -> String {
        self.check().unwrap_err().to_string()
    }
}

fn world() -> World {
    let mut world = World::running();
    world.ask("t01001", "6block", Action::Join).unwrap();
    let (from, until) = (at(1100), at(1200));
    world.two(Act::RemoveInterval { from, until, metrics: vec![id("power")], regions: vec![] }).unwrap();
    let incident = world
        .one(Act::Incident { title: words("Outage"), text: words("A bot is silent."), from: at(1000) })
        .unwrap();
    world.head = 1300;
    world.one(Act::Pause { incident, from: at(1250) }).unwrap();
    world.two(Act::Resume { from: at(1300) }).unwrap();
    world.claim("t01002", "north", "North Storage").unwrap();
    world
}

#[test]
fn a_package_rests_on_its_ledger_and_on_nothing_else() {
    let world = world();
    let good = Package::of(&world.competition, &world.ledger);
    let founded = good.check().unwrap();
    assert_eq!(founded.competition, world.competition);
    assert_eq!(founded.entries, world.ledger);
    // Three claims, and the consent of a leader.
    assert_eq!(check_claims(&founded.entries, &Crypto).unwrap(), 4);
    let resumed = good.rows.iter().filter(|row| matches!(row.0, Effect::RemoveInterval { .. })).count();
    assert_eq!(resumed, 2, "a decision, and the end of a pause");

    type Change = fn(&mut Package);
    let changes: &[(&str, Change)] = &[
        ("decisions 7: it is not", |p| {
            p.rows[6].0 =
                Effect::RemoveInterval { from: at(1100), until: at(1201), metrics: vec![], regions: vec![] }
        }),
        ("decisions 7: it is not", |p| p.rows[6].0 = Effect::Note {}),
        ("decisions 1: it is not", |p| p.rows[0].0 = Effect::Revert { seq: 1 }),
        ("decisions 5: the entry", |p| p.rows[4].1["reason"] = json!("another")),
        ("decisions 5: the entry", |p| drop(p.rows[4].3.pop())),
        ("decisions 5: the entry", |p| p.rows[4].3[0]["more"] = json!(1)),
        ("decisions 7: the entry", |p| p.rows[6].3.reverse()),
        ("decisions 3: the entry", |p| drop(p.rows.remove(2))),
        ("rules 1: it is not", |p| p.rules[0].competition.name.en.push('!')),
        ("rules 1: it is not", |p| p.rules.clear()),
        ("rules 2: it is not", |p| p.rules.push(p.rules[0].clone())),
        ("entities 1: it is not", |p| p.entities[0].members.truncate(1)),
        ("entities 2: it is not", |p| p.entities[1].registered = Some(at(1001))),
        ("entities 2: it is not", |p| drop(p.entities.pop())),
        ("claims 2: it is not", |p| p.claims[1].action = id("leave")),
        ("claims 3: it is not", |p| p.claims[2].message.push(' ')),
        ("claims 3: it is not", |p| p.claims[2].signature.push('0')),
        ("claims 1: it is not", |p| drop(p.claims.remove(0))),
        // The last entry can go unseen here; a package says how many there are.
        ("entities 2: it is not", |p| drop(p.rows.pop())),
    ];
    for (index, (place, change)) in changes.iter().enumerate() {
        let mut changed = good.clone();
        change(&mut changed);
        let wrong = changed.wrong();
        assert!(wrong.starts_with(place), "{index}: {place} expected, {wrong}");
    }
}

#[test]
fn a_claim_that_its_key_did_not_sign_is_named() {
    let world = world();
    let mut ledger = world.ledger.clone();
    let place = ledger.iter().rposition(|signed| matches!(signed.entry.act, Act::Claim { .. })).unwrap();
    let mut entry = ledger[place].entry.clone();
    let Act::Claim { message, proof, .. } = &mut entry.act else { unreachable!() };
    proof.signature = Wallet::secp(42).sign(message.as_bytes());
    ledger[place] = signed(entry);
    let broken = check_claims(&ledger, &Crypto).unwrap_err();
    assert_eq!((broken.seq, broken.refusal.kind), (place as u64 + 1, Kind::BadSignature));
}
