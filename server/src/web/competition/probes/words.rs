//! Codes in words.

use apogee_dealbot::fault::Code;
use serde::Serialize;
use utoipa::ToSchema;

use super::count::{Tallied, millionths, percent};
use crate::web::ask::Language;
use crate::web::figure::grouped;

/// What a code means; one that nobody knows is its own name.
pub(crate) fn title(language: Language, code: &str) -> String {
    Code::parse(code).map_or_else(|| code.to_owned(), |code| language.t(&code.key()))
}

/// What a miner can do about a code.
pub(crate) fn advice(language: Language, code: &str) -> String {
    Code::parse(code).map_or_else(String::new, |code| language.t(&format!("{}-advice", code.key())))
}

/// How often slots ended by a code.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeCause)]
pub(super) struct Cause {
    /// As in the taxonomy of faults.
    pub(super) code: String,
    /// In words, in the language of the address.
    pub(super) title: String,
    /// What to do, in the language of the address.
    pub(super) advice: String,
    /// `fail` or `excluded`.
    pub(super) outcome: &'static str,
    pub(super) slots: u64,
    /// Of all slots.
    #[serde(skip)]
    pub(super) share: String,
}

impl Cause {
    /// Those of a tally, the most frequent failure first.
    pub(super) fn all(language: Language, tally: &Tallied) -> Vec<Self> {
        let cause = |outcome| {
            move |(code, slots): (&String, &u64)| Self {
                code: code.clone(),
                title: title(language, code),
                advice: advice(language, code),
                outcome,
                slots: *slots,
                share: percent(millionths(*slots, tally.planned())),
            }
        };
        let failures = tally.failures.iter().map(cause("fail"));
        let mut all: Vec<Self> = failures.chain(tally.set_aside.iter().map(cause("excluded"))).collect();
        all.sort_by_key(|cause| (cause.outcome != "fail", std::cmp::Reverse(cause.slots)));
        all
    }

    /// Where it arises, as in catalogues.
    pub(super) fn stage(&self) -> &'static str {
        Code::parse(&self.code).map_or("any", |code| code.stage().as_str())
    }

    pub(super) fn times(&self) -> String {
        grouped(self.slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_words_and_advice_in_both_languages() {
        for code in Code::ALL {
            for language in [Language::English, Language::Chinese] {
                for text in [title(language, code.as_str()), advice(language, code.as_str())] {
                    assert!(!text.is_empty() && !text.contains("probe-code"), "{}: {text}", code.as_str());
                }
            }
            assert_ne!(title(Language::English, code.as_str()), title(Language::Chinese, code.as_str()));
        }
        assert_eq!(title(Language::English, "<b>"), "<b>");
    }
}
