//! What the deal of a slot comes to, when the chain has spoken.

use apogee_domain::Timestamp;
use apogee_store::SlotOutcome;
use serde::{Deserialize, Serialize};

use crate::fault::Code;
use crate::judge::Rest;
use crate::plan::SuccessAt;

/// What the chain says of a deal, in a state that nothing takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Nothing yet, and it may still come.
    Open,
    /// It is published.
    Published,
    /// It is in force, or was until its end.
    Active,
    /// It was in force, and its data was lost before its end.
    Lost,
    /// Its start has passed before it was in force.
    Late {
        /// Whether it was published.
        published: bool,
    },
}

/// What else is known where a deal did not come so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Around {
    /// How far the miner fetched the data, bytes.
    pub fetched: u64,
    /// Bytes of the data.
    pub size: u64,
    /// Whether a bot could not have the data while the miner should have.
    pub away: bool,
    /// Why nothing of that time counts, where it does not.
    pub rest: Option<Code>,
}

/// What a slot comes to; `None` while that is open. A rest excludes it whatever became of it: to excuse failures alone would make rates better than they are.
#[must_use]
pub fn come_to(success_at: SuccessAt, word: Word, around: Around) -> Option<(SlotOutcome, Option<Code>)> {
    let enough = match word {
        Word::Active => true,
        Word::Published | Word::Late { published: true } => success_at <= SuccessAt::Published,
        Word::Open | Word::Lost | Word::Late { published: false } => false,
    };
    let failed = |code| (SlotOutcome::Fail, Some(code));
    let found = match word {
        _ if enough => (SlotOutcome::Ok, None),
        Word::Open | Word::Published | Word::Active => return None,
        Word::Lost => failed(Code::DealSlashed),
        Word::Late { published: true } => failed(Code::NotActiveByStartEpoch),
        Word::Late { published: false } if around.fetched >= around.size => {
            failed(Code::NotPublishedByDeadline)
        }
        // Whoever could not have the data is not to blame.
        Word::Late { published: false } if around.away => {
            (SlotOutcome::Excluded, Some(Code::BotServerUnreachable))
        }
        Word::Late { published: false } if around.fetched > 0 => failed(Code::SpFetchAborted),
        Word::Late { published: false } => failed(Code::SpNeverFetched),
    };
    Some(around.rest.map_or(found, |rest| (SlotOutcome::Excluded, Some(rest))))
}

/// Of how many parts of the time that a deal has the chain has to stand still for one, for its slot not to count.
const TENTH: i64 = 10;

/// Why the time `[from, to]` does not count, where the chain stood still for a tenth of it or more. What a miner said of its own maintenance is no excuse for days.
#[must_use]
pub fn rested(rests: &[Rest], (from, to): (Timestamp, Timestamp)) -> Option<Code> {
    let of_the_chain: Vec<&Rest> = rests.iter().filter(|rest| rest.is_of_the_chain()).collect();
    let inside = |rest: &Rest| (rest.from.max(from).0, rest.to.min(to).0);
    let mut spans: Vec<_> = of_the_chain.iter().map(|rest| inside(rest)).collect();
    spans.sort_unstable();
    // What two of them tell counts once.
    let (mut still, mut until) = (0_i64, from.0);
    for (begins, ends) in spans {
        still = still.saturating_add(ends.saturating_sub(begins.max(until)).max(0));
        until = until.max(ends);
    }
    let whole = to.0.saturating_sub(from.0);
    let first = of_the_chain.iter().find(|rest| inside(rest).0 < inside(rest).1)?;
    (still.saturating_mul(TENTH) >= whole).then(|| first.code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Why;

    const AROUND: Around = Around { fetched: 0, size: 100, away: false, rest: None };

    fn at(success_at: SuccessAt, word: Word, around: Around) -> String {
        match come_to(success_at, word, around) {
            None => "open".to_owned(),
            Some((outcome, code)) => {
                format!("{} {}", outcome.as_str(), code.map_or("", Code::as_str)).trim().to_owned()
            }
        }
    }

    #[test]
    fn the_chain_decides_how_far_a_deal_came() {
        use SuccessAt::{Active, Published};
        let late = |published| Word::Late { published };
        for (success_at, word, expected) in [
            (Published, Word::Open, "open"),
            (Published, Word::Published, "ok"),
            (Published, Word::Active, "ok"),
            (Published, late(true), "ok"),
            (Published, late(false), "fail SP_NEVER_FETCHED"),
            (Published, Word::Lost, "fail DEAL_SLASHED"),
            (Active, Word::Open, "open"),
            (Active, Word::Published, "open"),
            (Active, Word::Active, "ok"),
            (Active, late(true), "fail NOT_ACTIVE_BY_START_EPOCH"),
            (Active, late(false), "fail SP_NEVER_FETCHED"),
            (Active, Word::Lost, "fail DEAL_SLASHED"),
        ] {
            assert_eq!(at(success_at, word, AROUND), expected, "{success_at:?} {word:?}");
        }
    }

    #[test]
    fn who_had_the_data_had_no_excuse_and_who_could_not_have_it_has() {
        let late = |around| at(SuccessAt::Active, Word::Late { published: false }, around);
        let fetched = |fetched| Around { fetched, ..AROUND };
        let away = |around| Around { away: true, ..around };
        assert_eq!(late(fetched(0)), "fail SP_NEVER_FETCHED");
        assert_eq!(late(fetched(99)), "fail SP_FETCH_ABORTED");
        assert_eq!(late(fetched(100)), "fail NOT_PUBLISHED_BY_DEADLINE");
        assert_eq!(late(away(fetched(0))), "excluded BOT_SERVER_UNREACHABLE");
        assert_eq!(late(away(fetched(99))), "excluded BOT_SERVER_UNREACHABLE");
        assert_eq!(late(away(fetched(100))), "fail NOT_PUBLISHED_BY_DEADLINE");
        let stalled = Around { rest: Some(Code::ChainStall), ..AROUND };
        assert_eq!(late(stalled), "excluded CHAIN_STALL");
        // A rest takes what went well as well, or rates would be too good.
        assert_eq!(at(SuccessAt::Active, Word::Active, stalled), "excluded CHAIN_STALL");
        assert_eq!(at(SuccessAt::Active, Word::Open, stalled), "open");
        assert_eq!(at(SuccessAt::Active, Word::Active, away(fetched(0))), "ok");
    }

    #[test]
    fn a_chain_that_stands_still_for_a_tenth_of_the_time_takes_the_slot_along() {
        let at = |from: i64, to: i64, why| Rest { from: Timestamp(from), to: Timestamp(to), why };
        let window = (Timestamp(100), Timestamp(200));
        let stalls = |rests: &[Rest]| rested(rests, window).map(Code::as_str);
        assert_eq!(stalls(&[]), None);
        assert_eq!(stalls(&[at(100, 109, Why::ChainStall)]), None);
        assert_eq!(stalls(&[at(100, 110, Why::ChainStall)]), Some("CHAIN_STALL"));
        assert_eq!(
            stalls(&[at(50, 105, Why::ChainStall), at(195, 400, Why::BasefeeSpike)]),
            Some("CHAIN_STALL")
        );
        assert_eq!(stalls(&[at(0, 100, Why::ChainStall), at(200, 300, Why::ChainStall)]), None);
        assert_eq!(stalls(&[at(0, 300, Why::Maintenance)]), None, "no excuse for days");
        assert_eq!(
            stalls(&[at(100, 109, Why::ChainStall), at(101, 109, Why::ChainStall)]),
            None,
            "said twice"
        );
    }
}
