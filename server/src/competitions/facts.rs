//! What is known of the participants of an indexed network, as the facts that standings are made of.

use std::collections::BTreeMap;

use apogee_domain::series::{self, SeriesSpec};
use apogee_domain::{Epoch, NetworkId, SeriesName, Subject};
use apogee_leaderboard::{FactsDocument, Participant, SeriesDocument, Source, StepDocument, Steps};
use apogee_rules::{Id, MetricKind, Quantity, RuleSet};
use apogee_store::{Page, Store, StoreError};

/// Steps that are read at once.
const PAGE: u32 = 10_000;

/// Why there are no facts for some rules.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoFacts {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A metric reads what an index does not have.
    #[error("{0} is not a series of a participant on the chain")]
    Series(SeriesName),
    /// A metric looks at deals or sectors.
    #[error("metric {0}: deals and sectors are not kept one by one yet")]
    OneByOne(Id),
    /// The index has a name that rules cannot have.
    #[error("{0:?} in the index is no id")]
    Id(String),
}

/// The series of the chain that rules read.
pub(crate) fn wanted(rules: &[RuleSet]) -> Result<Vec<&'static SeriesSpec>, NoFacts> {
    let mut wanted: Vec<&'static SeriesSpec> = Vec::new();
    let mut want = |name: &SeriesName| -> Result<(), NoFacts> {
        let observed = rules.iter().flat_map(|rules| &rules.series).any(|series| series.name == *name);
        let spec = name.spec().filter(|spec| spec.per_participant && !observed);
        let spec = spec.ok_or_else(|| NoFacts::Series(name.clone()))?;
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
    network: &NetworkId,
    rules: &[RuleSet],
    at: Epoch,
) -> Result<FactsDocument, NoFacts> {
    let wanted = wanted(rules)?;
    let mut seen: BTreeMap<Subject, Epoch> = BTreeMap::new();
    let mut documents = Vec::with_capacity(wanted.len());
    for spec in &wanted {
        let column = column(store, network, &SeriesName::of(spec.name), at).await?;
        let mut steps = Vec::with_capacity(column.len());
        for (subject, column) in column {
            note(&mut seen, &subject, &column);
            steps.push((id(subject.as_str())?, column));
        }
        documents.push(SeriesDocument {
            name: id(spec.name)?,
            reading: spec.reading,
            source: Source::Chain,
            steps: Steps(steps),
            unit: spec.unit,
        });
    }
    // Whoever has power is there, also where no rule looks at power.
    if !wanted.iter().any(|spec| spec.name == series::POWER_RAW.as_str()) {
        for (subject, steps) in column(store, network, &series::POWER_RAW, at).await? {
            note(&mut seen, &subject, &steps);
        }
    }
    let participants = seen
        .into_iter()
        .map(|(subject, seen)| Ok(Participant { id: id(subject.as_str())?, region: None, seen }));
    Ok(FactsDocument {
        deals: Vec::new(),
        network: id(network.as_str())?,
        participants: participants.collect::<Result<_, NoFacts>>()?,
        sectors: Vec::new(),
        series: documents,
    })
}

fn note(seen: &mut BTreeMap<Subject, Epoch>, subject: &Subject, steps: &[StepDocument]) {
    if let Some((first, _)) = steps.first() {
        let epoch = seen.entry(subject.clone()).or_insert(*first);
        *epoch = (*epoch).min(*first);
    }
}

fn id(text: &str) -> Result<Id, NoFacts> {
    text.parse().map_err(|_| NoFacts::Id(text.to_owned()))
}

/// The steps of every participant in a series, up to an epoch.
async fn column(
    store: &dyn Store,
    network: &NetworkId,
    series: &SeriesName,
    at: Epoch,
) -> Result<Vec<(Subject, Vec<StepDocument>)>, NoFacts> {
    let mut column: Vec<(Subject, Vec<StepDocument>)> = Vec::new();
    let mut after = None;
    loop {
        let page = Page { after, limit: PAGE };
        let found = store.history(network, series, Epoch::GENESIS, page).await?;
        let whole = found.len() < PAGE as usize;
        after = found.last().map(|(subject, step)| (subject.clone(), step.epoch));
        for (subject, step) in found.into_iter().filter(|(of, step)| !of.is_network() && step.epoch <= at) {
            let step = (step.epoch, step.value.map(|value| Quantity(value.0)));
            match column.last_mut().filter(|(last, _)| *last == subject) {
                Some((_, steps)) => steps.push(step),
                None => column.push((subject, vec![step])),
            }
        }
        if whole {
            return Ok(column);
        }
    }
}
