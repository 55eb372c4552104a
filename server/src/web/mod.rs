//! Pages and their JSON twins: one file a page.

mod board;
mod home;
mod problem;

use std::sync::Arc;

use apogee_store::Store;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::problem::Problem;

/// What pages are made from.
#[derive(Clone, Debug)]
pub struct App {
    /// Where facts are kept.
    pub store: Arc<dyn Store>,
}

/// Every page.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/n/{network}/board/{series}", get(board::show))
        .route("/assets/apogee.css", get(stylesheet))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(|| async { Problem::NotFound("there is no page at this address".into()) })
        .layer(map_response(secured))
        .with_state(app)
}

async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../assets/apogee.css"))
}

/// No script, no foreign content, no framing: pages need none of them.
const SECURITY: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

async fn secured(mut response: Response) -> Response {
    response.headers_mut().extend(SECURITY);
    response
}
