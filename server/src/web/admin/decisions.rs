//! The inbox of decisions: proposals that wait for signatures. Operators sign on machines of their own; no key ever comes here.

use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_competition::{Act, Entry, Signed};
use apogee_domain::Digest;
use apogee_store::{AuditEvent, Role};
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use crate::claims::Wants;
use crate::competitions::{
    Again, Around, Ground, Held, Missing, NoEffect, NotAgain, NotAppended, Shadow, Terms, again, append,
    simulation,
};
use crate::identity::Visitor;
use crate::inbox::{Unfit, Waiting, fit, follows};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::signin::field;
use crate::web::view::View;
use crate::web::{App, CompetitionNow, Problem};

/// Rows of an effect that are shown.
const SHOWN: usize = 50;

/// The inbox.
#[derive(Debug, Serialize)]
pub(crate) struct Decisions {
    /// In the order in which they came.
    waiting: Vec<One>,
    #[serde(skip)]
    mark: String,
    /// Whether whoever asks may bring and withdraw proposals.
    operates: bool,
    /// Whether they may put a proposal that everybody has signed into its ledger.
    approves: bool,
}

/// A proposal.
#[derive(Debug, Serialize)]
struct One {
    competition: String,
    seq: u64,
    kind: &'static str,
    epoch: i64,
    time: String,
    actor: String,
    reason: String,
    evidence: Vec<String>,
    /// Hash of the entry: what is signed.
    hash: Digest,
    signers: Vec<Signer>,
    /// Whether all of them have signed.
    complete: bool,
    brought_by: String,
    brought: String,
    computed: Computed,
    /// The act as it stands in the entry.
    act: serde_json::Value,
    /// The proposal as a file: what `apogee decide sign` takes.
    document: String,
}

#[derive(Debug, Serialize)]
struct Signer {
    operator: String,
    signed: bool,
}

/// What this server computed of a proposal when it was brought.
#[derive(Debug, Default, Serialize)]
struct Computed {
    /// Whether everything that can be computed comes out as it stands there.
    same: bool,
    /// Why nothing was computed.
    failed: Option<String>,
    /// The report of its effect, as it says and as it comes out.
    report: Option<[Option<Digest>; 2]>,
    /// The root that it pins or approves, as it says and as it comes out.
    root: Option<[Option<Digest>; 2]>,
    /// The sum that it approves, in atto, as it says and as it comes out.
    total: Option<[String; 2]>,
    /// For how many entities something changes.
    changed: usize,
    /// The first of them.
    changes: Vec<Change>,
}

#[derive(Debug, Serialize)]
struct Change {
    entity: String,
    eligible: [Option<bool>; 2],
    /// In atto.
    amount: [String; 2],
}

#[derive(Template)]
#[template(path = "decisions.html")]
struct DecisionsPage<'a> {
    c: Chrome<'a>,
    view: &'a Decisions,
}

impl View for Decisions {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        DecisionsPage { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }
}

/// `GET /admin/decisions`
pub(in crate::web) async fn show(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
) -> Result<Response, Problem> {
    visitor.acting(Role::Viewer)?;
    let now = app.now.load_full();
    let next = |entry: &Entry| {
        let known = now.competition(entry.competition.as_str());
        known.is_some_and(|known| follows(entry, known.held.competition()))
    };
    let waiting = app.inbox.list(visitor.now, next).iter().map(one).collect::<Result<_, _>>()?;
    ask.answer(&Decisions {
        waiting,
        mark: visitor.mark(),
        operates: visitor.has(Role::Operator),
        approves: visitor.has(Role::Approver),
    })
}

fn one(waiting: &Waiting) -> Result<One, Problem> {
    let Signed { entry, hash, signatures } = &*waiting.signed;
    let signer = |operator: &apogee_rules::Id| Signer {
        operator: operator.to_string(),
        signed: signatures.iter().any(|approval| approval.operator == *operator),
    };
    Ok(One {
        competition: entry.competition.to_string(),
        seq: entry.seq,
        kind: entry.act.kind(),
        epoch: entry.epoch.height(),
        time: entry.time.to_string(),
        actor: entry.actor.to_string(),
        reason: entry.reason.clone().unwrap_or_default(),
        evidence: entry.evidence.clone(),
        hash: *hash,
        signers: entry.approvers.iter().map(signer).collect(),
        complete: signatures.len() == entry.approvers.len(),
        brought_by: waiting.by.clone(),
        brought: waiting.at.to_string(),
        computed: computed(entry, &waiting.again),
        act: serde_json::to_value(&entry.act)?,
        document: waiting.signed.text().map_err(Box::new).map_err(Problem::NoEntry)?,
    })
}

fn computed(entry: &Entry, again: &Result<Again, String>) -> Computed {
    let again = match again {
        Ok(again) => again,
        Err(why) => return Computed { failed: Some(why.clone()), ..Computed::default() },
    };
    let said = entry.preview.or(simulation(&entry.act));
    let report = again.effect.as_ref().map(|effect| effect.hash);
    let roots = (root(&entry.act), root(&again.act));
    let total = match (&entry.act, &again.act) {
        (Act::ApprovePayout { total: said, .. }, Act::ApprovePayout { total, .. }) => {
            Some([said.to_string(), total.to_string()])
        }
        _ => None,
    };
    let entities = again.effect.iter().flat_map(|effect| &effect.report.entities);
    let changed: Vec<_> = entities.filter(|change| change.is_any()).collect();
    let change = |change: &&apogee_leaderboard::EntityChange| Change {
        entity: change.entity.to_string(),
        eligible: change.eligible.into(),
        amount: [change.amount.0.to_string(), change.amount.1.to_string()],
    };
    Computed {
        same: again.differs(entry).is_none(),
        failed: None,
        report: (said.is_some() || report.is_some()).then_some([said, report]),
        root: roots.0.is_some().then_some([roots.0, roots.1]),
        total,
        changed: changed.len(),
        changes: changed.iter().take(SHOWN).map(change).collect(),
    }
}

/// The root that an act is about.
const fn root(act: &Act) -> Option<Digest> {
    match act {
        Act::Freeze { pin } | Act::Finalize { pin, .. } | Act::Amend { pin, .. } => Some(pin.root),
        Act::ApprovePayout { root, .. } => Some(*root),
        _ => None,
    }
}

/// `POST /admin/decisions`: bring a proposal or signatures, put a proposal into its ledger, or withdraw it.
pub(in crate::web) async fn act(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    match field(&form, "action").as_str() {
        "bring" => app.bring(&visitor, &field(&form, "proposal")).await?,
        "submit" => app.submit_proposal(&visitor, &field(&form, "hash")).await?,
        "withdraw" => app.withdraw(&visitor, &field(&form, "hash")).await?,
        _ => return Err(Problem::NotDone("detail-inbox-gone")),
    }
    Ok(Redirect::to(&ask.to("/admin/decisions")).into_response())
}

/// What stands in the way of a proposal.
const fn unfit(unfit: Unfit) -> Problem {
    Problem::NotDone(match unfit {
        Unfit::Stale => "detail-inbox-stale",
        Unfit::Old => "detail-inbox-old",
        Unfit::Signature => "detail-inbox-signature",
        Unfit::Full => "detail-inbox-full",
    })
}

impl App {
    fn competition(&self, entry: &Entry) -> Result<Arc<CompetitionNow>, Problem> {
        let id = entry.competition.as_str();
        self.now.load().competition(id).cloned().ok_or_else(|| Problem::UnknownCompetition(id.to_owned()))
    }

    /// A new proposal, or signatures for one that waits.
    async fn bring(&self, visitor: &Visitor, text: &str) -> Result<(), Problem> {
        // Whoever may not decide is not told what of a proposal would be wrong.
        let known = visitor.has(Role::Operator) || visitor.has(Role::Approver);
        if !known {
            visitor.acting(Role::Operator)?;
        }
        let signed = Signed::read(text.as_bytes()).map_err(Box::new).map_err(Problem::NoEntry)?;
        let now = self.competition(&signed.entry)?;
        fit(&signed, now.held.competition(), visitor.now).map_err(unfit)?;
        if self.inbox.find(&signed.hash).is_some() {
            let actor = visitor.acting(Role::Approver).or_else(|_| visitor.acting(Role::Operator))?.actor();
            let new = self.inbox.sign(&signed);
            let names: Vec<String> = new.iter().map(ToString::to_string).collect();
            return self.note(visitor, actor, "decision-sign", &signed, names).await;
        }
        let actor = visitor.acting(Role::Operator)?.actor();
        now.held.competition().after(&signed.entry).map_err(Box::new).map_err(Problem::NoEntry)?;
        let again = self.again(&now, &signed.entry).await?;
        let waiting = Waiting {
            signed: Arc::new(signed.clone()),
            again: Arc::new(again),
            by: actor.clone(),
            at: visitor.now,
        };
        self.inbox.put(waiting).map_err(unfit)?;
        self.note(visitor, actor, "decision-propose", &signed, Vec::new()).await
    }

    /// Compute what is computed of an entry. What is only known to whoever made it cannot be: payout addresses in a file.
    async fn again(&self, now: &CompetitionNow, entry: &Entry) -> Result<Result<Again, String>, Problem> {
        let ground = now.ground.as_ref();
        let ground =
            ground.ok_or_else(|| Problem::NoGround { competition: entry.competition.to_string() })?;
        let terms = Terms { given: BTreeMap::new(), missing: Missing::Refused, shadow: Shadow::of(None) };
        match again(&self.stands, &now.held, ground, entry, terms).await {
            Ok(again) => Ok(Ok(again)),
            Err(NotAgain::Standings(error) | NotAgain::Effect(NoEffect::Standings(error))) => {
                Err(error.into())
            }
            Err(NotAgain::Effect(NoEffect::Refused(refusal))) => Err(Problem::NoEntry(refusal)),
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    async fn submit_proposal(&self, visitor: &Visitor, hash: &str) -> Result<(), Problem> {
        let actor = visitor.acting(Role::Approver)?.actor();
        let waiting = self.waiting(hash)?;
        let (signed, entry) = (&waiting.signed, &waiting.signed.entry);
        if signed.signatures.len() < entry.approvers.len() {
            return Err(Problem::NotDone("detail-inbox-unsigned"));
        }
        let now = self.competition(entry)?;
        let held = now.held.grown(&*self.store).await?;
        fit(signed, held.competition(), visitor.now).map_err(unfit)?;
        // What was computed when it was brought is computed once more.
        match self.again(&now, entry).await? {
            Ok(again) if again.differs(entry).is_none() => {}
            _ => return Err(Problem::NotDone("detail-inbox-differs")),
        }
        self.append_proposal(&held, signed).await?;
        self.inbox.remove(&signed.hash);
        self.note(visitor, actor, "decision-submit", signed, Vec::new()).await
    }

    async fn append_proposal(&self, held: &Held, signed: &Signed) -> Result<(), Problem> {
        let competition = || signed.entry.competition.to_string();
        let founding = held.competition().founding().map(|founding| founding.network.clone());
        let network = founding.ok_or_else(|| Problem::UnknownCompetition(competition()))?;
        let ground = Ground::of(&*self.store, held).await?;
        let ground = ground.ok_or_else(|| Problem::NoGround { competition: competition() })?;
        let no_state = |error: &dyn std::error::Error| Problem::NoState { why: error.to_string() };
        let world = self.sources.world(&network).await.map_err(|error| no_state(&error))?;
        let mut wants = Wants::default();
        wants.act(&signed.entry.act);
        let around = Around::of(&*self.store, held, &ground, &world, &wants).await;
        let around = around.map_err(|error| no_state(&error))?;
        append(&*self.store, held, signed, &around).await.map_err(|error| match error {
            error if error.is_conflict() => Problem::NotDone("detail-inbox-stale"),
            NotAppended::Refused(refusal) => Problem::NoEntry(refusal),
            NotAppended::Store(error) => error.into(),
        })
    }

    async fn withdraw(&self, visitor: &Visitor, hash: &str) -> Result<(), Problem> {
        let actor = visitor.acting(Role::Operator)?.actor();
        let signed = self.waiting(hash)?.signed;
        self.inbox.remove(&signed.hash);
        self.note(visitor, actor, "decision-withdraw", &signed, Vec::new()).await
    }

    fn waiting(&self, hash: &str) -> Result<Waiting, Problem> {
        let hash: Option<Digest> = hash.parse().ok();
        let found = hash.and_then(|hash| self.inbox.find(&hash));
        found.ok_or(Problem::NotDone("detail-inbox-gone"))
    }

    /// What was done with a proposal stands in the audit log, with the reason that the proposal itself gives.
    async fn note(
        &self,
        visitor: &Visitor,
        actor: String,
        action: &str,
        signed: &Signed,
        signers: Vec<String>,
    ) -> Result<(), Problem> {
        let entry = &signed.entry;
        let mut work = self.store.begin().await?;
        let event = AuditEvent {
            at: visitor.now,
            actor,
            action: action.to_owned(),
            subject: format!("competition/{}/{}", entry.competition, entry.seq),
            reason: entry.reason.clone().unwrap_or_default(),
            document: serde_json::json!({
                "kind": entry.act.kind(), "hash": signed.hash, "signers": signers,
            })
            .to_string(),
        };
        work.record(&event).await?;
        Ok(work.commit().await?)
    }
}
