use apogee_dealbot::canonical::{Bytes, LONGEST, Link, Signed, name};
use apogee_dealbot::log::{Batch, Broken, Head, MOST, Seal, root, verify};
use apogee_domain::{Digest, Epoch, Timestamp};
use cid::Cid;
use ed25519_dalek::SigningKey;

fn entries(from: usize, count: usize) -> Vec<Cid> {
    (from..from + count).map(|number| name(number.to_string().as_bytes())).collect()
}

fn epoch(height: i64) -> Epoch {
    Epoch::new(height).unwrap()
}

/// Batches of 1, 2, … entries, a second apart.
fn log(length: usize) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut head = None;
    for number in 0..length {
        let at = Timestamp::from_seconds(i64::try_from(number).unwrap());
        let batch = Batch::new(head.as_ref(), entries(number * 100, number + 1), epoch(500), at).unwrap();
        head = verify(head, [&batch]).unwrap();
        batches.push(batch);
    }
    batches
}

#[test]
fn a_log_holds_and_each_batch_reads_back() {
    let batches = log(20);
    let head: Head = verify(None, &batches).unwrap().unwrap();
    assert_eq!((head.seq, head.hash), (20, batches[19].hash()));
    assert_eq!(batches[19].cid().hash().digest(), head.hash.0);
    for batch in &batches {
        assert_eq!(Batch::decode(&batch.encode()).unwrap(), *batch);
    }
    assert_eq!(verify(None, []).unwrap(), None);
    // From the middle on.
    let middle = verify(None, &batches[..7]).unwrap();
    assert_eq!(verify(middle, &batches[7..]).unwrap(), Some(head));
}

#[test]
fn a_log_that_was_changed_does_not_hold() {
    let good = log(6);
    let refused = |change: fn(&mut Vec<Batch>)| {
        let mut batches = good.clone();
        change(&mut batches);
        verify(None, &batches).unwrap_err()
    };
    // Taken out, put in, put elsewhere.
    assert!(matches!(refused(|b| drop(b.remove(2))), Broken::Place { found: 4, wanted: 3 }));
    assert!(matches!(refused(|b| drop(b.remove(0))), Broken::Place { found: 2, wanted: 1 }));
    assert!(matches!(refused(|b| b.insert(2, b[2].clone())), Broken::Place { found: 3, wanted: 4 }));
    assert!(matches!(refused(|b| b.swap(2, 3)), Broken::Place { found: 4, wanted: 3 }));
    // Entries of a batch.
    assert!(matches!(refused(|b| b[3].entries.truncate(1)), Broken::Root(4)));
    assert!(matches!(refused(|b| b[3].entries.swap(0, 1)), Broken::Root(4)));
    assert!(matches!(refused(|b| b[0].entries[0] = b[5].entries[0]), Broken::Root(1)));
    assert!(matches!(refused(|b| b[3].entries.clear()), Broken::Size { seq: 4, found: 0 }));
    assert!(matches!(refused(|b| b[2].first += 1), Broken::First { seq: 3, found: 5, wanted: 4 }));
    // Consistent by itself, but not what the next one names.
    let renamed = refused(|b| {
        b[3].entries.pop();
        b[3].root = root(&b[3].entries.iter().map(|link| link.0).collect::<Vec<_>>());
    });
    assert!(matches!(renamed, Broken::Prev(5)));
    assert!(matches!(refused(|b| b[2].at.0 += 1), Broken::Prev(4)));
    assert!(matches!(refused(|b| b[2].epoch = epoch(7)), Broken::Prev(4)));
    assert!(matches!(refused(|b| b[0].prev = b[5].prev), Broken::Prev(1)));
    assert!(matches!(refused(|b| b[3].prev = Digest::default()), Broken::Prev(4)));
    assert!(matches!(refused(|b| b[5].at.0 = 0), Broken::Time(6)));
}

#[test]
fn a_batch_holds_as_many_entries_as_can_be_read() {
    let full = Batch::new(None, entries(0, MOST), epoch(i64::MAX >> 8), Timestamp(i64::MAX)).unwrap();
    assert!(full.encode().len() < LONGEST);
    assert_eq!(Batch::decode(&full.encode()).unwrap(), full);
    let one_more = Batch::new(None, entries(0, MOST + 1), epoch(1), Timestamp(0));
    assert!(matches!(one_more, Err(Broken::Size { .. })));
    assert!(matches!(Batch::new(None, Vec::new(), epoch(1), Timestamp(0)), Err(Broken::Size { .. })));
}

#[test]
fn the_root_is_that_of_rfc_9162() {
    use sha2::{Digest as _, Sha256};
    // The definition, word by word.
    fn defined(leaves: &[Cid]) -> Vec<u8> {
        match leaves {
            [] => Sha256::digest([]).to_vec(),
            [leaf] => Sha256::digest([&[0][..], &leaf.to_bytes()].concat()).to_vec(),
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                Sha256::digest([&[1][..], &defined(left), &defined(right)].concat()).to_vec()
            }
        }
    }
    for size in 0..70 {
        let names = entries(0, size);
        assert_eq!(root(&names).0.to_vec(), defined(&names), "{size}");
    }
}

#[test]
fn a_seal_is_of_one_batch_by_one_key() {
    let (key, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
    let batches = log(2);
    let seal = Seal::of(batches[0].cid(), &key);
    let own = *key.verifying_key().as_bytes();
    assert!(seal.verifies(&batches[0].cid(), &own));
    assert!(!seal.verifies(&batches[1].cid(), &own));
    assert!(!seal.verifies(&batches[0].cid(), other.verifying_key().as_bytes()));
    assert!(!Seal { batch: Link(batches[1].cid()), ..seal.clone() }.verifies(&batches[1].cid(), &own));
    assert!(!Seal { signature: Bytes(vec![7; 63]), ..seal.clone() }.verifies(&batches[0].cid(), &own));
    assert_eq!(Seal::decode(&seal.encode()).unwrap(), seal);
    // A record of the same name is no batch.
    let as_record = Signed::Record.sign(&batches[0].cid(), &key).to_vec();
    assert!(!Seal { signature: Bytes(as_record), ..seal }.verifies(&batches[0].cid(), &own));
}
