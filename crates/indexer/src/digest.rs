use apogee_domain::{Change, Digest, Epoch, Value};
use sha2::{Digest as _, Sha256};

/// Names the encoding; another encoding takes another name, so that the two are never equal by chance.
const DOMAIN: &[u8] = b"apogee epoch 1\0";

/// The digest of an epoch: SHA-256 of the digest before it and of everything that was derived from the epoch.
///
/// Integers are big-endian, texts have their length (4 bytes) before them, an unknown value is the byte 0, a known one the byte 1 and 16
/// bytes. The order of `changes` does not matter: they are taken by series, subject, epoch.
#[must_use]
pub fn epoch_digest(previous: Digest, epoch: Epoch, key: &str, changes: &[Change]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(previous.0);
    hash.update(epoch.height().to_be_bytes());
    text(&mut hash, key);
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_unstable();
    hash.update(u64::try_from(sorted.len()).unwrap_or(u64::MAX).to_be_bytes());
    for change in sorted {
        text(&mut hash, change.series.as_str());
        text(&mut hash, change.subject.as_str());
        hash.update(change.epoch.height().to_be_bytes());
        match change.value {
            None => hash.update([0]),
            Some(Value(value)) => {
                hash.update([1]);
                hash.update(value.to_be_bytes());
            }
        }
    }
    Digest(hash.finalize().into())
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    hash.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use apogee_domain::{Subject, series};

    fn change(epoch: i64, value: Option<u128>) -> Change {
        Change {
            series: series::POWER_RAW,
            subject: Subject::network(),
            epoch: Epoch::new(epoch).unwrap(),
            value: value.map(Value),
        }
    }

    #[test]
    fn a_digest_depends_on_every_fact_but_not_on_their_order() {
        let digest = |changes: &[Change]| epoch_digest(Digest::default(), Epoch::GENESIS, "a,b", changes);
        let (one, two) = (change(1, Some(0)), change(2, Some(7)));
        let reference = digest(&[one.clone(), two.clone()]);
        assert_eq!(reference, digest(&[two.clone(), one.clone()]));
        assert_ne!(reference, digest(&[change(1, None), two.clone()]), "unknown is not zero");
        assert_ne!(reference, digest(std::slice::from_ref(&one)));
        assert_ne!(reference, epoch_digest(reference, Epoch::GENESIS, "a,b", &[one.clone(), two.clone()]));
        assert_ne!(reference, epoch_digest(Digest::default(), Epoch::GENESIS, "a", &[one, two]));
    }
}
