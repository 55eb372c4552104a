//! Events on one line of epochs: a lane for each kind.

use apogee_competition::{Event, EventKind};
use apogee_domain::Epoch;
use askama::Template;
use askama::filters::HtmlSafe;

use super::Stage;
use crate::web::chrome::{Chrome, percent};
use crate::web::figure::grouped;
use crate::web::words::fluent_args;

/// Height of a lane in px, with few and with all, and where the first one has its line.
const LANE: [i64; 2] = [38, 31];
const TOP: i64 = 44;
/// Marks of one lane that are drawn; those beyond them are in the list.
const MOST: usize = 200;
/// Between two numbers on a lane, and between its left end and the first one, which its name needs: thousandths of its width.
const NUMBER: i64 = 45;
const NAME: i64 = 120;

/// An event on a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    lane: usize,
    seq: u64,
    from: Epoch,
    until: Option<Epoch>,
}

impl Mark {
    pub(super) fn of(event: &Event, stage: &Stage) -> Self {
        let lane = match event.kind {
            EventKind::Announcement => 0,
            EventKind::Upgrade => 1,
            EventKind::Rules | EventKind::Lifecycle => 2,
            EventKind::Decision => 3,
            EventKind::Incident => 4,
            EventKind::Claim => 5,
        };
        let seq = event.moment.seq;
        let incident = stage.competition.incidents().get(&seq);
        let lasts = incident.map(|incident| incident.until.unwrap_or(stage.meta.chain.epoch));
        Self { lane, seq, from: event.from, until: event.until.or(lasts) }
    }
}

/// The lanes.
#[derive(Debug, Template)]
#[template(path = "competition/lanes.html")]
pub(super) struct Lanes<'a> {
    c: Chrome<'a>,
    lanes: Vec<Lane>,
    ticks: Vec<(String, &'static str, bool, String)>,
    now: String,
    /// Where the name of the present stands.
    now_anchor: &'static str,
    bottom: i64,
    caption: String,
    desc: String,
}

impl HtmlSafe for Lanes<'_> {}

#[derive(Debug)]
struct Lane {
    name: String,
    y: i64,
    marks: Vec<Drawn>,
}

/// A mark as it is drawn.
#[derive(Debug)]
struct Drawn {
    kind: &'static str,
    x: String,
    width: String,
    href: String,
    /// Its number, where there is room.
    name: Option<(String, &'static str)>,
    seq: u64,
}

impl<'a> Lanes<'a> {
    pub(super) fn new(c: Chrome<'a>, marks: &[Mark]) -> Self {
        let now = c.meta.map(|meta| meta.epoch).unwrap_or_default();
        let dates = c.stage.and_then(|stage| stage.dates);
        let first =
            dates.map(|dates| dates.start).into_iter().chain(marks.iter().map(|mark| mark.from)).min();
        let first = first.unwrap_or_default().min(now);
        let ends = marks.iter().map(|mark| mark.until.unwrap_or(mark.from));
        let last = dates
            .map(|dates| dates.end)
            .into_iter()
            .chain(ends)
            .max()
            .unwrap_or(now)
            .max(now)
            .max(first.plus(1));
        let span = last.since(first);
        let names = [
            "lane-announcements",
            "lane-upgrades",
            "lane-rules",
            "lane-decisions",
            "lane-incidents",
            "lane-claims",
        ];
        let [roomy, close] = LANE;
        let height = if marks.iter().any(|mark| mark.lane == 5) { close } else { roomy };
        let mut lanes = Vec::new();
        for (number, key) in names.into_iter().enumerate() {
            let own: Vec<&Mark> = marks.iter().filter(|mark| mark.lane == number).collect();
            // Who joined is in the list; without anybody the lane says nothing.
            if own.is_empty() && number == 5 {
                continue;
            }
            let y = TOP + height * i64::try_from(lanes.len()).unwrap_or(0);
            let mut free = NAME;
            let drawn = own.iter().rev().take(MOST).rev().map(|mark| {
                let along = mark.from.since(first).saturating_mul(1000) / span;
                let named = number < 5 && along >= free;
                if named {
                    free = along.saturating_add(NUMBER);
                }
                let anchor = match along {
                    ..=20 => "start",
                    980.. => "end",
                    _ => "middle",
                };
                Drawn {
                    kind: ["dot", "up", "rule", "ink", "bad", "tick"].get(number).copied().unwrap_or("tick"),
                    x: percent(mark.from.since(first), span),
                    width: percent(mark.until.map_or(0, |until| until.since(mark.from)), span),
                    href: c.at_stage(&format!("decisions/{}", mark.seq)),
                    name: named.then(|| (mark.seq.to_string(), anchor)),
                    seq: mark.seq,
                }
            });
            lanes.push(Lane { name: c.t(key), y, marks: drawn.collect() });
        }
        let bottom = TOP + height * i64::try_from(lanes.len().saturating_sub(1)).unwrap_or(0) + 12;
        let ticks = (0..=6).map(|part: i64| {
            let along = span.saturating_mul(part) / 6;
            let anchor = match part {
                0 => "start",
                6 => "end",
                _ => "middle",
            };
            (percent(along, span), anchor, part % 2 == 1, grouped(first.height().saturating_add(along)))
        });
        let arguments =
            fluent_args!["first" => grouped(first), "last" => grouped(last), "now" => grouped(now)];
        let place = now.since(first).saturating_mul(1000) / span;
        Self {
            ticks: ticks.collect(),
            now: percent(now.since(first), span),
            now_anchor: match place {
                ..=60 => "start",
                940.. => "end",
                _ => "middle",
            },
            bottom,
            caption: c.t("lanes-caption"),
            desc: c.language().say("lanes-desc", &arguments),
            lanes,
            c,
        }
    }

    fn now_name(&self) -> String {
        let now = self.c.meta.map(|meta| grouped(meta.epoch)).unwrap_or_default();
        self.c.language().say("lanes-now", &fluent_args!["epoch" => now])
    }

    fn number(&self, mark: &Drawn) -> String {
        self.c.language().say("decision-number", &fluent_args!["seq" => mark.seq.to_string()])
    }

    fn axis(&self) -> String {
        let seconds = self.c.stage.and_then(|stage| stage.dates).map_or(0, |dates| dates.epoch_seconds);
        self.c.language().say("miner-epoch-axis", &fluent_args!["seconds" => seconds])
    }
}
