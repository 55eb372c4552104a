use apogee_competition::{Competition, EventKind, Moment};
use apogee_domain::Epoch;
use apogee_leaderboard::BoardList;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::measured::{Shown, coin_of, metric_name};
use super::pools::{PoolView, money, pools};
use super::status::{Judge, Standing, Status};
use super::{Meta, Stage, TripleQuery};
use crate::competitions::Stood;
use crate::web::ask::{Ask, Language};
use crate::web::chrome::{Chrome, Section};
use crate::web::query::Asked;
use crate::web::view::View;
use crate::web::{App, Problem};

/// Rows of a short board.
const TOP: usize = 10;
/// What happened last.
const EVENTS: usize = 8;

/// A competition at a glance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionOverview)]
pub(crate) struct Overview {
    meta: Meta,
    /// Where it stands, in fixed phrases of both languages.
    phrases: Vec<Phrase>,
    /// What it goes through, in order.
    stages: Vec<Passage>,
    /// How many compete, claimed or not.
    entities: usize,
    /// How many of them are claimed.
    claimed: usize,
    /// How many of them are eligible.
    eligible: usize,
    /// What all pools hold, in atto.
    prize: String,
    /// What is paid of it if it ended now, in atto.
    owed: String,
    /// Pools that are not divided by region.
    pools: Vec<PoolView>,
    /// The first places of every board that is not divided by region.
    boards: Vec<Top>,
    /// Boards that are divided by region.
    regional: Vec<String>,
    /// What happened last, the newest first.
    events: Vec<Happened>,
    #[serde(skip)]
    words: Words,
}

/// Figures as they are read.
#[derive(Debug, Default)]
struct Words {
    prize: String,
    owed: String,
}

/// A fixed phrase.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionPhrase)]
struct Phrase {
    en: String,
    zh: String,
}

/// Something that a competition goes through.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionPassage)]
struct Passage {
    /// `registration`, `start`, `end`, `provisional`, `final` or `paid`.
    name: &'static str,
    /// The epoch at which it was, or will be; `null` where that is open.
    #[schema(value_type = Option<i64>)]
    epoch: Option<Epoch>,
    /// When that is, RFC 3339.
    time: Option<String>,
    /// Whether it is passed.
    passed: bool,
    /// The entry of the ledger that says so.
    seq: Option<u64>,
}

/// The first places of a board.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionTop)]
struct Top {
    board: String,
    metric: String,
    unit: &'static str,
    total: usize,
    rows: Vec<Place>,
    #[serde(skip)]
    shown: Shown,
    #[serde(skip)]
    named: [String; 2],
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionPlace)]
struct Place {
    rank: Option<u64>,
    tied: bool,
    entity: String,
    name: String,
    claimed: bool,
    /// In `unit`; a ratio as `p/q`; `null` where it is unknown.
    value: Option<String>,
    status: Status,
    /// What it is paid if it ended now, in atto.
    payout: String,
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    standing: Standing,
    #[serde(skip)]
    owed: String,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionEvent)]
struct Happened {
    /// The entry of the ledger.
    seq: u64,
    /// The kind of act.
    act: &'static str,
    title: Option<Phrase>,
    #[schema(value_type = i64)]
    epoch: Epoch,
    time: String,
    #[serde(skip)]
    class: &'static str,
}

/// `GET /c/{competition}`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query).await?;
    ask.answer(&Overview::of(&stage))
}

impl Overview {
    fn of(stage: &Stage) -> Self {
        let competition = &stage.competition;
        let phrases = competition.phrases().into_iter().map(|words| Phrase { en: words.en, zh: words.zh });
        let mut overview = Self {
            phrases: phrases.collect(),
            stages: passages(stage, competition),
            entities: 0,
            claimed: 0,
            eligible: 0,
            prize: "0".to_owned(),
            owed: "0".to_owned(),
            pools: Vec::new(),
            boards: Vec::new(),
            regional: Vec::new(),
            events: events(competition),
            words: Words::default(),
            meta: stage.meta.clone(),
        };
        if let Some(stood) = stage.stood() {
            overview.standings(stage, stood);
        }
        overview
    }

    fn standings(&mut self, stage: &Stage, stood: &Stood) {
        let (standings, coin) = (&stood.standings, coin_of(stage));
        self.entities = standings.entities.len();
        self.claimed = standings.entities.iter().filter(|row| row.claimed).count();
        self.eligible = standings.entities.iter().filter(|row| row.eligible).count();
        let sum = |amounts: &mut dyn Iterator<Item = u128>| amounts.fold(0, u128::saturating_add);
        let prize = sum(&mut standings.pools.iter().map(|pool| pool.amount.0));
        let owed = sum(&mut standings.payouts.iter().map(|payout| payout.total.0));
        (self.prize, self.owed) = (prize.to_string(), owed.to_string());
        self.words = Words { prize: money(coin, prize), owed: money(coin, owed) };
        self.pools = pools(stage, stood, |_, result| result.region.is_none());
        let judge = Judge::new(stage, stood);
        for list in &standings.boards {
            match &list.region {
                None => self.boards.extend(Top::of(stage, stood, list, &judge)),
                Some(_) if !self.regional.iter().any(|board| *board == list.board.as_str()) => {
                    self.regional.push(list.board.to_string());
                }
                Some(_) => {}
            }
        }
    }
}

/// What the competition goes through, with dates where they are known.
fn passages(stage: &Stage, competition: &Competition) -> Vec<Passage> {
    let stamps = competition.timestamps();
    let time = |epoch: Epoch| stage.ground().map(|ground| ground.schedule().time_of(epoch).to_string());
    let passage = |name, planned: Option<Epoch>, done: Option<Moment>| {
        let epoch = planned.or_else(|| done.map(|moment| moment.epoch));
        let seq = done.map(|moment| moment.seq);
        Passage { name, epoch, time: epoch.and_then(time), passed: done.is_some(), seq }
    };
    vec![
        passage("registration", None, stamps.registration_opened),
        passage("start", competition.start(), stamps.started),
        passage("end", competition.end(), stamps.ended),
        passage("provisional", stamps.provisional_until, stamps.provisional),
        passage("final", None, stamps.finalized),
        passage("paid", None, stamps.paid),
    ]
}

/// What happened last: everything but claims, which are many.
fn events(competition: &Competition) -> Vec<Happened> {
    let mut events = competition.timeline();
    events.retain(|event| event.kind != EventKind::Claim);
    events.sort_by_key(|event| std::cmp::Reverse(event.moment.seq));
    let happened = events.into_iter().take(EVENTS).map(|event| Happened {
        seq: event.moment.seq,
        act: event.act,
        title: event.title.as_ref().map(|title| Phrase { en: title.en.clone(), zh: title.zh.clone() }),
        epoch: event.moment.epoch,
        time: event.moment.time.to_string(),
        class: match event.kind {
            EventKind::Announcement | EventKind::Claim | EventKind::Lifecycle => "",
            EventKind::Incident => "is-incident",
            EventKind::Upgrade => "is-upgrade",
            EventKind::Rules => "is-money",
            EventKind::Decision => "is-decision",
        },
    });
    happened.collect()
}

impl Top {
    fn of(stage: &Stage, stood: &Stood, list: &BoardList, judge: &Judge<'_>) -> Option<Self> {
        let rules = stood.rules();
        let (board, coin) = (rules.board(&list.board)?, coin_of(stage));
        let most = list.rows.first().and_then(|row| row.value.whole());
        let shown = Shown::of(rules, &board.metric, coin, most);
        let place = |row: &apogee_leaderboard::BoardRow| {
            let entity = stood.standings.entity(row.entity.as_str())?;
            let owed = stood.standings.payout(row.entity.as_str()).map_or(0, |payout| payout.total.0);
            let standing = judge.look(entity);
            let whole = row.value.whole().map(|value| value.to_string());
            Some(Place {
                rank: row.rank,
                tied: row.tied,
                entity: row.entity.to_string(),
                name: entity.name().to_owned(),
                claimed: entity.claimed,
                value: whole.or_else(|| row.value.fraction().map(ToString::to_string)),
                status: standing.status,
                payout: owed.to_string(),
                text: shown.text(&row.value),
                owed: if owed == 0 { "0".to_owned() } else { money(coin, owed) },
                standing,
            })
        };
        Some(Self {
            board: list.board.to_string(),
            metric: board.metric.to_string(),
            unit: shown.name(),
            total: list.rows.len(),
            rows: list.rows.iter().take(TOP).filter_map(place).collect(),
            named: Language::ALL.map(|language| metric_name(language, rules, &board.metric)),
            shown,
        })
    }
}

#[derive(Template)]
#[template(path = "competition/overview.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Overview,
}

impl View for Overview {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Overview), view: self }.render()
    }

    fn is_settled(&self) -> bool {
        self.meta.chain.is_settled()
    }
}

impl Page<'_> {
    fn said<'p>(&self, phrase: &'p Phrase) -> &'p str {
        match self.c.language() {
            Language::English => &phrase.en,
            Language::Chinese => &phrase.zh,
        }
    }

    /// The stage that comes next.
    fn is_next(&self, passage: &Passage) -> bool {
        let next = self.view.stages.iter().find(|passage| !passage.passed);
        next.is_some_and(|next| next.name == passage.name)
    }

    fn board_heading(&self, top: &Top) -> String {
        let [english, chinese] = &top.named;
        let metric = match self.c.language() {
            Language::English => english,
            Language::Chinese => chinese,
        };
        let symbol = top.shown.symbol();
        if symbol.is_empty() { metric.clone() } else { format!("{metric}, {symbol}") }
    }

    fn what(&self, event: &Happened) -> String {
        match &event.title {
            Some(title) => self.said(title).to_owned(),
            None => self.c.name("happened", event.act),
        }
    }
}
