//! The state that goes from tipset to tipset: what was indexed up to here, and what makes the next one cheap.

use std::sync::Arc;

use apogee_domain::series::{POWER_QA, POWER_RAW};
use apogee_domain::{Atto, Digest, Epoch, Network, SeriesName, Value};
use apogee_filecoin::types::Tipset;
use apogee_filecoin::verify::{EpochReport, NetworkParams, Verifier, settle};
use apogee_store::{
    AppliedEpoch, BlockRecord, CheckRecord, EpochKind, EpochRecord, Reconciliation, chained_digest,
};
use rayon::prelude::*;

use crate::checks;
use crate::facts::{Facts, Step, derive};
use crate::fold::{Flow, Fold, Steps, rows};
use crate::nodes::{Nodes, Reads, Trouble};
#[cfg(feature = "snark")]
use crate::proofs::Proofs;
use crate::views::deals::DealsView;
use crate::views::wins::WinsView;
use crate::views::{Names, atto, chain, power, sectors, value};

/// Names the encoding of digests, and whose they are.
const ENCODING: &[u8] = b"apogee epoch 1\0";

/// Derives epochs in the order of the chain.
#[derive(Debug)]
pub(crate) struct Worker {
    network: Network,
    params: Arc<NetworkParams>,
    names: Names,
    /// What the verifier reads through, too: one epoch after the other.
    nodes: Nodes,
    /// What an epoch may read.
    reads: Reads,
    /// Whether nothing is derived from an epoch of which a check fails, nor after it.
    strict: bool,
    verifier: Verifier,
    fold: Fold,
    deals: DealsView,
    wins: WinsView,
    digest: Digest,
    #[cfg(feature = "snark")]
    proofs: Option<Proofs>,
}

/// What the rounds of one tipset, null rounds before it included, can expect to win.
type Rounds = Vec<(Epoch, Vec<Flow>)>;

impl Worker {
    /// Go on where `fold` and `digest` stand.
    pub(crate) fn new(
        network: Network,
        params: Arc<NetworkParams>,
        (nodes, reads): (Nodes, Reads),
        verifier: Verifier,
        fold: Fold,
        digest: Digest,
    ) -> Self {
        Self {
            names: Names(network.address_prefix.clone()),
            nodes,
            reads,
            strict: false,
            verifier,
            network,
            params,
            fold,
            deals: DealsView::default(),
            wins: WinsView::default(),
            digest,
            #[cfg(feature = "snark")]
            proofs: None,
        }
    }

    /// Stop at the first epoch of which a check fails: its record then holds the checks, and it has no steps.
    pub(crate) fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// Check what messages prove, too.
    #[cfg(feature = "snark")]
    pub(crate) fn with_proofs(self, proofs: Proofs) -> Self {
        Self { proofs: Some(proofs), ..self }
    }

    /// The digest chain up to the last epoch.
    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// What could not be read since this was last asked.
    pub(crate) fn trouble(&self) -> Trouble {
        self.nodes.take_trouble()
    }

    /// Verify and derive these tipsets, each one's parent the one before it. `seed` is fresh randomness for signatures in batches.
    pub(crate) fn epochs(&mut self, steps: &[Step], seed: &[u8; 32]) -> Vec<AppliedEpoch> {
        let (nodes, names, params) = (self.nodes.clone(), self.names.clone(), Arc::clone(&self.params));
        let reads = self.reads;
        let verified = || {
            let prepare = |step: &Step| {
                // Expected wins take everybody's power.
                self.nodes.renew(step.tipset.epoch(), reads.whole());
                (self.verifier.prepare(&step.tipset), self.rounds(step))
            };
            let (pending, rounds): (Vec<_>, Vec<_>) = steps.iter().map(prepare).unzip();
            (settle(&self.params, pending, seed), rounds)
        };
        let one = |step: &Step| {
            let reads = if step.parent.is_some() { reads } else { reads.whole() };
            derive(&nodes.within(step.tipset.epoch(), reads), &names, &params, step)
        };
        let derived = || steps.par_iter().map(one).collect();
        let ((reports, rounds), facts): (_, Vec<_>) = rayon::join(verified, derived);
        let mut epochs = Vec::new();
        for (((step, report), facts), mut rounds) in steps.iter().zip(&reports).zip(facts).zip(rounds) {
            if self.strict && report.failed() > 0 {
                let mut record = self.record(step, step.tipset.epoch(), EpochKind::Tipset);
                record.checks = checks::records(report);
                epochs.push(self.seal(record, Steps::new()));
                break;
            }
            let own = rounds.pop();
            for (epoch, flows) in rounds {
                epochs.push(self.null_round(step, epoch, flows));
            }
            let own = own.map(|(_, flows)| flows).unwrap_or_default();
            epochs.push(self.tipset(step, report, facts, own));
        }
        epochs
    }

    /// Null rounds since the parent, then the tipset's own round.
    fn rounds(&mut self, step: &Step) -> Rounds {
        let own = step.tipset.epoch();
        let first = match &step.parent {
            Some(parent) => parent.epoch().height().saturating_add(1),
            None if step.tipset.first().is_genesis() => return vec![(own, Vec::new())],
            None => own.height(),
        };
        let heights = first..=own.height();
        let mut expect = |height| {
            let epoch = Epoch::new(height)?;
            let (nodes, names) = (&self.nodes, &self.names);
            let of = (&step.tipset, epoch);
            Some((epoch, self.wins.read(nodes, names, &self.params, &mut self.verifier, of)))
        };
        heights.filter_map(&mut expect).collect()
    }

    fn null_round(&mut self, step: &Step, epoch: Epoch, flows: Vec<Flow>) -> AppliedEpoch {
        let mut steps = Steps::new();
        for flow in flows.into_iter().chain([chain::null_round(epoch)]) {
            self.fold.flow(flow, &mut steps);
        }
        let mut record = self.record(step, epoch, EpochKind::Null);
        record.time = self.network.time_of(epoch);
        self.seal(record, steps)
    }

    fn tipset(&mut self, step: &Step, report: &EpochReport, facts: Facts, rounds: Vec<Flow>) -> AppliedEpoch {
        let (tipset, epoch) = (&step.tipset, step.tipset.epoch());
        let root = tipset.first().parent_state_root;
        let mut steps = Steps::new();
        let mut levels = chain::levels(tipset, self.params.version(epoch.height()));
        // What was unknown is not in a difference: read all of it again. A WindowPoSt takes every sector of its partitions.
        let all = self.nodes.within(epoch, self.reads.whole());
        let knows = |series: &SeriesName| step.parent.is_none() || self.fold.knows(series);
        let power = match [POWER_RAW, POWER_QA].iter().all(knows) {
            true => facts.power,
            false => power::read(&all, &self.names, None, &root),
        };
        levels.extend(power.levels);
        levels.extend(match sectors::SERIES.iter().all(knows) {
            true => facts.sectors,
            false => sectors::read(&all, &self.names, None, &root),
        });
        let some = self.nodes.within(epoch, self.reads);
        let nodes = if self.deals.is_empty() { &all } else { &some };
        levels.extend(self.deals.read(nodes, &self.names, &root, epoch));
        for level in levels {
            self.fold.level(level, epoch, &mut steps);
        }
        if step.parent.is_none() && !tipset.first().is_genesis() {
            self.fold.begin(epoch, &mut steps);
        }
        let flows = facts.execution.flows.into_iter().chain(chain::flows(tipset, &self.names)).chain(rounds);
        for flow in flows {
            self.fold.flow(flow, &mut steps);
        }
        let mut record = self.record(step, epoch, EpochKind::Tipset);
        record.key = tipset.key().to_string();
        record.blocks = self.blocks(tipset, &facts.messages);
        record.checks = checks::records(report);
        #[cfg(feature = "snark")]
        if let (Some(proofs), Some(parent)) = (&mut self.proofs, &step.parent) {
            checks::add(&mut record.checks, &proofs.check(&all, &self.params, parent, tipset));
        }
        record.reconciled = facts.execution.reconciled;
        let (raw, qa) = power.committed;
        for (what, series, state) in [("claims_raw", POWER_RAW, raw), ("claims_qa", POWER_QA, qa)] {
            let derived = self.fold.sum(&series);
            record.reconciled.push(Reconciliation { what: what.to_owned(), derived, state });
        }
        record.reconciled.sort_by(|a, b| a.what.cmp(&b.what));
        self.seal(record, steps)
    }

    /// What an epoch shares with the tipset that ends it.
    fn record(&self, step: &Step, epoch: Epoch, kind: EpochKind) -> EpochRecord {
        let first = step.tipset.first();
        EpochRecord {
            epoch,
            kind,
            key: String::new(),
            parent: step.parent.as_ref().map_or(epoch, Tipset::epoch),
            digest: Digest::default(),
            time: apogee_domain::Timestamp::from_seconds(i64::try_from(first.timestamp).unwrap_or(i64::MAX)),
            state_root: first.parent_state_root.to_string(),
            weight: value(&first.parent_weight).unwrap_or(Value::ZERO),
            base_fee: Atto(atto(&first.parent_base_fee).unwrap_or(0)),
            network_version: Some(self.params.version(epoch.height())),
            blocks: Vec::new(),
            checks: Vec::<CheckRecord>::new(),
            reconciled: Vec::new(),
        }
    }

    fn blocks(&self, tipset: &Tipset, messages: &[u32]) -> Vec<BlockRecord> {
        let block = |((cid, header), messages): ((cid::Cid, &apogee_filecoin::types::BlockHeader), &u32)| {
            let wins = header.election_proof.as_ref().map_or(0, |proof| proof.win_count);
            BlockRecord {
                cid: cid.to_string(),
                miner: header
                    .miner_id()
                    .map_or_else(|| header.miner.to_string(), |id| self.names.miner(id).to_string()),
                win_count: u32::try_from(wins).unwrap_or(0),
                messages: *messages,
            }
        };
        tipset.cids_and_blocks().zip(messages).map(block).collect()
    }

    fn seal(&mut self, mut record: EpochRecord, steps: Steps) -> AppliedEpoch {
        let changes = rows(steps);
        self.digest = chained_digest(ENCODING, self.digest, record.epoch, &record.key, &changes);
        record.digest = self.digest;
        AppliedEpoch { record, changes }
    }
}
