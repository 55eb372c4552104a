//! What bots saw of one miner.

mod page;

use apogee_dealbot::schedule::{Cadence, Kind};
use apogee_store::{ProbeSlot, SlotOutcome};
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use self::page::Page;
use super::attempt::AttemptView;
use super::count::Tallied;
use super::rests::RestView;
use super::slots::longest;
use super::words::Cause;
use super::{Probing, plain};
use crate::bots::BAR;
use crate::web::ask::{Ask, Form, Language};
use crate::web::competition::{Meta, TripleQuery};
use crate::web::query::{Asked, Questions, Why};
use crate::web::view::{Csv, View};
use crate::web::{App, Problem};

/// Slots of one page, and of its JSON.
const SLOTS: usize = 20;
/// Slots of a table.
const ROWS: usize = 500;

/// Which slots are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Show {
    #[default]
    All,
    Only(SlotOutcome),
    /// Of which it is not known yet what became of them.
    Open,
}

impl Show {
    const EVERY: [Self; 5] = [
        Self::All,
        Self::Only(SlotOutcome::Fail),
        Self::Only(SlotOutcome::Ok),
        Self::Only(SlotOutcome::Excluded),
        Self::Open,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Only(outcome) => outcome.as_str(),
            Self::Open => "open",
        }
    }

    fn takes(self, slot: &ProbeSlot) -> bool {
        let outcome = slot.verdict.as_ref().map(|verdict| verdict.outcome);
        match self {
            Self::All => true,
            Self::Only(wanted) => outcome == Some(wanted),
            Self::Open => outcome.is_none(),
        }
    }
}

/// How a log is looked at.
#[derive(Clone, Debug, Default)]
pub(in crate::web::competition) struct LogQuery {
    triple: TripleQuery,
    kind: Option<Kind>,
    show: Show,
    /// Slots below this one.
    before: Option<u64>,
    /// The slot that is unfolded.
    open: Option<u64>,
}

impl Questions for LogQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        let number = || value.parse().map(Some).map_err(|_| Why::Number);
        match name {
            "kind" => self.kind = Some(Kind::of(value).ok_or(Why::Choice)?),
            "show" => {
                let show = Show::EVERY.into_iter().find(|show| show.name() == value);
                self.show = show.ok_or(Why::Choice)?;
            }
            "before" => self.before = number()?,
            "open" => self.open = number()?,
            _ => self.triple.take(name, value)?,
        }
        Ok(())
    }
}

/// What bots saw of a miner, the newest slot first. A slot is there once its interval is over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeLog)]
pub(crate) struct AttemptLog {
    meta: Meta,
    miner: String,
    /// Kinds that are probed.
    kinds: Vec<&'static str>,
    /// The one that is shown.
    kind: &'static str,
    /// What all slots come to.
    tally: Tallied,
    bar: BarView,
    /// The longest run of failures without a success between.
    longest_outage: Option<OutageView>,
    /// When the miner is probed next; `null` where nothing newer than an epoch is shown.
    next: Option<Windows>,
    /// Why slots did not go well, the most frequent failure first.
    causes: Vec<Cause>,
    /// Slots that match what was asked for.
    found: usize,
    slots: Vec<SlotView>,
    /// `before` of the slots that follow; `null` where there are none.
    older: Option<u64>,
    /// Maintenance that the miner declared, the newest first.
    maintenance: Vec<RestView>,
    /// How many bots there are: with one, the same eyes look twice.
    fleet: u32,
    /// Whether somebody may ask for a look.
    #[serde(skip)]
    checked: bool,
    #[serde(skip)]
    show: Show,
    #[serde(skip)]
    open: Option<u64>,
    /// Where the attempts are those of a table.
    #[serde(skip)]
    first: Option<u64>,
}

/// What is asked of a miner.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = ProbeBar)]
pub(super) struct BarView {
    /// The rate, millionths.
    pub(super) rate: u32,
    /// Slots that have to count.
    pub(super) least: u64,
    /// The part of all slots that has to count, millionths.
    pub(super) coverage: u32,
}

impl BarView {
    pub(super) const fn new() -> Self {
        Self { rate: BAR.rate, least: BAR.least, coverage: BAR.coverage }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeOutage)]
struct OutageView {
    from: String,
    to: String,
    seconds: u64,
    /// Failures in it.
    slots: u64,
}

/// Intervals: of each it is known that the miner is probed in it, and of none when.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeWindows)]
struct Windows {
    /// The interval that runs; its slot may be over already.
    running: Option<Window>,
    /// The one after it; `null` behind the last.
    following: Option<Window>,
    /// Length of an interval in seconds.
    seconds: u64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeWindow)]
struct Window {
    slot: u64,
    from: String,
    to: String,
}

/// A slot.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeSlot)]
struct SlotView {
    slot: u64,
    /// Its interval.
    from: String,
    to: String,
    /// When it was due.
    due: String,
    /// `ok`, `fail` or `excluded`; `null` while that is not known.
    outcome: Option<&'static str>,
    /// Why, as in the taxonomy of faults; `null` where it went well.
    code: Option<String>,
    /// The code in words, in the language of the address.
    title: Option<String>,
    /// What to do, in the language of the address.
    advice: Option<String>,
    /// Why it counts or does not, in the language of the address.
    why: String,
    /// When that was found.
    judged: Option<String>,
    /// The epoch from which on it counts.
    #[schema(value_type = Option<i64>)]
    epoch: Option<apogee_domain::Epoch>,
    attempts: Vec<AttemptView>,
}

/// `GET /c/{competition}/m/{miner}/attempts`
pub(in crate::web::competition) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((competition, miner)): Path<(String, String)>,
    Asked(query): Asked<LogQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query.triple).await?;
    let probing = Probing::of(&app, &stage)?;
    let (cadence, miner) = probing.lane(query.kind, &miner).await?;
    let all = probing.slots(&cadence, &miner).await?;
    let outage = longest(&all).map(|outage| OutageView {
        from: outage.from.to_string(),
        to: outage.to.to_string(),
        seconds: outage.to.since(outage.from).as_secs(),
        slots: outage.slots,
    });
    let (mut slots, rows) = (all, if ask.form == Form::Csv { ROWS } else { SLOTS });
    slots.retain(|slot| query.show.takes(slot));
    let found = slots.len();
    slots.retain(|slot| query.before.is_none_or(|before| slot.slot < before));
    let more = slots.len() > rows;
    slots.truncate(rows);
    let older = slots.last().map(|slot| slot.slot).filter(|_| more);
    let tally = Tallied::of(cadence.kind, &probing.count(cadence.kind, &miner).await?);
    let attempts = probing.attempts((cadence.kind, &miner), &slots).await?;
    let known = probing.plan.known;
    let slots = slots.iter().zip(attempts).map(|(slot, attempts)| {
        let attempts: Vec<_> = attempts.iter().map(|attempt| AttemptView::new(attempt, known)).collect();
        SlotView::new(ask.language, &cadence, slot, attempts)
    });
    let view = AttemptLog {
        kinds: probing.plan.cadences.iter().map(|cadence| cadence.kind.as_str()).collect(),
        kind: cadence.kind.as_str(),
        causes: Cause::all(ask.language, &tally),
        tally,
        bar: BarView::new(),
        longest_outage: outage,
        next: probing.until.is_none().then(|| Windows::at(&cadence, probing.now)),
        found,
        slots: slots.collect(),
        older,
        maintenance: probing.rests(&stage, Some(miner.as_str())).await?,
        fleet: probing.plan.fleet,
        checked: app.checks.is_some() && !app.door.is_closed(),
        show: query.show,
        open: query.open,
        first: query.before,
        miner,
        meta: stage.meta.clone(),
    };
    Ok(probing.fresh(ask.answer(&view)?))
}

impl Probing<'_> {
    /// The slots of a kind, by default the first that is probed, and how the miner is called among those that are.
    async fn lane(&self, kind: Option<Kind>, miner: &str) -> Result<(Cadence, String), Problem> {
        let unknown = || Problem::NotProbed { miner: miner.to_owned() };
        // f01000 and t01000 are one actor.
        let other = match miner.split_at_checked(1) {
            Some(("f", rest)) => format!("t{rest}"),
            Some(("t", rest)) => format!("f{rest}"),
            _ => return Err(unknown()),
        };
        let asked = |cadence: &&Cadence| kind.is_none_or(|kind| kind == cadence.kind);
        for cadence in self.plan.cadences.iter().filter(asked) {
            for name in [miner, &other] {
                // Whether there is one is all that is asked of it.
                if self.store.lane(&self.plan.key(cadence.kind, name)).await?.is_some() {
                    return Ok((*cadence, name.to_owned()));
                }
            }
        }
        Err(unknown())
    }
}

impl Windows {
    fn at(cadence: &Cadence, now: apogee_domain::Timestamp) -> Self {
        let window = |slot: u64| {
            let (from, to) = cadence.window(slot)?;
            Some(Window { slot, from: from.to_string(), to: to.to_string() })
        };
        let next = cadence.beginning(now, apogee_domain::Timestamp(i64::MAX)).start;
        let running =
            next.checked_sub(1).filter(|slot| cadence.window(*slot).is_some_and(|(_, to)| to > now));
        Self {
            running: running.and_then(window),
            following: window(next),
            seconds: cadence.interval / 1_000_000,
        }
    }
}

impl SlotView {
    fn new(language: Language, cadence: &Cadence, slot: &ProbeSlot, attempts: Vec<AttemptView>) -> Self {
        let (from, to) = cadence.window(slot.slot).unwrap_or((slot.due, slot.ended));
        let verdict = slot.verdict.as_ref();
        let code = verdict.map(|verdict| verdict.code.clone()).filter(|code| !code.is_empty());
        let why = match verdict.map(|verdict| verdict.outcome) {
            None => "pr-why-open",
            Some(SlotOutcome::Ok) => "pr-why-ok",
            Some(SlotOutcome::Fail) if slot.attempts > 1 => "pr-why-confirmed",
            Some(SlotOutcome::Fail) => "pr-why-fail",
            Some(SlotOutcome::Excluded) => "pr-why-excluded",
        };
        Self {
            slot: slot.slot,
            from: from.to_string(),
            to: to.to_string(),
            due: slot.due.to_string(),
            outcome: verdict.map(|verdict| verdict.outcome.as_str()),
            title: code.as_deref().map(|code| super::words::title(language, code)),
            advice: code.as_deref().map(|code| super::words::advice(language, code)),
            code,
            why: language.t(why),
            judged: verdict.map(|verdict| verdict.at.to_string()),
            epoch: verdict.map(|verdict| verdict.epoch),
            attempts,
        }
    }
}

impl View for AttemptLog {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page::new(ask, self).html()
    }

    /// One row an attempt; a slot without any has one as well.
    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&[
            "kind",
            "miner",
            "slot",
            "from",
            "to",
            "due",
            "outcome",
            "slot_code",
            "epoch",
            "attempt",
            "bot",
            "region",
            "started",
            "ended",
            "code",
            "fault",
            "stage",
            "detail",
            "errors",
            "target",
            "remote",
            "agent",
            "status",
            "received",
            "record",
            "late",
            "entry",
        ]);
        for slot in &self.slots {
            let epoch = slot.epoch.map(|epoch| epoch.to_string()).unwrap_or_default();
            let number = slot.slot.to_string();
            let of_slot = [
                self.kind,
                self.miner.as_str(),
                number.as_str(),
                slot.from.as_str(),
                slot.to.as_str(),
                slot.due.as_str(),
                slot.outcome.unwrap_or_default(),
                slot.code.as_deref().unwrap_or_default(),
                epoch.as_str(),
            ];
            for attempt in &slot.attempts {
                let of_attempt = row(attempt);
                let cells: Vec<&str> =
                    of_slot.into_iter().chain(of_attempt.iter().map(String::as_str)).collect();
                csv.row(&cells);
            }
            if slot.attempts.is_empty() {
                let cells: Vec<&str> = of_slot.into_iter().chain([""; 18]).collect();
                csv.row(&cells);
            }
        }
        Some(csv)
    }
}

/// An attempt of a table.
fn row(attempt: &AttemptView) -> [String; 18] {
    let told = attempt.told.as_ref();
    let text = |text: Option<&String>| text.map(|text| plain(text)).unwrap_or_default();
    [
        attempt.attempt.to_string(),
        attempt.bot.clone(),
        attempt.region.clone(),
        attempt.started.clone().unwrap_or_default(),
        attempt.ended.clone(),
        attempt.code.clone().unwrap_or_default(),
        attempt.fault.to_owned(),
        attempt.last_stage().unwrap_or_default().to_owned(),
        text(told.map(|told| &told.detail)),
        told.map(|told| plain(&told.errors.join(": "))).unwrap_or_default(),
        text(told.map(|told| &told.target)),
        text(told.and_then(|told| told.remote.as_ref())),
        text(told.and_then(|told| told.agent.as_ref())),
        told.and_then(|told| told.status).map(|status| status.to_string()).unwrap_or_default(),
        told.map(|told| told.received.to_string()).unwrap_or_default(),
        attempt.record.clone().unwrap_or_default(),
        attempt.late.clone().unwrap_or_default(),
        attempt.entry.map(|entry| entry.to_string()).unwrap_or_default(),
    ]
}
