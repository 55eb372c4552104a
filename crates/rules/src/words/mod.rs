//! The rules in words, made from the data alone: what a page says cannot differ from what is computed.

mod checks;
mod compare;
mod figure;
mod head;
mod metrics;
mod pools;

use std::fmt::Display;

use apogee_domain::Schedule;

pub use compare::Reworded;

use crate::RuleSet;

/// A language that the rules speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Chinese, in simplified characters.
    Zh,
}

/// How the rules are put into words.
#[derive(Clone, Copy, Debug)]
pub struct Voice {
    /// In which language.
    pub lang: Lang,
    /// When epochs begin: with it they are shown with their dates.
    pub schedule: Option<Schedule>,
}

/// One part of the rules in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Name of the part, the same in every language: `pools`.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it says, in order.
    pub clauses: Vec<Clause>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Of which member it speaks. Items of lists stand by their id, tiers by their level: `pools[region].amount.tiers[10995116277760]`.
    pub path: String,
    /// How deeply it is nested below the statements before.
    pub depth: usize,
    /// The statement.
    pub text: String,
}

/// Both languages side by side: a value that one of them leaves out does not compile.
macro_rules! say {
    ($lang:expr, $en:literal, $zh:literal $(, $name:ident = $value:expr)* $(,)?) => {
        match $lang {
            $crate::words::Lang::En => format!($en $(, $name = $value)*),
            $crate::words::Lang::Zh => format!($zh $(, $name = $value)*),
        }
    };
}
use say;

impl RuleSet {
    /// All of the rules in words.
    #[must_use]
    pub fn words(&self, voice: &Voice) -> Vec<Section> {
        let speaker = Speaker { rules: self, lang: voice.lang, schedule: voice.schedule };
        let titled = |id, (en, zh), clauses| {
            let title = match voice.lang {
                Lang::En => en,
                Lang::Zh => zh,
            };
            Section { id, title, clauses }
        };
        let sections = [
            titled("competition", ("Competition", "比赛"), speaker.competition()),
            titled("version", ("Version", "版本"), speaker.version()),
            titled("entities", ("Who competes", "参赛方"), speaker.entities()),
            titled("series", ("What is observed", "观测数据"), speaker.series()),
            titled("metrics", ("What is measured", "指标"), speaker.metrics()),
            titled("eligibility", ("Who is eligible", "资格"), speaker.eligibility()),
            titled("boards", ("Who is ranked", "榜单"), speaker.boards()),
            titled("pools", ("What is paid", "奖池"), speaker.pools()),
            titled("vesting", ("When it can be spent", "释放"), speaker.vesting()),
        ];
        sections.into_iter().filter(|section| !section.clauses.is_empty()).collect()
    }
}

struct Speaker<'r> {
    rules: &'r RuleSet,
    lang: Lang,
    schedule: Option<Schedule>,
}

impl Speaker<'_> {
    fn clause(&self, path: impl Display, text: String) -> Clause {
        Clause { path: path.to_string(), depth: 0, text }
    }

    /// `a, b, c`.
    fn list<T: Display>(&self, items: impl IntoIterator<Item = T>) -> String {
        let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
        match self.lang {
            Lang::En => items.join(", "),
            Lang::Zh => items.join("、"),
        }
    }
}
