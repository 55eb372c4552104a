//! A trace, once more: everything the node told its tortoise, and every answer held against ours.

use std::io::{self, BufRead, Read};

use crate::event::{Encode, Event, Malformed, State, UpdatesSeen};
use crate::results::LayerResult;
use crate::{Fault, Limits, Opinion, Status, Stop, Tortoise, Updates};

/// What a replay went through. Every answer was the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Bytes of the trace.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
    /// Answers that were compared.
    pub assertions: u64,
    /// Steps that this took, as [`Limits::work`] counts them.
    pub work: u64,
    /// Where the tortoise stands at the end; nothing if the trace is empty.
    pub status: Option<Status>,
}

/// Where a replay ended, and why.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {cause}")]
pub struct Failure {
    /// The line, from 1 on.
    pub line: u64,
    /// Why.
    pub cause: Cause,
}

/// Why a replay ended.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The trace could not be read.
    #[error("the trace cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The trace has more bytes than [`Limits::bytes`].
    #[error("the trace has more than {0} bytes")]
    Long(u64),
    /// The line has more bytes than [`Limits::line`].
    #[error("the line has more than {0} bytes")]
    LongLine(u64),
    /// The line is none of a trace.
    #[error("not a line of a trace: {0}")]
    Malformed(#[from] Malformed),
    /// There is no tortoise yet.
    #[error("this comes before the tortoise starts")]
    NotStarted,
    /// The tortoise cannot go on.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// The node had another answer.
    #[error("{what}: expected {expected}, got {got}")]
    Differs {
        /// What was asked.
        what: &'static str,
        /// The node's answer.
        expected: String,
        /// Ours.
        got: String,
    },
}

/// Replay a trace.
///
/// # Errors
/// [`Failure`] names the first line that cannot be replayed, or whose answer is another one.
pub fn replay(trace: impl BufRead, limits: &Limits) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut replay = Replay { limits: *limits, tortoise: None, assertions: 0 };
    let done = replay.lines(trace, &mut report);
    report.assertions = replay.assertions;
    if let Some(tortoise) = &replay.tortoise {
        report.work = tortoise.work();
        report.status = Some(tortoise.status());
    }
    done.map_err(|cause| Failure { line: report.lines, cause })?;
    Ok(report)
}

struct Replay {
    limits: Limits,
    tortoise: Option<Tortoise>,
    assertions: u64,
}

impl Replay {
    fn lines(&mut self, mut trace: impl BufRead, report: &mut Report) -> Result<(), Cause> {
        let most = self.limits.line;
        let mut line = Vec::new();
        loop {
            line.clear();
            // One more than allowed, and one for its end.
            let read = trace.by_ref().take(most.saturating_add(2)).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(());
            }
            report.lines = report.lines.saturating_add(1);
            report.bytes = report.bytes.saturating_add(read as u64);
            if report.bytes > self.limits.bytes {
                return Err(Cause::Long(self.limits.bytes));
            }
            let text = line.trim_ascii();
            if text.len() as u64 > most || read as u64 > most.saturating_add(1) {
                return Err(Cause::LongLine(most));
            }
            if !text.is_empty() {
                self.event(Event::parse(text)?)?;
            }
        }
    }

    fn event(&mut self, event: Event) -> Result<(), Cause> {
        if let Event::Start(config) = event {
            // A node that is started again writes on, and that costs what it costs.
            let spent = self.tortoise.as_ref().map_or(0, Tortoise::work);
            self.tortoise.insert(Tortoise::new(config, self.limits)?).resume(spent);
            return Ok(());
        }
        let tortoise = self.tortoise.as_mut().ok_or(Cause::NotStarted)?;
        match event {
            Event::Start(_) => {}
            Event::WeakCoin(seen) => tortoise.on_weak_coin(seen.layer, seen.coin)?,
            Event::Beacon(seen) => tortoise.on_beacon(seen.epoch, seen.beacon),
            Event::Atx(seen) => tortoise.on_atx(seen.target, seen.id, seen.atx)?,
            Event::Ballot(seen) => tortoise.on_ballot(&seen.ballot)?,
            Event::Tally(seen) => tortoise.tally(seen.layer)?,
            Event::Block(seen) => tortoise.on_block(seen.header)?,
            Event::Hare(seen) => tortoise.on_hare_output(seen.layer, seen.vote)?,
            Event::Malfeasance(seen) => tortoise.on_malfeasance(seen.id),
            Event::Recover(seen) => tortoise.recover(seen.verified, seen.last)?,
            Event::Recovered(seen) => {
                let blocks: Vec<_> = seen.blocks.iter().map(|block| (block.header, block.valid)).collect();
                tortoise.on_recovered_blocks(seen.layer, &blocks, seen.hare)?;
            }
            Event::Decode(seen) => {
                let decoded = tortoise.decode(&seen.ballot);
                self.refusal("decoding a ballot", decoded.err(), &seen.error)?;
            }
            Event::Store(seen) => {
                let stored = tortoise.store(seen.id, seen.malicious);
                self.refusal("storing a ballot", stored.err(), &seen.error)?;
            }
            Event::Encode(seen) => {
                let encoded = tortoise.encode(seen.layer);
                self.encoded(encoded, &seen)?;
            }
            Event::Updates(seen) => {
                let updates = tortoise.updates()?;
                self.updates(&updates, &seen)?;
            }
            Event::Applied(seen) => {
                let same = tortoise.on_applied(seen.layer, seen.opinion)?;
                self.same("whether the opinion is the applied one", &seen.same, &same)?;
            }
            Event::State(seen) => {
                let status = tortoise.status();
                self.state(&status, &seen)?;
            }
        }
        Ok(())
    }

    fn same<T: PartialEq + ToString>(
        &mut self,
        what: &'static str,
        expected: &T,
        got: &T,
    ) -> Result<(), Cause> {
        self.assertions = self.assertions.saturating_add(1);
        if expected == got {
            return Ok(());
        }
        Err(Cause::Differs { what, expected: expected.to_string(), got: got.to_string() })
    }

    /// Whether something was refused as the node did, or done as the node did, for which its text is empty.
    fn refusal(&mut self, what: &'static str, stop: Option<Stop>, expected: &String) -> Result<(), Cause> {
        let got = match stop {
            None => String::new(),
            Some(Stop::Refused(refusal)) => refusal.to_string(),
            Some(Stop::Fault(fault)) => return Err(fault.into()),
        };
        self.assertions = self.assertions.saturating_add(1);
        if *expected == got {
            return Ok(());
        }
        Err(Cause::Differs { what, expected: answer(expected), got: answer(&got) })
    }

    fn encoded(&mut self, encoded: Result<Opinion, Stop>, seen: &Encode) -> Result<(), Cause> {
        let opinion = match encoded {
            Ok(opinion) => {
                self.refusal("encoding votes", None, &seen.error)?;
                opinion
            }
            Err(stop) => return self.refusal("encoding votes", Some(stop), &seen.error),
        };
        if seen.opinion.as_ref() == Some(&opinion) {
            return Ok(());
        }
        let expected =
            seen.opinion.as_ref().map_or_else(|| "none".to_owned(), |opinion| format!("{opinion:?}"));
        Err(Cause::Differs { what: "votes", expected, got: format!("{opinion:?}") })
    }

    fn updates(&mut self, updates: &Updates, seen: &UpdatesSeen) -> Result<(), Cause> {
        self.refusal("updates", None, &seen.error)?;
        self.same("the lowest updated layer", &seen.from, &updates.from)?;
        self.same("the highest updated layer", &seen.to, &updates.to)?;
        let absent =
            |layer: Option<&LayerResult>| layer.map_or_else(|| "none".to_owned(), ToString::to_string);
        let (mut expected, mut got) = (seen.results.iter(), updates.layers.iter());
        loop {
            let (expected, got) = (expected.next(), got.next());
            self.assertions = self.assertions.saturating_add(1);
            if expected != got {
                return Err(Cause::Differs {
                    what: "an updated layer",
                    expected: absent(expected),
                    got: absent(got),
                });
            }
            if expected.is_none() {
                return Ok(());
            }
        }
    }

    fn state(&mut self, status: &Status, seen: &State) -> Result<(), Cause> {
        self.same("the last layer", &seen.last, &status.last)?;
        self.same("the processed layer", &seen.processed, &status.processed)?;
        self.same("the verified layer", &seen.verified, &status.verified)?;
        self.same("the evicted layer", &seen.evicted, &status.evicted)?;
        self.same("the pending layer", &seen.pending, &status.pending)?;
        self.same("whether votes are counted in full", &seen.full, &status.full)?;
        self.same("the local threshold", &seen.local_threshold, &status.local_threshold.to_string())
    }
}

fn answer(refusal: &str) -> String {
    if refusal.is_empty() { "no refusal".to_owned() } else { format!("{refusal:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Here votes that nobody needs are looked for at every eviction, elsewhere only where there are many.
    #[test]
    fn forgetting_votes_changes_nothing() {
        let Some(folder) = apogee_testkit::data("spacemesh/tortoise_traces") else { return };
        for name in [
            "HealDevnet_01",
            "HealMid_01",
            "TestWindowRecovery_02",
            "TestNetworkRecoversFromFullPartition_01",
        ] {
            let trace = std::fs::read(folder.join(name).with_extension("json")).unwrap();
            replay(&trace[..], &Limits::DEFAULT).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        }
    }

    #[test]
    fn forgetting_votes_changes_nothing_of_a_backlog() {
        replay(&include_bytes!("../tests/data/backlog.json")[..], &Limits::DEFAULT).unwrap();
    }
}
