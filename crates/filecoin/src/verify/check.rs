use std::collections::BTreeMap;
use std::fmt;

use apogee_domain::Epoch;
use cid::Cid;

use crate::types::TipsetKey;

/// A check by its stable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Check {
    /// The header's bytes hash to its CID and are canonical. One a block.
    HeaderCid,
    /// Parents are the tipset before, in ticket order, of a lower epoch. One a block.
    ParentLinks,
    /// The parent tipset's weight follows from its power and wins. One a block.
    ParentWeight,
    /// The time is that of the epoch. One a block.
    Timestamp,
    /// The worker signed the block.
    BlockSignature,
    /// The worker made the election's VRF output.
    ElectionVrf,
    /// The wins follow from the VRF output and look-back power.
    WinCount,
    /// The miner may mine: power, no debt, no recent consensus fault.
    MinerEligible,
    /// The worker made the ticket's VRF output.
    TicketVrf,
    /// Beacon rounds are those of the epochs since the parent tipset, and signed. One a beacon entry.
    Beacon,
    /// The header's root leads to well-formed messages, every one hashing to its CID. One a block.
    MessagesRoot,
    /// The aggregate holds the signatures of the BLS messages. One a block that has any.
    MessageSignatureBls,
    /// A secp256k1 or delegated message is signed by its sender. One a message.
    MessageSignatureSecp,
    /// A message's sender exists and may send, and its nonce is the sender's next one. One a message in each block.
    MessageNonce,
    /// The base fee follows from the parent tipset. One a block.
    BaseFee,
    /// The parent tipset's receipts are there, one for each message it executes. One a tipset.
    ReceiptsRoot,
    /// A node of state, message or receipt trees hashes to its CID. One a node read.
    StateNodes,
    /// A finality certificate: signature, quorum, power table, and that it is about this chain.
    Certificate,
    /// `WinningPoSt` SNARK. One a block.
    WinningPost,
}

impl Check {
    /// All checks in the order in which they are shown.
    pub const ALL: [Self; 19] = [
        Self::HeaderCid,
        Self::ParentLinks,
        Self::ParentWeight,
        Self::Timestamp,
        Self::BlockSignature,
        Self::ElectionVrf,
        Self::WinCount,
        Self::MinerEligible,
        Self::TicketVrf,
        Self::Beacon,
        Self::MessagesRoot,
        Self::MessageSignatureBls,
        Self::MessageSignatureSecp,
        Self::MessageNonce,
        Self::BaseFee,
        Self::ReceiptsRoot,
        Self::StateNodes,
        Self::Certificate,
        Self::WinningPost,
    ];

    /// The stable name: `block_signature`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeaderCid => "header_cid",
            Self::ParentLinks => "parent_links",
            Self::ParentWeight => "parent_weight",
            Self::Timestamp => "timestamp",
            Self::BlockSignature => "block_signature",
            Self::ElectionVrf => "election_vrf",
            Self::WinCount => "win_count",
            Self::MinerEligible => "miner_eligible",
            Self::TicketVrf => "ticket_vrf",
            Self::Beacon => "beacon",
            Self::MessagesRoot => "messages_root",
            Self::MessageSignatureBls => "message_signature_bls",
            Self::MessageSignatureSecp => "message_signature_secp",
            Self::MessageNonce => "message_nonce",
            Self::BaseFee => "base_fee",
            Self::ReceiptsRoot => "receipts_root",
            Self::StateNodes => "state_nodes",
            Self::Certificate => "certificate",
            Self::WinningPost => "winning_post",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a check could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// The parent tipset is not at hand.
    MissingParent,
    /// The tipsets back to the look-back epoch are not at hand.
    MissingLookback,
    /// A node of state is not at hand.
    MissingState,
    /// Messages or receipts are not at hand.
    MissingMessages,
    /// No beacon entry is known that the randomness could start from.
    MissingBeacon,
    /// The block store failed; asking again may help.
    StoreFailed,
    /// The state is there but of a form that is not known.
    UnreadableState,
    /// The network's rule for this epoch is not known.
    UnknownRule,
    /// The verifying key of the proof is not at hand.
    MissingKey,
    /// This build does not check SNARKs.
    FeatureOff,
    /// The certificates before it are missing or wrong.
    BrokenChain,
}

impl Reason {
    /// The stable name: `missing_state`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MissingParent => "missing_parent",
            Self::MissingLookback => "missing_lookback",
            Self::MissingState => "missing_state",
            Self::MissingMessages => "missing_messages",
            Self::MissingBeacon => "missing_beacon",
            Self::StoreFailed => "store_failed",
            Self::UnreadableState => "unreadable_state",
            Self::UnknownRule => "unknown_rule",
            Self::MissingKey => "missing_key",
            Self::FeatureOff => "feature_off",
            Self::BrokenChain => "broken_chain",
        }
    }
}

/// How often a check was not made for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotMade {
    /// Why.
    pub reason: Reason,
    /// How often.
    pub count: u64,
    /// The first instance, in words.
    pub example: String,
}

/// What a failed check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong: `block`, `message`, `state node`, `certificate`.
    pub what: &'static str,
    /// Which one, where it has a CID.
    pub cid: Option<Cid>,
    /// What is wrong with it.
    pub detail: String,
}

/// One check's figures for an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOutcome {
    /// Which check.
    pub check: Check,
    /// How often it passed.
    pub passed: u64,
    /// How often it failed; at least as many as [`failures`](Self::failures), which is bounded.
    pub failed: u64,
    /// Why it was not made, by reason.
    pub not_made: Vec<NotMade>,
    /// The first failures, at most [`Self::KEPT_FAILURES`].
    pub failures: Vec<Failure>,
}

impl CheckOutcome {
    /// Failures that are described for each check and epoch; all are counted.
    pub const KEPT_FAILURES: usize = 32;

    pub(super) const fn new(check: Check) -> Self {
        Self { check, passed: 0, failed: 0, not_made: Vec::new(), failures: Vec::new() }
    }

    /// How often it was made.
    #[must_use]
    pub const fn made(&self) -> u64 {
        self.passed + self.failed
    }

    pub(super) const fn pass(&mut self) {
        self.passed += 1;
    }

    pub(super) fn fail(&mut self, what: &'static str, cid: Option<Cid>, detail: String) {
        self.failed += 1;
        if self.failures.len() < Self::KEPT_FAILURES {
            self.failures.push(Failure { what, cid, detail });
        }
    }

    pub(super) fn skip(&mut self, reason: Reason, example: impl FnOnce() -> String) {
        match self.not_made.iter_mut().find(|not_made| not_made.reason == reason) {
            Some(not_made) => not_made.count += 1,
            None => self.not_made.push(NotMade { reason, count: 1, example: example() }),
        }
    }
}

/// All checks of one tipset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochReport {
    /// The epoch.
    pub epoch: Epoch,
    /// The tipset.
    pub key: TipsetKey,
    /// Each check that was made or not made at least once, in the order of [`Check::ALL`].
    pub outcomes: Vec<CheckOutcome>,
}

impl EpochReport {
    /// How many checks failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.outcomes.iter().map(|outcome| outcome.failed).sum()
    }

    /// One check's figures, if it concerned this epoch.
    #[must_use]
    pub fn outcome(&self, check: Check) -> Option<&CheckOutcome> {
        self.outcomes.iter().find(|outcome| outcome.check == check)
    }
}

/// Figures of one epoch while they are being collected.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<Check, CheckOutcome>);

/// What was found out, if anything: the value, or what is wrong with what should have given it.
pub(super) type Finding<T> = Result<Result<T, String>, Unknown>;

/// Why something is not known.
#[derive(Clone, Debug)]
pub(super) struct Unknown {
    pub(super) reason: Reason,
    pub(super) detail: String,
}

impl Unknown {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl Tally {
    pub(super) fn of(&mut self, check: Check) -> &mut CheckOutcome {
        self.0.entry(check).or_insert_with(|| CheckOutcome::new(check))
    }

    /// Record a check of a block: passed, failed with a description, or unknown.
    pub(super) fn block(&mut self, check: Check, cid: Cid, verdict: Finding<()>) {
        let outcome = self.of(check);
        match verdict {
            Ok(Ok(())) => outcome.pass(),
            Ok(Err(detail)) => outcome.fail("block", Some(cid), detail),
            Err(unknown) => outcome.skip(unknown.reason, || unknown.detail),
        }
    }

    pub(super) fn into_outcomes(self) -> Vec<CheckOutcome> {
        self.0.into_values().collect()
    }
}
