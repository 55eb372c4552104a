//! Keys at rest.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use apogee_signer::{
    Cost, FileError, InvalidExport, Key, KeyKind, KeyName, Keystore, KeystoreError, MOST_KEYS,
    PassphraseError, PassphraseSource, Secret, read_export,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};

use super::desk::{key, keystore};

/// Cheap: these are tests of a file.
const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

fn passphrase(text: &str) -> Secret {
    Secret::new(text.into())
}

fn made(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("keys");
    keystore().create(&path, &passphrase("correct horse"), CHEAP, &mut StdRng::seed_from_u64(1)).unwrap();
    path
}

#[test]
fn keys_come_back_with_the_passphrase_and_with_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(folder.path());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let opened = Keystore::open(&path, &passphrase("correct horse")).unwrap();
    let names: Vec<_> = opened.names().collect();
    assert_eq!(names, keystore().names().collect::<Vec<_>>());
    assert_eq!(Keystore::list(&path).unwrap(), names);
    let message = super::desk::message(&super::desk::pay(1, super::desk::payee(1), 5));
    for kind in [KeyKind::Secp256k1, KeyKind::Bls] {
        let known = key(kind, 1);
        assert_eq!(opened.key(&known.address()).unwrap().sign(&message), known.sign(&message));
    }
    for wrong in ["correct horsf", "correct hors", "correct horse ", "Correct horse", ""] {
        let error = Keystore::open(&path, &passphrase(wrong)).unwrap_err();
        assert!(matches!(error, KeystoreError::Passphrase(_)), "{wrong:?}: {error}");
    }
}

#[test]
fn a_keystore_grows_and_is_never_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, secret) = (made(folder.path()), passphrase("correct horse"));
    let before = std::fs::read(&path).unwrap();
    let error = Keystore::new().create(&path, &secret, CHEAP, &mut StdRng::seed_from_u64(2)).unwrap_err();
    assert!(matches!(error, KeystoreError::File(FileError::Exists(_))), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let mut opened = Keystore::open(&path, &secret).unwrap();
    assert!(matches!(opened.add(key(KeyKind::Bls, 1)), Err(KeystoreError::Duplicate(_))));
    let mut random = StdRng::seed_from_u64(3);
    for kind in [KeyKind::Bls, KeyKind::Secp256k1] {
        opened.add(Key::generate(kind, &mut random)).unwrap();
    }
    opened.save(&path, &secret, CHEAP, &mut random).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Keystore::open(&path, &secret).unwrap().names().count(), 4);
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "no temporary file is left");
    for _ in 4..MOST_KEYS {
        opened.add(Key::generate(KeyKind::Bls, &mut random)).unwrap();
    }
    assert!(matches!(opened.add(key(KeyKind::Bls, 2)), Err(KeystoreError::Full)));
    opened.save(&path, &secret, CHEAP, &mut random).unwrap();
    assert_eq!(Keystore::open(&path, &secret).unwrap().names().count(), MOST_KEYS, "the largest one opens");
}

#[test]
fn a_keystore_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(folder.path());
    for mode in [0o640, 0o604, 0o620, 0o601] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let error = Keystore::open(&path, &passphrase("correct horse")).unwrap_err();
        assert!(
            matches!(error, KeystoreError::File(FileError::Exposed(_, found)) if found == mode),
            "{error}"
        );
    }
    let error = Keystore::open(folder.path(), &passphrase("x")).unwrap_err();
    assert!(matches!(error, KeystoreError::File(FileError::NotRegular(_))), "{error}");
}

#[test]
fn every_damaged_bit_is_found_and_never_called_a_wrong_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(folder.path());
    let good = std::fs::read(&path).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bad).unwrap();
        let error = Keystore::open(&path, &passphrase("correct horse")).unwrap_err();
        assert!(
            matches!(error, KeystoreError::Damaged(..) | KeystoreError::Version(..)),
            "bit {bit}: {error}"
        );
    }
    for length in 0..good.len() - 1 {
        std::fs::write(&path, &good[..length]).unwrap();
        let error = Keystore::open(&path, &passphrase("correct horse")).unwrap_err();
        assert!(matches!(error, KeystoreError::Damaged(..)), "{length} bytes: {error}");
    }
}

/// The text with a checksum that is right again.
fn summed(text: &str) -> String {
    let header = text.split_once("\"header\": ").unwrap().1.split_once(",\n  \"keys\"").unwrap().0;
    let header: String = header.chars().filter(|c| !c.is_whitespace()).collect();
    let keys = text.split_once("\"keys\": \"").unwrap().1.split_once('"').unwrap().0;
    let (before, after) = text.split_once("\"sha256\": \"").unwrap();
    let sum = hex::encode(Sha256::new().chain_update(header).chain_update(keys).finalize());
    format!("{before}\"sha256\": \"{sum}{}", &after[64..])
}

#[test]
fn a_file_decides_neither_over_memory_nor_over_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(folder.path());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(summed(&text), text);
    let open = |from: &str, to: &str| {
        assert!(text.contains(from));
        std::fs::write(&path, summed(&text.replace(from, to))).unwrap();
        Keystore::open(&path, &passphrase("correct horse")).unwrap_err()
    };
    for (from, to) in [
        ("\"memory_kib\": 64", "\"memory_kib\": 1048577"),
        ("\"memory_kib\": 64", "\"memory_kib\": 4294967295"),
        ("\"passes\": 1", "\"passes\": 17"),
        ("\"lanes\": 1", "\"lanes\": 4294967295"),
    ] {
        let error = open(from, to);
        assert!(matches!(error, KeystoreError::TooCostly(..)), "{to}: {error}");
    }
    // Cheaper ones, or other addresses, are another file: the cipher says so.
    let error = open("\"passes\": 1", "\"passes\": 2");
    assert!(matches!(error, KeystoreError::Passphrase(_)), "{error}");
    let error =
        open(&key(KeyKind::Bls, 1).address().to_string(), &key(KeyKind::Bls, 2).address().to_string());
    assert!(matches!(error, KeystoreError::Passphrase(_)), "{error}");
    let error = open("\"memory_kib\": 64", "\"memory_kib\": 0");
    assert!(matches!(error, KeystoreError::Damaged(..)), "{error}");
    let error = open("\"version\": 1", "\"version\": 2");
    assert!(matches!(error, KeystoreError::Version(_, 2)), "{error}");
    std::fs::write(&path, vec![b' '; (256 << 10) + 1]).unwrap();
    let error = Keystore::open(&path, &passphrase("correct horse")).unwrap_err();
    assert!(matches!(error, KeystoreError::File(FileError::TooLarge(..))), "{error}");
}

#[test]
fn passphrases_are_one_line_of_a_file_or_a_descriptor() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, file) = (made(folder.path()), folder.path().join("passphrase"));
    let source = PassphraseSource::File(file.clone());
    let write = |text: &str, mode| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        source.read()
    };
    for text in ["correct horse", "correct horse\n"] {
        let read = write(text, 0o600).unwrap();
        assert!(Keystore::open(&keys, &read).is_ok());
    }
    for text in ["", "\n", "correct\nhorse\n"] {
        assert!(matches!(write(text, 0o600), Err(PassphraseError::Length)), "{text:?}");
    }
    assert!(write(&"x".repeat(1024), 0o600).is_ok());
    assert!(write(&"x".repeat(1025), 0o600).is_err());
    assert!(matches!(write("x", 0o644), Err(PassphraseError::File(FileError::Exposed(_, 0o644)))));

    let open = std::fs::File::open(&file).unwrap();
    let number = u32::try_from(std::os::fd::AsRawFd::as_raw_fd(&open)).unwrap();
    std::fs::write(&file, "correct horse\n").unwrap();
    let read = PassphraseSource::Descriptor(number).read().unwrap();
    assert!(Keystore::open(&keys, &read).is_ok());
    drop(open);
    assert!(matches!(PassphraseSource::Descriptor(999).read(), Err(PassphraseError::Descriptor(999, _))));
}

#[test]
fn nothing_secret_is_shown() {
    let secret = passphrase("correct horse");
    let shown = format!("{:?} {:?} {:?}", key(KeyKind::Bls, 7), keystore(), secret);
    assert!(shown.contains("Key(f3"), "{shown}");
    for leak in ["0707", "7, 7", "01010101", "1, 1, 1", "horse", "AQEB"] {
        assert!(!shown.contains(leak), "{leak} in {shown}");
    }
    let export = hex::encode(r#"{"Type":"secp256k1","PrivateKey":"c2VjcmV0LXNlY3JldA=="}"#);
    let error = read_export(export.as_bytes()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("c2Vj"));
}

#[test]
fn exports_that_are_none_are_refused() {
    let export = |json: &str| read_export(hex::encode(json).as_bytes()).map(|key| key.name());
    let one = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let good = format!(r#"{{"Type":"bls","PrivateKey":"{one}"}}"#);
    assert_eq!(export(&good), Ok(KeyName::Filecoin(key(KeyKind::Bls, 1).address())));
    for (json, error) in [
        (good.replace("bls", "delegated"), InvalidExport::Type),
        (good.replace("bls", "secp256k1-ledger"), InvalidExport::Type),
        (good.replace(one, ""), InvalidExport::Key),
        (good.replace(one, "AQEB"), InvalidExport::Key),
        (good.replace("AQE=", "AQE"), InvalidExport::Key),
        (good.replace(one, &format!("{}=", "A".repeat(43))), InvalidExport::Key),
        (good.replace(one, "//////////////////////////////////////////8="), InvalidExport::Key),
        (good.replace("Type", "type"), InvalidExport::Form),
        ("{}".into(), InvalidExport::Form),
        ("[".repeat(1000), InvalidExport::Form),
    ] {
        assert_eq!(export(&json), Err(error), "{json}");
    }
    assert_eq!(read_export(good.as_bytes()).unwrap_err(), InvalidExport::Form, "not in digits");
    assert_eq!(read_export("00".repeat(3000).as_bytes()).unwrap_err(), InvalidExport::Form);
    assert_eq!(read_export(b"").unwrap_err(), InvalidExport::Form);
}
