use std::fmt;
use std::str::FromStr;

use apogee_domain::{Digest, Epoch, NetworkId};
use apogee_rules::Id;
use serde::{Deserialize, Serialize};

use crate::refusal::{Kind, Refusal};
use crate::text;

/// Longest life of a message, in epochs: a day of Filecoin's.
pub const LIFE: i64 = 2_880;
/// First line of every message.
const TITLE: &str = "Apogee competition claim, version 1";
/// Largest message, in bytes.
const SIZE: usize = 4_096;
/// Longest text of an appeal, in characters.
const APPEAL: usize = 500;

/// Whose key of a miner signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The owner's.
    Owner,
    /// The worker's.
    Worker,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "owner",
            Self::Worker => "worker",
        })
    }
}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Found an entity with this miner as its first member.
    Claim {
        /// Its name for people.
        name: String,
        /// The region it says it is in.
        region: Option<Id>,
        /// Tracks it takes part in; none for all.
        tracks: Vec<Id>,
    },
    /// Become a member; the entity's leader consents.
    Join,
    /// Stop being a member.
    Leave,
    /// Leave one entity for another, whose leader consents.
    Transfer {
        /// The one that is left.
        from: Id,
    },
    /// Give the entity another name.
    Rename {
        /// The new one.
        name: String,
    },
    /// Say where payouts go, without showing it yet.
    SetPayoutAddress {
        /// See [`payout_commitment`](crate::payout_commitment).
        commitment: Digest,
    },
    /// Ask for another look at an entry.
    Appeal {
        /// Its number.
        about: u64,
        /// Why.
        text: String,
    },
}

impl Action {
    /// As it stands in the message.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Claim { .. } => "claim",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Transfer { .. } => "transfer",
            Self::Rename { .. } => "rename",
            Self::SetPayoutAddress { .. } => "set-payout-address",
            Self::Appeal { .. } => "appeal",
        }
    }

    /// Whether the leader of the entity that is joined signs as well.
    #[must_use]
    pub const fn needs_consent(&self) -> bool {
        matches!(self, Self::Join | Self::Transfer { .. })
    }
}

/// What a miner signs. Its text is exact: [`Display`](fmt::Display) writes it, [`FromStr`] reads it back and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The site that will show it.
    pub domain: String,
    /// The network whose keys count.
    pub network: NetworkId,
    /// The competition.
    pub competition: Id,
    /// The version of the rules that the miner agrees to.
    pub rules: Digest,
    /// What is asked for.
    pub action: Action,
    /// Who asks.
    pub miner: Id,
    /// With whose key.
    pub role: Role,
    /// For which entity.
    pub entity: Id,
    /// 16 to 64 letters and digits that occur once in a competition.
    pub nonce: String,
    /// Epoch from which it is valid.
    pub issued: Epoch,
    /// Last epoch at which it is valid.
    pub expires: Epoch,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE}")?;
        writeln!(f, "Domain: {}", self.domain)?;
        writeln!(f, "Network: {}", self.network)?;
        writeln!(f, "Competition: {}", self.competition)?;
        writeln!(f, "Rules: {}", self.rules)?;
        writeln!(f, "Action: {}", self.action.name())?;
        writeln!(f, "Miner: {}", self.miner)?;
        writeln!(f, "Role: {}", self.role)?;
        writeln!(f, "Entity: {}", self.entity)?;
        match &self.action {
            Action::Claim { name, region, tracks } => {
                writeln!(f, "Name: {name}")?;
                if let Some(region) = region {
                    writeln!(f, "Region: {region}")?;
                }
                for track in tracks {
                    writeln!(f, "Track: {track}")?;
                }
            }
            Action::Transfer { from } => writeln!(f, "From: {from}")?,
            Action::Rename { name } => writeln!(f, "Name: {name}")?,
            Action::SetPayoutAddress { commitment } => writeln!(f, "Payout: {commitment}")?,
            Action::Appeal { about, text } => {
                writeln!(f, "About: {about}")?;
                writeln!(f, "Text: {text}")?;
            }
            Action::Join | Action::Leave => {}
        }
        writeln!(f, "Nonce: {}", self.nonce)?;
        writeln!(f, "Issued: {}", self.issued)?;
        write!(f, "Expires: {}", self.expires)
    }
}

fn malformed(line: usize, wrong: impl Into<String>) -> Refusal {
    let remedy = "sign the message as the site shows it, to the byte";
    Refusal::new(Kind::MalformedClaim, format!("message line {line}"), wrong, remedy)
}

struct Lines<'a> {
    lines: std::iter::Peekable<std::str::Split<'a, char>>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.number += 1;
        self.lines.next()
    }

    fn optional(&mut self, label: &str) -> Option<&'a str> {
        let value = self.lines.peek()?.strip_prefix(label)?.strip_prefix(": ")?;
        self.next();
        Some(value)
    }

    fn text(&mut self, label: &str) -> Result<&'a str, Refusal> {
        let value = self.optional(label);
        value.ok_or_else(|| malformed(self.number + 1, format!("`{label}: …` belongs here")))
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(&self, text: &str) -> Result<T, Refusal> {
        text.parse().map_err(|e: T::Err| malformed(self.number, e.to_string()))
    }

    fn value<T: FromStr<Err: fmt::Display>>(&mut self, label: &str) -> Result<T, Refusal> {
        let text = self.text(label)?;
        self.parsed(text)
    }

    fn action(&mut self, name: &str) -> Result<Action, Refusal> {
        Ok(match name {
            "claim" => {
                let name = self.text("Name")?.to_owned();
                let region = self.optional("Region").map(|text| self.parsed(text)).transpose()?;
                let mut tracks = Vec::new();
                while let Some(text) = self.optional("Track") {
                    tracks.push(self.parsed(text)?);
                }
                if !tracks.is_sorted_by(|a: &Id, b: &Id| a < b) {
                    return Err(malformed(self.number, "tracks stand once each, in the order of their ids"));
                }
                Action::Claim { name, region, tracks }
            }
            "join" => Action::Join,
            "leave" => Action::Leave,
            "transfer" => Action::Transfer { from: self.value("From")? },
            "rename" => Action::Rename { name: self.text("Name")?.to_owned() },
            "set-payout-address" => Action::SetPayoutAddress { commitment: self.value("Payout")? },
            _ => {
                let about = self.value("About")?;
                let text = self.text("Text")?.to_owned();
                text::check(&text, &format!("message line {}", self.number), APPEAL)?;
                Action::Appeal { about, text }
            }
        })
    }
}

const ACTIONS: [&str; 7] = ["claim", "join", "leave", "transfer", "rename", "set-payout-address", "appeal"];

impl FromStr for Message {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if text.len() > SIZE {
            return Err(malformed(1, format!("{} bytes, where {SIZE} are allowed", text.len())));
        }
        let mut lines = Lines { lines: text.split('\n').peekable(), number: 0 };
        if lines.next() != Some(TITLE) {
            return Err(malformed(1, format!("`{TITLE}` belongs here")));
        }
        let domain = lines.text("Domain")?.to_owned();
        let network = lines.value("Network")?;
        let competition = lines.value("Competition")?;
        let rules = lines.value("Rules")?;
        let asked = lines.text("Action")?;
        if !ACTIONS.contains(&asked) {
            let (path, wrong) =
                (format!("message line {}", lines.number), "there is no such action".to_owned());
            return Err(Refusal::new(
                Kind::UnknownAction,
                path,
                wrong,
                "ask for one of those that there are",
            ));
        }
        let miner = lines.value("Miner")?;
        let role = match lines.text("Role")? {
            "owner" => Role::Owner,
            "worker" => Role::Worker,
            _ => return Err(malformed(lines.number, "a role is owner or worker")),
        };
        let entity = lines.value("Entity")?;
        let action = lines.action(asked)?;
        let nonce = lines.text("Nonce")?.to_owned();
        if !(16..=64).contains(&nonce.len()) || !nonce.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(malformed(lines.number, "a nonce is 16 to 64 letters and digits"));
        }
        let issued = lines.value("Issued")?;
        let expires = lines.value("Expires")?;
        if lines.next().is_some() {
            return Err(malformed(lines.number, "the message ends before this line"));
        }
        let message =
            Self { domain, network, competition, rules, action, miner, role, entity, nonce, issued, expires };
        // Two writings of one number would be two messages for one claim.
        let written = message.to_string();
        let differs = written.split('\n').zip(text.split('\n')).position(|(a, b)| a != b);
        differs.map_or(Ok(message), |line| Err(malformed(line + 1, "it has another, plainer writing")))
    }
}
