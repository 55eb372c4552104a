use apogee_domain::Digest;
use apogee_store::{AuditEntry, Page, Role};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use crate::audit::Look;
use crate::identity::Visitor;
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::query::{Asked, Questions, Why, number};
use crate::web::view::View;
use crate::web::{App, Problem};

/// Events that are shown.
const SHOWN: u32 = 200;
/// Events that are held against their hashes for one page.
const AT_ONCE: u64 = 20_000;

/// The newest of the audit log, and how far all of it follows.
#[derive(Debug, Serialize)]
pub(crate) struct Log {
    verified: Verified,
    /// Newest first.
    entries: Vec<One>,
    /// `?before=` of the page with older ones.
    older: Option<u64>,
}

/// What was held against its hashes.
#[derive(Debug, Serialize)]
struct Verified {
    /// The first entry that was: 1.
    from: u64,
    /// The last one that follows from those before.
    to: u64,
    /// Its hash.
    hash: Digest,
    /// When.
    at: String,
    /// Up to which entry this process had done so earlier, and when: these were not read again.
    earlier: Option<Earlier>,
    /// The first entry that does not follow from the one before, or is not what its hash says; `None` when all do that were looked at.
    broken: Option<u64>,
    /// Whether there are entries that nobody has looked at: the next page goes on with them.
    more: bool,
}

#[derive(Debug, Serialize)]
struct Earlier {
    to: u64,
    at: String,
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

/// `?before=`: the number of the last one of the page before.
#[derive(Debug, Default)]
pub(crate) struct BeforeQuery(Option<u64>);

impl Questions for BeforeQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        if name != "before" {
            return Err(Why::Name);
        }
        self.0 = Some(number(value)?.try_into().map_err(|_| Why::Number)?);
        Ok(())
    }
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
    Asked(BeforeQuery(before)): Asked<BeforeQuery>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    visitor.acting(Role::Viewer)?;
    let Look { earlier, walked } = app.checkpoint.look(&*app.store, AT_ONCE, visitor.now).await?;
    let entries = match before {
        None => app.store.newest_audit(SHOWN).await?,
        Some(before) => {
            let after = before.saturating_sub(1).saturating_sub(SHOWN.into());
            let page = app.store.audit(Page { after: Some(after), limit: SHOWN }).await?;
            page.into_iter().filter(|entry| entry.seq < before).rev().collect()
        }
    };
    // What is shown was read, so that it may as well be held against its hashes, wherever it stands.
    let broken = walked.broken.into_iter().chain(amiss(&entries)).min();
    ask.answer(&Log {
        verified: Verified {
            from: 1,
            to: walked.to.seq,
            hash: walked.to.hash,
            at: visitor.now.to_string(),
            earlier: earlier.map(|(to, at)| Earlier { to, at: at.to_string() }),
            broken,
            more: walked.more,
        },
        older: entries.last().map(|entry| entry.seq).filter(|seq| *seq > 1),
        entries: entries.into_iter().map(one).collect(),
    })
}

/// The first of these, newest first, that is not what its hash says or does not follow from the one before.
fn amiss(entries: &[AuditEntry]) -> Option<u64> {
    let mut before: Option<&AuditEntry> = None;
    entries.iter().rev().find_map(|entry| {
        let (seq, hash) =
            before.map_or((entry.seq.saturating_sub(1), entry.previous), |before| (before.seq, before.hash));
        before = Some(entry);
        (!entry.follows(seq, hash)).then_some(entry.seq)
    })
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
