//! What is seen of an attempt.

use std::error::Error;
use std::sync::Arc;

use apogee_dealbot::canonical::Link;
use apogee_dealbot::fault::{Circumstances, Code, Stage};
use apogee_dealbot::protocol::{Greeting, Offer, Place, Task, Via};
use apogee_dealbot::record::Deal;
use apogee_domain::{Clock, Timestamp};
use apogee_outbound::{Stage as Seeing, Trace};
use cid::Cid;

use crate::codes;

/// Why an attempt did not go well.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) code: Code,
    pub(crate) circumstances: Circumstances,
    /// The error and its sources, outermost first.
    pub(crate) errors: Vec<String>,
}

impl Broken {
    /// Something that no error says.
    pub(crate) fn own(code: Code, said: impl Into<String>) -> Self {
        Self { code, circumstances: Circumstances::default(), errors: vec![said.into()] }
    }

    /// An error, and the code that it names.
    pub(crate) fn of(name: &str, error: &(dyn Error + 'static)) -> Self {
        let errors = codes::chain(error).map(ToString::to_string).collect();
        Self { code: codes::named(name), circumstances: codes::circumstances(error), errors }
    }

    /// What the bot was told cannot be done.
    pub(crate) fn task(what: &str, error: &(dyn Error + 'static)) -> Self {
        Self::own(Code::ExpectedDataMissing, format!("{what}: {error}"))
    }
}

/// What is seen while an attempt is made.
#[derive(Debug)]
pub(crate) struct Notes {
    /// Whom it speaks to.
    pub(crate) target: String,
    pub(crate) trace: Trace,
    /// How the other side calls itself, and what it says that it speaks.
    pub(crate) agent: Option<String>,
    pub(crate) protocols: Vec<String>,
    /// What is offered.
    pub(crate) deal: Option<Deal>,
}

impl Notes {
    /// Before anything was done.
    pub(crate) fn of(task: &Task, clock: Arc<dyn Clock>) -> Self {
        let target = match task {
            Task::Gateway { url, .. } | Task::Piece { url, .. } => url.clone(),
            Task::Deal(offer) => match &offer.via {
                Via::Http { url, .. } => url.clone(),
                Via::Libp2p { addresses, .. } => addresses.first().cloned().unwrap_or_default(),
            },
            Task::Greet(greeting) => match &**greeting {
                Greeting { at: Place::Http { url }, .. } => url.clone(),
                Greeting { at: Place::Libp2p { addresses, .. }, .. } => {
                    addresses.first().cloned().unwrap_or_default()
                }
            },
        };
        let deal = match task {
            Task::Deal(offer) => Some(deal(offer)),
            _ => None,
        };
        Self { target, trace: Trace::new(clock), agent: None, protocols: vec![], deal }
    }

    /// A stage begins that the connector knows nothing of; the one before it ends.
    pub(crate) fn begin(&mut self, stage: Stage) {
        self.trace.begin(Seeing::Above(stage.as_str()));
    }
}

/// What is offered, as records have it. Names that are none are left out.
fn deal(offer: &Offer) -> Deal {
    let link = |cid: &str| cid.parse::<Cid>().ok().map(Link);
    Deal { id: offer.id.clone(), proposal: link(&offer.proposal), piece: link(&offer.piece) }
}

/// What came, whole and verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Came {
    /// The root of what came.
    pub(crate) root: Option<Cid>,
    /// The commitment to the piece that came.
    pub(crate) piece: Option<Cid>,
}

/// What was seen of an attempt.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) started: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) notes: Notes,
    pub(crate) outcome: Result<Came, Broken>,
}

impl Seen {
    /// The code of a failure; empty where there is none.
    pub(crate) fn code(&self) -> &'static str {
        self.outcome.as_ref().err().map_or("", |broken| broken.code.as_str())
    }
}
