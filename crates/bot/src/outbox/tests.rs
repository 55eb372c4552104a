use apogee_dealbot::protocol::Held;
use tempfile::{TempDir, tempdir};

use super::*;

fn told(at: i64) -> Told {
    Told::Canary(CanaryTold { record: STANDARD.encode(at.to_string()), signature: String::new() })
}

fn result(record: &[u8]) -> Told {
    let of = Held {
        network: "n".into(),
        race: "r".into(),
        kind: "retrieval".into(),
        miner: "t01000".into(),
        slot: 1,
        fence: 2,
    };
    let (record, signature) = (STANDARD.encode(record), String::new());
    Told::Complete(Complete { of, attempt: 1, record, signature })
}

fn open(folder: &TempDir) -> Arc<Outbox> {
    Arc::new(Outbox::open(folder.path()).unwrap())
}

fn count(folder: &TempDir, inner: &str) -> usize {
    list(&folder.path().join(inner)).unwrap().iter().filter(|name| name.ends_with(WHOLE)).count()
}

#[tokio::test]
async fn what_is_kept_is_there_after_a_restart_and_once() {
    let folder = tempdir().unwrap();
    let outbox = open(&folder);
    for told in [told(1), result(b"a"), told(1), result(b"a")] {
        outbox.put(&told).await.unwrap();
    }
    assert_eq!(outbox.waiting(), 2);
    drop(outbox);
    let outbox = open(&folder);
    assert_eq!(outbox.waiting(), 2);
    while let Some((name, told)) = outbox.first().await.unwrap() {
        assert_eq!(told.name().unwrap(), name);
        outbox.sent(name).await.unwrap();
    }
    assert_eq!((outbox.waiting(), count(&folder, ".")), (0, 0));
}

#[tokio::test]
async fn a_kill_between_any_two_steps_leaves_nothing_or_all() {
    let whole = serde_json::to_vec(&result(b"a")).unwrap();
    let name = result(b"a").name().unwrap();
    // Whatever of a result is on disk before it is renamed was promised to nobody.
    for length in [0, 1, whole.len() / 2, whole.len()] {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join(format!("{name}.{PART}")), &whole[..length]).unwrap();
        let outbox = open(&folder);
        assert!(outbox.first().await.unwrap().is_none());
        assert!(!folder.path().join(format!("{name}.{PART}")).exists());
        outbox.put(&result(b"a")).await.unwrap();
        assert_eq!(outbox.waiting(), 1);
    }
    // After that it is sent, as often as it takes until it is removed.
    let folder = tempdir().unwrap();
    fs::write(folder.path().join(format!("{name}.{WHOLE}")), &whole).unwrap();
    for _ in 0..2 {
        assert_eq!(open(&folder).first().await.unwrap().unwrap().0, name);
    }
    // A refusal that was cut off before its folder was on the disk is asked for again.
    let outbox = open(&folder);
    outbox.refused(name.clone()).await.unwrap();
    outbox.refused(name).await.unwrap();
    assert_eq!((outbox.waiting(), count(&folder, REFUSED)), (0, 1));
}

#[tokio::test]
async fn what_cannot_be_read_is_set_aside_and_holds_up_nothing() {
    let folder = tempdir().unwrap();
    let whole = serde_json::to_vec(&result(b"a")).unwrap();
    let good = result(b"a").name().unwrap();
    let at = |name: &str| folder.path().join(format!("{name}.{WHOLE}"));
    fs::write(at("0-empty"), b"").unwrap();
    fs::write(at("0-half"), &whole[..whole.len() / 2]).unwrap();
    fs::write(at("0-other"), &whole).unwrap();
    fs::write(at("0-noise"), [0xff; 100]).unwrap();
    fs::write(at("0-deep"), "[".repeat(100_000)).unwrap();
    fs::write(at("0-long"), vec![b' '; 3 << 20]).unwrap();
    fs::write(at(&good), &whole).unwrap();
    let outbox = open(&folder);
    assert_eq!(outbox.first().await.unwrap().unwrap().0, good);
    assert_eq!((outbox.waiting(), count(&folder, TORN)), (1, 6));
}

#[tokio::test]
async fn two_bots_do_not_share_a_folder() {
    let folder = tempdir().unwrap();
    let first = open(&folder);
    assert!(matches!(Outbox::open(folder.path()), Err(OutboxError::InUse(_))));
    drop(first);
    open(&folder);
}

#[tokio::test]
async fn it_is_bounded_with_what_was_set_aside() {
    let folder = tempdir().unwrap();
    let outbox = open(&folder);
    for number in 0..MOST {
        let inner = if number % 2 == 0 { REFUSED } else { TORN };
        fs::write(folder.path().join(inner).join(format!("{number}.{WHOLE}")), b"").unwrap();
    }
    assert!(!outbox.is_full());
    drop(outbox);
    assert!(open(&folder).is_full());
}

#[tokio::test]
async fn a_disk_that_fails_is_said() {
    let folder = tempdir().unwrap();
    let outbox = open(&folder);
    outbox.room().await.unwrap();
    assert_eq!(list(folder.path()).unwrap(), ["lock"]);
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(outbox.room().await.is_err());
    assert!(outbox.put(&told(1)).await.is_err());
    assert_eq!(outbox.waiting(), 0);
}
