//! What a node told its tortoise when it started from each of the six copies, and what that answered.

use std::collections::BTreeMap;

use apogee_spacemesh_state::State;
use apogee_tortoise::event::{Event, UpdatesSeen};
use apogee_tortoise::{Config, Limits, Status};

use super::*;
use crate::recount::{feed, planned};
use crate::settings::Settings;

const FILES: [&str; 6] =
    ["state_a", "state_a_at_60", "state_a_at_64", "state_b", "state_b_at_60", "state_b_at_64"];

/// Events of a trace, and the parameters that it begins with.
fn trace(name: &str) -> Option<(Config, Vec<Event>)> {
    let folder = apogee_testkit::data("spacemesh/recount_traces")?;
    let text = std::fs::read_to_string(folder.join(format!("recount_{name}.json"))).unwrap();
    let mut events = text.lines().map(|line| Event::parse(line.as_bytes()).unwrap());
    let Some(Event::Start(config)) = events.next() else { panic!("{name} begins with no start") };
    Some((config, events.collect()))
}

fn open(name: &str) -> Option<State> {
    let folder = apogee_testkit::data("spacemesh/devnet208")?;
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
    let genesis = expected["genesis_id"].as_str().unwrap().parse().unwrap();
    let path = folder.join(name).with_extension("sql");
    Some(State::open(&path, &genesis, apogee_spacemesh_state::Limits::default()).unwrap())
}

fn settings(config: Config) -> Settings {
    let first_genesis = LayerId(config.genesis.0);
    Settings { config, first_genesis, from: None, check: false, limits: crate::Limits::default() }
}

/// A node keeps activations, blocks of a layer and its ballots in no order of theirs: runs of the same kind are compared
/// as they are when sorted.
fn ordered(events: Vec<Event>) -> Vec<Event> {
    let mut ordered = events;
    let kind = |event: &Event| match event {
        Event::Atx(_) => 1,
        Event::Ballot(seen) if seen.ballot.epoch.is_some() => 2,
        Event::Ballot(_) => 3,
        _ => 0,
    };
    for run in ordered.chunk_by_mut(|one, other| kind(one) == kind(other)) {
        run.sort_by_key(|event| match event {
            Event::Atx(seen) => seen.id.0.to_vec(),
            Event::Ballot(seen) => seen.ballot.id.0.to_vec(),
            _ => Vec::new(),
        });
    }
    for event in &mut ordered {
        if let Event::Recovered(recovered) = event {
            recovered.blocks.sort_by_key(|block| block.header.id);
        }
    }
    ordered
}

fn told(state: &State, config: Config) -> Vec<Event> {
    let settings = settings(config);
    let heads = state.heads().unwrap();
    let stages = planned(state, &settings, &heads).unwrap();
    let feed = feed(state, &settings, heads, stages[0]);
    let mut events = Vec::new();
    let mut hear = |event| {
        events.push(event);
        Ok(())
    };
    feed.before(&mut hear).unwrap();
    for layer in feed.stage.first.0..=feed.stage.last.0 {
        feed.layer(Layer(layer), &mut hear).unwrap();
    }
    feed.after(&mut hear).unwrap();
    events
}

#[test]
fn a_copy_is_told_as_a_node_tells_it() {
    for name in FILES {
        let (Some((config, mut expected)), Some(state)) = (trace(name), open(name)) else { return };
        let tally = expected.iter().position(|event| matches!(event, Event::Tally(_))).unwrap();
        expected.truncate(tally);
        let (expected, got) = (ordered(expected), ordered(told(&state, config)));
        assert!(expected.len() > 150, "{name}");
        for (number, (expected, got)) in expected.iter().zip(&got).enumerate() {
            assert_eq!(expected, got, "{name}, event {number}");
        }
        assert_eq!(expected.len(), got.len(), "{name}");
    }
}

/// A tortoise that was told all, after its tally.
fn tallied(state: &State, config: Config) -> Tortoise {
    let settings = settings(config);
    let heads = state.heads().unwrap();
    let stages = planned(state, &settings, &heads).unwrap();
    let feed = feed(state, &settings, heads, stages[0]);
    let never = Interrupt::new(|| false);
    let (mut tortoise, ballots) = load(&feed, None, Limits::DEFAULT, &never, &mut |_| ()).unwrap();
    assert_eq!((ballots.cut, ballots.differing, ballots.refused), (0, 0, 0));
    tortoise.tally(feed.stage.last).unwrap();
    tortoise
}

#[test]
fn it_answers_as_a_node_does() {
    for name in FILES {
        let (Some((config, expected)), Some(state)) = (trace(name), open(name)) else { return };
        let mut tortoise = tallied(&state, config);
        let tally = expected.iter().position(|event| matches!(event, Event::Tally(_))).unwrap();
        let mut answers = 0;
        for event in &expected[tally + 1..] {
            match event {
                Event::State(seen) => {
                    assert_eq!(state_line(&tortoise.status()), format!("{seen:?}"), "{name}")
                }
                Event::Applied(seen) => {
                    assert_eq!(tortoise.on_applied(seen.layer, seen.opinion), Ok(seen.same), "{name}");
                }
                Event::Updates(UpdatesSeen { from, to, results, .. }) => {
                    let updates = tortoise.updates().unwrap();
                    assert_eq!((updates.from, updates.to, &updates.layers), (*from, *to, results), "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
            answers += 1;
        }
        assert_eq!(answers, 3, "{name}");
    }
}

fn state_line(status: &Status) -> String {
    let Status { last, processed, verified, evicted, pending, full, .. } = *status;
    let local_threshold = status.local_threshold.to_string();
    let line =
        apogee_tortoise::event::State { last, processed, verified, evicted, pending, full, local_threshold };
    format!("{line:?}")
}

/// What we think of each layer is what the node wrote down, and so is the block that it executed.
#[test]
fn opinions_are_those_that_the_node_has() {
    for (name, layers, blocks) in [
        ("state_a", 64, 64),
        ("state_a_at_60", 29, 29),
        // The node goes on with blocks of the committee that it knew; who starts then does not know those.
        ("state_a_at_64", 33, 29),
        ("state_b", 64, 64),
        ("state_b_at_60", 29, 29),
        ("state_b_at_64", 33, 31),
    ] {
        let (Some((config, _)), Some(state)) = (trace(name), open(name)) else { return };
        let mut tortoise = tallied(&state, config);
        let updates = tortoise.updates().unwrap();
        let ours: BTreeMap<u32, Counted> =
            updates.layers.iter().map(|result| (result.layer.0, counted(result, false))).collect();
        let rows = state.layers(&(LayerId(32)..=LayerId(u32::MAX))).unwrap();
        let opinions = rows.iter().filter(|row| row.opinion == Some(ours[&row.layer.0].opinion)).count();
        let same = rows.iter().filter(|row| {
            let applied = match row.applied {
                apogee_spacemesh_state::Applied::Block(block) => Some(block),
                _ => None,
            };
            applied == ours[&row.layer.0].block
        });
        assert_eq!((rows.len(), opinions, same.count()), (layers, layers, blocks), "{name}");
    }
}
