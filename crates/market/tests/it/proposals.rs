use apogee_market::{
    ClientDealProposal, DealUuid, InvalidUuid, KeyError, Label, NotSigned, Secp256k1Key, SignError,
    SignatureError, Signs, Terms, TermsError, verify,
};
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::crypto::signature::{Signature, SignatureType};
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;

use crate::made::{ROOT, key, proposal, terms};

#[test]
fn terms_become_a_proposal() {
    let proposal = proposal();
    assert_eq!((proposal.start_epoch, proposal.end_epoch, proposal.duration()), (6_760, 525_160, 518_400));
    assert_eq!(proposal.provider_collateral, TokenAmount::from_atto(14));
    assert_eq!(proposal.client_balance(), TokenAmount::from_atto(518_400_000_000_u64));
}

#[test]
fn terms_that_no_provider_takes_are_refused() {
    let root = Cid::try_from(ROOT).unwrap();
    let refused = |change: fn(&mut Terms)| {
        let mut terms = terms();
        change(&mut terms);
        terms.proposal().unwrap_err()
    };
    assert_eq!(refused(|t| t.piece_cid = Cid::try_from(ROOT).unwrap()), TermsError::PieceCid(root));
    assert_eq!(refused(|t| t.piece_size = PaddedPieceSize(127)), TermsError::PieceSize(127));
    assert_eq!(refused(|t| t.piece_size = PaddedPieceSize(384)), TermsError::PieceSize(384));
    assert_eq!(refused(|t| t.label = Label::Bytes(vec![0; 257])), TermsError::Label(257));
    assert_eq!(refused(|t| t.duration = 518_399), TermsError::Duration(518_399));
    assert_eq!(refused(|t| t.duration = 3_680_641), TermsError::Duration(3_680_641));
    assert_eq!(refused(|t| t.start = -1), TermsError::Epochs { start: -1, duration: 518_400 });
    assert_eq!(refused(|t| t.start = i64::MAX), TermsError::Epochs { start: i64::MAX, duration: 518_400 });
    assert_eq!(refused(|t| t.price = TokenAmount::from_atto(-1)), TermsError::Amount);
}

#[test]
fn a_signature_is_its_clients_alone() {
    let signed = ClientDealProposal::sign(proposal(), &key()).unwrap();
    signed.verify().unwrap();
    // The same message and key give the same signature (RFC 6979), so the same CID.
    assert_eq!(signed.cid().unwrap(), ClientDealProposal::sign(proposal(), &key()).unwrap().cid().unwrap());
    let mut dearer = signed.clone();
    dearer.proposal.storage_price_per_epoch += TokenAmount::from_atto(1);
    assert!(matches!(dearer.verify(), Err(NotSigned::Signature(SignatureError::Other))));
    assert_ne!(dearer.cid().unwrap(), signed.cid().unwrap());
    let other = Secp256k1Key::from_bytes(&[8; 32]).unwrap();
    let stolen = ClientDealProposal::sign(proposal(), &other);
    assert!(matches!(stolen, Err(NotSigned::Signature(SignatureError::Other))));
}

#[test]
fn what_is_no_signature_is_said_to_be_none() {
    let client = key().address();
    let good = key().sign(b"bytes").unwrap();
    assert_eq!(verify(&client, b"bytes", &good), Ok(()));
    assert_eq!(verify(&Address::new_id(7), b"bytes", &good), Err(SignatureError::Kind));
    let bls = Signature { sig_type: SignatureType::BLS, bytes: good.bytes.clone() };
    assert_eq!(verify(&client, b"bytes", &bls), Err(SignatureError::Kind));
    let mut short = good.clone();
    short.bytes.pop();
    assert_eq!(verify(&client, b"bytes", &short), Err(SignatureError::Malformed));
    let mut strange = good.clone();
    strange.bytes[64] = 9;
    assert_eq!(verify(&client, b"bytes", &strange), Err(SignatureError::Malformed));
    let zero = Signature { sig_type: SignatureType::Secp256k1, bytes: vec![0; 65] };
    assert_eq!(verify(&client, b"bytes", &zero), Err(SignatureError::Malformed));
    assert_eq!(Secp256k1Key::from_bytes(&[0; 32]).unwrap_err(), KeyError::Secret);
    assert_eq!(Secp256k1Key::from_bytes(&[255; 32]).unwrap_err(), KeyError::Secret);
    assert!(!format!("{:?}", key()).contains("secret"));
}

#[test]
fn a_signer_that_refuses_is_heard() {
    #[derive(Debug)]
    struct Locked;
    impl Signs for Locked {
        fn address(&self) -> Address {
            key().address()
        }
        fn sign(&self, _: &[u8]) -> Result<Signature, SignError> {
            Err(SignError { address: self.address(), why: "locked".into() })
        }
    }
    let signer: &dyn Signs = &Locked;
    assert!(matches!(ClientDealProposal::sign(proposal(), signer), Err(NotSigned::Sign(_))));
}

#[test]
fn a_uuid_is_written_and_read() {
    let uuid = DealUuid::from_random([0xff; 16]);
    assert_eq!(uuid.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    assert_eq!(uuid.to_string().parse(), Ok(uuid));
    for bad in ["", "ffffffffffff4fffbfffffffffffffff", "ffffffff-ffff-4fff-bfff-fffffffffff", "g"] {
        assert_eq!(bad.parse::<DealUuid>(), Err(InvalidUuid), "{bad}");
    }
}
