//! The curves of a participant.

use apogee_domain::series::{self, Unit};
use apogee_domain::{NetworkKind, SeriesName, Step, Value};

use super::{Held, Participant};
use crate::web::ask::Language;
use crate::web::chart::{Chart, Line, TABLE, Texts};
use crate::web::figure::{Scale, coin, grouped};
use crate::web::words::fluent_args;

impl Participant {
    /// Every chart that there is something to draw in, with the name of its heading.
    pub(super) fn charts(&self, language: Language) -> Vec<(&'static str, Chart)> {
        type Plot = (&'static str, &'static str, &'static str, &'static [SeriesName]);
        static FILECOIN: [Plot; 4] = [
            ("power", "miner-power", "miner-power-caption", &[series::POWER_QA, series::POWER_RAW]),
            (
                "sectors",
                "miner-sectors",
                "miner-sectors-caption",
                &[series::SECTORS_LIVE, series::SECTORS_FAULTY, series::SECTORS_RECOVERING],
            ),
            ("wins", "miner-wins", "miner-wins-caption", &[series::WINCOUNT, series::EXPECTED_WINS]),
            ("rewards", "miner-rewards", "miner-rewards-caption", &[series::REWARD_BLOCK]),
        ];
        static SPACEMESH: [Plot; 4] = [
            (
                "slots",
                "smesher-slots",
                "smesher-slots-caption",
                &[series::SLOTS_FILLED, series::SLOTS_ASSIGNED, series::SLOTS_MISSED],
            ),
            (
                "rewards",
                "miner-rewards",
                "smesher-rewards-caption",
                &[series::REWARD_BLOCK, series::EXPECTED_REWARD],
            ),
            (
                "paid",
                "series-reward-layers",
                "smesher-paid-caption",
                &[series::REWARD_LAYERS, series::EXPECTED_LAYERS],
            ),
            ("units", "series-space-units", "smesher-units-caption", &[series::SPACE_UNITS]),
        ];
        let plots = match self.scene.now.network.kind {
            NetworkKind::Filecoin => &FILECOIN,
            NetworkKind::Spacemesh => &SPACEMESH,
        };
        plots
            .iter()
            .copied()
            .filter_map(|(id, heading, caption, names)| {
                Some((heading, self.chart(language, id, (heading, caption), names)?))
            })
            .collect()
    }

    fn chart(
        &self,
        language: Language,
        id: &'static str,
        (heading, caption): (&str, &str),
        names: &[SeriesName],
    ) -> Option<Chart> {
        let known = |name: &SeriesName| self.held(name).cloned();
        names.iter().find_map(known)?;
        // What was never counted is drawn as nothing where a caption speaks of it.
        let drawn: Vec<Held> = match self.scene.now.network.kind {
            NetworkKind::Filecoin => names.iter().filter_map(known).collect(),
            NetworkKind::Spacemesh => {
                names.iter().map(|name| known(name).unwrap_or_else(|| self.nothing(name))).collect()
            }
        };
        let held: Vec<&Held> = drawn.iter().collect();
        let (first, main) = (self.from, *held.first()?);
        // Things and their billionths share a chart: the finer scale shows both.
        let nano = held.iter().any(|held| held.value.unit == Unit::Nano);
        let lift = |held: &Held, value: Value| match (nano, held.value.unit) {
            (true, Unit::Count) => Value(value.0.saturating_mul(1_000_000_000)),
            _ => value,
        };
        let lines: Vec<Line> = held
            .iter()
            .map(|held| Line {
                name: language.name("head", held.series.as_str()),
                end: held.value.text(),
                steps: held
                    .steps
                    .iter()
                    .map(|step| Step { value: step.value.map(|value| lift(held, value)), ..*step })
                    .collect(),
            })
            .collect();
        let most = lines.iter().flat_map(|line| &line.steps).filter_map(|step| step.value).max();
        let unit = if nano { Unit::Nano } else { main.value.unit };
        let scale = Scale::of(unit, coin(self.scene.now.network.kind), most);
        let end = |step: Option<&Step>| {
            let known = step.and_then(|step| step.value);
            known.map_or_else(|| "–".to_owned(), |value| main.value.scale.text(value))
        };
        let last = self.meta.epoch;
        let desc = fluent_args![
            "from" => end(main.steps.first()), "first" => grouped(first),
            "to" => end(main.steps.last()), "last" => grouped(last),
        ];
        let texts = Texts {
            id,
            caption: language.say(caption, &fluent_args!["unit" => scale.symbol]),
            title: format!("{}: {}", language.t(heading), self.participant),
            desc: language.say("miner-chart-desc", &desc),
            axis: language.say(
                "miner-epoch-axis",
                &fluent_args!["seconds" => i64::from(self.scene.now.network.epoch_seconds)],
            ),
            epoch: language.t("epoch"),
            same: language.t("table-same"),
            cut: language.say("miner-table-cut", &fluent_args!["n" => TABLE]),
        };
        Some(Chart::new(texts, scale, (first, last), &lines, &self.upgrades))
    }
}
