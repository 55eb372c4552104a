//! Where a probe broke off, what it saw there, and whose fault that is.
//!
//! A [`Code`] says what was seen; its [`Rule`] and the [`Circumstances`] say whose fault it is. What nobody knows is held against nobody but the bots:
//! an unknown circumstance, or an error of no known kind, is [`Fault::Bot`].

mod code;

use serde::{Deserialize, Serialize};

pub use code::Code;

/// A part of a probe: what evidence gives times for, and where a code may arise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// What the chain says of the miner is read: peer id and addresses.
    Resolve,
    /// Names are resolved, and a plain TCP connection is made.
    L4,
    /// Noise or TLS, and who answers.
    Handshake,
    /// What the other side runs and speaks.
    Identify,
    /// Its price and bounds.
    Ask,
    /// Whether the price is one that is paid.
    PriceCheck,
    /// Data is made and committed to.
    Prepare,
    /// The deal is offered.
    Propose,
    /// The offer is answered.
    Accepted,
    /// The miner gets the data.
    Transfer,
    /// The deal comes on chain, and its sector is sealed.
    Publish,
    /// The deal is in force.
    Active,
    /// Its data can be read back.
    Retrievable,
    /// What is read back is chosen.
    Select,
    /// Who has it is looked up.
    Discover,
    /// It is asked for.
    Http,
    /// Until the first byte came.
    FirstByte,
    /// Until the last byte came.
    LastByte,
    /// It is compared with what was stored.
    Verify,
    /// Wherever it was.
    Any,
}

impl Stage {
    /// Every one, in the order in which a probe passes them.
    pub const ALL: &[Self] = &[
        Self::Resolve,
        Self::L4,
        Self::Handshake,
        Self::Identify,
        Self::Ask,
        Self::PriceCheck,
        Self::Prepare,
        Self::Propose,
        Self::Accepted,
        Self::Transfer,
        Self::Publish,
        Self::Active,
        Self::Retrievable,
        Self::Select,
        Self::Discover,
        Self::Http,
        Self::FirstByte,
        Self::LastByte,
        Self::Verify,
        Self::Any,
    ];

    /// As it is stored and said to programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::L4 => "l4",
            Self::Handshake => "handshake",
            Self::Identify => "identify",
            Self::Ask => "ask",
            Self::PriceCheck => "price_check",
            Self::Prepare => "prepare",
            Self::Propose => "propose",
            Self::Accepted => "accepted",
            Self::Transfer => "transfer",
            Self::Publish => "publish",
            Self::Active => "active",
            Self::Retrievable => "retrievable",
            Self::Select => "select",
            Self::Discover => "discover",
            Self::Http => "http",
            Self::FirstByte => "first_byte",
            Self::LastByte => "last_byte",
            Self::Verify => "verify",
            Self::Any => "any",
        }
    }

    /// The stage of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|stage| stage.as_str() == word)
    }
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The miner's: it counts.
    Miner,
    /// Ours, or of something that only we need.
    Bot,
    /// The network's.
    Chain,
    /// It cannot be said from one place: others look again.
    Ambiguous,
    /// Nobody's: it was agreed that this does not count.
    Policy,
    /// There is none: it went well.
    None,
}

impl Fault {
    /// Every one.
    pub const ALL: &[Self] =
        &[Self::Miner, Self::Bot, Self::Chain, Self::Ambiguous, Self::Policy, Self::None];

    /// As it is stored and said to programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Miner => "miner",
            Self::Bot => "bot",
            Self::Chain => "chain",
            Self::Ambiguous => "ambiguous",
            Self::Policy => "policy",
            Self::None => "none",
        }
    }

    /// The fault of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.as_str() == word)
    }
}

/// What whose fault it is may depend on. `None`: nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Circumstances {
    /// The node that was asked about the miner followed the chain's head.
    pub node_synced: Option<bool>,
    /// How many resolvers gave this answer.
    pub resolvers_agreed: Option<u8>,
    /// The competition's rules require the protocol.
    pub protocol_required: Option<bool>,
    /// The cap that was applied had been published.
    pub cap_published: Option<bool>,
    /// The bots kept to the rate that they had published.
    pub rate_kept: Option<bool>,
    /// It was tried again in this slot.
    pub retried: Option<bool>,
    /// The bots' addresses had been published, so that everybody could let them in.
    pub bots_published: Option<bool>,
    /// Another bot could fetch from our file server in that interval.
    pub file_server_good: Option<bool>,
    /// Our bytes, checked again, have the commitment that we said.
    pub bytes_good: Option<bool>,
    /// The chain stood still, or publishing was late for all. Unknown where only a client was asked: the chain is the truth about deals.
    pub chain_stalled: Option<bool>,
    /// The competition's rules require the indexer to know.
    pub ipni_required: Option<bool>,
}

impl Circumstances {
    /// These, and where they are unknown those of `other`: what a bot saw and what the controller knows are two parts of one account.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            node_synced: self.node_synced.or(other.node_synced),
            resolvers_agreed: self.resolvers_agreed.or(other.resolvers_agreed),
            protocol_required: self.protocol_required.or(other.protocol_required),
            cap_published: self.cap_published.or(other.cap_published),
            rate_kept: self.rate_kept.or(other.rate_kept),
            retried: self.retried.or(other.retried),
            bots_published: self.bots_published.or(other.bots_published),
            file_server_good: self.file_server_good.or(other.file_server_good),
            bytes_good: self.bytes_good.or(other.bytes_good),
            chain_stalled: self.chain_stalled.or(other.chain_stalled),
            ipni_required: self.ipni_required.or(other.ipni_required),
        }
    }
}

impl Circumstances {
    /// These, as a bot tells them, beside what the controller knows. Of what the controller decides or sees better (the rules, what was published, the
    /// rate, the chain) its word stands; of the rest the bot's.
    #[must_use]
    pub fn beside(self, controller: Self) -> Self {
        let (told, known) = (self.or(controller), controller.or(self));
        Self {
            protocol_required: known.protocol_required,
            cap_published: known.cap_published,
            rate_kept: known.rate_kept,
            bots_published: known.bots_published,
            chain_stalled: known.chain_stalled,
            ipni_required: known.ipni_required,
            ..told
        }
    }
}

/// How a code's fault follows from the circumstances. Where the one that it asks for is unknown, the fault is the bot's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// It does not depend on any.
    Always(Fault),
    /// The miner's if the chain was read from a synced node.
    NodeSynced,
    /// The miner's if two resolvers say so; one alone may be wrong.
    ResolversAgree,
    /// The miner's if the rules require the protocol; else nobody asked for it.
    ProtocolRequired,
    /// The miner's if the cap was published.
    CapPublished,
    /// The miner's if it also refused a second time, and we kept to our rate; if we did not, it may refuse.
    RateKeptAndRetried,
    /// The miner's if it could know whom to let in.
    BotsPublished,
    /// The miner's if our file server worked for others.
    FileServerGood,
    /// The miner's if our bytes are what we said.
    BytesGood,
    /// The miner's unless the chain stood still.
    ChainMoving,
    /// The miner's if the rules require the indexer to know; else nobody asked for it.
    IpniRequired,
    /// The miner's if we kept to our rate.
    RateKept,
}

impl Rule {
    /// What it comes to.
    #[must_use]
    pub const fn decide(self, circumstances: &Circumstances) -> Fault {
        let c = circumstances;
        match self {
            Self::Always(fault) => fault,
            Self::NodeSynced => either(c.node_synced, Fault::Bot),
            Self::ResolversAgree => match c.resolvers_agreed {
                None | Some(0) => Fault::Bot,
                Some(1) => Fault::Ambiguous,
                Some(_) => Fault::Miner,
            },
            Self::ProtocolRequired => either(c.protocol_required, Fault::Policy),
            Self::CapPublished => either(c.cap_published, Fault::Bot),
            Self::RateKeptAndRetried => match (c.rate_kept, c.retried) {
                (Some(false), _) => Fault::Policy,
                (Some(true), Some(true)) => Fault::Miner,
                (Some(true), Some(false)) => Fault::Ambiguous,
                (None, _) | (_, None) => Fault::Bot,
            },
            Self::BotsPublished => either(c.bots_published, Fault::Bot),
            Self::FileServerGood => either(c.file_server_good, Fault::Bot),
            Self::BytesGood => either(c.bytes_good, Fault::Bot),
            Self::ChainMoving => match c.chain_stalled {
                Some(false) => Fault::Miner,
                Some(true) => Fault::Chain,
                None => Fault::Bot,
            },
            Self::IpniRequired => either(c.ipni_required, Fault::Policy),
            Self::RateKept => either(c.rate_kept, Fault::Bot),
        }
    }
}

/// The miner's where it holds, `otherwise` where it does not, the bot's where nobody knows.
const fn either(holds: Option<bool>, otherwise: Fault) -> Fault {
    match holds {
        Some(true) => Fault::Miner,
        Some(false) => otherwise,
        None => Fault::Bot,
    }
}
