use apogee_market::deal::{DealParams, HttpRequest, Transfer};
use apogee_market::{ClientDealProposal, DealProposal, DealUuid, Label, Secp256k1Key, Signs, Terms};
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;

pub(crate) const PIECE: &str = "baga6ea4seaqao7s73y24kcutaosvacpdjgfe5pw76ooefnyqw4ynr3d2y6x2mpq";
pub(crate) const ROOT: &str = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";

pub(crate) fn key() -> Secp256k1Key {
    Secp256k1Key::from_bytes(&[7; 32]).unwrap()
}

pub(crate) fn terms() -> Terms {
    Terms {
        piece_cid: Cid::try_from(PIECE).unwrap(),
        piece_size: PaddedPieceSize(16 << 20),
        verified: false,
        client: key().address(),
        provider: Address::new_id(1_000),
        label: Label::Text(ROOT.into()),
        start: 6_760,
        duration: 518_400,
        price: TokenAmount::from_atto(1_000_000),
        least_collateral: TokenAmount::from_atto(11),
    }
}

pub(crate) fn proposal() -> DealProposal {
    terms().proposal().unwrap()
}

pub(crate) fn deal() -> DealParams {
    let request =
        HttpRequest { url: "http://192.0.2.1/piece".into(), headers: [("A".into(), "b".into())].into() };
    DealParams {
        deal_uuid: DealUuid::from_random([0xff; 16]),
        is_offline: false,
        client_deal_proposal: ClientDealProposal::sign(proposal(), &key()).unwrap(),
        deal_data_root: Cid::try_from(ROOT).unwrap(),
        transfer: Transfer::http(&request, "slot-1".into(), 10_485_760).unwrap(),
        remove_unsealed_copy: false,
        skip_ipni_announce: true,
    }
}
