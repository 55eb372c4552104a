use apogee_competition::claim::Action;
use apogee_competition::{
    Act, Blocker, Draft, Kind, Opening, Outcome, Phase, Signed, blockers, fold, payout_commitment,
    private_commitment,
};
use apogee_rules::Quantity;

use crate::world::{SALT, World, at, hash, id, kind, operator, rule_set, rules_json, words};

fn said(world: &World) -> Vec<String> {
    world.competition.phrases().into_iter().map(|words| words.en).collect()
}

/// A whole life, and what the public is told on the way.
fn life() -> World {
    let mut world = World::founded();
    assert_eq!(said(&world), ["In preparation."]);
    world
        .two(Act::PublishRules { rules: rule_set(&rules_json(1, 1000, None, false)), simulation: None })
        .unwrap();
    world.one(Act::OpenRegistration).unwrap();
    assert_eq!(said(&world), ["Registration is open. Starts at epoch 1000."]);
    world.claim("t01000", "6block", "6Block").unwrap();
    world.claim("t01002", "north", "Nordwind").unwrap();
    let commitment = payout_commitment(&SALT, "t1payout");
    world.ask("t01000", "6block", Action::SetPayoutAddress { commitment }).unwrap();
    (world.head, world.final_epoch) = (1000, 990);
    world.two(Act::Start).unwrap();
    assert_eq!(said(&world), ["Running. Ends at epoch 9000."]);

    world.head = 2010;
    let incident =
        Act::Incident { title: words("No blocks"), text: words("The network stands."), from: at(2000) };
    let incident = world.one(incident).unwrap();
    let pause = world.one(Act::Pause { incident, from: at(2000) }).unwrap();
    assert_eq!(
        said(&world),
        [
            "Running. Ends at epoch 9000.".to_owned(),
            format!("Paused since epoch 2000 (incident #{incident}). Epochs from 2000 on are not counted."),
        ]
    );
    assert_eq!((world.competition.reads(at(2010)), world.competition.reads(at(1500))), (at(1999), at(1500)));
    world.head = 2100;
    let resume = world.two(Act::Resume { from: at(2090) }).unwrap();
    world.one(Act::CloseIncident { incident, until: at(2090) }).unwrap();
    let stamps = world.competition.timestamps();
    assert_eq!((stamps.paused_intervals[0].seq, stamps.paused_intervals[0].until), (pause, Some(at(2090))));
    let removed = &stamps.removed_intervals[0];
    assert_eq!((removed.seq, removed.from, removed.until), (resume, at(2000), at(2090)));
    assert_eq!(world.competition.reads(at(2100)), at(2100));

    let set = world.two(Act::SetEnd { until: at(8000), emergency: false }).unwrap();
    assert_eq!(
        said(&world),
        [
            "Running. Ends at epoch 8000.".to_owned(),
            format!("End moved from epoch 9000 to 8000 (decision #{set}).")
        ]
    );
    world.head = 7000;
    let pin = world.pin(6999, "frozen");
    world.one(Act::Freeze { pin: pin.clone() }).unwrap();
    assert_eq!(world.competition.frozen(), Some(&pin));
    assert_eq!(said(&world)[1], "The standings were frozen at epoch 6999, with 1001 epochs remaining.");
    (world.head, world.final_epoch) = (8000, 7998);
    assert_eq!(kind(world.two(Act::End)), Kind::TooEarly);
    world.final_epoch = 7999;
    world.two(Act::End).unwrap();
    assert_eq!(said(&world)[0], "Over, waiting for results.");
    world.gaps = vec!["bot eu-1 has not finished attempt 7".to_owned()];
    assert_eq!(kind(world.one(Act::Provisional { until: at(8500) })), Kind::Blocked);
    world.gaps.clear();
    world.one(Act::Provisional { until: at(8500) }).unwrap();
    assert_eq!(said(&world)[0], "Preliminary results, not final. Appeals are open until epoch 8500.");
    world
}

#[test]
fn a_competition_lives_from_its_founding_to_its_archive() {
    let mut world = life();
    let appeal = Action::Appeal { about: 5, text: "My deals of 3 May are missing.".to_owned() };
    let appeal = world.ask("t01002", "north", appeal).unwrap();
    let incident = Act::Incident { title: words("Bot down"), text: words("For an hour."), from: at(7000) };
    let incident = world.one(incident).unwrap();
    world.pending = 2;
    world.final_epoch = 7000;
    world.gaps = vec!["bot eu-1".to_owned()];
    assert_eq!(
        blockers(&world.competition, &world.context()),
        [
            Blocker::AppealTime { until: at(8500) },
            Blocker::OpenAppeal { seq: appeal },
            Blocker::OpenIncident { seq: incident },
            Blocker::Frozen,
            Blocker::Gap { what: "bot eu-1".to_owned() },
            Blocker::PendingClaims { count: 2 },
            Blocker::NotFinal { last: at(7999), final_epoch: Some(at(7000)) },
        ]
    );
    let pin = world.pin(7999, "standings");
    let refused = world.two(Act::Finalize { pin, shadow: hash("other") }).unwrap_err();
    assert_eq!(refused.kind, Kind::Blocked);
    let differs = Blocker::ShadowDiffers { root: hash("standings"), shadow: hash("other") };
    assert_eq!((refused.blockers.len(), refused.blockers.last()), (5, Some(&differs)));

    world.head = 8500;
    (world.pending, world.final_epoch) = (0, 8499);
    world.gaps.clear();
    world.one(Act::AnswerAppeal { appeal, outcome: Outcome::Upheld, decision: None }).unwrap();
    world.one(Act::CloseIncident { incident, until: at(7100) }).unwrap();
    world.one(Act::Thaw).unwrap();
    assert_eq!(blockers(&world.competition, &world.context()), []);
    let pin = world.pin(7999, "standings");
    world.two(Act::Finalize { pin: pin.clone(), shadow: hash("standings") }).unwrap();
    assert_eq!(said(&world)[0], format!("Final standings (version 1), root {}.", hash("standings")));

    let opening = Opening { entity: id("6block"), address: "t1payout".to_owned(), salt: SALT };
    let wrong = Opening { address: "t1other".to_owned(), ..opening.clone() };
    assert_eq!(kind(world.one(Act::OpenPayoutAddresses { openings: vec![wrong] })), Kind::BadOpening);
    world.one(Act::OpenPayoutAddresses { openings: vec![opening] }).unwrap();
    assert_eq!(world.competition.entities()[&id("6block")].address.as_deref(), Some("t1payout"));

    let award = Act::Award { entity: id("north"), amount: Quantity(5), title: words("Bug bounty") };
    world.two(award).unwrap();
    let amended = world.pin(7999, "amended");
    world.two(Act::Amend { pin: amended, shadow: hash("amended") }).unwrap();
    assert_eq!(world.competition.finals().len(), 2);
    assert_eq!(world.competition.finals()[0].pin, pin);
    assert!(said(&world)[0].starts_with("Results amended (version 2, entry #"));

    let approve = |version, total| Act::ApprovePayout { version, root: hash("tree"), total: Quantity(total) };
    assert_eq!(kind(world.two(approve(1, 1000))), Kind::NoSuchEntry);
    world.two(approve(2, 1000)).unwrap();
    let pay = |amount| Act::Pay {
        amount: Quantity(amount),
        transactions: vec!["bafytransaction".to_owned()],
        payees: None,
    };
    world.two(pay(400)).unwrap();
    assert_eq!(world.competition.phase(), Phase::Final);
    assert_eq!(kind(world.two(pay(601))), Kind::OverPaid);
    assert_eq!(kind(world.two(Act::Archive)), Kind::WrongState);
    world.two(pay(600)).unwrap();
    assert_eq!(said(&world)[0], "Paid 1000 of 1000 atto.");
    world.two(Act::Archive).unwrap();
    assert_eq!(said(&world)[0], "Archived. Nothing changes any more.");
    let announce = Act::Announce { title: words("Thanks"), text: words("To everybody.") };
    assert_eq!(kind(world.one(announce)), Kind::Closed);

    assert_eq!(fold(id("sr1"), &world.ledger).unwrap(), world.competition);
    let texts: Vec<String> = world.ledger.iter().map(|signed| signed.text().unwrap()).collect();
    let read: Vec<Signed> = texts.iter().map(|text| Signed::read(text.as_bytes()).unwrap()).collect();
    assert_eq!(read, world.ledger);
}

#[test]
fn the_timeline_is_bound_to_epochs_and_in_their_order() {
    let world = life();
    let timeline: Vec<(i64, &str)> =
        world.competition.timeline().into_iter().map(|event| (event.from.height(), event.act)).collect();
    assert!(timeline.is_sorted_by_key(|(from, _)| *from));
    assert!(timeline.contains(&(2000, "incident")) && timeline.contains(&(2090, "resume")));
    assert!(timeline.contains(&(1000, "publish-rules")), "rules stand where they begin to hold");
    assert_eq!(timeline.len(), world.ledger.len());
}

#[test]
fn a_version_of_the_rules_needs_its_simulation_and_a_retroactive_one_everybody() {
    let mut world = World::running();
    let v1 = world.competition.rules()[0].hash;
    let publish =
        |value: &serde_json::Value, simulation| Act::PublishRules { rules: rule_set(value), simulation };
    let simulated = Some(hash("report"));
    let later = rules_json(2, 3000, Some(v1), false);
    assert_eq!(kind(world.two(publish(&later, None))), Kind::SimulationMissing);
    assert_eq!(kind(world.one(publish(&later, simulated))), Kind::MoreOperatorsNeeded);
    assert_eq!(
        kind(world.two(publish(&rules_json(3, 3000, Some(v1), false), simulated))),
        Kind::RulesNotNext
    );
    assert_eq!(
        kind(world.two(publish(&rules_json(2, 3000, Some(hash("x")), false), simulated))),
        Kind::RulesNotNext
    );
    world.head = 3100;
    assert_eq!(kind(world.all(publish(&later, simulated))), Kind::RetroactiveMismatch);
    let back = rules_json(2, 3000, Some(v1), true);
    assert_eq!(kind(world.two(publish(&back, simulated))), Kind::MoreOperatorsNeeded);
    let mut moved = back.clone();
    moved["competition"]["end"] = 9001.into();
    assert_eq!(kind(world.all(publish(&moved, simulated))), Kind::DatesFixed);
    world.all(publish(&back, simulated)).unwrap();
    assert_eq!(world.competition.rules_at(at(2999)).unwrap().rules.version.number, 1);
    assert_eq!(world.competition.rules_at(at(3000)).unwrap().rules.version.number, 2);
}

#[test]
fn rules_keep_what_live_decisions_name() {
    let mut world = World::running();
    let waived = world.two(Act::Waive { entity: id("6block"), check: id("size") }).unwrap();
    let v1 = world.competition.rules()[0].hash;
    let mut without = rules_json(2, 3000, Some(v1), false);
    without["eligibility"] = serde_json::json!([{"id": "claimed", "kind": "claimed"}]);
    let publish = Act::PublishRules { rules: rule_set(&without), simulation: Some(hash("report")) };
    assert_eq!(kind(world.two(publish.clone())), Kind::UnknownInRules);
    world.two(Act::Revert { seq: waived }).unwrap();
    world.two(publish).unwrap();
    let revert = world.competition.seq() - 1;
    assert_eq!(kind(world.two(Act::Revert { seq: revert })), Kind::UnknownInRules);
}

#[test]
fn reverts_can_be_reverted() {
    let mut world = World::running();
    let remove = Act::RemoveInterval { from: at(1100), until: at(1200), metrics: vec![], regions: vec![] };
    let removed = world.two(remove).unwrap();
    let intervals = |world: &World| world.competition.timestamps().removed_intervals.len();
    assert_eq!(intervals(&world), 1);
    let revert = world.two(Act::Revert { seq: removed }).unwrap();
    assert_eq!(intervals(&world), 0);
    assert_eq!(kind(world.two(Act::Revert { seq: removed })), Kind::AlreadyDone);
    world.two(Act::Revert { seq: revert }).unwrap();
    assert_eq!(intervals(&world), 1);
    assert!(world.competition.live().contains(&removed));
}

#[test]
fn the_end_moves_with_notice_or_as_an_emergency_and_never_behind_the_end() {
    let mut world = World::running();
    world.head = 4000;
    let set = |until, emergency| Act::SetEnd { until: at(until), emergency };
    assert_eq!(kind(world.two(set(4199, false))), Kind::NoticeTooShort);
    world.two(set(4200, false)).unwrap();
    // The race of a broken power table ends in the past.
    let past = world.two(set(3500, true)).unwrap();
    assert_eq!(world.competition.end(), Some(at(3500)));
    world.final_epoch = 3999;
    world.two(Act::End).unwrap();
    assert_eq!(kind(world.two(set(4100, true))), Kind::EndPassed);
    assert_eq!(kind(world.two(Act::Revert { seq: past })), Kind::EndPassed);
    world.two(set(3400, true)).unwrap();
    assert_eq!(kind(world.two(set(1000, true))), Kind::UnknownInRules);
}

#[test]
fn operators_come_and_go_but_names_and_keys_do_not_come_back() {
    let mut world = World::founded();
    let appoint = |name| Act::Appoint { operator: operator(name) };
    let dismiss = |name: &str| Act::Dismiss { operator: id(name) };
    assert_eq!(kind(world.one(appoint("dave"))), Kind::MoreOperatorsNeeded);
    assert_eq!(kind(world.two(appoint("carol"))), Kind::BadOperators);
    assert_eq!(kind(world.by(appoint("dave"), &["alice", "dave"])), Kind::NotAnOperator);
    world.two(appoint("dave")).unwrap();
    world.by(dismiss("alice"), &["bob", "dave"]).unwrap();
    assert_eq!(kind(world.two(dismiss("bob"))), Kind::NotAnOperator);
    assert_eq!(kind(world.by(appoint("alice"), &["bob", "dave"])), Kind::BadOperators);
    world.by(dismiss("carol"), &["bob", "dave"]).unwrap();
    assert_eq!(kind(world.by(dismiss("dave"), &["bob", "dave"])), Kind::BadOperators);
}

#[test]
fn a_private_reason_leaves_only_its_commitment() {
    let mut world = World::running();
    let private = "the machine stands in another country: passport of the owner";
    let act = Act::Disqualify { entities: vec![id("6block")] };
    let draft =
        Draft { private: Some(private_commitment(&SALT, private)), ..world.draft(act, &["alice", "carol"]) };
    world.put(draft).unwrap();
    let text = world.ledger.last().unwrap().text().unwrap();
    assert!(!text.contains("passport") && text.contains(&private_commitment(&SALT, private).to_string()));
}
