//! What is known of the participants of an indexed network, as the facts that standings are made of.

use std::collections::BTreeMap;

use apogee_domain::series::{SeriesSpec, presence};
use apogee_domain::{Digest, Epoch, Network, NetworkId, NetworkKind, SeriesName, Subject};
use apogee_leaderboard::{FactsDocument, Participant, SeriesDocument, Source, StepDocument, Steps};
use apogee_rules::{Id, MetricKind, Quantity, RuleSet};
use apogee_store::{Page, Store, StoreError};

use super::observed;

/// Steps that are read at once.
const PAGE: u32 = 10_000;

/// How often an index is read again that moved meanwhile.
const TRIES: u32 = 5;

/// Why there are no facts for some rules.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoFacts {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A metric reads what an index does not have.
    #[error("{0} is neither a series of a participant on the chain nor one that bots make")]
    Series(SeriesName),
    /// A metric reads what networks of that kind do not have.
    #[error("{series} is no series of {network}: rules of another kind of network name it")]
    Kind { series: SeriesName, network: NetworkId },
    /// The index moved whenever it was read.
    #[error("the index moves faster than it can be read")]
    Moving,
    /// A metric looks at deals or sectors.
    #[error("metric {0}: deals and sectors are not kept one by one yet")]
    OneByOne(Id),
    /// The index has a name that rules cannot have.
    #[error("{0:?} in the index is no id")]
    Id(String),
}

/// The series of a network's chain that rules read.
pub(crate) fn wanted(rules: &[RuleSet], network: &Network) -> Result<Vec<&'static SeriesSpec>, NoFacts> {
    let mut wanted: Vec<&'static SeriesSpec> = Vec::new();
    let mut want = |name: &SeriesName| -> Result<(), NoFacts> {
        let observed = rules.iter().flat_map(|rules| &rules.series).any(|series| series.name == *name);
        if observed && observed::counted(name).is_some() {
            return Ok(());
        }
        let spec = name.spec().filter(|spec| spec.per_participant && !observed);
        let spec = spec.ok_or_else(|| NoFacts::Series(name.clone()))?;
        if !spec.kinds.contains(&network.kind) {
            return Err(NoFacts::Kind { series: name.clone(), network: network.id.clone() });
        }
        if !wanted.iter().any(|other| other.name == spec.name) {
            wanted.push(spec);
        }
        Ok(())
    };
    for metric in rules.iter().flat_map(|rules| &rules.metrics) {
        if matches!(metric.kind, MetricKind::Deals { .. } | MetricKind::Sectors { .. }) {
            let id = &metric.id;
            return Err(NoFacts::OneByOne(id.clone()));
        }
        metric.series().try_for_each(&mut want)?;
    }
    Ok(wanted)
}

/// What some of these rules read of every participant up to an epoch.
pub(crate) async fn read(
    store: &dyn Store,
    network: &Network,
    rules: &[RuleSet],
    at: Epoch,
) -> Result<FactsDocument, NoFacts> {
    let mut facts =
        Columns::new(wanted(rules, network)?, network.kind).document(&network.id, at, store).await?;
    observed::add(&mut facts, store, &network.id, rules, at).await?;
    Ok(facts)
}

/// The steps of every participant in some series, and up to when they are known. What an index adds is added here, so that nothing is read twice.
#[derive(Debug)]
pub(super) struct Columns {
    wanted: Vec<&'static SeriesSpec>,
    /// One for each series, and who takes part: whoever does is there, also where no rule looks at it.
    steps: Vec<(SeriesName, Column)>,
    /// The epoch up to which they are known, and the digest of the index there.
    known: Option<(Epoch, Digest)>,
}

/// By participant and epoch.
type Column = BTreeMap<Subject, Vec<StepDocument>>;

impl Columns {
    pub(super) fn new(wanted: Vec<&'static SeriesSpec>, kind: NetworkKind) -> Self {
        let mut names: Vec<SeriesName> = wanted.iter().map(|spec| SeriesName::of(spec.name)).collect();
        if !names.contains(&presence(kind)) {
            names.push(presence(kind));
        }
        Self { wanted, steps: names.into_iter().map(|name| (name, Column::new())).collect(), known: None }
    }

    /// Whether they are of these series.
    pub(super) fn are(&self, wanted: &[&'static SeriesSpec]) -> bool {
        self.wanted.iter().map(|spec| spec.name).eq(wanted.iter().map(|spec| spec.name))
    }

    /// The facts up to an indexed epoch.
    pub(super) async fn document(
        &mut self,
        network: &NetworkId,
        at: Epoch,
        store: &dyn Store,
    ) -> Result<FactsDocument, NoFacts> {
        self.reach(network, at, store).await?;
        let mut seen: BTreeMap<&Subject, Epoch> = BTreeMap::new();
        for (_, column) in &self.steps {
            for (subject, steps) in column {
                if let Some((first, _)) = steps.first().filter(|(first, _)| *first <= at) {
                    let epoch = seen.entry(subject).or_insert(*first);
                    *epoch = (*epoch).min(*first);
                }
            }
        }
        let participants = seen
            .into_iter()
            .map(|(subject, seen)| Ok(Participant { id: id(subject.as_str())?, region: None, seen }));
        let documents =
            self.wanted.iter().zip(&self.steps).map(|(spec, (_, column))| series(spec, column, at));
        Ok(FactsDocument {
            deals: Vec::new(),
            network: id(network.as_str())?,
            participants: participants.collect::<Result<_, NoFacts>>()?,
            sectors: Vec::new(),
            series: documents.collect::<Result<_, NoFacts>>()?,
        })
    }

    /// Know everything up to `at`, of one chain: reads are statements of their own, between which the index may move.
    async fn reach(&mut self, network: &NetworkId, at: Epoch, store: &dyn Store) -> Result<(), NoFacts> {
        for _ in 0..TRIES {
            let before = Seen::of(store, network, at).await?;
            // Nothing is known until all of it has been read: a read that fails, or is given up, leaves columns that do not fit.
            let known = match self.known.take() {
                Some((epoch, digest)) => {
                    store.epoch(network, epoch).await?.filter(|record| record.digest == digest)
                }
                None => None,
            };
            let known = match known {
                Some(record) if at < record.epoch => Some((record.epoch, record.digest)),
                record => {
                    // What a tipset did comes with the next one. Without what was known, or after it was undone, everything is read again.
                    self.read(network, record.map_or(Epoch::GENESIS, |record| record.parent), at, store)
                        .await?;
                    before.digest.map(|digest| (at, digest))
                }
            };
            if before.is_still(&Seen::of(store, network, at).await?, at) {
                self.known = known;
                return Ok(());
            }
        }
        Err(NoFacts::Moving)
    }

    /// Read the steps in `[from, at]` again.
    async fn read(
        &mut self,
        network: &NetworkId,
        from: Epoch,
        at: Epoch,
        store: &dyn Store,
    ) -> Result<(), NoFacts> {
        for (name, column) in &mut self.steps {
            column.retain(|_, steps| {
                steps.truncate(steps.partition_point(|(epoch, _)| *epoch < from));
                !steps.is_empty()
            });
            extend(column, store, network, name, from, at).await?;
        }
        Ok(())
    }
}

/// What an index is when something is read of it.
struct Seen {
    cursor: Option<(Epoch, Digest)>,
    /// Digest of everything up to the epoch that is read.
    digest: Option<Digest>,
}

impl Seen {
    async fn of(store: &dyn Store, network: &NetworkId, at: Epoch) -> Result<Self, NoFacts> {
        let cursor = store.cursor(network).await?.map(|cursor| (cursor.epoch, cursor.digest));
        Ok(Self { cursor, digest: store.epoch(network, at).await?.map(|record| record.digest) })
    }

    /// Whether what was read between the two is of one chain: up to `at` nothing has changed, and nothing that came could belong there.
    fn is_still(&self, after: &Self, at: Epoch) -> bool {
        let whole = self.cursor.is_some_and(|(epoch, _)| at < epoch);
        self.digest == after.digest && (whole || self.cursor == after.cursor)
    }
}

/// Add the steps of a series that begin in `[from, at]`.
async fn extend(
    column: &mut Column,
    store: &dyn Store,
    network: &NetworkId,
    series: &SeriesName,
    from: Epoch,
    at: Epoch,
) -> Result<(), NoFacts> {
    let mut after = None;
    loop {
        let found = store.history(network, series, from, Page { after, limit: PAGE }).await?;
        let whole = found.len() < PAGE as usize;
        after = found.last().map(|(subject, step)| (subject.clone(), step.epoch));
        for (subject, step) in found.into_iter().filter(|(of, step)| !of.is_network() && step.epoch <= at) {
            column.entry(subject).or_default().push((step.epoch, step.value.map(|value| Quantity(value.0))));
        }
        if whole {
            return Ok(());
        }
    }
}

/// The steps of a series up to an epoch.
fn series(spec: &SeriesSpec, column: &Column, at: Epoch) -> Result<SeriesDocument, NoFacts> {
    let mut all = Vec::with_capacity(column.len());
    for (subject, steps) in column {
        let until = steps.partition_point(|(epoch, _)| *epoch <= at);
        if let Some(steps) = steps.get(..until).filter(|steps| !steps.is_empty()) {
            all.push((id(subject.as_str())?, steps.to_vec()));
        }
    }
    let (reading, unit) = (spec.reading, spec.unit);
    Ok(SeriesDocument { name: id(spec.name)?, reading, source: Source::Chain, steps: Steps(all), unit })
}

fn id(text: &str) -> Result<Id, NoFacts> {
    text.parse().map_err(|_| NoFacts::Id(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use apogee_domain::{Atto, Change, Finality, Timestamp, Value, series};
    use apogee_store::{AppliedEpoch, Cursor, EpochKind, EpochRecord};
    use apogee_store_sqlite::SqliteStore;

    use super::*;

    const EPOCHS: i64 = 12;

    fn at(height: i64) -> Epoch {
        Epoch::new(height).unwrap()
    }

    fn network() -> Network {
        Network {
            id: "devnet".parse().unwrap(),
            kind: NetworkKind::Filecoin,
            genesis: "genesis".into(),
            genesis_time: Timestamp(0),
            epoch_seconds: 30,
            address_prefix: "t".into(),
            finality: Finality { depth: 900, certificates: false },
        }
    }

    /// An epoch of one of two branches: it says what the epoch before did. Every fourth is a null round.
    fn applied(height: i64, branch: u8) -> AppliedEpoch {
        let null = height % 4 == 3;
        let parent = at((height - if height % 4 == 0 { 2 } else { 1 }).max(0));
        let kind = if null { EpochKind::Null } else { EpochKind::Tipset };
        let record = EpochRecord {
            epoch: at(height),
            kind,
            key: format!("{branch}-{height}"),
            parent,
            digest: Digest([u8::try_from(height).unwrap() | branch << 7; 32]),
            time: Timestamp(0),
            state_root: String::new(),
            weight: Value::ZERO,
            base_fee: Atto::ZERO,
            network_version: None,
            blocks: Vec::new(),
            checks: Vec::new(),
            reconciled: Vec::new(),
        };
        let change = |series, subject: String, epoch| Change {
            series,
            subject: subject.parse().unwrap(),
            epoch,
            value: Some(Value(u128::try_from(height).unwrap() * 100 + u128::from(branch))),
        };
        let mut changes = Vec::new();
        if !null {
            changes.push(change(series::POWER_RAW, format!("t0{}", 100 + height), at(height)));
            if height > 0 {
                changes.push(change(
                    SeriesName::of("reward.block"),
                    format!("t0{}", 100 + height / 2),
                    parent,
                ));
            }
        }
        AppliedEpoch { record, changes }
    }

    async fn apply(
        store: &SqliteStore,
        from: Option<Cursor>,
        heights: std::ops::Range<i64>,
        branch: u8,
    ) -> Cursor {
        let epochs: Vec<_> = heights.map(|height| applied(height, branch)).collect();
        let last = &epochs.last().unwrap().record;
        let to = Cursor {
            epoch: last.epoch,
            key: last.key.clone(),
            digest: last.digest,
            final_epoch: None,
            views: 1,
            checks: Vec::new(),
        };
        let mut work = store.begin().await.unwrap();
        work.apply(&network().id, from.as_ref(), &to, &epochs).await.unwrap();
        work.commit().await.unwrap();
        to
    }

    #[tokio::test]
    async fn what_is_added_to_is_what_is_read_anew_however_the_chain_moves() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("facts.sqlite")).await.unwrap();
        let mut work = store.begin().await.unwrap();
        work.put_network(&network()).await.unwrap();
        work.commit().await.unwrap();
        let wanted = || vec![SeriesName::of("reward.block").spec().unwrap()];
        let mut kept = Columns::new(wanted(), NetworkKind::Filecoin);
        let mut same = async |height: i64| {
            let mut anew = Columns::new(wanted(), NetworkKind::Filecoin);
            let anew = anew.document(&network().id, at(height), &store).await.unwrap();
            let grown = kept.document(&network().id, at(height), &store).await.unwrap();
            assert_eq!(grown, anew, "epoch {height}");
            grown.participants.len()
        };
        let mut cursor = None;
        for height in 0..EPOCHS {
            cursor = Some(apply(&store, cursor, height..height + 1, 0).await);
            assert!(same(height).await > 0);
            same(height / 2).await;
        }
        let before = cursor.unwrap();
        let kept_to = applied(6, 0).record;
        let to = Cursor { epoch: at(6), key: kept_to.key, digest: kept_to.digest, ..before.clone() };
        let mut work = store.begin().await.unwrap();
        work.unwind(&network().id, &before, &to).await.unwrap();
        work.commit().await.unwrap();
        same(6).await;
        let cursor = apply(&store, Some(to), 7..EPOCHS, 1).await;
        assert_eq!(cursor.epoch, at(EPOCHS - 1));
        same(EPOCHS - 1).await;
        same(8).await;
    }
}
