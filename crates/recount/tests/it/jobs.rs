use apogee_recount::{Interrupt, Job, JobError, Recount, RecountError, Report};

use crate::recording::{in_stages, never, recording};

#[test]
fn a_job_goes_on_where_it_was_ended() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (out, checkpoint) = (folder.path().join("report.json"), folder.path().join("checkpoint.json"));
    let job = Job {
        copy: recording.path("state_a"),
        genesis: recording.genesis,
        reading: apogee_spacemesh_state::Limits::default(),
        settings: in_stages(),
        out: out.clone(),
        checkpoint: Some(checkpoint.clone()),
    };
    // Ended while the second stage is read: as soon as the first one is kept.
    let kept = checkpoint.clone();
    let ended = job.run(&Interrupt::new(move || kept.exists()), &mut |_| ());
    assert!(matches!(ended, Err(JobError::Recount(RecountError::Interrupted))), "{ended:?}");
    assert!(checkpoint.exists() && !out.exists());

    let outcome = job.run(&never(), &mut |_| ()).unwrap();
    assert_eq!((outcome.resumed, outcome.passed_over.is_none()), (1, true));
    assert!(!checkpoint.exists());
    let written = std::fs::read(&out).unwrap();
    assert_eq!(Report::from_json(&written).unwrap(), outcome.report);

    // From the beginning it comes to the same bytes.
    let again = job.run(&never(), &mut |_| ()).unwrap();
    assert_eq!((again.resumed, std::fs::read(&out).unwrap()), (0, written));
}

#[test]
fn a_checkpoint_of_something_else_is_passed_over_and_said() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("checkpoint.json");
    let other = recording.open("state_b_at_64");
    let mut recount = Recount::begin(&other, in_stages(), never(), &mut |_| ()).unwrap();
    recount.step(&mut |_| ()).unwrap();
    std::fs::write(&checkpoint, recount.checkpoint().to_json()).unwrap();
    let job = Job {
        copy: recording.path("state_a"),
        genesis: recording.genesis,
        reading: apogee_spacemesh_state::Limits::default(),
        settings: in_stages(),
        out: folder.path().join("report.json"),
        checkpoint: Some(checkpoint.clone()),
    };
    let outcome = job.run(&never(), &mut |_| ()).unwrap();
    assert_eq!(outcome.resumed, 0);
    assert!(matches!(outcome.passed_over, Some(RecountError::Checkpoint(_))));
    std::fs::write(&checkpoint, "no JSON").unwrap();
    assert!(job.run(&never(), &mut |_| ()).unwrap().passed_over.is_some());
    let missing = Job { out: folder.path().join("missing/report.json"), ..job };
    assert!(matches!(missing.run(&never(), &mut |_| ()), Err(JobError::File { .. })));
}
