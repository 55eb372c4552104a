//! What stands around every page: languages, links that keep their epoch, the readout.

use std::borrow::Borrow;
use std::fmt;

use apogee_domain::{Digest, Epoch};
use askama::Template;
use askama::filters::HtmlSafe;

use super::ask::{Ask, Form, Language};
use super::competition;
use super::figure::{Figure, grouped};
use super::look::{Theme, Zone};
use super::now::{Freshness, Meta};
use super::time::{span, time};
use super::words::fluent_args;

/// Which entry of the menus a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Networks,
    Board,
    Epochs,
    Recounts,
    Status,
    Overview,
    Boards,
    Regions,
    Rules,
    Timeline,
    Decisions,
    Payout,
    Verify,
    Simulate,
    Claim,
    Probes,
    /// No entry: problems, and pages of whoever asks.
    Elsewhere,
}

/// What stands around a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chrome<'a> {
    pub(crate) ask: &'a Ask,
    /// The network and epoch of the readout; pages of no network may have none.
    pub(crate) meta: Option<&'a Meta>,
    /// The competition that a page is about.
    pub(crate) stage: Option<&'a competition::Meta>,
    pub(crate) section: Section,
}

/// The readout.
#[derive(Debug)]
pub(crate) struct Readout {
    pub(crate) class: &'static str,
    pub(crate) word: String,
    pub(crate) epoch: String,
    pub(crate) age: String,
    pub(crate) final_through: String,
    pub(crate) horizon: String,
    /// Where the final epoch and the shown one stand between a distant epoch and the head, in percent.
    pub(crate) marks: [String; 2],
}

impl<'a> Chrome<'a> {
    /// Around a page of a network.
    pub(crate) const fn of(ask: &'a Ask, meta: &'a Meta, section: Section) -> Self {
        Self { ask, meta: Some(meta), stage: None, section }
    }

    /// Around a page of nothing in particular.
    pub(crate) const fn alone(ask: &'a Ask, section: Section) -> Self {
        Self { ask, meta: None, stage: None, section }
    }

    /// Around a page of a competition.
    pub(crate) const fn staged(ask: &'a Ask, stage: &'a competition::Meta, section: Section) -> Self {
        Self { ask, meta: Some(&stage.chain), stage: Some(stage), section }
    }

    pub(crate) const fn language(&self) -> Language {
        self.ask.language
    }

    /// A message.
    pub(crate) fn t(&self, key: &str) -> String {
        self.language().t(key)
    }

    /// A message for a name that comes from data.
    pub(crate) fn name(&self, kind: &str, name: &str) -> String {
        self.language().name(kind, name)
    }

    /// The address of another page, in this language and at the epoch that is looked at.
    pub(crate) fn link(&self, path: &str) -> String {
        let address = self.ask.to(path);
        match self.meta.filter(|meta| meta.pinned) {
            None => address,
            Some(meta) if address.contains('?') => format!("{address}&at=e:{}", meta.epoch),
            Some(meta) => format!("{address}?at=e:{}", meta.epoch),
        }
    }

    /// A page of the network of the readout.
    pub(crate) fn page(&self, rest: &str) -> String {
        let network = self.meta.map(|meta| meta.network.to_string()).unwrap_or_default();
        self.link(&format!("/n/{network}/{rest}"))
    }

    /// A page of the competition, with the standings that are looked at: `board/global`.
    pub(crate) fn at_stage(&self, rest: &str) -> String {
        let Some(stage) = self.stage else { return self.ask.to("/") };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let slash = if path.is_empty() { "" } else { "/" };
        let address = self.ask.to(&format!("/c/{}{slash}{path}", stage.competition));
        match (query, stage.asked.as_str()) {
            ("", "") => address,
            ("", query) | (query, "") => format!("{address}?{query}"),
            (query, asked) => format!("{address}?{query}&{asked}"),
        }
    }

    /// The pages of a competition: section, path below it and name.
    pub(crate) fn tabs(&self) -> Vec<(Section, &'static str, &'static str)> {
        let probed = self.stage.is_some_and(|stage| stage.probed);
        let mut tabs = vec![
            (Section::Overview, "", "comp-overview"),
            (Section::Boards, "board", "comp-boards"),
            (Section::Regions, "regions", "comp-regions"),
            (Section::Probes, "probes", "comp-probes"),
            (Section::Rules, "rules", "comp-rules"),
            (Section::Timeline, "timeline", "comp-timeline"),
            (Section::Decisions, "decisions", "comp-decisions"),
            (Section::Payout, "payout", "comp-payout"),
            (Section::Simulate, "simulate", "comp-simulate"),
            (Section::Claim, "claim", "comp-claim"),
            (Section::Verify, "verify", "comp-verify"),
        ];
        tabs.retain(|(section, ..)| probed || *section != Section::Probes);
        tabs
    }

    /// Class and word of where the competition stands.
    pub(crate) fn state(&self) -> Option<(&'static str, String)> {
        let (class, key) = self.stage?.state();
        Some((class, self.t(key)))
    }

    /// How long until the competition starts or ends, at the epoch that is shown.
    pub(crate) fn countdown(&self) -> Option<String> {
        let stage = self.stage?;
        let (dates, at) = (stage.dates?, stage.chain.epoch);
        let (key, epochs) = match at {
            // The last epoch that counts is one before the end.
            _ if stage.is_over() => return None,
            at if at < dates.start => ("comp-starts-in", dates.start.since(at)),
            at if at < dates.end => ("comp-ends-in", dates.end.since(at)),
            at => ("comp-ended", at.since(dates.end)),
        };
        let seconds = epochs.saturating_mul(i64::from(dates.epoch_seconds));
        Some(self.language().say(key, &fluent_args!["time" => span(self.language(), seconds)]))
    }

    /// The page of a participant.
    pub(crate) fn miner(&self, subject: impl fmt::Display) -> String {
        self.page(&format!("m/{subject}"))
    }

    /// A page of the network of the readout that does not depend on an epoch.
    pub(crate) fn unpinned(&self, rest: &str) -> String {
        let network = self.meta.map(|meta| meta.network.to_string()).unwrap_or_default();
        self.ask.to(&format!("/n/{network}/{rest}"))
    }

    /// The page of an epoch: it is what it is, whenever it is looked at from.
    pub(crate) fn epoch(&self, epoch: impl fmt::Display) -> String {
        self.unpinned(&format!("e/{epoch}"))
    }

    /// This page at the epoch that it shows now, for good.
    pub(crate) fn permalink(&self) -> String {
        let mut pinned = self.meta.map(|meta| format!("at=e:{}", meta.epoch));
        if let (Some(pinned), Some(stage)) = (&mut pinned, self.stage) {
            if let Some(rules) = &stage.rules {
                pinned.push_str(&format!("&rules={}", rules.version));
            }
            pinned.push_str(&format!("&seq={}", stage.seq));
        }
        self.query(pinned.as_deref())
    }

    /// This page at the newest epoch.
    pub(crate) fn newest(&self) -> String {
        self.query(None)
    }

    /// This page with another `at`.
    fn query(&self, at: Option<&str>) -> String {
        let pins: &[&str] = if self.stage.is_some() { &["at=", "rules=", "seq="] } else { &["at="] };
        let pinned = |part: &&str| pins.iter().any(|pin| part.starts_with(pin));
        let kept = self.ask.query.split('&').filter(|part| !part.is_empty() && !pinned(part));
        let parts: Vec<&str> = kept.chain(at).collect();
        let address = self.ask.to(&self.ask.path);
        if parts.is_empty() { address } else { format!("{address}?{}", parts.join("&")) }
    }

    /// This page in another form.
    pub(crate) fn json(&self) -> String {
        self.ask.twin(Form::Json)
    }

    pub(crate) fn csv(&self) -> String {
        self.ask.twin(Form::Csv)
    }

    /// Tag, name and address of this page in every language.
    pub(crate) fn languages(&self) -> [(&'static str, String, String, bool); 2] {
        Language::ALL.map(|language| {
            let key = match language {
                Language::English => "language-en",
                Language::Chinese => "language-zh",
            };
            (language.tag(), self.t(key), self.ask.translated(language), language == self.language())
        })
    }

    /// The theme that was chosen, as the stylesheet names it; none where the system's holds.
    pub(crate) fn theme(&self) -> Option<&'static str> {
        let theme = self.ask.look.theme;
        (theme != Theme::System).then(|| theme.name())
    }

    /// Value, name and whether it is chosen, of every theme.
    pub(crate) fn themes(&self) -> [(&'static str, String, bool); 3] {
        Theme::ALL.map(|theme| {
            let name = self.t(match theme {
                Theme::System => "theme-system",
                Theme::Light => "theme-light",
                Theme::Dark => "theme-dark",
            });
            (theme.name(), name, theme == self.ask.look.theme)
        })
    }

    /// Value, name and whether it is chosen, of every time zone.
    pub(crate) fn zones(&self) -> [(&'static str, &'static str, bool); 2] {
        Zone::ALL.map(|zone| (zone.name(), zone.sign(), zone == self.ask.look.zone))
    }

    /// This page.
    pub(crate) fn here(&self) -> String {
        self.ask.translated(self.language())
    }

    /// A number with commas.
    pub(crate) fn grouped(&self, number: impl fmt::Display) -> String {
        grouped(number)
    }

    /// A moment as text: `22 May 2026, 08:42:00 UTC`.
    pub(crate) fn time(&self, rfc3339: &str) -> String {
        time(self.language(), self.ask.look.zone, rfc3339)
    }

    /// The readout; none on a page of no network.
    pub(crate) fn readout(&self) -> Option<Readout> {
        let meta = self.meta?;
        let language = self.language();
        let (class, word) = match (meta.pinned, meta.is_final, meta.freshness) {
            (true, true, _) | (_, _, None) => ("is-live", "fresh-final"),
            (true, false, _) => ("is-frozen", "fresh-pinned"),
            (false, _, Some(Freshness::Live)) => ("is-live", "fresh-live"),
            (false, _, Some(Freshness::Delayed)) => ("is-delayed", "fresh-delayed"),
            (false, _, Some(Freshness::Stalled)) => ("is-stalled", "fresh-stalled"),
            (false, _, Some(Freshness::Recorded)) => ("is-frozen", "fresh-recorded"),
            (false, _, Some(Freshness::Frozen)) => ("is-frozen", "fresh-frozen"),
        };
        // What is settled does not tell of what came after.
        let head = meta.head.unwrap_or(meta.epoch);
        let last = meta.final_epoch.or_else(|| meta.is_settled().then_some(meta.epoch));
        let age = match head.since(meta.epoch) {
            _ if meta.is_settled() => language.t("fresh-settled"),
            0 => language.t("fresh-head"),
            n => language.say("fresh-behind", &fluent_args!["n" => n]),
        };
        let final_through = last.map_or_else(|| language.t("fresh-none"), grouped);
        let least = last.unwrap_or_default().min(meta.epoch);
        let span = head.since(least).saturating_mul(2).max(1);
        let mark = |epoch: Epoch| percent(span.saturating_sub(head.since(epoch)), span);
        let horizon = fluent_args!["final" => final_through.as_str(), "epoch" => grouped(meta.epoch), "head" => grouped(head)];
        let horizon_key = if meta.is_settled() { "fresh-horizon-settled" } else { "fresh-horizon" };
        Some(Readout {
            class,
            word: language.t(word),
            epoch: grouped(meta.epoch),
            age,
            horizon: language.say(horizon_key, &horizon),
            final_through,
            marks: [mark(last.unwrap_or_default()), mark(meta.epoch)],
        })
    }

    /// What is said where something else than the newest is looked at.
    pub(crate) fn pinned(&self) -> Option<[String; 2]> {
        if let Some(stage) = self.stage {
            return self.pinned_stage(stage);
        }
        let meta = self.meta.filter(|meta| meta.pinned)?;
        let head = meta.head.map(grouped).unwrap_or_default();
        let arguments = fluent_args!["epoch" => grouped(meta.epoch), "head" => head];
        let language = self.language();
        let text = if meta.is_settled() { "pinned-text-settled" } else { "pinned-text" };
        Some([language.say("pinned-title", &arguments), language.say(text, &arguments)])
    }

    fn pinned_stage(&self, stage: &competition::Meta) -> Option<[String; 2]> {
        let (title, text) = match (stage.frozen, stage.simulated, stage.chain.pinned) {
            (true, _, _) => ("frozen-title", "frozen-text"),
            (_, true, _) => ("sim-title", "sim-text"),
            (_, _, true) => ("pinned-comp-title", "pinned-comp-text"),
            _ => return None,
        };
        let rules = stage.rules.as_ref().map_or(0, |rules| rules.version);
        let arguments = fluent_args!["epoch" => grouped(stage.chain.epoch), "rules" => rules.to_string(), "seq" => grouped(stage.seq)];
        Some([self.language().say(title, &arguments), self.language().say(text, &arguments)])
    }

    /// The root that these standings should have and have not.
    pub(crate) fn differs(&self) -> Option<Digest> {
        self.stage.and_then(|stage| stage.differs)
    }

    /// Whether what is shown is not official.
    pub(crate) fn is_simulated(&self) -> bool {
        self.stage.is_some_and(|stage| stage.simulated)
    }

    /// Where the needle of the ruler stands, in percent: of a competition from start to end, else from genesis to head.
    pub(crate) fn needle(&self) -> String {
        if let Some((stage, dates)) = self.stage.and_then(|stage| Some((stage, stage.dates?))) {
            return percent(stage.chain.epoch.since(dates.start), dates.end.since(dates.start));
        }
        let place = |meta: &Meta| {
            let head = meta.head.unwrap_or(meta.epoch);
            percent(meta.epoch.height(), head.height().max(1))
        };
        self.meta.map_or_else(String::new, place)
    }

    /// The last digits of the digest of everything up to the shown epoch.
    pub(crate) fn digest_end(&self) -> String {
        let digest = self.meta.map(|meta| meta.digest.to_string()).unwrap_or_default();
        digest.get(digest.len().saturating_sub(8)..).unwrap_or_default().to_owned()
    }

    /// A hash or address: its end stays when it is cut.
    pub(crate) fn cid(&self, text: impl fmt::Display) -> Cid {
        Cid::new(&text)
    }
}

/// `part` of `whole` in percent with three decimals, for places in drawings.
pub(crate) fn percent(part: i64, whole: i64) -> String {
    let thousandths = i128::from(part) * 100_000 / i128::from(whole.max(1));
    let thousandths = thousandths.clamp(0, 100_000);
    format!("{}.{:03}%", thousandths / 1000, thousandths % 1000)
}

/// A hash, CID or address; see `.cid` in the stylesheet.
#[derive(Debug, Template)]
#[template(
    source = r#"<code class="cid" title="{{ head }}{{ tail }}"><span>{{ head }}</span><span>{{ tail }}</span></code>"#,
    ext = "html"
)]
pub(crate) struct Cid {
    head: String,
    tail: String,
}

impl HtmlSafe for Cid {}

impl Cid {
    pub(crate) fn new(text: &impl fmt::Display) -> Self {
        let text = text.to_string();
        let cut = text.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
        let (head, tail) = text.split_at_checked(cut).unwrap_or((&text, ""));
        Self { head: head.to_owned(), tail: tail.to_owned() }
    }
}

/// A figure in a table: its exact number behind it, unless it is what is shown.
#[derive(Debug, Template)]
#[template(
    source = r#"{% if figure.is_zero() %}<span class="muted">0</span>{% else if figure.value.is_none() %}<span class="muted" title="{{ unknown }}">–</span>{% else if figure.is_shown_exactly() %}{{ figure.text() }}{% else %}<data value="{{ figure.raw() }}"{% if titled %} title="{{ figure.title() }}"{% endif %}>{{ figure.text() }}</data>{% endif %}"#,
    ext = "html"
)]
pub(crate) struct Cell {
    figure: Figure,
    unknown: String,
    titled: bool,
}

impl HtmlSafe for Cell {}

impl Chrome<'_> {
    /// A figure in a table.
    pub(crate) fn cell(&self, figure: impl Borrow<Figure>) -> Cell {
        let figure = *figure.borrow();
        // Looking a message up for each of a thousand cells takes longer than all the rest of them.
        let unknown = if figure.value.is_none() { self.t("unknown") } else { String::new() };
        Cell { figure, unknown, titled: true }
    }

    /// A figure among thousands: digits that stand twice would double the page.
    pub(crate) fn plain_cell(&self, figure: impl Borrow<Figure>) -> Cell {
        Cell { titled: false, ..self.cell(figure) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_keeps_its_end_and_nothing_of_it_is_markup() {
        assert_eq!(
            Cid::new(&"<b>bafy2bza").render().unwrap(),
            r#"<code class="cid" title="&#60;b&#62;bafy2bza"><span>&#60;b&#62;ba</span><span>fy2bza</span></code>"#
        );
        assert!(Cid::new(&"中文").render().unwrap().contains("中文"));
    }

    #[test]
    fn places_in_drawings_stay_inside() {
        assert_eq!(percent(1, 3), "33.333%");
        assert_eq!(percent(5, 3), "100.000%");
        assert_eq!(percent(-5, 0), "0.000%");
    }
}
