//! The figures at the head of a participant's page.

use apogee_domain::{NetworkKind, SeriesName, series};

use super::Participant;
use crate::web::ask::Language;
use crate::web::figure::{Figure, share};
use crate::web::reading::ranked_by;
use crate::web::words::fluent_args;

/// A figure and what is said below it.
pub(super) struct Tile {
    pub(super) title: String,
    pub(super) figure: Figure,
    pub(super) notes: Vec<String>,
}

impl Participant {
    pub(super) fn tiles(&self, language: Language) -> Vec<Tile> {
        let tile = |series: &SeriesName, notes: Vec<String>| Tile {
            title: language.name("series", series.as_str()),
            figure: self.figure(series),
            notes,
        };
        let note = |key: &str, series: &SeriesName| self.note(language, key, series);
        match self.scene.now.network.kind {
            NetworkKind::Filecoin => vec![
                tile(&series::POWER_QA, vec![self.shared(language, note("miner-raw", &series::POWER_RAW))]),
                tile(&series::SECTORS_LIVE, vec![self.sectors_note(language)]),
                tile(&series::REWARD_BLOCK, vec![note("miner-tips", &series::REWARD_GAS)]),
                tile(
                    &series::WINCOUNT,
                    vec![note("miner-expected", &series::EXPECTED_WINS), self.blocks_note(language)],
                ),
            ],
            NetworkKind::Spacemesh => vec![
                tile(
                    &series::SPACE_UNITS,
                    vec![self.shared(language, note("smesher-weight", &series::ATX_WEIGHT))],
                ),
                tile(&series::SLOTS_FILLED, vec![self.slots_note(language)]),
                tile(&series::REWARD_BLOCK, vec![note("miner-expected", &series::EXPECTED_REWARD)]),
                tile(&series::REWARD_LAYERS, vec![note("miner-expected", &series::EXPECTED_LAYERS)]),
                tile(&series::ATX_STREAK, Vec::new()),
            ],
        }
    }

    /// A sentence whose argument is a figure with its unit.
    fn note(&self, language: Language, key: &str, series: &SeriesName) -> String {
        let figure = self.figure(series);
        let symbol = if figure.is_zero() { "" } else { figure.scale.symbol };
        let text = format!("{} {symbol}", figure.text());
        language.say(key, &fluent_args!["value" => text.trim()])
    }

    /// A note, and how much of the network it has.
    fn shared(&self, language: Language, note: String) -> String {
        let own = self.figure(&ranked_by(self.scene.now.network.kind)).value;
        match share(own, self.network_total) {
            Some(share) => {
                let share = language.say("miner-share", &fluent_args!["share" => share]);
                let comma = if language == Language::Chinese { "，" } else { ", " };
                format!("{note}{comma}{share}")
            }
            None => note,
        }
    }

    fn sectors_note(&self, language: Language) -> String {
        let text = |series: &SeriesName| self.figure(series).text();
        let arguments = fluent_args![
            "faulty" => text(&series::SECTORS_FAULTY), "recovering" => text(&series::SECTORS_RECOVERING),
        ];
        language.say("miner-faulty", &arguments)
    }

    fn slots_note(&self, language: Language) -> String {
        let text = |series: &SeriesName| self.figure(series).text();
        let arguments = fluent_args![
            "assigned" => text(&series::SLOTS_ASSIGNED), "missed" => text(&series::SLOTS_MISSED),
        ];
        language.say("smesher-slots-note", &arguments)
    }

    fn blocks_note(&self, language: Language) -> String {
        let blocks = self.figure(&series::BLOCKS_WON).value.map_or(0, |value| value.0);
        let blocks = i64::try_from(blocks).unwrap_or(i64::MAX);
        language.say("miner-blocks", &fluent_args!["n" => blocks])
    }
}
