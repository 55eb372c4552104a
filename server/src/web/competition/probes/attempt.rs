//! An attempt as its record tells it.

use apogee_dealbot::fault::{Circumstances, Code, Fault};
use apogee_dealbot::record::Record;
use apogee_store::ProbeAttempt;
use serde::Serialize;
use utoipa::ToSchema;

/// What a bot did and saw. Texts are the other side's, or the bot's, as they came.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeAttempt)]
pub(super) struct AttemptView {
    /// Number of the attempt, from 1.
    pub(super) attempt: u32,
    pub(super) bot: String,
    pub(super) region: String,
    /// When the bot got it, RFC 3339.
    pub(super) leased: String,
    /// When it began, as the bot tells; `null` where it told nothing.
    pub(super) started: Option<String>,
    /// When it was over.
    pub(super) ended: String,
    /// Why it did not go well; `null` where it did.
    pub(super) code: Option<String>,
    /// Whose fault that is by itself: `miner`, `bot`, `chain`, `ambiguous`, `policy` or `none`.
    pub(super) fault: &'static str,
    /// CID of the record; `null` where the bot told nothing.
    pub(super) record: Option<String>,
    /// CID of a record that came when somebody else had the slot.
    pub(super) late: Option<String>,
    /// Number of its entry in the log of evidence; `null` where it is older than the log.
    pub(super) entry: Option<u64>,
    /// What the record tells; `null` where there is none, or it does not read.
    pub(super) told: Option<Told>,
    #[serde(skip)]
    pub(super) of: Option<Code>,
}

/// What a record tells.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeRecord)]
pub(super) struct Told {
    pub(super) software: String,
    /// In the order in which they were passed.
    pub(super) stages: Vec<Stage>,
    /// The failure in words.
    pub(super) detail: String,
    /// The error and its sources, outermost first.
    pub(super) errors: Vec<String>,
    pub(super) target: String,
    pub(super) resolved: Vec<String>,
    pub(super) remote: Option<String>,
    /// How the miner's software calls itself.
    pub(super) agent: Option<String>,
    pub(super) protocols: Vec<String>,
    /// Status of HTTP.
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<Header>,
    /// The beginning of what was answered; what is no text is replaced.
    pub(super) body: Option<String>,
    /// Bytes that came.
    pub(super) received: u64,
    /// The deal that was offered.
    pub(super) deal: Option<String>,
    /// Records of the bot's canaries before and after.
    pub(super) canaries: Vec<String>,
}

/// A header of an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeHeader)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

/// A part of an attempt, and how long it took.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeStage)]
pub(super) struct Stage {
    pub(super) stage: &'static str,
    pub(super) milliseconds: u64,
}

impl AttemptView {
    pub(super) fn new(row: &ProbeAttempt, known: Circumstances) -> Self {
        let record = row.evidence.as_ref().and_then(|evidence| Record::decode(&evidence.record).ok());
        let code = Code::parse(&row.code);
        let circumstances = record.as_ref().map(|record| record.circumstances).unwrap_or_default().or(known);
        let fault = match (row.code.is_empty(), code) {
            (true, _) => Fault::None,
            (false, Some(code)) => code.fault(&circumstances),
            // What nobody knows is never the miner's.
            (false, None) => Fault::Bot,
        };
        Self {
            attempt: row.attempt,
            bot: row.bot.clone(),
            region: row.region.clone(),
            leased: row.leased.to_string(),
            started: record.as_ref().map(|record| record.started.to_string()),
            ended: record.as_ref().map_or(row.ended, |record| record.ended).to_string(),
            code: (!row.code.is_empty()).then(|| row.code.clone()),
            fault: fault.as_str(),
            record: row.evidence.as_ref().map(|evidence| evidence.cid.clone()),
            late: row.late.as_ref().map(|evidence| evidence.cid.clone()),
            entry: (row.entry > 0).then_some(row.entry),
            told: record.map(Told::new),
            of: code,
        }
    }

    /// The stage at which it broke off, or the last one that it passed.
    pub(super) fn last_stage(&self) -> Option<&'static str> {
        let passed = self.told.as_ref().and_then(|told| told.stages.last()).map(|stage| stage.stage);
        passed.or_else(|| self.of.map(|code| code.stage().as_str()).filter(|stage| *stage != "any"))
    }
}

impl Told {
    fn new(record: Record) -> Self {
        let stages = record.stages.iter().map(|passage| Stage {
            stage: passage.stage.as_str(),
            milliseconds: u64::try_from(passage.ended.since(passage.started).as_millis()).unwrap_or(u64::MAX),
        });
        let answer = record.answer;
        let (status, headers, body) = match answer {
            Some(answer) => {
                let body = String::from_utf8_lossy(&answer.body.0).into_owned();
                let headers =
                    answer.headers.into_iter().map(|(name, value)| Header { name, value }).collect();
                (Some(answer.status), headers, Some(body).filter(|body| !body.is_empty()))
            }
            None => (None, Vec::new(), None),
        };
        Self {
            stages: stages.collect(),
            software: record.software,
            detail: record.detail,
            errors: record.errors,
            target: record.target,
            resolved: record.resolved.iter().map(|address| address.0.to_string()).collect(),
            remote: record.remote.map(|remote| remote.0.to_string()),
            agent: record.agent,
            protocols: record.protocols,
            status,
            headers,
            body,
            received: record.received,
            deal: record.deal.map(|deal| deal.id),
            canaries: record.canaries.iter().map(|link| link.0.to_string()).collect(),
        }
    }
}
