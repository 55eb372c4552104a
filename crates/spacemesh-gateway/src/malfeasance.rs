//! Who broke the rules.

use apogee_spacemesh::id::SmesherId;

use crate::error::{Fault, GatewayError};
use crate::gateway::Gateway;
use crate::item::Item;
use crate::page::Pages;
use crate::request::{Method, Request, told};

const LIST: Method = told("MalfeasanceService/List");

/// A smesher that broke the rules, by a proof that the node has checked and does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malfeasance {
    /// Who.
    pub smesher: SmesherId,
    /// With what kind of message.
    pub domain: Domain,
    /// How, by a number of its domain. In [`Domain::Legacy`]: 1 two activations in an epoch, 2 two ballots in a layer,
    /// 3 two votes in the hare, 4 no proof of space, 5 a wrong activation before.
    pub kind: u32,
}

/// What a proof is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Proofs of older nodes, about anything.
    Legacy,
    /// Activations.
    Activation,
    /// Ballots.
    Ballot,
    /// Messages of the hare protocol.
    Hare,
}

const DOMAIN: [(&str, Domain); 4] = [
    ("DOMAIN_UNSPECIFIED", Domain::Legacy),
    ("DOMAIN_ACTIVATION", Domain::Activation),
    ("DOMAIN_BALLOT", Domain::Ballot),
    ("DOMAIN_HARE", Domain::Hare),
];

impl Gateway {
    /// Smeshers that broke the rules, by name. A node passes over proofs whose details it cannot read, and pages lack
    /// them: a hundred of them in a row would look like the end.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn malfeasances(&self) -> Result<Vec<Malfeasance>, GatewayError> {
        let request = Request::default();
        let rows = self.list(LIST, &request, "proofs", Pages::Gaps, proof, |row| row.smesher).await;
        let mut rows = rows.map_err(|fault| self.error(LIST, fault))?;
        rows.sort_unstable_by_key(|row| row.smesher);
        Ok(rows)
    }
}

pub(crate) fn proof(item: &Item<'_>) -> Result<Malfeasance, Fault> {
    Ok(Malfeasance {
        smesher: SmesherId(item.array("smesher")?),
        domain: item.one_of("domain", &DOMAIN)?,
        kind: item.u32("type")?,
    })
}
