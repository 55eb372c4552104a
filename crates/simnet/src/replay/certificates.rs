use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_domain::Epoch;
use apogee_filecoin::types::{FinalityCertificate, TipsetKey, json};
use serde_json::Value;

use crate::answer::{Answer, Refusal, text};
use crate::ledger::Ledger;

/// Recorded finality certificates, which appear as the head moves on.
#[derive(Debug, Default)]
pub(crate) struct Certificates(BTreeMap<u64, Certificate>);

#[derive(Debug)]
struct Certificate {
    text: Arc<str>,
    /// The newest tipset it makes final.
    last: (Epoch, TipsetKey),
}

impl Certificates {
    /// Keep what `F3GetCertificate` answered.
    pub(crate) fn add(&mut self, result: &str) -> Result<(), String> {
        let certificate: json::Certificate =
            serde_json::from_str(result).map_err(|error| error.to_string())?;
        let certificate: FinalityCertificate =
            certificate.try_into().map_err(|error: json::InvalidJson| error.to_string())?;
        let last = certificate.ec_chain.last().ok_or("a certificate without a chain")?;
        let epoch = Epoch::new(last.epoch).ok_or("a certificate of a negative epoch")?;
        let last = (epoch, last.key.clone());
        self.0.insert(certificate.instance, Certificate { text: result.into(), last });
        Ok(())
    }

    /// The newest one when the head is at `now`: what it makes final has been seen, as have all before it.
    fn latest(&self, now: Epoch) -> Option<(u64, &Certificate)> {
        let seen = self.0.iter().take_while(|(_, certificate)| certificate.last.0 <= now);
        seen.last().map(|(instance, certificate)| (*instance, certificate))
    }

    /// The answer to a method about finality; `None` for others.
    pub(crate) fn answer(
        &self,
        method: &str,
        params: &[Value],
        now: Epoch,
        ledger: &Ledger,
    ) -> Option<Answer> {
        let wanted = match method {
            "Filecoin.F3GetCertificate" => 1,
            "Filecoin.F3GetLatestCertificate"
            | "Filecoin.F3IsRunning"
            | "Filecoin.ChainGetFinalizedTipSet" => 0,
            _ => return None,
        };
        if params.len() != wanted {
            return Some(Err(Refusal::wrong_count(method, params.len(), wanted)));
        }
        let latest = self.latest(now);
        let instance = params.first().cloned().unwrap_or_default();
        Some(match (method, latest) {
            ("Filecoin.F3IsRunning", latest) => text(&latest.is_some()),
            ("Filecoin.ChainGetFinalizedTipSet", latest) => finalized(latest.map(|(_, one)| one), ledger),
            ("Filecoin.F3GetLatestCertificate", Some((_, latest))) => Ok(latest.text.clone()),
            ("Filecoin.F3GetCertificate", Some((latest, _))) => match instance.as_u64() {
                None => Err(Refusal::bad_parameter(method, "uint64", "json: cannot unmarshal")),
                Some(wanted) => match self.0.get(&wanted).filter(|_| wanted <= latest) {
                    Some(certificate) => Ok(certificate.text.clone()),
                    None => Err(Refusal::application(format!("cert at {wanted}: certificate not found"))),
                },
            },
            _ => Err(Refusal::application("f3 is not running")),
        })
    }
}

/// The tipset that the newest certificate names, else the one 900 epochs (the chain's finality) below the head.
fn finalized(latest: Option<&Certificate>, ledger: &Ledger) -> Answer {
    const FINALITY: i64 = 900;
    let tipset = match latest {
        Some(certificate) => ledger.tipset(&certificate.last.1),
        None => {
            let head = ledger.head();
            let height = head.epoch().height() - FINALITY;
            let epoch = Epoch::new(height)
                .ok_or_else(|| Refusal::application(format!("height {height} is negative")))?;
            ledger.at_or_before(epoch, &head)
        }
    };
    let tipset = tipset.ok_or_else(|| Refusal::application("ipld: could not find the finalized tipset"))?;
    text(&json::Tipset::of(&tipset, ledger.network()))
}
