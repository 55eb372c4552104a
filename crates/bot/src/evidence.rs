//! What was seen, as a record.

use apogee_dealbot::canonical::{Bytes, Link, Signed, Written};
use apogee_dealbot::fault::{Circumstances, Stage};
use apogee_dealbot::protocol::{CanaryTold, Complete, Lease, Task};
use apogee_dealbot::record::{
    Answer, CANARY, Deal, OutOfBounds, Passage, Record, SlotId, VERSION, clip, most,
};
use apogee_dealbot::schedule::Kind;
use apogee_domain::Timestamp;
use apogee_outbound::{Stage as Seeing, Trace};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;

use crate::SOFTWARE;
use crate::check::Checked;
use crate::probe::{Broken, Came, Notes, Seen};

/// Who makes records.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) key: SigningKey,
}

/// A lease of which no record could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("{0:?} is no kind of probe")]
    Kind(String),
    #[error("no record of it could be made")]
    Bounds(#[from] OutOfBounds),
}

impl Witness {
    /// Whether a record can be made of what a lease is of.
    pub(crate) fn can(&self, lease: &Lease) -> Result<(), Unusable> {
        Ok(self.leased(lease)?.check()?)
    }

    /// The record of an attempt, signed.
    pub(crate) fn complete(&self, lease: &Lease, seen: Seen) -> Result<Complete, Unusable> {
        let record = filled(self.leased(lease)?, seen);
        record.check()?;
        let signature = Signed::Record.sign(&record.cid(), &self.key);
        Ok(Complete {
            of: lease.of.clone(),
            attempt: lease.attempt,
            record: STANDARD.encode(record.encode()),
            signature: STANDARD.encode(signature),
        })
    }

    /// What was found at the organiser's own provider, signed.
    pub(crate) fn canary(&self, seen: Seen) -> Result<CanaryTold, OutOfBounds> {
        let slot = SlotId { miner: CANARY.to_owned(), kind: Kind::Retrieval, number: 0 };
        let record = filled(self.blank(CANARY, slot, (1, 0)), seen);
        record.check()?;
        let signature = Signed::Canary.sign(&record.cid(), &self.key);
        Ok(CanaryTold { record: STANDARD.encode(record.encode()), signature: STANDARD.encode(signature) })
    }

    /// The record of a lease before anything is known.
    fn leased(&self, lease: &Lease) -> Result<Record, Unusable> {
        let of = &lease.of;
        let kind = of.kind().ok_or_else(|| Unusable::Kind(clip(&of.kind, 40).to_owned()))?;
        let slot = SlotId { miner: of.miner.clone(), kind, number: of.slot };
        Ok(self.blank(&of.race, slot, (lease.attempt, of.fence)))
    }

    fn blank(&self, race: &str, slot: SlotId, (attempt, fence): (u32, u64)) -> Record {
        let at = Timestamp(0);
        Record {
            version: VERSION,
            race: race.to_owned(),
            slot,
            attempt,
            fence,
            bot: self.name.clone(),
            region: self.region.clone(),
            software: SOFTWARE.to_owned(),
            started: at,
            ended: at,
            stages: vec![],
            failure: None,
            detail: String::new(),
            errors: vec![],
            circumstances: Circumstances::default(),
            target: String::new(),
            resolved: vec![],
            remote: None,
            agent: None,
            protocols: vec![],
            answer: None,
            received: 0,
            root: None,
            piece: None,
            deal: None,
            canaries: vec![],
        }
    }
}

/// A record with what was seen.
fn filled(mut record: Record, seen: Seen) -> Record {
    let Seen { started, ended, notes, outcome } = seen;
    record.started = started;
    let trace = &notes.trace;
    record.ended = ended;
    record.stages = stages(trace, started, ended);
    clip(&notes.target, most::TARGET).clone_into(&mut record.target);
    record.resolved = trace.resolved.iter().take(most::RESOLVED).copied().map(Written).collect();
    record.remote = trace.remote.map(Written);
    record.agent = agent(&notes);
    record.protocols = protocols(&notes);
    record.answer = answer(trace);
    record.received = trace.received;
    record.deal = notes.deal.map(|deal| Deal { id: clip(&deal.id, most::DEAL).to_owned(), ..deal });
    match outcome {
        Ok(Came { root, piece }) => {
            record.root = root.map(Link);
            record.piece = piece.map(Link);
        }
        Err(broken) => {
            record.failure = Some(broken.code);
            record.circumstances = broken.circumstances;
            clip(&broken.errors.join(": "), most::DETAIL).clone_into(&mut record.detail);
            record.errors = errors(&broken);
        }
    }
    record
}

/// What was seen, for who looks without a record.
pub(crate) fn checked(seen: Seen) -> Checked {
    let Seen { started, ended, notes, outcome } = seen;
    let trace = &notes.trace;
    let broken = outcome.err();
    Checked {
        started,
        ended,
        stages: stages(trace, started, ended),
        failure: broken.as_ref().map(|broken| broken.code),
        errors: broken.as_ref().map(errors).unwrap_or_default(),
        target: clip(&notes.target, most::TARGET).to_owned(),
        resolved: trace.resolved.iter().take(most::RESOLVED).copied().collect(),
        remote: trace.remote,
        agent: agent(&notes),
        protocols: protocols(&notes),
        status: answer(trace).map(|answer| answer.status),
        received: trace.received,
    }
}

fn errors(broken: &Broken) -> Vec<String> {
    broken.errors.iter().take(most::ERRORS).map(|error| clip(error, most::ERROR).to_owned()).collect()
}

/// How the other side calls itself, by the protocol that it speaks.
fn agent(notes: &Notes) -> Option<String> {
    let server = || notes.trace.headers.iter().find(|(name, _)| name == "server").map(|(_, value)| value);
    notes.agent.as_ref().or_else(server).map(|agent| clip(agent, most::AGENT).to_owned())
}

fn protocols(notes: &Notes) -> Vec<String> {
    let names = notes.protocols.iter().take(most::PROTOCOLS);
    names.map(|name| clip(name, most::PROTOCOL).to_owned()).collect()
}

/// The stages of an attempt, within its times: a clock that is set back while it is made does not make them unreadable.
fn stages(trace: &Trace, started: Timestamp, ended: Timestamp) -> Vec<Passage> {
    let mut before = started;
    let passages = trace.stages.iter().take(most::STAGES).map(|timing| {
        let began = timing.started.clamp(before, ended);
        before = began;
        let over = timing.ended.unwrap_or(ended).clamp(began, ended);
        Passage { stage: stage(timing.stage), started: began, ended: over }
    });
    passages.collect()
}

fn stage(stage: Seeing) -> Stage {
    match stage {
        Seeing::Resolve => Stage::Resolve,
        Seeing::L4 => Stage::L4,
        Seeing::Tls => Stage::Handshake,
        Seeing::FirstByte => Stage::FirstByte,
        Seeing::LastByte => Stage::LastByte,
        Seeing::Verify => Stage::Verify,
        Seeing::Above(name) => Stage::parse(name).unwrap_or(Stage::Any),
    }
}

/// What was answered. HTTP has no status beyond 599, though some servers do.
fn answer(trace: &Trace) -> Option<Answer> {
    let status = trace.status.filter(|status| (100..600).contains(status))?;
    let headers = trace.headers.iter().take(most::HEADERS);
    let clipped = |(name, value): &(String, String)| {
        (clip(name, most::HEADER).to_owned(), clip(value, most::VALUE).to_owned())
    };
    let body = trace.error_body.iter().take(most::BODY).copied().collect();
    Some(Answer { status, headers: headers.map(clipped).collect(), body: Bytes(body) })
}

/// What an attempt is said to be at.
pub(crate) const fn at(task: &Task) -> &'static str {
    match task {
        Task::Gateway { .. } | Task::Piece { .. } => Stage::Http.as_str(),
        Task::Deal(_) => Stage::Propose.as_str(),
        Task::Greet(_) => Stage::Identify.as_str(),
    }
}

#[cfg(test)]
mod tests;
