use apogee_domain::Epoch;
use apogee_store::{EpochKind, EpochRecord, Page as StorePage};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::ask::Ask;
use super::chrome::{Chrome, Section};
use super::now::Meta;
use super::problem::Problem;
use super::query::{Asked, At, Questions, Why};
use super::sums::Sums;
use super::view::{Csv, View};
use super::words::fluent_args;

/// Epochs of one page.
const ROWS: u32 = 50;

/// Epochs from newest to oldest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Epochs {
    meta: Meta,
    epochs: Vec<Row>,
    /// The page of those before them: its `before`.
    next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Row {
    #[schema(value_type = i64)]
    epoch: Epoch,
    time: String,
    null_round: bool,
    winners: Vec<String>,
    win_count: u64,
    messages: u64,
    passed: u64,
    failed: u64,
    not_made: u64,
    #[schema(value_type = String)]
    digest: apogee_domain::Digest,
}

impl Row {
    fn new(record: &EpochRecord) -> Self {
        let sums = Sums::of(record);
        Self {
            epoch: record.epoch,
            time: record.time.to_string(),
            null_round: record.kind == EpochKind::Null,
            winners: record.blocks.iter().map(|block| block.miner.clone()).collect(),
            win_count: record.blocks.iter().map(|block| u64::from(block.win_count)).sum(),
            messages: record.blocks.iter().map(|block| u64::from(block.messages)).sum(),
            passed: sums.passed,
            failed: sums.failed,
            not_made: sums.unmade,
            digest: record.digest,
        }
    }
}

/// Which epochs are listed.
#[derive(Debug, Default)]
pub(crate) struct EpochsQuery {
    at: Option<At>,
    /// Those below this one: `before=e:120`.
    before: Option<At>,
}

impl Questions for EpochsQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "at" => self.at = Some(value.parse()?),
            "before" => self.before = Some(value.parse()?),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

/// `GET /n/{network}/epochs`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(network): Path<String>,
    Asked(query): Asked<EpochsQuery>,
) -> Result<Response, Problem> {
    let scene = app.scene(&network, query.at).await?;
    let before = match query.before {
        Some(At::Epoch(epoch)) => epoch.min(scene.epoch().plus(1)),
        Some(At::Time(time)) => {
            let begun = scene.now.network.schedule().epoch_of(time);
            begun.unwrap_or_default().min(scene.epoch().plus(1))
        }
        Some(At::Final) | None => scene.epoch().plus(1),
    };
    let records =
        app.store.epochs(scene.network(), StorePage { after: Some(before), limit: ROWS + 1 }).await?;
    let shown = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let next = records.get(shown).map(|record| format!("e:{}", record.epoch.plus(1)));
    let epochs = records.iter().take(shown).map(Row::new).collect();
    ask.answer(&Epochs { meta: scene.meta(), epochs, next })
}

#[derive(Template)]
#[template(path = "epochs.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Epochs,
}

impl View for Epochs {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::of(ask, &self.meta, Section::Epochs), view: self }.render()
    }

    fn is_settled(&self) -> bool {
        self.meta.is_settled()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv =
            Csv::new(&["epoch", "time", "null_round", "winners", "win_count", "messages", "digest"]);
        for row in &self.epochs {
            csv.row(&[
                &row.epoch.to_string(),
                &row.time,
                &row.null_round.to_string(),
                &row.winners.join(" "),
                &row.win_count.to_string(),
                &row.messages.to_string(),
                &row.digest.to_string(),
            ]);
        }
        Some(csv)
    }
}

impl Page<'_> {
    fn heading(&self) -> String {
        let network = self.view.meta.network.to_string();
        self.c.language().say("epochs-h1", &fluent_args!["network" => network])
    }

    fn older(&self) -> Option<String> {
        self.view.next.as_ref().map(|before| self.c.page(&format!("epochs?before={before}")))
    }
}
