use std::collections::{BTreeMap, HashMap};

use apogee_market::ask::{AskRequest, AskResponse, SignedAsk};
use apogee_market::deal::{DealParams, DealResponse};
use apogee_market::status::{DealStatus, DealStatusRequest, DealStatusResponse};
use apogee_market::transports::{QueryResponse, Transport};
use apogee_market::{DealUuid, verify};
use cid::Cid;
use fvm_shared::clock::ChainEpoch;

use super::check::Rules;
use super::{Misdeed, Recipe, Talk};

/// How far a provider says that it is with a deal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The checkpoint.
    pub status: String,
    /// Why the deal has failed, if it has.
    pub error: String,
    /// What the sealing software says.
    pub sealing: String,
    /// The message that publishes the deal.
    pub publish: Option<Cid>,
    /// Its number on the chain, or 0.
    pub chain_deal_id: u64,
    /// Bytes of the data that have come.
    pub received: u64,
}

impl Progress {
    /// At this checkpoint, and nothing more.
    #[must_use]
    pub fn at(status: &str) -> Self {
        Self { status: status.into(), ..Self::default() }
    }
}

/// What a client has said of itself by `identify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its software.
    pub agent: String,
    /// What it speaks.
    pub protocols: Vec<String>,
}

/// A deal that was taken.
#[derive(Clone, Debug)]
struct Taken {
    deal: DealParams,
    proposal: Cid,
    questions: usize,
    fixed: Option<Progress>,
}

/// What a provider knows.
#[derive(Debug)]
pub(super) struct Book {
    rules: Rules,
    transports: Vec<Transport>,
    progress: Vec<Progress>,
    misdeeds: HashMap<Talk, Misdeed>,
    taken: BTreeMap<DealUuid, Taken>,
    order: Vec<DealUuid>,
    proposals: u64,
    clients: Vec<Client>,
}

impl Book {
    pub(super) fn new(recipe: &Recipe) -> Self {
        Self {
            rules: Rules::of(recipe),
            transports: recipe.transports.clone(),
            progress: recipe.progress.clone(),
            misdeeds: HashMap::new(),
            taken: BTreeMap::new(),
            order: Vec::new(),
            proposals: 0,
            clients: Vec::new(),
        }
    }

    pub(super) fn misbehave(&mut self, talk: Talk, misdeed: Option<Misdeed>) {
        match misdeed {
            Some(misdeed) => self.misdeeds.insert(talk, misdeed),
            None => self.misdeeds.remove(&talk),
        };
    }

    pub(super) fn misdeed(&self, talk: Talk) -> Option<Misdeed> {
        self.misdeeds.get(&talk).cloned()
    }

    pub(super) fn deals(&self) -> Vec<DealParams> {
        self.order.iter().filter_map(|uuid| self.taken.get(uuid)).map(|taken| taken.deal.clone()).collect()
    }

    pub(super) const fn proposals(&self) -> u64 {
        self.proposals
    }

    pub(super) fn set_progress(&mut self, deal: DealUuid, progress: Progress) {
        if let Some(taken) = self.taken.get_mut(&deal) {
            taken.fixed = Some(progress);
        }
    }

    pub(super) const fn set_head(&mut self, head: ChainEpoch) {
        self.rules.head = head;
    }

    pub(super) fn clients(&self) -> &[Client] {
        &self.clients
    }

    pub(super) fn meet(&mut self, client: Client) {
        self.clients.push(client);
    }

    /// A proposal was read, whatever becomes of it.
    pub(super) const fn count(&mut self) {
        self.proposals += 1;
    }

    /// Take a deal, or say why not.
    pub(super) fn propose(&mut self, deal: DealParams) -> DealResponse {
        let refused = |message| DealResponse { message, accepted: false };
        if let Err(reason) = self.rules.check(&deal) {
            return refused(reason);
        }
        let Ok(proposal) = deal.client_deal_proposal.cid() else {
            return refused("server error: signed proposal cid".into());
        };
        let same = self.taken.iter().find(|(_, taken)| taken.proposal == proposal);
        if let Some((uuid, _)) = same {
            return refused(format!("deal proposal is identical to deal {uuid} (proposed at some time)"));
        }
        let uuid = deal.deal_uuid;
        if self.taken.contains_key(&uuid) {
            return refused(format!("deal has the same uuid as deal {uuid} (proposed at some time)"));
        }
        self.taken.insert(uuid, Taken { deal, proposal, questions: 0, fixed: None });
        self.order.push(uuid);
        DealResponse { message: String::new(), accepted: true }
    }

    pub(super) fn ask(&self, request: &AskRequest) -> AskResponse {
        let ask = self.rules.ask.clone();
        let signed = SignedAsk { ask: Some(ask), signature: None };
        AskResponse { ask: (request.miner == self.rules.ask.miner).then_some(signed) }
    }

    pub(super) fn transports(&self) -> QueryResponse {
        QueryResponse { protocols: self.transports.clone() }
    }

    pub(super) fn status(&mut self, request: &DealStatusRequest) -> DealStatusResponse {
        let uuid = request.deal_uuid;
        let without = |error| DealStatusResponse {
            deal_uuid: uuid,
            error,
            deal_status: None,
            is_offline: false,
            transfer_size: 0,
            bytes_received: 0,
        };
        let Some(taken) = self.taken.get_mut(&uuid) else {
            return without(format!("no storage deal found with deal UUID {uuid}"));
        };
        let proposal = taken.deal.client_deal_proposal.proposal.clone();
        if verify(&proposal.client, &uuid.0, &request.signature).is_err() {
            return without("signature verification failed".into());
        }
        let step = taken.questions.min(self.progress.len().saturating_sub(1));
        taken.questions += 1;
        let scripted = self.progress.get(step).cloned().unwrap_or_default();
        let progress = taken.fixed.clone().unwrap_or(scripted);
        DealStatusResponse {
            deal_uuid: uuid,
            error: String::new(),
            deal_status: Some(DealStatus {
                error: progress.error,
                status: progress.status,
                sealing_status: progress.sealing,
                proposal,
                signed_proposal_cid: taken.proposal,
                publish_cid: progress.publish,
                chain_deal_id: progress.chain_deal_id,
            }),
            is_offline: taken.deal.is_offline,
            transfer_size: taken.deal.transfer.size,
            bytes_received: progress.received,
        }
    }
}
