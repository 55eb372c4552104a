use apogee_recount::{Checkpoint, Phase, RecountError};
use apogee_spacemesh::id::LayerId;

use crate::recording::{begin, in_stages, never, recording, recount, settings};

/// Windows of an epoch come to what one window of the whole history comes to, although what ballots at their beginnings
/// build on is not known there.
#[test]
fn windows_agree_with_the_whole() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a");
    let whole = recount(&state, settings()).unwrap();
    let staged = recount(&state, in_stages()).unwrap();
    let ends: Vec<_> = staged.stages.iter().map(|stage| (stage.from.0, stage.to.0)).collect();
    assert_eq!(ends, [(32, 63), (48, 79), (64, 95)]);
    assert!(staged.stages[0].cut == 0 && staged.stages[1].cut > 0 && staged.stages[2].cut > 0);
    assert!(staged.stages.iter().all(|stage| (stage.differing, stage.missing, stage.refused) == (0, 0, 0)));
    assert!(staged.is_sound());
    assert_eq!(staged.layers.len(), whole.layers.len());
    assert_eq!(staged.verified, whole.verified);
    for (one, other) in staged.layers.iter().zip(&whole.layers) {
        assert_eq!((one.layer, one.block, one.opinion), (other.layer, other.block, other.opinion));
    }
    assert_eq!(staged.differs, None);
}

/// Whoever is ended after any stage goes on to the same report.
#[test]
fn it_goes_on_after_each_epoch() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a");
    let straight = recount(&state, in_stages()).unwrap();
    let mut kept: Option<Vec<u8>> = None;
    let mut runs = 0;
    let report = loop {
        let mut recount = begin(&state, in_stages()).unwrap();
        if let Some(bytes) = &kept {
            recount.resume(Checkpoint::from_json(bytes).unwrap()).unwrap();
        }
        if !recount.step(&mut |_| ()).unwrap() {
            break recount.report().unwrap().unwrap();
        }
        kept = Some(recount.checkpoint().to_json());
        runs += 1;
    };
    assert_eq!(runs, 3);
    assert_eq!(report.to_json(), straight.to_json());
}

#[test]
fn a_checkpoint_belongs_to_one_recount() {
    let Some(recording) = recording() else { return };
    let (a, b) = (recording.open("state_a"), recording.open("state_a_at_64"));
    let mut recount = begin(&a, in_stages()).unwrap();
    assert_eq!(recount.report().unwrap(), None);
    recount.step(&mut |_| ()).unwrap();
    let checkpoint = recount.checkpoint();
    let refused = |why: RecountError| match why {
        RecountError::Checkpoint(why) => why,
        other => panic!("{other}"),
    };
    let why = begin(&b, in_stages()).unwrap().resume(checkpoint.clone()).unwrap_err();
    assert_eq!(refused(why), "another input was counted");
    let mut other = in_stages();
    other.config.hdist = 6;
    let why = begin(&a, other).unwrap().resume(checkpoint.clone()).unwrap_err();
    assert_eq!(refused(why), "it was counted with other parameters");
    assert_eq!(refused(Checkpoint::from_json(b"{}").unwrap_err()), "it is no checkpoint");
    begin(&a, in_stages()).unwrap().resume(checkpoint).unwrap();
}

#[test]
fn progress_is_told() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a");
    let mut seen = Vec::new();
    let mut recount =
        apogee_recount::Recount::begin(&state, settings(), never(), &mut |progress| seen.push(progress))
            .unwrap();
    while recount.step(&mut |progress| seen.push(progress)).unwrap() {}
    let layers = |phase| seen.iter().filter(|p| p.phase == phase).map(|p| p.layer.0).collect::<Vec<_>>();
    assert_eq!(layers(Phase::Survey), (32..=95).collect::<Vec<_>>());
    assert_eq!(layers(Phase::Read), (32..=95).collect::<Vec<_>>());
    assert_eq!(layers(Phase::Count), [95]);
    assert!(seen.iter().all(|progress| progress.of == LayerId(95)));
}
