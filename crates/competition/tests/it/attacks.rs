//! What people who mean ill could try, one test each.

use apogee_competition::claim::{Action, Message};
use apogee_competition::{Act, Competition, Entry, Kind, Payee, Phase, Pin, Refusal, admit, fold, propose};
use apogee_rules::Quantity;

use crate::world::{World, at, hash, id, kind, rule_set, rules_json, signed, words};

/// What two operators would sign now, to hold it back.
fn held(world: &World, act: Act) -> Entry {
    let draft = world.draft(act, &["alice", "bob"]);
    propose(&world.competition, draft, &world.context()).unwrap()
}

/// It is signed, and comes in this many epochs later.
fn later(world: &World, entry: &Entry, epochs: i64) -> Result<u64, Refusal> {
    let mut world = world.clone();
    world.head += epochs;
    world.final_epoch = world.head;
    world.admit(signed(entry.clone()))
}

fn over() -> World {
    let mut world = World::running();
    (world.head, world.final_epoch) = (9000, 9000);
    world.two(Act::End).unwrap();
    world
}

fn provisional() -> World {
    let mut world = over();
    world.one(Act::Provisional { until: at(9200) }).unwrap();
    world
}

fn finalized() -> World {
    let mut world = provisional();
    (world.head, world.final_epoch) = (9200, 9200);
    let pin = world.pin(8999, "standings");
    world.two(Act::Finalize { pin, shadow: hash("standings") }).unwrap();
    world
}

#[test]
fn an_entry_that_was_held_back_for_long_is_not_taken() {
    let world = World::running();
    let entry = held(&world, Act::Announce { title: words("Old"), text: words("Of long ago.") });
    later(&world, &entry, 120).unwrap();
    let refused = later(&world, &entry, 121).unwrap_err();
    assert_eq!((refused.kind, &*refused.path), (Kind::Expired, "entry.epoch"));
    // Nor one with the epoch of now and a time of long ago.
    let mut backdated = entry;
    backdated.time.0 -= 1;
    let mut world = World::registering();
    world.head = 1120;
    world.final_epoch = 1120;
    backdated.epoch = at(1120);
    backdated.seq = world.competition.seq() + 1;
    backdated.previous = world.competition.head().map(|(_, hash)| hash);
    assert_eq!(kind(world.admit(signed(backdated))), Kind::Expired);
}

#[test]
fn a_ledger_that_tells_of_the_past_is_folded_all_the_same() {
    let mut world = World::running();
    let entry = held(&world, Act::Announce { title: words("Old"), text: words("Of long ago.") });
    world.competition.append(&signed(entry)).unwrap();
}

#[test]
fn rules_are_not_made_retroactive_by_waiting() {
    let world = World::running();
    let rules = rules_json(2, 1010, Some(world.competition.rules()[0].hash), false);
    let entry = held(&world, Act::PublishRules { rules: rule_set(&rules), simulation: Some(hash("s")) });
    later(&world, &entry, 10).unwrap();
    assert_eq!(kind(later(&world, &entry, 11)), Kind::RetroactiveMismatch);
}

#[test]
fn notice_of_a_new_end_is_not_used_up_by_waiting() {
    let mut world = World::running();
    let entry = held(&world, Act::SetEnd { until: at(1210), emergency: false });
    later(&world, &entry, 10).unwrap();
    assert_eq!(kind(later(&world, &entry, 11)), Kind::NoticeTooShort);
    // What a revert brings back has waited as well.
    let set = world.two(Act::SetEnd { until: at(1210), emergency: false }).unwrap();
    let moved = world.two(Act::SetEnd { until: at(1300), emergency: false }).unwrap();
    assert!(set < moved);
    let entry = held(&world, Act::Revert { seq: moved });
    later(&world, &entry, 10).unwrap();
    assert_eq!(kind(later(&world, &entry, 11)), Kind::NoticeTooShort);
}

#[test]
fn the_time_of_appeals_is_not_used_up_by_waiting() {
    let world = over();
    let entry = held(&world, Act::Provisional { until: at(9210) });
    later(&world, &entry, 10).unwrap();
    assert_eq!(kind(later(&world, &entry, 11)), Kind::NoticeTooShort);
}

#[test]
fn a_decision_without_its_effect_does_not_wait_for_the_start() {
    let mut world = World::registering();
    world.head = 990;
    let act = Act::SetRegion { target: id("t01000"), region: id("asia") };
    let draft = apogee_competition::Draft { preview: None, ..world.draft(act, &["alice", "bob"]) };
    let entry = propose(&world.competition, draft, &world.context()).unwrap();
    later(&world, &entry, 9).unwrap();
    assert_eq!(kind(later(&world, &entry, 10)), Kind::EffectMissing);
}

#[test]
fn a_claim_is_not_made_early_by_whoever_takes_it_in() {
    let mut world = World::running();
    world.head = 4990;
    let message = world.message("t01001", "6block", Action::Join);
    world.send(&message).unwrap();
    let entry = world.ledger.pop().unwrap().entry;
    world.competition = fold(id("sr1"), &world.ledger).unwrap();
    later(&world, &entry, 9).unwrap();
    assert_eq!(kind(later(&world, &entry, 10)), Kind::DeadlinePassed);
}

#[test]
fn a_cancelled_competition_is_not_frozen_for_ever() {
    let mut world = World::running();
    world.head = 2000;
    let pin = world.pin(1500, "frozen");
    world.one(Act::Freeze { pin }).unwrap();
    world.two(Act::Cancel).unwrap();
    assert_eq!(world.competition.frozen(), None);
    assert_eq!(world.competition.timestamps().thawed, world.competition.timestamps().end_of_updates);
    world.two(Act::Archive).unwrap();
    assert_eq!(world.competition.frozen(), None);
}

#[test]
fn final_standings_are_of_the_last_epoch_and_of_no_later_one() {
    let mut world = provisional();
    (world.head, world.final_epoch) = (9300, 9100);
    for epoch in [9000, 9150, 9300, 8998] {
        let finalize = Act::Finalize { pin: world.pin(epoch, "standings"), shadow: hash("standings") };
        assert_eq!(kind(world.two(finalize)), Kind::BadPin, "{epoch}");
    }
    let mut world = finalized();
    for epoch in [9000, 9200, 8998] {
        let amend = Act::Amend { pin: world.pin(epoch, "others"), shadow: hash("others") };
        assert_eq!(kind(world.two(amend)), Kind::BadPin, "{epoch}");
    }
    let amend = Act::Amend { pin: world.pin(8999, "others"), shadow: hash("others") };
    world.final_epoch = 8998;
    assert_eq!(kind(world.two(amend.clone())), Kind::Blocked);
    world.final_epoch = 8999;
    world.two(amend).unwrap();
}

#[test]
fn standings_are_pinned_once_their_epoch_is_whole() {
    let mut world = World::running();
    world.head = 2000;
    let freeze = |world: &World, epoch| Act::Freeze { pin: world.pin(epoch, "frozen") };
    let refused = world.one(freeze(&world, 2000)).unwrap_err();
    assert_eq!((refused.kind, &*refused.path), (Kind::TooEarly, "act.pin.at"));
    // The same where the chain fell back behind the ledger.
    world.one(Act::Announce { title: words("x"), text: words("y") }).unwrap();
    world.head = 1990;
    assert_eq!(kind(world.one(freeze(&world, 1995))), Kind::TooEarly);
    world.one(freeze(&world, 1989)).unwrap();
    let mut world = provisional();
    (world.head, world.final_epoch) = (9200, 9200);
    world.one(Act::Announce { title: words("x"), text: words("y") }).unwrap();
    (world.head, world.final_epoch) = (8999, 8999);
    let finalize = Act::Finalize { pin: world.pin(8999, "standings"), shadow: hash("standings") };
    assert_eq!(kind(world.two(finalize.clone())), Kind::TooEarly);
    world.head = 9000;
    world.two(finalize).unwrap();
}

#[test]
fn appeals_last_as_long_as_was_promised() {
    let mut world = over();
    assert_eq!(kind(world.one(Act::Provisional { until: at(9001) })), Kind::NoticeTooShort);
    let refused = world.one(Act::Provisional { until: at(9199) }).unwrap_err();
    assert_eq!((refused.kind, &*refused.path), (Kind::NoticeTooShort, "act.until"));
    world.one(Act::Provisional { until: at(9200) }).unwrap();
}

#[test]
fn an_entity_does_not_read_as_a_miner() {
    let mut world = World::running();
    for entity in
        ["tO1000", "to1000", "TO1000", "T01000", "t0l000", "tOI0oO", "t0-1000", "f.0_1248", "fo1248"]
    {
        assert_eq!(kind(world.claim("t01002", entity, "Nordwind")), Kind::IdTaken, "{entity}");
    }
    let cyrillic = ["\u{442}01000", "\u{422}01000", "\u{442}\u{41e}1\u{43e}00"];
    let latin = ["fO1248", "t0-1000", "t0 1000", "(t01000)", "to lOOO", "F01248", "tOIO00"];
    for name in latin.into_iter().chain(cyrillic) {
        assert_eq!(kind(world.claim("t01002", "north", name)), Kind::NameReserved, "{name}");
    }
    for (miner, entity, name) in [("t01002", "folio", "Folio"), ("t01004", "tool-10", "Tool 10")] {
        world.claim(miner, entity, name).unwrap();
    }
}

#[test]
fn nobody_uses_up_the_nonce_of_another() {
    let mut world = World::registering();
    let claim = |name: &str| Action::Claim { name: name.to_owned(), region: None, tracks: Vec::new() };
    let victim = world.message("t01000", "6block", claim("6Block"));
    let thief =
        Message { nonce: victim.nonce.clone(), ..world.message("t01002", "north", claim("Nordwind")) };
    world.send(&thief).unwrap();
    world.send(&victim).unwrap();
    assert_eq!(kind(world.send(&victim)), Kind::Replayed);
    // It is used up for whoever used it, whatever it is used for.
    let again = Message { nonce: victim.nonce, ..world.message("t01000", "6block", Action::Leave) };
    assert_eq!(kind(world.send(&again)), Kind::Replayed);
}

#[test]
fn nothing_is_archived_while_something_approved_is_not_paid() {
    let mut world = finalized();
    let approve = |version, total| Act::ApprovePayout { version, root: hash("tree"), total: Quantity(total) };
    assert_eq!(kind(world.two(Act::Archive)), Kind::WrongState, "nothing is approved");
    world.two(approve(1, 1000)).unwrap();
    assert_eq!(kind(world.two(Act::Archive)), Kind::WrongState, "nothing is paid");
    world.two(pay(1000)).unwrap();
    let paid = world.clone();
    world.two(Act::Archive).unwrap();
    // An approval that takes in what was withheld, or other results, open it again.
    let mut world = paid.clone();
    world.two(approve(1, 1001)).unwrap();
    assert_eq!((world.competition.phase(), kind(world.two(Act::Archive))), (Phase::Final, Kind::WrongState));
    let mut world = paid;
    let amend =
        Act::Amend { pin: Pin { root: hash("others"), ..world.pin(8999, "") }, shadow: hash("others") };
    world.two(amend).unwrap();
    assert_eq!(kind(world.two(Act::Archive)), Kind::WrongState);
}

fn pay(amount: u128) -> Act {
    Act::Pay { amount: Quantity(amount), transactions: vec!["bafytransaction".to_owned()], payees: None }
}

/// A payment that says to whom.
fn pay_to(amount: u128, payees: &[(&str, u128)]) -> Act {
    let payee = |(entity, amount): &(&str, u128)| Payee { entity: id(entity), amount: Quantity(*amount) };
    let transactions = vec!["bafytransaction".to_owned()];
    Act::Pay { amount: Quantity(amount), transactions, payees: Some(payees.iter().map(payee).collect()) }
}

fn approved() -> World {
    let mut world = finalized();
    world.two(Act::ApprovePayout { version: 1, root: hash("tree"), total: Quantity(1000) }).unwrap();
    world
}

#[test]
fn who_was_paid_is_known_after_an_amendment() {
    let paid = |world: &World| -> Option<Vec<(String, u128)>> {
        let paid = world.competition.paid_to()?;
        Some(paid.iter().map(|(entity, amount)| (entity.to_string(), amount.0)).collect())
    };
    let mut world = approved();
    assert_eq!(paid(&world), Some(vec![]));
    world.two(pay_to(300, &[("6block", 100), ("north", 200)])).unwrap();
    world.two(pay_to(50, &[("north", 50)])).unwrap();
    let pin = world.pin(8999, "others");
    world.two(Act::Amend { pin, shadow: hash("others") }).unwrap();
    assert_eq!(paid(&world), Some(vec![("6block".to_owned(), 100), ("north".to_owned(), 250)]));
    assert_eq!(fold(id("sr1"), &world.ledger).unwrap(), world.competition);
    // One payment without names, and nobody can tell.
    world.two(Act::ApprovePayout { version: 2, root: hash("tree"), total: Quantity(1000) }).unwrap();
    world.two(pay(1)).unwrap();
    world.two(pay_to(1, &[("north", 1)])).unwrap();
    assert_eq!(paid(&world), None);
}

#[test]
fn payees_add_up_to_what_was_paid_and_stand_once_each() {
    let mut world = approved();
    let cases: [&[(&str, u128)]; 7] = [
        &[],
        &[("6block", 99)],
        &[("6block", 101)],
        &[("6block", 100), ("north", 0)],
        &[("north", 50), ("6block", 50)],
        &[("north", 50), ("north", 50)],
        &[("6block", u128::MAX), ("north", 101)],
    ];
    for payees in cases {
        let refused = world.two(pay_to(100, payees)).unwrap_err();
        assert_eq!((refused.kind, &*refused.path), (Kind::Malformed, "act.payees"), "{payees:?}");
    }
    let many: Vec<String> = (0..1001).map(|n| format!("e{n:04}")).collect();
    let many: Vec<(&str, u128)> = many.iter().map(|name| (name.as_str(), 1)).collect();
    // As many as an act holds, and one more.
    world = {
        let mut wide = finalized();
        wide.two(Act::ApprovePayout { version: 1, root: hash("tree"), total: Quantity(2000) }).unwrap();
        wide
    };
    assert_eq!(kind(world.two(pay_to(1001, &many))), Kind::Malformed);
    world.two(pay_to(1000, &many[..1000])).unwrap();
    assert_eq!(world.competition.paid_to().unwrap().len(), 1000);
    // What does not say it is written as it always was.
    assert!(!serde_json::to_string(&pay(1)).unwrap().contains("payees"));
}

#[test]
fn what_is_refused_leaves_the_competition_as_it_was() {
    let world = World::running();
    let entry = held(&world, Act::SetEnd { until: at(1210), emergency: false });
    let mut competition: Competition = world.competition.clone();
    let mut then = world.clone();
    then.head += 11;
    assert!(admit(&mut competition, &signed(entry), &then.context()).is_err());
    assert_eq!(competition, world.competition);
}
