use apogee_dealbot::fault::Code;
use apogee_dealbot::protocol::Offer;
use apogee_market::DealUuid;
use apogee_market::deal::DealParams;
use apogee_market::status::DealStatusRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fvm_shared::crypto::signature::{Signature, SignatureType};
use fvm_shared::econ::TokenAmount;

use crate::probe::seen::Broken;

/// An offer, read.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) deal: DealParams,
    pub(super) status: DealStatusRequest,
    /// attoFIL for a GiB and epoch.
    pub(super) cap: TokenAmount,
    /// Whether it may have been sent before.
    pub(super) sent: bool,
    /// Whether the miner has refused it for the moment before.
    pub(super) refused: bool,
    /// Where the miner gets the data.
    pub(super) data: String,
}

impl Offered {
    pub(super) fn read(offer: &Offer, deal: &str, status: &str) -> Result<Self, Broken> {
        let bytes = base64("the deal is no base64", deal)?;
        let deal = DealParams::decode(&bytes).map_err(|error| Broken::task("the deal is none", &error))?;
        let uuid: DealUuid = offer.id.parse().map_err(|error| Broken::task("the id is none", &error))?;
        if deal.deal_uuid != uuid {
            return Err(none(format!("the deal is {}, and not {uuid}", deal.deal_uuid)));
        }
        let cap: u128 = offer.cap.parse().map_err(|error| Broken::task("the cap is no price", &error))?;
        let signature = signature(&base64("the signature is no base64", status)?);
        let signature = signature.ok_or_else(|| none("the signature is none of a wallet".to_owned()))?;
        Ok(Self {
            status: DealStatusRequest { deal_uuid: uuid, signature },
            deal,
            cap: TokenAmount::from_atto(cap),
            sent: offer.sent,
            refused: offer.refused,
            data: offer.data.clone(),
        })
    }
}

fn base64(what: &str, text: &str) -> Result<Vec<u8>, Broken> {
    STANDARD.decode(text).map_err(|error| Broken::task(what, &error))
}

fn none(said: String) -> Broken {
    Broken::own(Code::ExpectedDataMissing, said)
}

/// `sigtype || sig`.
fn signature(bytes: &[u8]) -> Option<Signature> {
    let (kind, bytes) = bytes.split_first()?;
    let sig_type = match kind {
        1 => SignatureType::Secp256k1,
        2 => SignatureType::BLS,
        _ => return None,
    };
    Some(Signature { sig_type, bytes: bytes.to_vec() })
}
