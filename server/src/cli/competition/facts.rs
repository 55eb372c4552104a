use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use apogee_domain::series::{self, SeriesSpec};
use apogee_domain::{Epoch, Network, NetworkId, SeriesName, Subject};
use apogee_leaderboard::{FactsDocument, Participant, SeriesDocument, Source, StepDocument, Steps};
use apogee_rules::{Id, MetricKind, Quantity, RuleSet, canonical};
use apogee_store::{Page, Store};
use clap::Args;

use super::documents;
use crate::cli::source::{Database, epoch, known};
use crate::cli::{Answer, Failure};

/// Steps that are read at once.
const PAGE: u32 = 10_000;

#[derive(Debug, Args)]
pub(in crate::cli) struct Facts {
    /// The rule set, which says what series it reads
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    #[command(flatten)]
    database: Database,
    /// Up to which epoch, written e:51204; by default to the end of the competition or the newest final one
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    at: Option<Epoch>,
}

impl Facts {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let rules = [documents::rules(&self.rules)?];
        let indexed = Indexed::open(&self.database, &rules, self.at).await?;
        let facts = indexed.facts(&rules).await?;
        println!("{}", canonical::text(&facts).map_err(Failure::world)?);
        Ok(Answer::Yes)
    }
}

/// The indexed network of a competition, up to an epoch.
#[derive(Debug)]
pub(in crate::cli) struct Indexed {
    pub(in crate::cli) store: Arc<dyn Store>,
    pub(in crate::cli) network: Network,
    pub(in crate::cli) at: Epoch,
    /// Whether nothing up to that epoch can change any more.
    pub(in crate::cli) is_final: bool,
}

impl Indexed {
    /// Open the database of the network that the newest rules name; without `at` up to the end of the competition, or the newest final epoch.
    pub(in crate::cli) async fn open(
        database: &Database,
        rules: &[RuleSet],
        at: Option<Epoch>,
    ) -> Result<Self, Failure> {
        let competition = rules.last().map(|rules| &rules.competition);
        let competition = competition.ok_or_else(|| Failure::input("there are no rules"))?;
        let id: NetworkId = competition.network.as_str().parse().map_err(Failure::input)?;
        wanted(rules)?;
        let (_, place) = database.place()?;
        let store = place.existing().await?;
        let network = known(&store, &id).await?;
        let cursor = store.cursor(&id).await.map_err(Failure::world)?;
        let cursor = cursor.ok_or_else(|| Failure::input(format!("{id} is not indexed yet")))?;
        let settled = cursor.final_epoch;
        let last = competition.end.minus(1);
        let at = at.or_else(|| settled.map(|settled| settled.min(last)));
        let at = at.ok_or_else(|| Failure::input(format!("no epoch of {id} is final yet")))?;
        if at > cursor.epoch {
            let newest = cursor.epoch;
            return Err(Failure::input(format!(
                "epoch {at} is in the future: {id} is indexed up to epoch {newest}"
            )));
        }
        Ok(Self { store, network, at, is_final: settled >= Some(at) })
    }

    /// The facts that some of these rules read.
    pub(in crate::cli) async fn facts(&self, rules: &[RuleSet]) -> Result<FactsDocument, Failure> {
        read(&*self.store, &self.network.id, &wanted(rules)?, self.at).await
    }
}

/// The series of the chain that rules read.
fn wanted(rules: &[RuleSet]) -> Result<Vec<&'static SeriesSpec>, Failure> {
    let mut wanted: Vec<&'static SeriesSpec> = Vec::new();
    let mut want = |name: &SeriesName| -> Result<(), Failure> {
        let observed = rules.iter().flat_map(|rules| &rules.series).any(|series| series.name == *name);
        let spec = name.spec().filter(|spec| spec.per_participant && !observed);
        let spec = spec
            .ok_or_else(|| Failure::input(format!("{name} is not a series of a participant on the chain")))?;
        if !wanted.iter().any(|other| other.name == spec.name) {
            wanted.push(spec);
        }
        Ok(())
    };
    for metric in rules.iter().flat_map(|rules| &rules.metrics) {
        if matches!(metric.kind, MetricKind::Deals { .. } | MetricKind::Sectors { .. }) {
            let id = &metric.id;
            return Err(Failure::input(format!(
                "metric {id}: deals and sectors are not kept one by one yet"
            )));
        }
        metric.series().try_for_each(&mut want)?;
    }
    Ok(wanted)
}

/// What is known of every participant up to an epoch.
async fn read(
    store: &dyn Store,
    network: &NetworkId,
    wanted: &[&'static SeriesSpec],
    at: Epoch,
) -> Result<FactsDocument, Failure> {
    let mut seen: BTreeMap<Subject, Epoch> = BTreeMap::new();
    let mut documents = Vec::with_capacity(wanted.len());
    for spec in wanted {
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
        participants: participants.collect::<Result<_, Failure>>()?,
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

fn id(text: &str) -> Result<Id, Failure> {
    text.parse().map_err(Failure::world)
}

/// The steps of every participant in a series, up to an epoch.
async fn column(
    store: &dyn Store,
    network: &NetworkId,
    series: &SeriesName,
    at: Epoch,
) -> Result<Vec<(Subject, Vec<StepDocument>)>, Failure> {
    let board = store.board(network, series, at).await.map_err(Failure::world)?;
    let mut column = Vec::with_capacity(board.len());
    for (subject, _) in board.into_iter().filter(|(subject, _)| !subject.is_network()) {
        let mut steps: Vec<StepDocument> = Vec::new();
        loop {
            let page = Page { after: steps.last().map(|(epoch, _)| *epoch), limit: PAGE };
            let found = store.steps(network, series, &subject, page).await.map_err(Failure::world)?;
            let whole = found.len() < PAGE as usize;
            let until = found.iter().take_while(|step| step.epoch <= at).count();
            steps.extend(
                found.iter().take(until).map(|step| (step.epoch, step.value.map(|value| Quantity(value.0)))),
            );
            if whole || until < found.len() {
                break;
            }
        }
        column.push((subject, steps));
    }
    Ok(column)
}
