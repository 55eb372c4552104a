use apogee_market::ask::{AskRequest, AskResponse};
use apogee_market::cbor::DecodeError;
use apogee_market::deal::{DealParams, DealResponse, Version};
use apogee_market::protocol;
use apogee_market::status::{DealStatusRequest, DealStatusResponse};
use apogee_market::transports::QueryResponse;
use fvm_shared::address::Address;
use libp2p_identity::PeerId;

use crate::connect::Caps;
use crate::error::{Exchange, ExchangeError};
use crate::exchange::Call;
use crate::identify::Identity;
use crate::mux::Opener;
use crate::serve::IDENTIFY;

/// A connection to a provider who is who it should be.
#[derive(Clone, Debug)]
pub struct Session {
    peer: PeerId,
    opener: Opener,
    caps: Caps,
}

/// What became of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The form in which it was sent.
    pub version: Version,
    /// What the provider answered.
    pub response: DealResponse,
}

impl Session {
    pub(crate) const fn new(peer: PeerId, opener: Opener, caps: Caps) -> Self {
        Self { peer, opener, caps }
    }

    /// Who is there.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        self.peer
    }

    /// Ask who the provider says it is.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn identify(&self) -> Result<Identity, ExchangeError> {
        let call = Call { exchange: Exchange::Identify, cap: self.caps.identify };
        call.identity(&self.opener, IDENTIFY).await
    }

    /// Ask what `miner` takes for storage.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn ask(&self, miner: Address) -> Result<AskResponse, ExchangeError> {
        let call = Call { exchange: Exchange::Ask, cap: self.caps.ask };
        let request = AskRequest { miner }.encode().map_err(|error| call.unwritten(error))?;
        let reply = call.item(&self.opener, vec![(protocol::ASK_1_1_0, request)]).await?;
        reply.decode(AskResponse::decode)
    }

    /// Propose a deal, in the newer form if the provider takes it. Nothing is sent to who takes neither.
    ///
    /// # Errors
    /// See [`ExchangeError`]. If `sent` is not 0, the provider may have taken the deal: ask for its status.
    pub async fn propose(&self, deal: &DealParams) -> Result<Proposed, ExchangeError> {
        let call = Call { exchange: Exchange::Propose, cap: self.caps.propose };
        let mut offers = Vec::new();
        for version in [Version::V1_2_1, Version::V1_2_0] {
            let request = deal.encode(version).map_err(|error| call.unwritten(error))?;
            offers.push((version.protocol(), request));
        }
        let reply = call.item(&self.opener, offers).await?;
        let older = reply.protocol == protocol::DEAL_1_2_0;
        let version = if older { Version::V1_2_0 } else { Version::V1_2_1 };
        Ok(Proposed { version, response: reply.decode(DealResponse::decode)? })
    }

    /// Ask how far a deal is.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn status(&self, request: &DealStatusRequest) -> Result<DealStatusResponse, ExchangeError> {
        let call = Call { exchange: Exchange::Status, cap: self.caps.status };
        let bytes = request.encode().map_err(|error| call.unwritten(error))?;
        let reply = call.item(&self.opener, vec![(protocol::STATUS_1_2_0, bytes)]).await?;
        let response = reply.decode(DealStatusResponse::decode)?;
        if response.deal_uuid == request.deal_uuid {
            return Ok(response);
        }
        Err(reply.malformed(DecodeError::Value { what: "DealStatusResponse", why: "it is of another deal" }))
    }

    /// Ask where the provider serves what it stores.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn transports(&self) -> Result<QueryResponse, ExchangeError> {
        let call = Call { exchange: Exchange::Transports, cap: self.caps.transports };
        // The provider speaks first.
        let reply = call.item(&self.opener, vec![(protocol::TRANSPORTS_1_0_0, Vec::new())]).await?;
        reply.decode(QueryResponse::decode)
    }
}
