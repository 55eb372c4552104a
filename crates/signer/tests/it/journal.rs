//! What is left of a journal is read, or refused.

use apogee_signer::{FileError, Journal, JournalError, LocalSigner};
use apogee_treasury::Signer;

use super::desk::{Desk, ask, cancel, open, open_for, pay, payee, rule, wallet};

/// A desk whose journal has six lines after its header: nonces 0 to 3, and cancellations of 1 and 3.
async fn written() -> (Desk, Vec<u8>) {
    let desk = Desk::open_handed();
    let signer = desk.signer();
    for nonce in 0..4 {
        assert_eq!(rule(&ask(&signer, pay(nonce, payee(nonce), 10)).await), "signed");
    }
    let both = signer.sign(&wallet().to_string(), 1, &[cancel(1, 3), cancel(3, 3)]).await;
    assert_eq!(rule(&both), "signed");
    drop(signer);
    let bytes = std::fs::read(desk.path("journal")).unwrap();
    (desk, bytes)
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[tokio::test]
async fn a_journal_torn_at_any_byte_keeps_every_whole_line() {
    let (desk, bytes) = written().await;
    assert_eq!(lines(&bytes), 7);
    let path = desk.path("journal");
    for length in 0..=bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let journal = open(&path).unwrap();
        // A line that lacks nothing but its end is whole.
        let whole = lines(&bytes[..length]).max(lines(bytes.get(..=length).unwrap_or(&bytes)));
        assert_eq!(journal.entries(), u64::try_from(whole.saturating_sub(1)).unwrap(), "{length} bytes");
        drop(journal);
        let left = std::fs::read(&path).unwrap();
        let expected: Vec<u8> =
            bytes.split_inclusive(|byte| *byte == b'\n').take(whole.max(1)).flatten().copied().collect();
        assert_eq!(left, expected, "{length} bytes");
    }
}

#[tokio::test]
async fn a_torn_journal_still_knows_what_it_has_signed() {
    let (desk, bytes) = written().await;
    std::fs::write(desk.path("journal"), &bytes[..bytes.len() - 10]).unwrap();
    let signer = desk.signer();
    for nonce in 0..4 {
        assert_eq!(rule(&ask(&signer, pay(nonce, payee(nonce), 11)).await), "nonce-reused");
        assert_eq!(rule(&ask(&signer, pay(nonce, payee(nonce), 10)).await), "signed");
    }
    // It goes on where the torn line began; the day's fees are spent.
    desk.clock.advance(std::time::Duration::from_secs(86_400));
    assert_eq!(rule(&ask(&signer, pay(4, payee(4), 10)).await), "signed");
    drop(signer);
    assert_eq!(open(&desk.path("journal")).unwrap().entries(), 6);
}

#[tokio::test]
async fn a_journal_with_any_other_damage_is_refused() {
    let (desk, bytes) = written().await;
    let path = desk.path("journal");
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).unwrap();
        let error = open(&path).unwrap_err();
        assert!(
            matches!(error, JournalError::Damaged(..) | JournalError::OtherNetwork(..)),
            "{what}: {error}"
        );
    };
    // The end of the last line is no exception to its rule: without it that line is a torn one.
    for byte in 0..bytes.len() - 1 {
        let mut bad = bytes.clone();
        bad[byte] ^= 1 << (byte % 8);
        refused(&bad, &format!("byte {byte}"));
    }
    let all: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for taken in 0..all.len() - 1 {
        let mut left = all.clone();
        left.remove(taken);
        refused(&left.concat(), &format!("without line {taken}"));
        let mut turned = all.clone();
        turned.swap(taken, taken + 1);
        refused(&turned.concat(), &format!("line {taken} turned"));
        let mut twice = all.clone();
        twice.insert(taken, all[taken]);
        refused(&twice.concat(), &format!("line {taken} twice"));
    }
    refused(&[&bytes[..], b"\n"].concat(), "an empty line");
}

#[tokio::test]
async fn a_journal_is_held_by_one_process_for_one_network_and_by_nobody_else() {
    let (desk, _) = written().await;
    let path = desk.path("journal");
    let held = open(&path).unwrap();
    let second = Journal::open(&path, &"devnet-a".parse().unwrap());
    assert!(matches!(second, Err(JournalError::Held(_))));
    drop(held);
    assert!(matches!(open_for(&path, "devnet-b"), Err(JournalError::OtherNetwork(..))));
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    assert!(matches!(open(&path), Err(JournalError::File(FileError::Exposed(_, 0o640)))));
}

/// Lines of the journal's file.
fn length(desk: &Desk) -> usize {
    lines(&std::fs::read(desk.path("journal")).unwrap())
}

#[tokio::test]
async fn the_same_order_gives_the_same_signature_and_is_written_once() {
    let desk = Desk::open_handed();
    let signer = desk.signer();
    let sign = async |signer: &LocalSigner, fence| {
        signer.sign(&wallet().to_string(), fence, &[pay(0, payee(0), 10)]).await.unwrap()
    };
    let first = sign(&signer, 1).await;
    assert_eq!((sign(&signer, 1).await, length(&desk)), (first.clone(), 2));
    // A higher fence is news.
    assert_eq!((sign(&signer, 2).await, length(&desk)), (first.clone(), 3));
    drop(signer);
    assert_eq!((sign(&desk.signer(), 2).await, length(&desk)), (first, 3));
    let late = desk.signer().sign(&wallet().to_string(), 1, &[pay(0, payee(0), 10)]).await;
    assert_eq!(rule(&late), "fence");
}
