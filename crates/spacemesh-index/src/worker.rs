//! From facts to what is stored: layer after layer, each on top of those before it.

use std::collections::BTreeMap;

use apogee_domain::series::{ATX_STREAK, Reading};
use apogee_domain::{Atto, Digest, Epoch, Network, NetworkKind, SeriesName, Subject, Value, series};
use apogee_spacemesh::id::{EpochId, LayerId, SmesherId};
use apogee_store::{AppliedEpoch, BlockRecord, EpochKind, EpochRecord, chained_digest};

use crate::Params;
use crate::checks::{self, Tally};
use crate::fold::{Fold, Steps};
use crate::params::{epoch, layer_at, subject};
use crate::source::{Activation, LayerFacts, LayerName};
use crate::views::{Activations, At, activations, malfeasance, rewards, slots};

/// Names the encoding of digests, and whose they are.
const ENCODING: &[u8] = b"apogee layer 1\0";

/// Derives. Has no clock, no database and no source.
#[derive(Debug)]
pub(crate) struct Worker {
    network: Network,
    params: Params,
    fold: Fold,
    /// As it was before the epoch of the next layer began.
    before: Fold,
    digest: Digest,
    /// Set where nothing is known of what was before this epoch of the database, until the first layer after it is derived.
    unknown_until: Option<Epoch>,
    entered: Option<Entered>,
    malfeasant: Vec<(LayerId, Subject)>,
}

/// What holds for an epoch of the network.
#[derive(Debug)]
struct Entered {
    epoch: EpochId,
    activations: Activations,
    /// Whether no layer was derived since activations were read.
    fresh: bool,
    /// How many activations there were beyond one a smesher.
    doubled: usize,
}

impl Worker {
    /// On top of `fold`, which was `before` when the epoch of the next layer began, and of `digest`.
    pub(crate) const fn new(
        network: Network,
        params: Params,
        fold: Fold,
        before: Fold,
        digest: Digest,
    ) -> Self {
        let malfeasant = Vec::new();
        Self { network, params, fold, before, digest, unknown_until: None, entered: None, malfeasant }
    }

    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// The epoch whose activations it has.
    pub(crate) fn entered(&self) -> Option<EpochId> {
        self.entered.as_ref().map(|entered| entered.epoch)
    }

    /// Take in everybody's activations in `epoch`, of which the next layer is; for the first time, or anew.
    pub(crate) fn enter(&mut self, epoch: EpochId, mut found: Vec<Activation>) {
        if self.entered().is_some_and(|entered| entered != epoch) {
            self.before = self.fold.clone();
        }
        let all = found.len();
        // The lowest of several that one smesher has, which is malfeasance.
        found.sort_unstable();
        found.dedup_by_key(|activation| activation.smesher);
        let doubled = all.saturating_sub(found.len());
        let named = found.into_iter().filter_map(|one| Some((subject(&one.smesher)?, one)));
        self.entered = Some(Entered { epoch, activations: named.collect(), fresh: true, doubled });
    }

    /// Take in who is malfeasant, and since when in nanoseconds since 1970; where that is not told, since `now`.
    pub(crate) fn accuse(&mut self, known: &BTreeMap<SmesherId, Option<i64>>, now: LayerId) {
        let since = |at: Option<i64>| at.map_or(Some(now), |at| layer_at(&self.network, at));
        let from = |(who, at): (&SmesherId, &Option<i64>)| Some((since(*at)?, subject(who)?));
        self.malfeasant = known.iter().filter_map(from).collect();
        self.malfeasant.sort_unstable();
    }

    /// The layer before the first one that is derived: with nothing in it, so that there is something to unwind to.
    pub(crate) fn anchor(&mut self, layer: LayerId, name: Option<&LayerName>) -> AppliedEpoch {
        if layer != self.params.first {
            self.unknown_until = Some(epoch(layer));
        }
        let record = self.record(layer, name);
        self.seal(EpochRecord { parent: epoch(layer), ..record }, Steps::default())
    }

    /// What a layer brings. Its epoch has to be entered.
    pub(crate) fn layer(&mut self, facts: &LayerFacts) -> AppliedEpoch {
        let layer = facts.name.layer;
        let mut record = self.record(layer, Some(&facts.name));
        let mut steps = Steps::default();
        let none = Activations::new();
        let (activations, fresh, doubled) = match &mut self.entered {
            Some(Entered { activations, fresh, doubled, .. }) => {
                (&*activations, std::mem::take(fresh), std::mem::take(doubled))
            }
            None => (&none, false, 0),
        };
        if let Some(until) = self.unknown_until.take() {
            for subject in activations.keys() {
                unknown(subject, until, &mut self.fold, &mut steps);
            }
            self.before = self.fold.clone();
        }
        let (params, before, fold) = (&self.params, &self.before, &mut self.fold);
        let mut at = At { params, facts, activations, epoch: epoch(layer), before, fold, steps: &mut steps };
        if fresh {
            activations::levels(&mut at);
            rewards::expected(&mut at, params.epochs().of(layer));
        }
        let estimated = slots::assigned(&mut at, fresh);
        let filled = slots::filled(&mut at);
        rewards::paid(&mut at);
        malfeasance::levels(&mut at, &self.malfeasant);
        if layer
            .0
            .checked_add(1)
            .is_none_or(|next| params.epochs().of(LayerId(next)) != params.epochs().of(layer))
        {
            slots::missed(&mut at);
        }

        let (rewards, reconciled) = checks::rewards(facts);
        // Told once in an epoch, however often activations are read.
        let mut single = Tally::of("one_activation");
        let doubled =
            if params.epochs().first(params.epochs().of(layer)) == Some(layer) { doubled } else { 0 };
        (0..doubled).for_each(|_| single.fail(format!("in {layer} a smesher has more than one")));
        let made = [checks::ballots(facts), single, rewards, estimated];
        record.checks = made.into_iter().filter_map(Tally::record).collect();
        record.reconciled.extend(reconciled);
        record.blocks = blocks(facts, &filled);
        if facts.block.is_some() {
            record.kind = EpochKind::Tipset;
        }
        self.seal(record, steps)
    }

    fn record(&self, layer: LayerId, name: Option<&LayerName>) -> EpochRecord {
        let epoch = epoch(layer);
        EpochRecord {
            epoch,
            kind: EpochKind::Null,
            key: name.map(key).unwrap_or_default(),
            parent: epoch.minus(1),
            digest: Digest::default(),
            time: self.network.time_of(epoch),
            state_root: name.map(state).unwrap_or_default(),
            weight: Value::ZERO,
            base_fee: Atto::ZERO,
            network_version: None,
            blocks: Vec::new(),
            checks: Vec::new(),
            reconciled: Vec::new(),
        }
    }

    fn seal(&mut self, mut record: EpochRecord, steps: Steps) -> AppliedEpoch {
        let changes = steps.rows();
        self.digest = chained_digest(ENCODING, self.digest, record.epoch, &record.key, &changes);
        record.digest = self.digest;
        AppliedEpoch { record, changes }
    }
}

/// What a layer is called in a database.
pub(crate) fn key(name: &LayerName) -> String {
    name.opinion.to_string()
}

/// What a database keeps as its state.
pub(crate) fn state(name: &LayerName) -> String {
    name.state.map(|state| state.to_string()).unwrap_or_default()
}

/// Somebody of whom nothing is known before the epoch after `until`: sums begin at zero there, and how long it has been going on is not known.
fn unknown(subject: &Subject, until: Epoch, fold: &mut Fold, steps: &mut Steps) {
    for spec in series::of(NetworkKind::Spacemesh).filter(|spec| spec.per_participant) {
        let name = SeriesName::of(spec.name);
        if spec.reading == Reading::Cumulative {
            fold.set(name.clone(), subject, until, Some(0), steps);
            steps.earlier(name, subject.clone(), Epoch::GENESIS, None);
        } else if name == ATX_STREAK {
            fold.set(name, subject, Epoch::GENESIS, None, steps);
        }
    }
}

/// The block, once for everybody whom it pays.
fn blocks(facts: &LayerFacts, filled: &BTreeMap<Subject, u32>) -> Vec<BlockRecord> {
    let Some(block) = &facts.block else { return Vec::new() };
    let cid = block.id.map(|id| id.to_string()).unwrap_or_default();
    let one = |miner: Subject| BlockRecord {
        cid: cid.clone(),
        win_count: filled.get(&miner).copied().unwrap_or_default(),
        miner: miner.to_string(),
        messages: block.transactions,
    };
    facts.rewards.iter().filter_map(|reward| subject(&reward.smesher)).map(one).collect()
}
