use apogee_competition::claim::Action;
use apogee_competition::{Act, Kind, Signed, audit, fold};

use crate::keys::Crypto;
use crate::world::{World, at, id, secret, signed, words};

fn ledger() -> World {
    let mut world = World::running();
    world.ask("t01001", "6block", Action::Join).unwrap();
    world
        .two(Act::RemoveInterval {
            from: at(1100),
            until: at(1200),
            metrics: vec![id("power")],
            regions: vec![],
        })
        .unwrap();
    world.one(Act::Announce { title: words("Half"), text: words("Half of it is over.") }).unwrap();
    world
}

/// Everything that a stranger checks of a ledger.
fn stands(texts: &[Vec<u8>], world: &World) -> bool {
    let read: Result<Vec<Signed>, _> = texts.iter().map(|text| Signed::read(text)).collect();
    let Ok(read) = read else { return false };
    fold(id("sr1"), &read).is_ok() && audit(&read, &world.chain, &Crypto).is_ok()
}

#[test]
fn any_altered_byte_of_any_entry_is_noticed() {
    let world = ledger();
    let texts: Vec<Vec<u8>> = world.ledger.iter().map(|signed| signed.text().unwrap().into_bytes()).collect();
    assert!(stands(&texts, &world));
    let mut tried = 0;
    for entry in 0..texts.len() {
        for at in 0..texts[entry].len() {
            let mut altered = texts.clone();
            // Case, digit and sign all change in the lowest bit.
            altered[entry][at] ^= 1;
            assert!(
                !stands(&altered[entry..=entry], &world) || !stands(&altered, &world),
                "entry {entry} byte {at}"
            );
            tried += 1;
        }
    }
    assert!(tried > 5_000, "{tried}");
}

#[test]
fn an_entry_that_is_left_out_moved_or_signed_again_is_noticed() {
    let world = ledger();
    for gone in 0..world.ledger.len() - 1 {
        let mut ledger = world.ledger.clone();
        ledger.remove(gone);
        let broken = fold(id("sr1"), &ledger).unwrap_err();
        assert_eq!(broken.seq, u64::try_from(gone).unwrap() + 1);
        let mut ledger = world.ledger.clone();
        ledger.swap(gone, gone + 1);
        assert_eq!(fold(id("sr1"), &ledger).unwrap_err().seq, u64::try_from(gone).unwrap() + 1);
    }
    // One operator alone rewrites an act that two had signed.
    let last = world.ledger.iter().rposition(|signed| signed.entry.approvers.len() == 2).unwrap();
    let mut forged = world.ledger[last].clone();
    forged.entry.reason = Some("another reason".to_owned());
    let mut forged = signed(forged.entry);
    let mine = apogee_competition::operator::sign(&secret("alice"), &forged.hash);
    forged.signatures.iter_mut().for_each(|approval| approval.signature = mine);
    let mut ledger = world.ledger[..last].to_vec();
    ledger.push(forged);
    assert_eq!(fold(id("sr1"), &ledger).unwrap_err().refusal.kind, Kind::BadOperatorSignature);
    // Whoever drops one of two signatures drops an approver, which the hash covers.
    let mut ledger = world.ledger.clone();
    ledger[last].signatures.pop();
    assert_eq!(fold(id("sr1"), &ledger).unwrap_err().refusal.kind, Kind::BadOperatorSignature);
    assert_eq!(fold(id("sr2"), &world.ledger).unwrap_err().refusal.kind, Kind::OtherCompetition);
}
