//! How a deal's data is fetched from where its document says, and held against its piece CID.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use apogee_market_http::Ulid;
use apogee_outbound::{
    Client, Connector, Family, HttpError, Limits, Pace, Reach, Request, ResolveError, Resolver, Target,
    Timeouts, Trace, Trust,
};
use apogee_piece::Commitment;
use async_trait::async_trait;
use http::HeaderValue;

use super::Shared;
use super::book::{Fetched, Progress};
use super::check::Order;
use super::misdeed::Misdeed;

/// For all of one piece.
const TOTAL: Duration = Duration::from_secs(120);

/// Names are not resolved: what is fetched is on this machine or given by its address.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Resolver for Nobody {
    async fn resolve(&self, _: &str, _: Family) -> Result<Vec<IpAddr>, ResolveError> {
        Err(ResolveError::NoSuchName { servers: 2 })
    }
}

pub(super) fn client() -> Result<Client, rustls::Error> {
    let connector = Connector::new(Arc::new(Nobody), Reach::AlsoPrivate, Timeouts::default(), Trust::Public)?;
    Ok(Client::new(connector, Limits::default(), HeaderValue::from_static("apogee-simprovider-curio")))
}

/// Fetch the data of a deal that was taken.
pub(super) async fn fetch(shared: Arc<Shared>, order: Order, misdeed: Option<Misdeed>) {
    if misdeed == Some(Misdeed::NeverFetch) {
        return;
    }
    mark(&shared, &order.identifier, Progress::Processing, Fetched::Begun);
    let most = if misdeed == Some(Misdeed::FetchHalf) { order.payload / 2 } else { u64::MAX };
    let mut error = String::from("no url");
    for url in &order.urls {
        match attempt(&shared, url, &order, most).await {
            Ok(_) if misdeed == Some(Misdeed::FetchHalf) => return,
            Ok(found) if found == order.piece.to_string() && misdeed != Some(Misdeed::ReportMismatch) => {
                mark(&shared, &order.identifier, Progress::Processing, Fetched::Verified);
                return;
            }
            Ok(found) => error = format!("commP mismatch calculated {found} and supplied {}", order.piece),
            Err(why) => error = why,
        }
    }
    mark(&shared, &order.identifier, Progress::Failed(error), Fetched::Failed);
}

/// The CID of what is found there. Beyond `most` bytes, the connection is dropped.
async fn attempt(shared: &Shared, url: &str, order: &Order, most: u64) -> Result<String, String> {
    let failed = |error: HttpError| format!("failed to download piece: {error}");
    let target = Target::url(url).map_err(|error| error.to_string())?;
    let mut trace = Trace::new(shared.recipe.clock.clone());
    let request = Request {
        target: &target,
        accept: "*/*",
        range: None,
        body: order.payload,
        total: TOTAL,
        pace: Pace::ANY,
    };
    let mut response = shared.web.get(&request, &mut trace).await.map_err(failed)?;
    if response.status != 200 {
        return Err(format!("failed to download piece: status {}", response.status));
    }
    let mut commitment = Commitment::default();
    let mut received = 0;
    while received < most {
        let Some(piece) = response.body.next(&mut trace).await.map_err(failed)? else { break };
        received += piece.len() as u64;
        commitment.add(&piece);
    }
    let found = commitment.finish().map_err(|error| error.to_string())?;
    Ok(found.v2().to_string())
}

fn mark(shared: &Shared, deal: &Ulid, progress: Progress, fetched: Fetched) {
    if let Some(taken) = shared.book().get_mut(deal) {
        taken.progress = progress;
        taken.fetched = fetched;
    }
    shared.changed.notify_waiters();
}
