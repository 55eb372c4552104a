use apogee_competition::EventKind;
use apogee_domain::Epoch;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::acts::{Teller, class};
use super::blockers::{Blocked, blockers};
use super::effect_table::{pages, with};
use super::lanes::{Lanes, Mark};
use super::signs::{Signs, WINDOW, signs};
use super::{Meta, Stage, TripleQuery};
use crate::web::ask::{Ask, Form, Language};
use crate::web::chrome::{Chrome, Section};
use crate::web::query::{Asked, Questions, Why, number};
use crate::web::view::{Csv, View};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// Events of one page.
const ROWS: usize = 50;

/// Kinds of events, in the order in which they are shown, and what they are called in addresses.
pub(super) const KINDS: [(EventKind, &str); 7] = [
    (EventKind::Announcement, "announcement"),
    (EventKind::Upgrade, "upgrade"),
    (EventKind::Rules, "rules"),
    (EventKind::Lifecycle, "lifecycle"),
    (EventKind::Decision, "decision"),
    (EventKind::Incident, "incident"),
    (EventKind::Claim, "claim"),
];

/// Which events.
#[derive(Debug, Default)]
pub(crate) struct TimelineQuery {
    triple: TripleQuery,
    kind: Option<&'static str>,
    page: Option<usize>,
}

impl Questions for TimelineQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "kind" => {
                let known = KINDS.iter().find(|(_, name)| *name == value);
                self.kind = Some(known.ok_or(Why::Choice)?.1);
            }
            "page" => self.page = Some(number(value)?),
            _ => self.triple.take(name, value)?,
        }
        Ok(())
    }
}

/// Everything that happened to a competition on one line of epochs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionTimeline)]
pub(crate) struct Timeline {
    meta: Meta,
    /// Where the competition stands, in fixed words, in the language of the address.
    phrases: Vec<String>,
    /// How many events there are of each kind.
    counts: Vec<Count>,
    /// How many of the kind that was asked for.
    found: usize,
    page: usize,
    /// The newest first.
    events: Vec<Event>,
    /// What is known to come, the soonest first.
    to_come: Vec<Coming>,
    /// Epochs that do not count: removed by decisions, and pauses.
    intervals: Vec<Interval>,
    /// What the chain itself shows, which nobody has made an incident of by that alone.
    signs: Vec<Sign>,
    /// Epochs that were looked at for signs; `null` where no chain is indexed.
    looked_at: Option<Looked>,
    /// What stands between the competition and final standings; `null` unless it is over and not final.
    blockers: Option<Vec<Blocked>>,
    #[serde(skip)]
    kind: Option<&'static str>,
    #[serde(skip)]
    marks: Vec<Mark>,
}

/// Events of a kind, counted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineCount)]
struct Count {
    kind: &'static str,
    count: usize,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineEvent)]
struct Event {
    /// Number of its entry.
    seq: u64,
    /// `announcement`, `upgrade`, `rules`, `lifecycle`, `decision`, `incident` or `claim`.
    kind: &'static str,
    /// The act's kind, as in the ledger.
    act: &'static str,
    /// In words, in the language of the address.
    title: String,
    /// First epoch it is about.
    #[schema(value_type = i64)]
    from: Epoch,
    /// When that epoch begins.
    from_time: Option<String>,
    /// First epoch it is no longer about.
    #[schema(value_type = Option<i64>)]
    until: Option<Epoch>,
    /// Epoch and time of the entry.
    #[schema(value_type = i64)]
    epoch: Epoch,
    time: String,
    /// Why, for everybody.
    reason: Option<String>,
    /// Whether an incident is still open.
    open: Option<bool>,
    /// Whether a decision holds.
    live: Option<bool>,
    #[serde(skip)]
    class: &'static str,
}

/// Something that is known to come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineComing)]
struct Coming {
    title: String,
    #[schema(value_type = i64)]
    epoch: Epoch,
    time: Option<String>,
    #[serde(skip)]
    class: &'static str,
}

/// Epochs that do not count.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineInterval)]
struct Interval {
    /// The entry that says so.
    seq: u64,
    /// Whether it is a pause.
    pause: bool,
    #[schema(value_type = i64)]
    from: Epoch,
    /// First epoch that counts again; `null` while a pause lasts.
    #[schema(value_type = Option<i64>)]
    until: Option<Epoch>,
    /// For which metrics; none for all.
    metrics: Vec<String>,
    /// In which regions; none for all.
    regions: Vec<String>,
}

/// A sign on the chain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineSign)]
struct Sign {
    /// In words, in the language of the address.
    title: String,
    #[schema(value_type = i64)]
    from: Epoch,
    #[schema(value_type = i64)]
    until: Epoch,
    regions: Vec<String>,
    /// The interval that a decision could remove, as `?remove=` of a what-if takes it; `null` where no epochs were lost.
    remove: Option<String>,
}

/// Epochs that were looked at.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = TimelineLooked)]
struct Looked {
    #[schema(value_type = i64)]
    from: Epoch,
    #[schema(value_type = i64)]
    last: Epoch,
    /// Signs that are not shown.
    more: usize,
}

/// `GET /c/{competition}/timeline`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<TimelineQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query.triple).await?;
    let seen = signs(&*app.store, &stage).await?;
    let page = (ask.form != Form::Csv).then_some(query.page.unwrap_or(1));
    ask.answer(&Timeline::of(&stage, ask.language, query.kind, page, seen))
}

fn name(kind: EventKind) -> &'static str {
    KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, name)| name)
}

impl Timeline {
    fn of(
        stage: &Stage,
        language: Language,
        kind: Option<&'static str>,
        page: Option<usize>,
        seen: Option<Signs>,
    ) -> Self {
        let competition = &stage.competition;
        let teller = Teller { language, competition, coin: stage.coin() };
        let (schedule, live) = (stage.schedule(), competition.live());
        let time = |epoch: Epoch| schedule.map(|schedule| schedule.time_of(epoch).to_string());
        let all = competition.timeline();
        let counts = KINDS.map(|(known, kind)| Count {
            kind,
            count: all.iter().filter(|event| event.kind == known).count(),
        });
        let listed: Vec<_> =
            all.iter().rev().filter(|event| kind.is_none_or(|kind| name(event.kind) == kind)).collect();
        let found = listed.len();
        let at = page.unwrap_or(1).clamp(1, found.div_ceil(ROWS).max(1));
        let (skip, take) = page.map_or((0, usize::MAX), |_| ((at - 1) * ROWS, ROWS));
        let shown = listed.into_iter().skip(skip).take(take).filter_map(|event| {
            let entry = &stage.entry(event.moment.seq)?.entry;
            let incident = competition.incidents().get(&event.moment.seq);
            Some(Event {
                seq: event.moment.seq,
                kind: name(event.kind),
                act: event.act,
                title: teller.tell(entry),
                from: event.from,
                from_time: time(event.from),
                until: event.until.or_else(|| incident.and_then(|incident| incident.until)),
                epoch: event.moment.epoch,
                time: event.moment.time.to_string(),
                reason: entry.reason.clone(),
                open: incident.map(|incident| incident.until.is_none()),
                live: entry.act.is_decision().then(|| live.contains(&entry.seq)),
                class: class(&entry.act),
            })
        });
        let events = shown.collect();
        let to_come = coming(stage, &teller).into_iter().map(|(epoch, title, class)| Coming {
            title,
            epoch,
            time: time(epoch),
            class,
        });
        let names = |list: &[apogee_rules::Id]| list.iter().map(ToString::to_string).collect();
        let stamps = competition.timestamps();
        let removed = stamps.removed_intervals.iter().map(|interval| Interval {
            seq: interval.seq,
            pause: false,
            from: interval.from,
            until: Some(interval.until),
            metrics: names(&interval.metrics),
            regions: names(&interval.regions),
        });
        let paused = stamps.paused_intervals.iter().map(|pause| Interval {
            seq: pause.seq,
            pause: true,
            from: pause.from,
            until: pause.until,
            metrics: Vec::new(),
            regions: Vec::new(),
        });
        let signs = seen.iter().flat_map(|seen| &seen.found).map(|sign| Sign {
            title: teller.text(&sign.title).to_owned(),
            from: sign.from,
            until: sign.until,
            regions: names(&sign.regions),
            remove: sign.removes.then(|| {
                let regions: Vec<String> = names(&sign.regions);
                match regions.is_empty() {
                    true => format!("{}..{}", sign.from, sign.until),
                    false => format!("{}..{}::{}", sign.from, sign.until, regions.join(",")),
                }
            }),
        });
        Self {
            phrases: competition.phrases().iter().map(|phrase| teller.text(phrase).to_owned()).collect(),
            counts: counts.into(),
            found,
            page: at,
            events,
            to_come: to_come.collect(),
            intervals: removed.chain(paused).collect(),
            signs: signs.collect(),
            looked_at: seen.as_ref().map(|seen| Looked {
                from: seen.from,
                last: seen.until,
                more: seen.more,
            }),
            blockers: blockers(stage, language),
            kind,
            marks: all.iter().map(|event| Mark::of(event, stage)).collect(),
            meta: stage.meta.clone(),
        }
    }
}

/// What is known to come after the epoch that is shown.
fn coming(stage: &Stage, teller: &Teller<'_>) -> Vec<(Epoch, String, &'static str)> {
    let competition = &stage.competition;
    // After the end of an archive only the ledger goes on.
    let last = competition.head().map(|(moment, _)| moment.epoch);
    let at = last.into_iter().fold(stage.meta.chain.epoch, Epoch::max);
    let language = teller.language;
    let mut coming = Vec::new();
    let dates = [
        (competition.start(), "coming-start"),
        (competition.end(), "coming-end"),
        (competition.timestamps().provisional_until, "coming-appeals"),
    ];
    for (epoch, key) in dates {
        coming.extend(epoch.map(|epoch| (epoch, language.t(key), "is-rule")));
    }
    for published in competition.rules() {
        let version = &published.rules.version;
        let number = fluent_args!["version" => version.number.to_string()];
        coming.push((version.from, language.say("coming-rules", &number), "is-rule"));
    }
    for event in competition.timeline().iter().filter(|event| event.kind == EventKind::Upgrade) {
        let entry = stage.entry(event.moment.seq);
        coming.extend(entry.map(|signed| (event.from, teller.tell(&signed.entry), class(&signed.entry.act))));
    }
    coming.retain(|(epoch, ..)| *epoch > at);
    coming.sort_by_key(|(epoch, ..)| *epoch);
    coming
}

impl View for Timeline {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Timeline), view: self }.render()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&[
            "seq", "kind", "act", "title", "from", "until", "epoch", "time", "reason", "open", "live",
        ]);
        let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string()).unwrap_or_default();
        for event in &self.events {
            csv.row(&[
                &event.seq.to_string(),
                event.kind,
                event.act,
                &event.title,
                &event.from.to_string(),
                &event.until.map(|until| until.to_string()).unwrap_or_default(),
                &event.epoch.to_string(),
                &event.time,
                event.reason.as_deref().unwrap_or_default(),
                &flag(event.open),
                &flag(event.live),
            ]);
        }
        Some(csv)
    }
}

#[derive(Template)]
#[template(path = "competition/timeline.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Timeline,
}

impl Page<'_> {
    fn entry(&self, seq: &u64) -> String {
        self.c.at_stage(&format!("decisions/{seq}"))
    }

    /// The incident that is open, if one is: its entry and its title.
    fn open(&self) -> Option<&Event> {
        self.view.events.iter().find(|event| event.open == Some(true))
    }

    fn kinds(&self) -> Vec<(String, String, bool)> {
        let language = self.c.language();
        let total = self.view.counts.iter().map(|count| count.count).sum::<usize>();
        let all = language.say("timeline-all", &fluent_args!["n" => total]);
        let mut kinds = vec![(with(&self.c, &[("kind", ""), ("page", "")]), all, self.view.kind.is_none())];
        for count in self.view.counts.iter().filter(|count| count.count > 0) {
            let name = language.say(&format!("timeline-{}", count.kind), &fluent_args!["n" => count.count]);
            let here = self.view.kind == Some(count.kind);
            kinds.push((with(&self.c, &[("kind", count.kind), ("page", "")]), name, here));
        }
        kinds
    }

    fn lanes(&self) -> Lanes<'_> {
        Lanes::new(self.c, &self.view.marks)
    }

    /// The events of the page by the day to which they belong.
    fn days(&self) -> Vec<(String, Vec<&Event>)> {
        let day = |event: &Event| {
            let time = event.from_time.as_deref().unwrap_or(&event.time);
            let shown = self.c.time(time);
            // The day stands before the clock.
            let clock = shown.find(':').map_or(shown.len(), |at| at.saturating_sub(2));
            shown.get(..clock).unwrap_or_default().trim_end_matches([' ', ',']).to_owned()
        };
        let mut days: Vec<(String, Vec<&Event>)> = Vec::new();
        for event in &self.view.events {
            let day = day(event);
            match days.last_mut() {
                Some((last, events)) if *last == day => events.push(event),
                _ => days.push((day, vec![event])),
            }
        }
        days
    }

    fn epochs(&self, from: &Epoch, until: &Option<Epoch>) -> String {
        let language = self.c.language();
        match until {
            Some(until) if *until > from.plus(1) => language.say(
                "epochs-from-to",
                &fluent_args!["from" => self.c.grouped(from), "last" => self.c.grouped(until.minus(1))],
            ),
            Some(_) => language.say("epochs-one", &fluent_args!["from" => self.c.grouped(from)]),
            None => language.say("epochs-from", &fluent_args!["from" => self.c.grouped(from)]),
        }
    }

    /// The epochs of an event; one that does not last is of one epoch.
    fn when(&self, event: &Event) -> String {
        let lasts = event.open == Some(true) || event.act == "pause";
        self.epochs(&event.from, &event.until.or((!lasts).then(|| event.from.plus(1))))
    }

    fn time_of(&self, event: &Event) -> String {
        self.c.time(event.from_time.as_deref().unwrap_or(&event.time))
    }

    fn sign_epochs(&self, sign: &Sign) -> String {
        self.epochs(&sign.from, &Some(sign.until))
    }

    fn removal(&self, remove: &str) -> String {
        self.c.at_stage(&format!("simulate?remove={remove}"))
    }

    fn all_or(&self, list: &[String], key: &str) -> String {
        if list.is_empty() { self.c.t(key) } else { list.join(&self.c.t("list-comma")) }
    }

    fn looked(&self, looked: &Looked) -> String {
        let arguments = fluent_args![
            "from" => self.c.grouped(looked.from), "last" => self.c.grouped(looked.last), "window" => WINDOW,
        ];
        self.c.language().say("signs-looked", &arguments)
    }

    fn more(&self, looked: &Looked) -> String {
        self.c.language().say("signs-more", &fluent_args!["n" => looked.more])
    }

    fn rows_of(&self) -> String {
        let arguments = fluent_args!["n" => self.view.found, "page" => self.view.page, "pages" => self.view.found.div_ceil(ROWS)];
        self.c.language().say("decision-pages", &arguments)
    }

    fn pages(&self) -> Vec<(usize, Option<String>)> {
        pages(&self.c, self.view.page, self.view.found.div_ceil(ROWS))
    }
}
