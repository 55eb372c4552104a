use apogee_domain::{Digest, Epoch, NetworkId};
use apogee_leaderboard::Delta;
use apogee_rules::{Id, Quantity};
use serde::{Deserialize, Serialize};

use crate::Words;
use crate::claim::Proof;
use crate::operator::Operator;
use crate::parts::{Opening, Outcome, Payee, Pin, Rules};

/// What somebody does (`docs/competition.md` §4). Each is one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Begin the ledger. All operators named sign.
    Found {
        /// The network it runs on.
        network: NetworkId,
        /// The site that claims are made for.
        domain: String,
        /// Who may act.
        operators: Vec<Operator>,
        /// How many different operators an act with weight needs; two or more.
        threshold: u32,
        /// Epochs between saying that the end moves and the new end.
        notice: u32,
    },
    /// Add an operator.
    Appoint {
        /// Name and key, neither used before.
        operator: Operator,
    },
    /// Take an operator away; what was signed before stands.
    Dismiss {
        /// Who.
        operator: Id,
    },
    /// Publish a version of the rules.
    PublishRules {
        /// The version.
        rules: Rules,
        /// Hash of the report of what it changes; absent for the first version only.
        #[serde(skip_serializing_if = "Option::is_none")]
        simulation: Option<Digest>,
    },
    /// Accept claims from now on.
    OpenRegistration,
    /// Say that it runs.
    Start,
    /// Stop counting, for the time being.
    Pause {
        /// The open incident that is the cause.
        incident: u64,
        /// First epoch that does not count.
        from: Epoch,
    },
    /// Count again. What lies between is removed.
    Resume {
        /// First epoch that counts again.
        from: Epoch,
    },
    /// Show these standings, and nothing newer, until a thaw.
    Freeze {
        /// Which.
        pin: Pin,
    },
    /// Show everything again.
    Thaw,
    /// Say that it is over.
    End,
    /// Open the time of appeals.
    Provisional {
        /// Epoch before which appeals can be made.
        until: Epoch,
    },
    /// Say what the final standings are.
    Finalize {
        /// Which.
        pin: Pin,
        /// Root that the second implementation computed.
        shadow: Digest,
    },
    /// Replace final standings by others; the ones before stay readable.
    Amend {
        /// Which.
        pin: Pin,
        /// Root that the second implementation computed.
        shadow: Digest,
    },
    /// Approve what is paid.
    ApprovePayout {
        /// Which final standings, counted from 1.
        version: u64,
        /// Root of the payout's tree.
        root: Digest,
        /// Sum of all payouts, in atto.
        total: Quantity,
    },
    /// Record payments that were made.
    Pay {
        /// Their sum, in atto.
        amount: Quantity,
        /// Their transactions.
        transactions: Vec<String>,
        /// Who got how much of it; absent where that is not said.
        #[serde(skip_serializing_if = "Option::is_none")]
        payees: Option<Vec<Payee>>,
    },
    /// Show payout addresses, once results are final.
    OpenPayoutAddresses {
        /// Which.
        openings: Vec<Opening>,
    },
    /// Nothing follows.
    Archive,
    /// It does not take place, or not to its end.
    Cancel,
    /// Move the end.
    SetEnd {
        /// Epoch before which it ends now.
        until: Epoch,
        /// Without the notice that was promised, or in the past.
        emergency: bool,
    },
    /// None of these is eligible.
    Disqualify {
        /// Entities.
        entities: Vec<Id>,
    },
    /// A check counts as passed.
    Waive {
        /// For whom.
        entity: Id,
        /// Which.
        check: Id,
    },
    /// Epochs that do not count.
    RemoveInterval {
        /// The first.
        from: Epoch,
        /// The first that counts again.
        until: Epoch,
        /// For these metrics; for all if there are none.
        metrics: Vec<Id>,
        /// In these regions; in all if there are none.
        regions: Vec<Id>,
    },
    /// Say where somebody is.
    SetRegion {
        /// An entity or a participant.
        target: Id,
        /// Where.
        region: Id,
    },
    /// Correct an observed count.
    Adjust {
        /// Whose.
        participant: Id,
        /// Which.
        series: Id,
        /// From this epoch on.
        from: Epoch,
        /// By how much.
        delta: Delta,
    },
    /// Say that something has been shown.
    Attest {
        /// By whom.
        entity: Id,
        /// What.
        what: Id,
    },
    /// Say how much a pool holds.
    SetAmount {
        /// Which.
        pool: Id,
        /// In atto.
        amount: Quantity,
    },
    /// Pay something beside all pools.
    Award {
        /// Whom.
        entity: Id,
        /// In atto.
        amount: Quantity,
        /// For what.
        title: Words,
    },
    /// Take an earlier decision back.
    Revert {
        /// Its number.
        seq: u64,
    },
    /// A signed message was accepted; it proves itself.
    Claim {
        /// Its text, to the byte.
        message: String,
        /// That the miner signed it.
        proof: Proof,
        /// That the leader of the entity that is joined signed it too.
        #[serde(skip_serializing_if = "Option::is_none")]
        consent: Option<Proof>,
        /// The miner's region, as the facts had it; absent where it is not known.
        #[serde(skip_serializing_if = "Option::is_none")]
        region: Option<Id>,
    },
    /// Say what becomes of an appeal.
    AnswerAppeal {
        /// The number of its entry.
        appeal: u64,
        /// Whether it is followed.
        outcome: Outcome,
        /// The decision that follows it, taken before.
        #[serde(skip_serializing_if = "Option::is_none")]
        decision: Option<u64>,
    },
    /// Tell people something.
    Announce {
        /// In short.
        title: Words,
        /// At length.
        text: Words,
    },
    /// Something went wrong.
    Incident {
        /// In short.
        title: Words,
        /// At length.
        text: Words,
        /// Since when.
        from: Epoch,
    },
    /// It is over.
    CloseIncident {
        /// The number of its entry.
        incident: u64,
        /// First epoch after it.
        until: Epoch,
    },
    /// The network changes its version.
    Upgrade {
        /// Its name.
        title: Words,
        /// Version of the network from then on.
        network_version: u32,
        /// When.
        at: Epoch,
    },
}

/// How many operators sign an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// None: the message proves itself.
    Nobody,
    /// One.
    One,
    /// As many different ones as the threshold says: it moves money, ends a state or changes rules.
    Threshold,
    /// Every operator there is.
    Everybody,
}

impl Act {
    /// Its `kind`, as it stands in the ledger.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Found { .. } => "found",
            Self::Appoint { .. } => "appoint",
            Self::Dismiss { .. } => "dismiss",
            Self::PublishRules { .. } => "publish-rules",
            Self::OpenRegistration => "open-registration",
            Self::Start => "start",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::Freeze { .. } => "freeze",
            Self::Thaw => "thaw",
            Self::End => "end",
            Self::Provisional { .. } => "provisional",
            Self::Finalize { .. } => "finalize",
            Self::Amend { .. } => "amend",
            Self::ApprovePayout { .. } => "approve-payout",
            Self::Pay { .. } => "pay",
            Self::OpenPayoutAddresses { .. } => "open-payout-addresses",
            Self::Archive => "archive",
            Self::Cancel => "cancel",
            Self::SetEnd { .. } => "set-end",
            Self::Disqualify { .. } => "disqualify",
            Self::Waive { .. } => "waive",
            Self::RemoveInterval { .. } => "remove-interval",
            Self::SetRegion { .. } => "set-region",
            Self::Adjust { .. } => "adjust",
            Self::Attest { .. } => "attest",
            Self::SetAmount { .. } => "set-amount",
            Self::Award { .. } => "award",
            Self::Revert { .. } => "revert",
            Self::Claim { .. } => "claim",
            Self::AnswerAppeal { .. } => "answer-appeal",
            Self::Announce { .. } => "announce",
            Self::Incident { .. } => "incident",
            Self::CloseIncident { .. } => "close-incident",
            Self::Upgrade { .. } => "upgrade",
        }
    }

    /// Who signs it.
    #[must_use]
    pub fn needs(&self) -> Needs {
        match self {
            Self::Claim { .. } => Needs::Nobody,
            Self::Found { .. } => Needs::Everybody,
            Self::PublishRules { rules, .. } if rules.0.version.retroactive => Needs::Everybody,
            Self::Announce { .. }
            | Self::Incident { .. }
            | Self::CloseIncident { .. }
            | Self::Upgrade { .. }
            | Self::AnswerAppeal { .. }
            | Self::OpenRegistration
            | Self::Pause { .. }
            | Self::Freeze { .. }
            | Self::Thaw
            | Self::Provisional { .. }
            | Self::OpenPayoutAddresses { .. } => Needs::One,
            _ => Needs::Threshold,
        }
    }

    /// Whether it changes standings: what `docs/rules.md` §4 calls a decision other than a note.
    #[must_use]
    pub const fn is_decision(&self) -> bool {
        matches!(
            self,
            Self::SetEnd { .. }
                | Self::Resume { .. }
                | Self::Disqualify { .. }
                | Self::Waive { .. }
                | Self::RemoveInterval { .. }
                | Self::SetRegion { .. }
                | Self::Adjust { .. }
                | Self::Attest { .. }
                | Self::SetAmount { .. }
                | Self::Award { .. }
                | Self::Revert { .. }
        )
    }
}
