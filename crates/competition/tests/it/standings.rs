//! From the ledger to standings: what people did arrives in the numbers, and only that.

use apogee_competition::claim::Action;
use apogee_competition::{Act, fold};
use apogee_leaderboard::{Facts, Standings, stand};
use apogee_rules::Quantity;
use serde_json::{Value, json};

use crate::world::{World, at, id, words};

fn facts() -> Facts {
    let participant = |id: &str, region: &str| json!({"id": id, "seen": 0, "region": region});
    let count = |name: &str| json!({"name": name, "reading": "cumulative", "unit": "count", "source": "observed", "steps": {}});
    let document = json!({
        "network": "testnet",
        "participants": [participant("t01000", "asia"), participant("t01001", "asia"), participant("t01002", "europe")],
        "series": [{"name": "power.raw", "reading": "level", "unit": "bytes", "source": "chain", "steps": {
            "t01000": [[0, "300"], [2050, "9000"], [2095, "300"]], "t01001": [[0, "100"]], "t01002": [[0, "600"]]}},
            count("deals.passed"), count("deals.failed")],
        "deals": [], "sectors": []
    });
    Facts::parse(document.to_string().as_bytes()).unwrap()
}

fn standings(world: &World, epoch: i64) -> Standings {
    let competition = &world.competition;
    let entities = competition.entities_document().unwrap();
    let decisions = competition.decisions_document().unwrap();
    let rules = &competition.rules_at(at(epoch)).unwrap().rules;
    stand(&facts(), &entities, rules, &decisions, at(epoch), competition.seq())
        .unwrap_or_else(|e| panic!("{e}"))
}

/// All but what names the ledger's length.
fn numbers(standings: &Standings) -> Value {
    let value = serde_json::to_value(standings).unwrap();
    json!({"entities": value["entities"], "boards": value["boards"], "pools": value["pools"], "payouts": value["payouts"]})
}

fn paid(standings: &Standings) -> Vec<(String, String)> {
    let payouts = &serde_json::to_value(standings).unwrap()["payouts"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    payouts
        .as_array()
        .unwrap()
        .iter()
        .map(|payout| (text(&payout["entity"]), text(&payout["total"])))
        .collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn two_entities() -> World {
    let mut world = World::running();
    world.claim("t01002", "north", "Nordwind").unwrap();
    for entity in ["6block", "north"] {
        world.two(Act::Waive { entity: id(entity), check: id("rate") }).unwrap();
    }
    world.head = 1500;
    world
}

#[test]
fn claims_and_decisions_arrive_in_payouts() {
    let mut world = two_entities();
    assert_eq!(paid(&standings(&world, 1500)), pairs(&[("6block", "333"), ("north", "666")]));
    world.ask("t01001", "6block", Action::Join).unwrap();
    assert_eq!(paid(&standings(&world, 1500)), pairs(&[("6block", "400"), ("north", "600")]));
    let before = numbers(&standings(&world, 1500));
    let struck = world.two(Act::Disqualify { entities: vec![id("north")] }).unwrap();
    assert_eq!(paid(&standings(&world, 1500)), pairs(&[("6block", "1000")]));
    world.two(Act::Award { entity: id("north"), amount: Quantity(7), title: words("Bug bounty") }).unwrap();
    world.two(Act::SetAmount { pool: id("bounty"), amount: Quantity(10) }).unwrap();
    assert_eq!(paid(&standings(&world, 1500)), pairs(&[("6block", "1010"), ("north", "7")]));
    let award = world.competition.seq() - 1;
    world.two(Act::Revert { seq: award + 1 }).unwrap();
    world.two(Act::Revert { seq: award }).unwrap();
    world.two(Act::Revert { seq: struck }).unwrap();
    assert_eq!(numbers(&standings(&world, 1500)), before);
}

#[test]
fn a_removed_interval_taken_back_leaves_no_trace() {
    let mut world = two_entities();
    world.head = 2100;
    let before = numbers(&standings(&world, 2060));
    let remove = Act::RemoveInterval { from: at(2000), until: at(2090), metrics: vec![], regions: vec![] };
    let removed = world.two(remove).unwrap();
    assert_ne!(numbers(&standings(&world, 2060)), before);
    world.two(Act::Revert { seq: removed }).unwrap();
    assert_eq!(numbers(&standings(&world, 2060)), before);
}

#[test]
fn what_a_pause_left_out_does_not_count() {
    let mut world = two_entities();
    world.head = 2010;
    let incident = Act::Incident { title: words("It stands"), text: words("All of it."), from: at(2000) };
    let incident = world.one(incident).unwrap();
    world.one(Act::Pause { incident, from: at(2000) }).unwrap();
    world.head = 2060;
    let meanwhile = standings(&world, world.competition.reads(at(2060)).height());
    world.head = 2100;
    world.two(Act::Resume { from: at(2090) }).unwrap();
    assert_eq!(paid(&standings(&world, 2060)), paid(&meanwhile));
    assert_eq!(paid(&standings(&world, 2060)), pairs(&[("6block", "333"), ("north", "666")]));
    // From 2090 on it counts again.
    assert_eq!(paid(&standings(&world, 2092)), pairs(&[("6block", "937"), ("north", "62")]));
}

#[test]
fn every_prefix_of_a_ledger_has_its_own_standings() {
    let mut world = two_entities();
    let seq = world.competition.seq();
    let then = standings(&world, 1500);
    world.two(Act::Disqualify { entities: vec![id("north")] }).unwrap();
    let ledger = world.ledger.iter().take(usize::try_from(seq).unwrap());
    let competition = fold(id("sr1"), ledger).unwrap();
    let before = World { competition, ..World::empty() };
    assert_eq!(standings(&before, 1500), then);
    // The decisions of the whole ledger, looked at up to that entry, are the same ones.
    let all = &world.competition;
    let (entities, decisions) = (all.entities_document().unwrap(), all.decisions_document().unwrap());
    let again = stand(&facts(), &entities, &all.rules()[0].rules, &decisions, at(1500), seq).unwrap();
    assert_eq!(again.root, then.root);
}
