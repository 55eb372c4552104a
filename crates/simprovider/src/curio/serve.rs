//! The routes, and who may walk them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use apogee_market_http::{Ulid, verify_authorization};
use fvm_shared::address::Address;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use http::request::Parts;
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::answer::{self, Answer};
use super::check::{Order, check};
use super::document::Document;
use super::fetch::fetch;
use super::misdeed::Misdeed;
use super::{Asked, Shared, swagger};

const BASE: &str = "/market/mk20";
/// Bytes of a deal's document.
const LONGEST: usize = 1 << 20;

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the reply is lost")]
pub(super) struct Lost;

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        // Without a descriptor left, one waits for connections to end.
        let Ok((stream, _)) = listener.accept().await else {
            connections.join_next().await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let shared = shared.clone();
        let service = service_fn(move |request| answer(shared.clone(), request));
        let served =
            http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service);
        // A connection that breaks is the other side's affair.
        connections.spawn(async move { drop(served.await) });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Answer, Lost> {
    let (head, body) = request.into_parts();
    let asked = Asked { number: 0, method: head.method.to_string(), path: head.uri.path().to_owned() };
    let misdeed = shared.asked(asked);
    let mut answer = match &misdeed {
        Some(Misdeed::Say(status, text)) => answer::text(*status, text.clone()),
        Some(Misdeed::Hang) => std::future::pending().await,
        Some(Misdeed::Drip(pause)) => answer::drip(*pause),
        Some(Misdeed::Huge) => answer::huge(),
        Some(Misdeed::HugeLength) => answer::huge_length(),
        Some(Misdeed::Json(bytes)) => answer::json(bytes.clone()),
        Some(Misdeed::Html) => answer::html(),
        Some(Misdeed::GzipBomb) => answer::gzip_bomb(),
        Some(Misdeed::Redirect(to)) => answer::redirect(to),
        _ => route(&shared, &head, body, misdeed.as_ref()).await,
    };
    if misdeed == Some(Misdeed::Forget) {
        return Err(Lost);
    }
    let seconds = shared.seconds(misdeed.as_ref());
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    if misdeed != Some(Misdeed::Timeless)
        && let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(date))
    {
        answer.headers_mut().insert(DATE, date);
    }
    Ok(answer)
}

async fn route(shared: &Arc<Shared>, head: &Parts, body: Incoming, misdeed: Option<&Misdeed>) -> Answer {
    let path = head.uri.path();
    let Some(rest) = path.strip_prefix(BASE) else { return answer::error(404, "404 page not found") };
    if rest == "/info/swagger.json" {
        return answer::json(swagger::document().to_string());
    }
    let deal = rest.strip_prefix("/status/");
    let right = match rest {
        "/deal" => head.method == Method::POST,
        "/products" | "/sources" | "/contracts" => head.method == Method::GET,
        _ if deal.is_some() => head.method == Method::GET,
        _ => return answer::error(404, "404 page not found"),
    };
    if !right {
        return answer::text(405, String::new());
    }
    if !shared.admits(rest.split('/').nth(1).unwrap_or_default()) {
        return answer::error(429, "Too Many Requests");
    }
    let Some(header) = head.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()) else {
        return answer::error(401, "Missing Authorization header");
    };
    let minute = shared.seconds(misdeed).div_euclid(60);
    let Ok(client) = verify_authorization(header, head.method.as_str(), path, minute) else {
        return answer::error(401, "Unauthorized");
    };
    if shared.recipe.known.as_ref().is_some_and(|known| !known.contains(&client)) {
        return answer::error(401, "Unauthorized");
    }
    let names = |list: &[(&str, bool)]| {
        list.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>()
    };
    match (deal, rest) {
        (Some(deal), _) => status(shared, deal, &client),
        (None, "/deal") => propose(shared, head, body, client, misdeed).await,
        (None, "/products") => {
            answer::json(json!({ "products": names(&shared.recipe.products) }).to_string())
        }
        (None, "/sources") => answer::json(json!({ "sources": names(&shared.recipe.sources) }).to_string()),
        _ => answer::json(json!({ "contracts": [] }).to_string()),
    }
}

/// A deal that is not the client's is not told from one that is not there.
fn status(shared: &Shared, deal: &str, client: &Address) -> Answer {
    let deal: Option<Ulid> = deal.parse().ok();
    let mut book = shared.book();
    match deal.filter(|deal| book.is_of(deal, client)).and_then(|deal| book.status(&deal)) {
        Some(status) => answer::json(status.to_string()),
        None => answer::error(401, "Unauthorized"),
    }
}

async fn propose(
    shared: &Arc<Shared>,
    head: &Parts,
    body: Incoming,
    client: Address,
    misdeed: Option<&Misdeed>,
) -> Answer {
    if head.headers.get(CONTENT_TYPE).is_none_or(|found| found != "application/json") {
        return answer::error(400, "invalid content type");
    }
    let Ok(body) = Limited::new(body, LONGEST).collect().await else {
        return answer::error(400, "error reading request body");
    };
    let body = body.to_bytes();
    let document: Document = match serde_json::from_slice(&body) {
        Ok(document) => document,
        Err(error) => return answer::error(400, &error.to_string()),
    };
    let order = match check(&shared.recipe, &client, &document) {
        Ok(order) => order,
        Err((status, why)) => return answer::reason(status, &why),
    };
    if !shared.book().take(client, &order, &body) {
        // Its database refuses a name that is taken, and it says nothing of it.
        return answer::reason(500, "");
    }
    begin(shared, order, misdeed);
    answer::reason(200, "")
}

fn begin(shared: &Arc<Shared>, order: Order, misdeed: Option<&Misdeed>) {
    if !order.urls.is_empty() {
        let fetching = fetch(shared.clone(), order, misdeed.cloned());
        let mut all = shared.fetching();
        while all.try_join_next().is_some() {}
        all.spawn(fetching);
    }
}
