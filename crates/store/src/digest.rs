use apogee_domain::{Change, Digest, Epoch, Value};
use sha2::{Digest as _, Sha256};

/// The digest of an applied epoch: SHA-256 of `encoding`, of the digest before it and of everything that was derived from the epoch.
///
/// `encoding` names who derives what, such as `apogee epoch 1` and a zero byte: another index, and another encoding, takes another name, so that
/// two digests are never equal by chance. Integers are big-endian, texts have their length (4 bytes) before them, an unknown value is the byte 0, a
/// known one the byte 1 and 16 bytes. The order of `changes` does not matter: they are taken by series, subject, epoch.
#[must_use]
pub fn chained_digest(
    encoding: &[u8],
    previous: Digest,
    epoch: Epoch,
    key: &str,
    changes: &[Change],
) -> Digest {
    let mut hash = Sha256::new();
    hash.update(encoding);
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
    use apogee_domain::{Subject, series};

    use super::*;

    fn change(epoch: i64, value: Option<u128>) -> Change {
        Change {
            series: series::SPACE_UNITS,
            subject: Subject::network(),
            epoch: Epoch::new(epoch).unwrap(),
            value: value.map(Value),
        }
    }

    #[test]
    fn a_digest_depends_on_every_fact_but_not_on_their_order() {
        let digest =
            |changes: &[Change]| chained_digest(b"a", Digest::default(), Epoch::GENESIS, "ab", changes);
        let (one, two) = (change(1, Some(0)), change(2, Some(7)));
        let both = [one.clone(), two.clone()];
        let reference = digest(&both);
        assert_eq!(reference, digest(&[two.clone(), one.clone()]));
        assert_ne!(reference, digest(&[change(1, None), two]), "unknown is not zero");
        assert_ne!(reference, digest(std::slice::from_ref(&one)));
        assert_ne!(reference, chained_digest(b"a", reference, Epoch::GENESIS, "ab", &both));
        assert_ne!(reference, chained_digest(b"a", Digest::default(), Epoch::GENESIS, "a", &both));
        assert_ne!(reference, chained_digest(b"b", Digest::default(), Epoch::GENESIS, "ab", &both));
    }

    /// By the encoding that the documentation tells, worked out apart from this code.
    #[test]
    fn a_digest_is_what_its_encoding_says() {
        let mut bytes = b"apogee layer 1\0".to_vec();
        bytes.extend([0; 32]);
        bytes.extend(7_i64.to_be_bytes());
        bytes.extend([0, 0, 0, 2]);
        bytes.extend(b"ab");
        bytes.extend(1_u64.to_be_bytes());
        bytes.extend([0, 0, 0, 11]);
        bytes.extend(b"space.units");
        bytes.extend([0, 0, 0, 7]);
        bytes.extend(b"network");
        bytes.extend(1_i64.to_be_bytes());
        bytes.push(1);
        bytes.extend(5_u128.to_be_bytes());
        let epoch = Epoch::new(7).unwrap();
        let found =
            chained_digest(b"apogee layer 1\0", Digest::default(), epoch, "ab", &[change(1, Some(5))]);
        assert_eq!(found, Digest(Sha256::digest(bytes).into()));
    }
}
