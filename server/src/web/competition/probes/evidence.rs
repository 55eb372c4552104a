//! The log of evidence leaves: whoever has it judges again.

use std::sync::Arc;

use apogee_dealbot::desk::{Desk, DeskError, Download, Form};
use apogee_dealbot::plan::Plan;
use apogee_domain::Timestamp;
use apogee_store::{Page, ProbeBatch, StoreError};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Probing;
use crate::web::competition::TripleQuery;
use crate::web::query::{Asked, Questions, Why};
use crate::web::{App, Problem};

/// Logs that leave at a time: each holds a few pieces in memory, and reads the database as fast as it is taken.
const DOWNLOADS: usize = 8;
/// Pieces that wait for who takes them.
const AHEAD: usize = 2;

/// Places for those who take a log.
#[derive(Clone, Debug)]
pub(crate) struct Downloads(Arc<Semaphore>);

impl Default for Downloads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(DOWNLOADS)))
    }
}

/// `?from=`: the first batch that is asked for, and those behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FromQuery {
    from: Option<u64>,
}

impl Questions for FromQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "from" => self.from = Some(value.parse().map_err(|_| Why::Number)?),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

/// `GET /c/{competition}/evidence.car`
pub(in crate::web::competition) async fn car(
    app: State<App>,
    competition: Path<String>,
    query: Asked<FromQuery>,
) -> Result<Response, Problem> {
    answer(app, competition, query, Form::Car).await
}

/// `GET /c/{competition}/evidence.ndjson`
pub(in crate::web::competition) async fn lines(
    app: State<App>,
    competition: Path<String>,
    query: Asked<FromQuery>,
) -> Result<Response, Problem> {
    answer(app, competition, query, Form::Lines).await
}

async fn answer(
    State(app): State<App>,
    Path(competition): Path<String>,
    Asked(query): Asked<FromQuery>,
    form: Form,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &TripleQuery::default()).await?;
    let probing = Probing::of(&app, &stage)?;
    let from = query.from.unwrap_or(1).max(1);
    let until = probing.now_told(&app);
    let last = probing.last(until).await?.filter(|last| last.seq >= from);
    let last = last.ok_or_else(|| Problem::NoEvidence { competition: stage.id().to_owned() })?;
    let place = Arc::clone(&app.downloads.0).try_acquire_owned().map_err(|_| Problem::Busy)?;
    let broken = |error: DeskError| Problem::Broken(Box::new(error));
    let download = Download::new(form, from, &last).map_err(broken)?;
    let (pieces, taken) = mpsc::channel(AHEAD);
    let (plan, name) = (probing.plan.clone(), stage.id().to_owned());
    tokio::spawn(send(app, plan, download, pieces, place));
    let stream = futures::stream::unfold(taken, async |mut taken: mpsc::Receiver<Piece>| {
        let piece = taken.recv().await?;
        Some((piece, taken))
    });
    let (media, ending) = match form {
        Form::Car => ("application/vnd.ipld.car", "car"),
        Form::Lines => ("application/x-ndjson", "ndjson"),
    };
    let file = format!("attachment; filename=\"{name}-{from}-{}.{ending}\"", last.seq);
    let headers = [(header::CONTENT_TYPE, media.to_owned()), (header::CONTENT_DISPOSITION, file)];
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// A part of a log; an error breaks the answer off, so that nobody takes a part for the whole.
type Piece = Result<Vec<u8>, DeskError>;

async fn send(
    app: App,
    plan: Plan,
    mut download: Download,
    pieces: mpsc::Sender<Piece>,
    _place: OwnedSemaphorePermit,
) {
    let desk = Desk { store: &*app.store, plan: &plan };
    while let Some(piece) = download.next(&desk).await.transpose() {
        let failed = piece.is_err();
        if let Err(error) = &piece {
            let error = error as &dyn std::error::Error;
            tracing::warn!(race = plan.race, error, "a log of evidence broke off");
        }
        if pieces.send(piece).await.is_err() || failed {
            return;
        }
    }
}

impl Probing<'_> {
    /// Until when what was closed may be told: a slot is nobody's to know of before its interval is over, and with a seed that another competition goes on
    /// with, its moments tell those of that one.
    fn now_told(&self, app: &App) -> Timestamp {
        if !app.bots.is_alone(self.plan, self.now) {
            return Timestamp(i64::MIN);
        }
        let longest = self.plan.cadences.iter().map(|cadence| cadence.interval).max().unwrap_or(0);
        Timestamp(self.now.0.saturating_sub_unsigned(longest))
    }

    /// The newest batch that was closed by then, and before what is not shown.
    pub(super) async fn last(&self, until: Timestamp) -> Result<Option<ProbeBatch>, StoreError> {
        let told =
            |batch: &ProbeBatch| batch.at <= until && self.until.is_none_or(|epoch| batch.epoch <= epoch);
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        let Some(newest) = self.store.newest_batch(network, race).await? else { return Ok(None) };
        if told(&newest) {
            return Ok(Some(newest));
        }
        // Times never fall from batch to batch.
        let (mut low, mut high, mut found) = (0, newest.seq, None);
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            let page = Page { after: middle.checked_sub(1), limit: 1 };
            let batch = self.store.batches(network, race, page).await?.pop();
            match batch.filter(told) {
                Some(batch) => (low, found) = (middle, Some(batch)),
                None => high = middle,
            }
        }
        Ok(found)
    }

    /// The newest batch that may be downloaded.
    pub(super) async fn downloadable(&self, app: &App) -> Result<Option<u64>, StoreError> {
        Ok(self.last(self.now_told(app)).await?.map(|batch| batch.seq))
    }
}
