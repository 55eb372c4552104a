//! The curve of what an entity is ranked by.

use apogee_domain::{Epoch, Value};
use apogee_leaderboard::{EntityRow, Membership};

use super::{Entity, Note};
use crate::competitions::Stood;
use crate::web::ask::Language;
use crate::web::chart::{Chart, Line, TABLE, Texts};
use crate::web::competition::Stage;
use crate::web::competition::curve::curve;
use crate::web::competition::measured::{Shown, metric_name};
use crate::web::figure::{Coin, grouped};
use crate::web::words::fluent_args;

/// The metric of the first board since the start, where it can be drawn.
pub(super) fn line(
    stood: &Stood,
    row: &EntityRow,
    members: &[Membership],
    coin: Coin,
) -> Option<(Shown, Line)> {
    let rules = stood.rules();
    let metric = &rules.boards.first()?.metric;
    let members = members.iter().map(|member| &member.participant);
    let steps = curve(stood, metric, members, rules.competition.start);
    let most = steps.iter().filter_map(|step| step.value).max()?;
    let shown = Shown::of(rules, metric, coin, Some(most.0));
    let end = steps
        .last()
        .and_then(|step| step.value)
        .map_or_else(|| "–".to_owned(), |end: Value| shown.whole(end.0));
    Some((shown, Line { name: row.name().chars().take(30).collect(), end, steps }))
}

/// What happened on the way: miners that joined later, versions of the rules.
pub(super) fn notes(stage: &Stage, members: &[Membership]) -> Vec<(Epoch, Note)> {
    let first = members.iter().map(|member| member.from).min();
    let joined = members.iter().filter(|member| Some(member.from) != first);
    let joined = joined.map(|member| (member.from, Note::Joins(member.participant.to_string())));
    let rules = stage.competition.rules().iter().skip(1).map(|published| {
        let version = &published.rules.version;
        (version.from, Note::Rules(version.number))
    });
    let mut notes: Vec<(Epoch, Note)> = joined.take(4).chain(rules.take(4)).collect();
    notes.sort_by_key(|(epoch, _)| *epoch);
    notes
}

impl Entity {
    pub(super) fn chart(&self, language: Language) -> Option<Chart> {
        let (shown, line) = self.lines.as_ref()?;
        let rule = self.rules.boards.first()?;
        let metric = metric_name(language, &self.rules, &rule.metric);
        let (first, last) = (self.rules.competition.start, self.meta.chain.epoch);
        let text = |value: Option<Value>| value.map_or_else(|| "–".to_owned(), |value| shown.whole(value.0));
        let desc = fluent_args![
            "from" => text(line.steps.first().and_then(|step| step.value)), "first" => grouped(first),
            "to" => line.end.as_str(), "last" => grouped(last),
        ];
        let texts = Texts {
            id: "power",
            caption: language
                .say("en-chart", &fluent_args!["metric" => metric.as_str(), "unit" => shown.symbol()]),
            title: format!("{metric}: {}", self.name),
            desc: language.say("miner-chart-desc", &desc),
            axis: language.say(
                "miner-epoch-axis",
                &fluent_args!["seconds" => i64::from(self.until.schedule.epoch_seconds)],
            ),
            epoch: language.t("epoch"),
            same: language.t("table-same"),
            cut: language.say("miner-table-cut", &fluent_args!["n" => TABLE]),
        };
        let note = |(epoch, note): &(Epoch, Note)| {
            let text = match note {
                Note::Joins(miner) => language.say("en-note-joins", &fluent_args!["miner" => miner.as_str()]),
                Note::Rules(version) => {
                    language.say("en-note-rules", &fluent_args!["version" => version.to_string()])
                }
            };
            (*epoch, text)
        };
        let notes: Vec<(Epoch, String)> = self.notes.iter().map(note).collect();
        Some(Chart::new(texts, shown.scale, (first, last), std::slice::from_ref(line), &notes))
    }
}
