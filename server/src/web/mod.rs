//! Pages and their JSON and CSV twins: one file a page.

mod admin;
mod ask;
mod board;
mod certificate;
mod chart;
mod check;
mod chrome;
mod competition;
mod epoch;
mod epochs;
mod faucet;
mod faucets;
mod figure;
mod find;
mod guard;
mod home;
mod look;
mod now;
mod openapi;
mod participant;
mod private;
mod problem;
mod problems;
mod query;
mod ratelimit;
mod reading;
mod recount;
mod recounts;
mod scene;
mod schema;
mod signin;
mod status;
mod sums;
mod time;
mod view;
mod words;

use std::fmt;
use std::sync::{Arc, PoisonError};

use apogee_domain::NetworkId;
use apogee_rankings::Rankings;
use apogee_store::Store;
use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use tower::ServiceExt;

use crate::audit::Checkpoint;
use crate::bots::Bots;
use crate::chats::Chats;
use crate::checks::Checks;
use crate::competitions::Stands;
use crate::faucets::Faucets;
use crate::identity::Door;
use crate::inbox::Inbox;
use crate::nodes::Nodes;
use crate::refunds::Refunds;
use crate::sources::Sources;
use crate::tellers::{Measures, Report, Reports};

pub(crate) use self::ask::{Ask, Form};
pub(crate) use self::guard::Guard;
pub(crate) use self::look::{Look, is_own_address};
pub(crate) use self::now::{CompetitionNow, EndpointNow, Freshness, NetworkNow, Now, PrizesNow, RecountsNow};
pub(crate) use self::private::Sent;
use self::problem::Met;
pub(crate) use self::problem::Problem;
pub(crate) use self::reading::ranked_by;

/// What pages are made from.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// Where facts are kept.
    pub(crate) store: Arc<dyn Store>,
    /// What is known without asking the database.
    pub(crate) now: Arc<ArcSwap<Now>>,
    /// Rankings of networks.
    pub(crate) rankings: Arc<Rankings>,
    /// Standings of competitions.
    pub(crate) stands: Arc<Stands>,
    /// Marks forms.
    pub(crate) guard: Guard,
    /// Verified state.
    pub(crate) sources: Arc<Sources>,
    /// Who is signed in.
    pub(crate) door: Arc<Door>,
    /// Who grants money.
    pub(crate) faucets: Arc<Faucets>,
    /// Chats whose commands reach a faucet.
    pub(crate) chats: Arc<Chats>,
    /// Nodes that are asked for whoever looks something up.
    pub(crate) nodes: Arc<Nodes>,
    /// Who pays back.
    pub(crate) refunds: Arc<Refunds>,
    /// How the wallets of this process do.
    pub(crate) reports: Reports,
    /// By which measures they pay.
    pub(crate) measures: Arc<Measures>,
    /// Proposals that wait for signatures.
    pub(crate) inbox: Arc<Inbox>,
    /// Up to where the audit log was held against its hashes.
    pub(crate) checkpoint: Arc<Checkpoint>,
    /// Who probes miners, and by which plans.
    pub(crate) bots: Arc<Bots>,
    /// Who looks at miners for those who ask; `None` where nobody is probed.
    pub(crate) checks: Option<Arc<Checks>>,
    /// What was counted of probes a moment ago.
    pub(crate) counted: Arc<competition::Counted>,
    /// Places for those who take a log of evidence.
    pub(crate) downloads: competition::Downloads,
    /// Held while maintenance is declared: two at once would share one budget.
    pub(crate) declaring: Arc<tokio::sync::Mutex<()>>,
}

impl App {
    /// How a wallet of this process did in its last turn.
    fn report(&self, network: &NetworkId, wallet: &str) -> Option<Report> {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.get(&(network.clone(), wallet.to_owned())).cloned()
    }
}

/// Every page: its path, as it is without language and form, and who makes it.
fn pages() -> Vec<(&'static str, MethodRouter<App>)> {
    let mut pages = vec![
        ("/", get(home::show)),
        ("/faucets", get(faucets::show)),
        ("/find", get(find::show)),
        ("/n/{network}/board", get(board::global)),
        ("/n/{network}/board/{series}", get(board::show)),
        ("/n/{network}/e/{epoch}", get(epoch::show)),
        ("/n/{network}/epochs", get(epochs::show)),
        ("/n/{network}/m/{participant}", get(participant::show)),
        ("/n/{network}/recounts", get(recounts::show)),
        ("/n/{network}/recounts/{input}", get(recount::show)),
        ("/openapi", get(openapi::show)),
        ("/problems", get(problems::all)),
        ("/problems/{kind}", get(problem::explain)),
        ("/status", get(status::show)),
    ];
    pages.extend(competition::pages());
    pages
}

/// The pages behind addresses in every language and form.
#[derive(Clone)]
pub(crate) struct Site {
    router: Router,
    private: Router,
    door: Arc<Door>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}

impl Site {
    pub(crate) fn new(app: App) -> Self {
        let routed = |pages: Vec<(&'static str, MethodRouter<App>)>| {
            let router =
                pages.into_iter().fold(Router::new(), |router, (path, page)| router.route(path, page));
            // It holds for the routes that there are when it is set.
            router
                .fallback(|| async { Problem::NoPage })
                .method_not_allowed_fallback(|| async { Problem::Method })
        };
        let mut files = pages();
        files.extend([
            ("/look", get(look::choose)),
            ("/assets/apogee.css", get(stylesheet)),
            ("/assets/icon.svg", get(icon)),
            ("/assets/passkey.js", get(signin::passkey::script)),
        ]);
        let router = routed(files).with_state(app.clone());
        let door = Arc::clone(&app.door);
        Self { router, private: routed(private::pages()).with_state(app), door }
    }

    /// Who is signed in.
    pub(crate) fn door(&self) -> &Door {
        &self.door
    }

    /// The page that was asked for.
    pub(crate) async fn page(&self, ask: &Ask) -> Result<Response, Arc<Problem>> {
        answer(&self.router, ask, Request::new(Body::empty())).await
    }

    /// What becomes of a form that was sent to a page.
    pub(crate) async fn form(&self, ask: &Ask, form: Bytes) -> Result<Response, Arc<Problem>> {
        let mut request = Request::new(Body::from(form));
        *request.method_mut() = Method::POST;
        answer(&self.router, ask, request).await
    }

    /// What a visitor gets to see, or what becomes of what they sent.
    pub(crate) async fn private(&self, ask: &Ask, sent: Sent) -> Result<Response, Arc<Problem>> {
        answer(&self.private, ask, sent.request()).await
    }
}

async fn answer(router: &Router, ask: &Ask, mut request: Request) -> Result<Response, Arc<Problem>> {
    *request.uri_mut() = ask.route();
    request.extensions_mut().insert(ask.clone());
    let mut response = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    match response.extensions_mut().remove::<Met>() {
        Some(Met(problem)) => Err(problem),
        None => Ok(response),
    }
}

async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../assets/apogee.css"))
}

async fn icon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml")], include_str!("../../assets/icon.svg"))
}
