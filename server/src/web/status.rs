use std::borrow::Borrow;
use std::sync::Arc;

use apogee_domain::{Epoch, NetworkId, SeriesName, Subject, series};
use apogee_store::{CheckRecord, EpochKind, EpochRecord, Page as StorePage, Reconciliation};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::ask::Ask;
use super::chrome::{Chrome, Section};
use super::figure::grouped;
use super::now::{EndpointNow, Freshness, Meta, NetworkNow};
use super::problem::Problem;
use super::query::{Asked, Nothing};
use super::scene::Scene;
use super::schema;
use super::sums::{Sums, in_order};
use super::view::View;
use super::words::fluent_args;

/// Epochs that are looked through for gaps, null rounds and mismatches.
const RECENT: u32 = 1_000;
/// Entries of a list on the page.
const LISTED: usize = 20;

/// How the service stands to each of its networks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    networks: Vec<Standing>,
}

/// How the service stands to one network.
#[derive(Debug, Serialize, ToSchema)]
struct Standing {
    #[schema(value_type = String)]
    network: NetworkId,
    freshness: Freshness,
    /// When it was looked at.
    seen: String,
    /// Why indexing stopped, when it did.
    stopped: Option<String>,
    /// `null` before the first epoch.
    meta: Option<Meta>,
    nodes: Vec<Node>,
    #[schema(value_type = Vec<schema::Check>)]
    checks: Vec<CheckRecord>,
    /// Null rounds since the first epoch.
    null_rounds: Option<String>,
    recent: Recent,
    certificate: Option<Certificate>,
}

/// A node as it was when it was last asked.
#[derive(Debug, Serialize, ToSchema)]
struct Node {
    name: String,
    #[schema(value_type = Option<i64>)]
    head: Option<Epoch>,
    failures: u32,
    dishonest: u32,
    latency_ms: Option<u64>,
    distrusted: bool,
}

impl Node {
    fn new(node: &EndpointNow) -> Self {
        Self {
            name: node.name.clone(),
            head: node.head,
            failures: node.failures,
            dishonest: node.dishonest,
            latency_ms: node.latency_ms,
            distrusted: node.distrusted,
        }
    }
}

/// What the newest epochs show.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Recent {
    /// How many epochs were looked through.
    epochs: usize,
    #[schema(value_type = Vec<i64>)]
    null_rounds: Vec<Epoch>,
    /// Epochs that are missing between others.
    #[schema(value_type = Vec<i64>)]
    gaps: Vec<Epoch>,
    /// Sums that were compared with state.
    reconciled: usize,
    mismatches: Vec<Mismatch>,
}

/// A sum that differs from state.
#[derive(Debug, Serialize, ToSchema)]
struct Mismatch {
    #[schema(value_type = i64)]
    epoch: Epoch,
    #[serde(flatten)]
    #[schema(value_type = schema::Sum)]
    sum: Reconciliation,
}

/// The newest finality certificate.
#[derive(Debug, Serialize, ToSchema)]
struct Certificate {
    instance: u64,
    #[schema(value_type = i64)]
    epoch: Epoch,
}

impl Recent {
    /// `records` from newest to oldest.
    fn new(records: &[EpochRecord]) -> Self {
        let mut recent = Self { epochs: records.len(), ..Self::default() };
        for record in records {
            if record.kind == EpochKind::Null {
                recent.null_rounds.push(record.epoch);
            }
            for sum in &record.reconciled {
                recent.reconciled += usize::from(sum.agrees().is_some());
                if sum.agrees() == Some(false) {
                    recent.mismatches.push(Mismatch { epoch: record.epoch, sum: sum.clone() });
                }
            }
        }
        for pair in records.windows(2) {
            let [newer, older] = pair else { continue };
            let between = older.epoch.height().saturating_add(1)..newer.epoch.height();
            recent.gaps.extend(between.take(LISTED).filter_map(Epoch::new));
        }
        recent
    }
}

/// `GET /status`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Problem> {
    let now = app.now.load_full();
    let mut networks = Vec::new();
    for network in &now.networks {
        networks.push(app.state(network).await?);
    }
    ask.answer(&Status { networks })
}

impl App {
    async fn state(&self, now: &Arc<NetworkNow>) -> Result<Standing, Problem> {
        let id = &now.network.id;
        let mut state = Standing {
            network: id.clone(),
            freshness: now.freshness,
            seen: now.seen.to_string(),
            stopped: now.stopped.clone(),
            meta: None,
            nodes: now.endpoints.iter().map(Node::new).collect(),
            checks: Vec::new(),
            null_rounds: None,
            recent: Recent::default(),
            certificate: None,
        };
        let Some(cursor) = &now.cursor else { return Ok(state) };
        let scene: Scene = self.scene(id.as_str(), None).await?;
        state.meta = Some(scene.meta());
        state.checks.clone_from(&cursor.checks);
        let nulls: SeriesName = series::NULL_ROUNDS;
        let nulls = self.value(&scene, &nulls, &Subject::network()).await?;
        state.null_rounds = Some(nulls.map_or_else(|| "0".to_owned(), |value| value.to_string()));
        let page = StorePage { after: Some(cursor.epoch.plus(1)), limit: RECENT };
        state.recent = Recent::new(&self.store.epochs(id, page).await?);
        if let Some(last) = cursor.final_epoch {
            let found = self.certificate(&scene, last).await?;
            state.certificate = found.map(|(instance, epoch)| Certificate { instance, epoch });
        }
        Ok(state)
    }
}

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Status,
}

impl View for Status {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        let meta = self.networks.iter().find_map(|state| state.meta.as_ref());
        Page { c: Chrome { meta, ..Chrome::alone(ask, Section::Status) }, view: self }.render()
    }
}

impl Page<'_> {
    /// Class, the answer in a word, and the answer in a sentence.
    fn verdict(&self, state: &Standing) -> (&'static str, String, String) {
        let language = self.c.language();
        let epoch = state.meta.as_ref().map_or_else(String::new, |meta| grouped(meta.epoch));
        let (class, key) = match (&state.meta, state.freshness) {
            (None, _) => ("is-wait", "status-waiting"),
            (_, Freshness::Live) => ("is-ok", "status-live"),
            (_, Freshness::Delayed) => ("is-wait", "status-delayed"),
            (_, Freshness::Stalled) => ("is-stalled", "status-stalled"),
            (_, Freshness::Recorded) => ("is-none", "status-recorded"),
            (_, Freshness::Frozen) => ("is-none", "status-frozen"),
        };
        (class, language.t(key), language.say(&format!("{key}-text"), &fluent_args!["epoch" => epoch]))
    }

    fn stopped(&self, state: &Standing) -> Option<String> {
        let why = state.stopped.as_deref()?;
        Some(self.c.language().say("status-stopped", &fluent_args!["why" => why]))
    }

    fn final_note(&self, meta: &Meta) -> String {
        let lag = meta.final_epoch.map_or(0, |last| meta.epoch.since(last));
        self.c.language().say("status-final-lag", &fluent_args!["n" => lag])
    }

    fn recent(&self, key: &str, n: impl Borrow<usize>, of: impl Borrow<usize>) -> String {
        self.c.language().say(key, &fluent_args!["n" => *n.borrow(), "of" => *of.borrow()])
    }

    fn certificate_note(&self, certificate: &Certificate) -> String {
        let epoch = grouped(certificate.epoch);
        self.c.language().say("status-certificate-last", &fluent_args!["epoch" => epoch])
    }

    /// Class and word of a node.
    fn node(&self, node: &Node) -> (&'static str, String) {
        let (class, key) = match (node.distrusted, node.failures) {
            (true, _) => ("is-bad", "status-endpoint-distrusted"),
            (_, 0) => ("is-ok", "status-endpoint-ok"),
            _ => ("is-stalled", "status-endpoint-failing"),
        };
        (class, self.c.t(key))
    }

    fn behind(&self, state: &Standing, node: &Node) -> String {
        let best = state.nodes.iter().filter_map(|node| node.head).max();
        let behind = best.zip(node.head).map(|(best, head)| best.since(head));
        behind.map_or_else(|| "–".to_owned(), grouped)
    }

    fn sums(&self, state: &Standing) -> Sums {
        Sums::of_checks(&state.checks)
    }

    fn checks<'s>(&self, state: &'s Standing) -> Vec<&'s CheckRecord> {
        in_order(state.checks.iter())
    }

    fn checks_sum(&self, state: &Standing) -> String {
        let sums = self.sums(state);
        let counts = fluent_args!["passed" => sums.passed, "failed" => sums.failed];
        self.c.language().say("epoch-checks-sum", &counts)
    }

    fn reasons(&self, check: &CheckRecord) -> String {
        let comma = self.c.t("list-comma");
        let reason = |one: &apogee_store::Unmade| {
            format!("{} × {}", grouped(one.count), self.c.name("reason", &one.reason))
        };
        check.not_made.iter().map(reason).collect::<Vec<_>>().join(&comma)
    }

    fn counted(&self, check: &CheckRecord) -> String {
        let made = check.passed.saturating_add(check.failed);
        self.c.language().say("epoch-count-of", &fluent_args!["passed" => check.passed, "made" => made])
    }

    fn is_recording(&self, state: &Standing) -> bool {
        state.freshness == Freshness::Recorded
    }

    fn mismatches<'s>(&self, state: &'s Standing) -> impl Iterator<Item = &'s Mismatch> + use<'s> {
        state.recent.mismatches.iter().take(LISTED)
    }

    fn nulls<'s>(&self, state: &'s Standing) -> impl Iterator<Item = &'s Epoch> + use<'s> {
        state.recent.null_rounds.iter().take(LISTED)
    }

    fn epoch(&self, state: &Standing, epoch: &Epoch) -> String {
        self.address(state, &format!("e/{epoch}"))
    }

    fn address(&self, state: &Standing, rest: &str) -> String {
        self.c.ask.to(&format!("/n/{}/{rest}", state.network))
    }
}
