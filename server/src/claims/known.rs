use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apogee_competition::claim::{Chain, Holder, Message, MinerKeys, Participant, proposal_commitment};
use apogee_competition::{Act, Competition, Signed};
use apogee_domain::{Digest, Epoch, SeriesName, series};
use apogee_filecoin::source::Source;
use apogee_rules::{Id, RuleSet};
use apogee_store::{Page, Store};

use super::keys::{NoState, keys};
use super::proposals::{Asked, is_executed};
use crate::competitions::{Ground, wanted};

/// Of whom what has to be known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wants {
    participants: BTreeSet<Id>,
    /// A miner at an epoch, and earlier epochs at which it may have had other keys.
    keys: BTreeMap<(Id, Epoch), BTreeSet<Epoch>>,
    /// Proposals of owners, each with the miner.
    proposals: BTreeSet<(Id, Asked)>,
}

/// What verified state says of those who are concerned, read beforehand: looking at it waits for nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    participants: BTreeMap<Id, Participant>,
    keys: BTreeMap<(Id, Epoch), MinerKeys>,
    /// Multisigs with proposals that they have executed.
    executed: BTreeSet<(String, Asked)>,
}

impl Wants {
    /// Whoever an operator's act names.
    pub(crate) fn act(&mut self, act: &Act) {
        match act {
            Act::Disqualify { entities } => self.participants.extend(entities.iter().cloned()),
            Act::Waive { entity: id, .. }
            | Act::Attest { entity: id, .. }
            | Act::Award { entity: id, .. }
            | Act::SetRegion { target: id, .. }
            | Act::Adjust { participant: id, .. } => {
                self.participants.insert(id.clone());
            }
            _ => {}
        }
    }

    /// The miner of a message, and the leader that may have to consent.
    pub(crate) fn message(&mut self, competition: &Competition, message: &Message, at: Epoch) {
        self.participants.insert(message.entity.clone());
        let leader = competition.entities().get(&message.entity).and_then(|entity| entity.leader());
        for miner in std::iter::once(&message.miner).chain(leader) {
            self.miner(miner, at, [Some(message.issued), competition.start()]);
        }
    }

    /// The proposal by which the owner of a message's miner is said to approve it.
    pub(crate) fn proposal(&mut self, message: &Message, text: &str, id: &str, at: Epoch) {
        let commitment = proposal_commitment(text);
        let asked = Asked { id: id.to_owned(), commitment, since: message.issued, at };
        self.proposals.insert((message.miner.clone(), asked));
    }

    /// Everybody who signed a claim of a ledger.
    pub(crate) fn ledger<'a>(&mut self, entries: impl IntoIterator<Item = &'a Signed>) {
        for entry in entries.into_iter().map(|signed| &signed.entry) {
            let Act::Claim { message, proof, consent, .. } = &entry.act else { continue };
            if let Ok(read) = message.parse::<Message>() {
                if let Some(proposal) = &proof.proposal {
                    self.proposal(&read, message, &proposal.id, entry.epoch);
                }
                self.participants.insert(read.entity);
            }
            for proof in std::iter::once(proof).chain(consent) {
                self.miner(&proof.miner, entry.epoch, [None, None]);
            }
        }
    }

    fn miner(&mut self, miner: &Id, at: Epoch, earlier: [Option<Epoch>; 2]) {
        self.participants.insert(miner.clone());
        let epochs = self.keys.entry((miner.clone(), at)).or_default();
        epochs.extend(earlier.into_iter().flatten().filter(|epoch| *epoch < at));
    }
}

impl Known {
    /// Read what is wanted. Without a source of state no keys are known.
    pub(crate) async fn read(
        store: &dyn Store,
        ground: &Ground,
        source: Option<&Arc<dyn Source>>,
        rules: &[RuleSet],
        wants: &Wants,
    ) -> Result<Self, NoState> {
        let mut known = Self::default();
        for id in &wants.participants {
            if let Some(participant) = participant(store, ground, rules, id).await? {
                known.participants.insert(id.clone(), participant);
            }
        }
        let (Ground::Index { network, .. }, Some(source)) = (ground, source) else { return Ok(known) };
        for ((miner, at), earlier) in &wants.keys {
            let Some(mut now) = keys(store, network, source, miner, *at).await? else { continue };
            let seen = known.participants.get(miner).map(|participant| participant.seen);
            let earlier: BTreeSet<Epoch> = earlier.iter().copied().chain(seen).filter(|e| e < at).collect();
            for epoch in earlier {
                let Some(before) = keys(store, network, source, miner, epoch).await? else { continue };
                for holder in [before.owner, before.worker] {
                    if let Holder::Key(key) = &holder
                        && holder != now.owner
                        && holder != now.worker
                        && !now.former.contains(key)
                    {
                        now.former.push(key.clone());
                    }
                }
            }
            known.keys.insert((miner.clone(), *at), now);
        }
        for (miner, asked) in &wants.proposals {
            let owner = known.keys.get(&(miner.clone(), asked.at)).map(|keys| &keys.owner);
            if let Some(Holder::Multisig(multisig)) = owner
                && is_executed(store, network, source, multisig, asked).await?
            {
                known.executed.insert((multisig.clone(), asked.clone()));
            }
        }
        Ok(known)
    }
}

/// When somebody was first seen: its first step in what facts are made of.
async fn participant(
    store: &dyn Store,
    ground: &Ground,
    rules: &[RuleSet],
    id: &Id,
) -> Result<Option<Participant>, NoState> {
    let network = match ground {
        Ground::Index { network, .. } => network,
        Ground::Archive(archive) => {
            let found = archive.facts.participants.iter().find(|participant| participant.id == *id);
            return Ok(found.map(|found| Participant { seen: found.seen, region: found.region.clone() }));
        }
    };
    let Ok(subject) = id.as_str().parse() else { return Ok(None) };
    let wanted = wanted(rules, network).unwrap_or_default();
    let names = wanted.iter().map(|spec| SeriesName::of(spec.name)).chain([series::presence(network.kind)]);
    let mut seen: Option<Epoch> = None;
    for name in names.collect::<BTreeSet<_>>() {
        let first = store.steps(&network.id, &name, &subject, Page { after: None, limit: 1 }).await?;
        seen = seen.into_iter().chain(first.first().map(|step| step.epoch)).min();
    }
    Ok(seen.map(|seen| Participant { seen, region: None }))
}

impl Chain for Known {
    fn participant(&self, id: &Id, at: Epoch) -> Option<Participant> {
        self.participants.get(id).filter(|participant| participant.seen <= at).cloned()
    }

    fn keys(&self, miner: &Id, at: Epoch) -> Option<MinerKeys> {
        self.keys.get(&(miner.clone(), at)).cloned()
    }

    fn approves(&self, multisig: &str, proposal: &str, commitment: &Digest, at: Epoch) -> bool {
        self.executed.iter().any(|(by, asked)| {
            by == multisig && asked.id == proposal && asked.commitment == *commitment && asked.at == at
        })
    }
}
