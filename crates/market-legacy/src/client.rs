use apogee_filecoin::rpc::{Client, RpcError};
use apogee_filecoin::types::json::{InvalidJson, Link, address_text};
use cid::Cid;
use fvm_shared::address::Address;
use serde::Deserialize;

use crate::ask::{Answer, Ask};
use crate::deal::{DealInfo, StartDeal, Told};
use crate::import::{DealSize, File, Import, Imported};
use crate::retrieval::{Offer, Offered, Order};

/// A node did not do what it was asked for. Whose fault that is cannot be told from it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The node has not answered, has refused, or has answered something else.
    #[error("the node does not answer as it should")]
    Rpc(#[from] RpcError),
    /// A part of the answer is not what it has to be.
    #[error("the answer to {method} is malformed")]
    Malformed {
        /// The question.
        method: &'static str,
        /// What is wrong.
        #[source]
        source: InvalidJson,
    },
    /// The answer is about somebody or something else.
    #[error("the answer to {method} is about {found}, not about {asked}")]
    Other {
        /// The question.
        method: &'static str,
        /// What was asked about.
        asked: String,
        /// What is answered about.
        found: String,
    },
    /// The answer is empty.
    #[error("the answer to {0} is empty")]
    Nothing(&'static str),
}

/// The organiser's own node, with a client in it. How long it may take and how much it may say are settings of the RPC client: seconds for most, hours for
/// [`Legacy::retrieve_to`].
#[derive(Debug)]
pub struct Legacy {
    node: Client,
}

fn same(method: &'static str, asked: &impl ToString, found: &impl ToString) -> Result<(), Failure> {
    let (asked, found) = (asked.to_string(), found.to_string());
    if asked == found { Ok(()) } else { Err(Failure::Other { method, asked, found }) }
}

#[derive(Deserialize)]
struct Numbered {
    #[serde(rename = "DealID")]
    deal_id: u64,
}

/// `{}`, or `null`.
#[derive(Deserialize)]
struct Empty {}

impl Legacy {
    /// By way of this node.
    #[must_use]
    pub const fn new(node: Client) -> Self {
        Self { node }
    }

    /// What does this miner, at this peer id, ask for storage?
    ///
    /// # Errors
    /// See [`Failure`]. So it is with every method here.
    pub async fn query_ask(&self, peer: &str, miner: &Address) -> Result<Ask, Failure> {
        let method = "ClientQueryAsk";
        let answer: Answer = self.node.call(method, (peer, self.text(miner))).await?;
        let ask = answer.ask().map_err(|source| Failure::Malformed { method, source })?;
        let ask = ask.ok_or(Failure::Nothing(method))?;
        same(method, miner, &ask.miner)?;
        Ok(ask)
    }

    /// Propose this deal, once. What is given is the proposal's CID. The node goes on by itself; with an error it may have begun all the same.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn start_deal(&self, deal: &StartDeal) -> Result<Cid, Failure> {
        let method = "ClientStartDeal";
        let proposal: Option<Link> = self.node.call(method, [deal.written(self.node.network())]).await?;
        proposal.map(|link| link.0).ok_or(Failure::Nothing(method))
    }

    /// How far is the deal of this proposal?
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn deal_info(&self, proposal: &Cid) -> Result<DealInfo, Failure> {
        let method = "ClientGetDealInfo";
        let told: Told = self.node.call(method, [Link(*proposal)]).await?;
        let info = DealInfo::try_from(told).map_err(|source| Failure::Malformed { method, source })?;
        if let Some(found) = &info.proposal {
            same(method, proposal, found)?;
        }
        Ok(info)
    }

    /// What does this miner ask for this data, from this piece if it matters?
    ///
    /// # Errors
    /// See [`Failure`]. A miner that offers nothing is no error: [`Offer::error`] says why.
    pub async fn query_offer(
        &self,
        miner: &Address,
        root: &Cid,
        piece: Option<&Cid>,
    ) -> Result<Offer, Failure> {
        let method = "ClientMinerQueryOffer";
        let params = (self.text(miner), Link(*root), piece.map(|piece| Link(*piece)));
        let offered: Offered = self.node.call(method, params).await?;
        let offer = Offer::try_from(offered).map_err(|source| Failure::Malformed { method, source })?;
        same(method, miner, &offer.miner)?;
        same(method, root, &offer.root)?;
        Ok(offer)
    }

    /// Begin a retrieval, as v1.27 does it. What is given is its number.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn retrieve(&self, order: &Order) -> Result<u64, Failure> {
        let begun: Numbered = self.node.call("ClientRetrieve", [order.written(self.node.network())]).await?;
        Ok(begun.deal_id)
    }

    /// Retrieve to a file on the node's machine, as it was done in 2020: the answer comes when everything is there.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn retrieve_to(&self, order: &Order, path: &str, is_car: bool) -> Result<(), Failure> {
        let params = (order.written(self.node.network()), File { path, is_car });
        let _done: Option<Empty> = self.node.call("ClientRetrieve", params).await?;
        Ok(())
    }

    /// Take in a file on the node's machine.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn import(&self, path: &str, is_car: bool) -> Result<Import, Failure> {
        let imported: Imported = self.node.call("ClientImport", [File { path, is_car }]).await?;
        Ok(imported.into())
    }

    /// How large is this data, which the node has?
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn deal_size(&self, root: &Cid) -> Result<DealSize, Failure> {
        Ok(self.node.call("ClientDealSize", [Link(*root)]).await?)
    }

    fn text(&self, address: &Address) -> String {
        address_text(address, self.node.network())
    }
}
