use std::fmt;

use crate::Blocker;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Why something was not accepted: the stable name of a kind of problem (`docs/competition.md` §9).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable name, for machines.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

kinds! {
    /// Not an entry, an act or a document in canonical form; too large, too long, or with members that are not known.
    Malformed = "malformed",
    /// A text holds what cannot be shown safely, or is empty, or too long.
    BadText = "bad-text",
    /// An interval is empty or runs backwards.
    BadInterval = "bad-interval",
    /// It is about another competition.
    OtherCompetition = "other-competition",
    /// It is about another network.
    OtherNetwork = "other-network",
    /// It was made for another site.
    OtherDomain = "other-domain",
    /// It does not follow the last entry: number, hash, time or epoch.
    NotNext = "not-next",
    /// The hash beside the entry is not the entry's.
    WrongHash = "wrong-hash",
    /// The competition has not been founded, or has been already.
    NotFounded = "not-founded",
    /// Operators and threshold do not fit together.
    BadOperators = "bad-operators",
    /// Not an operator, or no longer one.
    NotAnOperator = "not-an-operator",
    /// Fewer operators than this act needs.
    MoreOperatorsNeeded = "more-operators-needed",
    /// The signature of an operator does not verify.
    BadOperatorSignature = "bad-operator-signature",
    /// The act is not possible in this state of the competition.
    WrongState = "wrong-state",
    /// The competition is archived or cancelled.
    Closed = "closed",
    /// The operator's reason is missing, or a reason stands where none belongs.
    ReasonMissing = "reason-missing",
    /// What the act changes was not computed before it was taken.
    EffectMissing = "effect-missing",
    /// The rules do not read as rules.
    BadRules = "bad-rules",
    /// The rules do not follow the version before.
    RulesNotNext = "rules-not-next",
    /// Rules without the hash of a simulation.
    SimulationMissing = "simulation-missing",
    /// A version says it is not retroactive and is, or the other way round.
    RetroactiveMismatch = "retroactive-mismatch",
    /// A later version moves dates that only a decision may move.
    DatesFixed = "dates-fixed",
    /// A live decision names something that the rules do not have.
    UnknownInRules = "unknown-in-rules",
    /// No rules have been published, or not those.
    NoSuchRules = "no-such-rules",
    /// Nobody competes under that name.
    UnknownEntity = "unknown-entity",
    /// Nobody of that name has been seen on the chain.
    UnknownParticipant = "unknown-participant",
    /// There is no earlier entry of that number and kind.
    NoSuchEntry = "no-such-entry",
    /// It has been answered, closed or taken back before.
    AlreadyDone = "already-done",
    /// It is too early: the epoch is not reached, or not final.
    TooEarly = "too-early",
    /// A new end without the notice that was promised.
    NoticeTooShort = "notice-too-short",
    /// The end would move behind the moment at which it was said to be over.
    EndPassed = "end-passed",
    /// The pin names what is not there.
    BadPin = "bad-pin",
    /// No collector is healthy.
    NoCollector = "no-collector",
    /// Something stands in the way of being final; it is listed.
    Blocked = "blocked",
    /// More would be paid than was approved.
    OverPaid = "over-paid",
    /// The opening does not fit the commitment.
    BadOpening = "bad-opening",
    /// The message has another form than a claim.
    MalformedClaim = "malformed-claim",
    /// The message asks for an action that does not exist.
    UnknownAction = "unknown-action",
    /// A claim was put where an operator's act belongs.
    NotAnAct = "not-an-act",
    /// The message was made for later.
    NotYetValid = "not-yet-valid",
    /// The message has expired, or would live too long; or the entry was proposed too long ago.
    Expired = "expired",
    /// The nonce has been used.
    Replayed = "replayed",
    /// The message was made under other rules than those that hold.
    OtherRules = "other-rules",
    /// The signature has another form than wallets print.
    MalformedSignature = "malformed-signature",
    /// Neither this nor any other key of the miner made the signature.
    BadSignature = "bad-signature",
    /// The signature is good, but made with the key of another role.
    WrongRole = "wrong-role",
    /// The signature is good, but made with a key that the miner no longer has.
    RotatedKey = "rotated-key",
    /// The miner's keys cannot be told from verified state.
    KeyUnknown = "key-unknown",
    /// The owner is a multisig, and no proposal of it was named.
    OwnerIsMultisig = "owner-is-multisig",
    /// The multisig's proposal does not approve this message.
    NoSuchProposal = "no-such-proposal",
    /// The entity's leader has not consented.
    ConsentMissing = "consent-missing",
    /// Only the leader of the entity can do this.
    NotTheLeader = "not-the-leader",
    /// The miner competes already.
    AlreadyMember = "already-member",
    /// The miner does not compete for that entity.
    NotAMember = "not-a-member",
    /// The id is in use, or is a participant's.
    IdTaken = "id-taken",
    /// Joining is no longer possible.
    DeadlinePassed = "deadline-passed",
    /// Members have to be of one region, and these are not, or it is not known.
    OtherRegion = "other-region",
    /// Appeals can no longer be made.
    AppealsClosed = "appeals-closed",
    /// The name cannot be shown safely.
    BadName = "bad-name",
    /// The name is kept for the organisers.
    NameReserved = "name-reserved",
    /// Another entity has this name.
    NameTaken = "name-taken",
    /// The name looks like that of another entity.
    NameConfusable = "name-confusable",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something was not accepted, and nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {wrong}; {remedy}")]
pub struct Refusal {
    /// Stable, for machines.
    pub kind: Kind,
    /// Where: a member (`act.until`), a line of a message (`message line 5`), or `entry`.
    pub path: String,
    /// What is wrong there.
    pub wrong: String,
    /// What to do about it.
    pub remedy: &'static str,
    /// With [`Kind::Blocked`]: everything that stands in the way.
    pub blockers: Vec<Blocker>,
}

impl Refusal {
    pub(crate) fn new(
        kind: Kind,
        path: impl Into<String>,
        wrong: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self { kind, path: path.into(), wrong: wrong.into(), remedy, blockers: Vec::new() }
    }
}

/// `Err` with this refusal unless `good`.
pub(crate) fn ensure(
    good: bool,
    kind: Kind,
    path: &str,
    wrong: impl FnOnce() -> String,
    remedy: &'static str,
) -> Result<(), Refusal> {
    if good { Ok(()) } else { Err(Refusal::new(kind, path, wrong(), remedy)) }
}
