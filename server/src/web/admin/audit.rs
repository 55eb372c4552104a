use apogee_domain::Digest;
use apogee_store::{AuditEntry, Page, Role};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use crate::identity::Visitor;
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::view::View;
use crate::web::{App, Problem};

/// Events that are shown.
const SHOWN: usize = 200;
/// Events that are read at once.
const PAGE: u32 = 1_000;

/// The audit log, held against its own hashes.
#[derive(Debug, Serialize)]
pub(crate) struct Log {
    /// How many events there are.
    events: u64,
    /// The hash of the last one.
    head: Digest,
    /// The first event that does not follow from the one before; `None` when all do.
    broken: Option<u64>,
    /// The newest, newest first.
    newest: Vec<One>,
}

#[derive(Debug, Serialize)]
struct One {
    seq: u64,
    at: String,
    actor: String,
    action: String,
    subject: String,
    reason: String,
    hash: Digest,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct LogPage<'a> {
    c: Chrome<'a>,
    view: &'a Log,
}

impl View for Log {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        LogPage { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }
}

/// `GET /admin/audit`
pub(in crate::web) async fn show(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
) -> Result<Response, Problem> {
    visitor.acting(Role::Viewer)?;
    let (mut events, mut head, mut broken) = (0, Digest::default(), None);
    let mut newest = std::collections::VecDeque::new();
    loop {
        let page = app.store.audit(Page { after: Some(events).filter(|seq| *seq > 0), limit: PAGE }).await?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            if broken.is_none() && !entry.follows(events, head) {
                broken = Some(entry.seq);
            }
            (events, head) = (entry.seq, entry.hash);
            newest.push_front(one(entry));
            newest.truncate(SHOWN);
        }
    }
    ask.answer(&Log { events, head, broken, newest: newest.into() })
}

fn one(entry: AuditEntry) -> One {
    let AuditEntry { seq, hash, event, .. } = entry;
    One {
        seq,
        at: event.at.to_string(),
        actor: event.actor,
        action: event.action,
        subject: event.subject,
        reason: event.reason,
        hash,
    }
}
