//! Pages and their JSON and CSV twins: one file a page.

mod ask;
mod board;
mod home;
mod now;
mod problem;
mod scene;
mod view;

use std::fmt;
use std::sync::Arc;

use apogee_domain::Clock;
use apogee_store::Store;
use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use tower::ServiceExt;

pub(crate) use self::ask::{Ask, Form, Language};
pub(crate) use self::now::{EndpointNow, Freshness, NetworkNow, Now};
pub(crate) use self::problem::{Details, Problem};

/// What pages are made from.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// Where facts are kept.
    pub(crate) store: Arc<dyn Store>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// What is known without asking the database.
    pub(crate) now: Arc<ArcSwap<Now>>,
}

/// Every page: its path, as it is without language and form, and who makes it.
fn pages() -> Vec<(&'static str, MethodRouter<App>)> {
    vec![("/", get(home::show)), ("/n/{network}/board/{series}", get(board::show))]
}

/// The pages behind addresses in every language and form.
#[derive(Clone)]
pub(crate) struct Site {
    router: Router,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}

impl Site {
    pub(crate) fn new(app: App) -> Self {
        let router = pages().into_iter().fold(Router::new(), |router, (path, page)| router.route(path, page));
        let router = router
            .route("/assets/apogee.css", get(stylesheet))
            .fallback(|| async { Problem::NotFound("there is no page at this address".into()) })
            .method_not_allowed_fallback(|| async { Problem::Method })
            .with_state(app);
        Self { router }
    }

    /// The answer to a request.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        let ask = Ask::of(request.uri());
        let wants_page = accepts_html(&request);
        let (mut parts, _) = request.into_parts();
        let address = parts.uri.to_string();
        parts.uri = ask.route();
        parts.extensions.insert(ask.clone());
        let response = match self.router.clone().oneshot(Request::from_parts(parts, Body::empty())).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        problem::finish(response, &ask, &address, wants_page)
    }
}

fn accepts_html(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../assets/apogee.css"))
}
