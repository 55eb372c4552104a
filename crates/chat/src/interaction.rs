//! What Discord brings.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::command::{AddressText, Command, NoCommand, TransactionName};
use crate::key::Verified;
use crate::seen::visible;
use crate::snowflake::Snowflake;

/// The most letters of somebody's name.
const LONGEST_NAME: usize = 64;
/// The most letters of a locale.
const LONGEST_LOCALE: usize = 16;

/// Kinds of interactions.
const PING: u8 = 1;
const COMMAND: u8 = 2;
/// Kinds of commands: typed with `/`, and chosen from the menu of a message.
const SLASH: u8 = 1;
const OF_MESSAGE: u8 = 3;

/// What was brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// Whether anybody is here. It is answered with [`pong`](crate::pong).
    Ping,
    /// Somebody wants something.
    Asked(Asked),
}

/// Somebody wants something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The id of the interaction: the same however often it is brought.
    pub id: Snowflake,
    /// Who.
    pub by: Asker,
    /// The language that they use Discord in: `en-US`, `zh-CN`; empty where that is not told.
    pub locale: String,
    /// What; or why that is not understood.
    pub command: Result<Command, NoCommand>,
}

/// Who wants something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The id of the account, which never changes. It tells the account's age.
    pub id: Snowflake,
    /// What people call it: what can be seen of it, at most 64 letters; the id where nothing can.
    pub name: String,
    /// Whether it is a program's.
    pub is_bot: bool,
}

/// A verified request that is nothing that is known here.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// No JSON, or not of the shape that Discord describes.
    #[error("the body does not read")]
    Json(#[from] serde_json::Error),
    /// A kind of interaction that nothing here leads to.
    #[error("nothing here leads to interactions of the kind {0}")]
    Kind(u8),
    /// It does not say who asks, or says it twice and differently.
    #[error("it does not say who asks")]
    Nobody,
}

#[derive(Deserialize)]
struct Raw {
    id: Snowflake,
    #[serde(rename = "type")]
    kind: u8,
    data: Option<RawData>,
    member: Option<RawMember>,
    user: Option<RawUser>,
    #[serde(default)]
    locale: String,
}

#[derive(Deserialize)]
struct RawMember {
    user: Option<RawUser>,
}

#[derive(Deserialize)]
struct RawUser {
    id: Snowflake,
    #[serde(default)]
    username: String,
    #[serde(default)]
    bot: bool,
}

#[derive(Deserialize)]
struct RawData {
    #[serde(default)]
    name: String,
    #[serde(rename = "type", default)]
    kind: u8,
    #[serde(default)]
    options: Vec<RawOption>,
    target_id: Option<Snowflake>,
    resolved: Option<RawResolved>,
}

#[derive(Deserialize)]
struct RawOption {
    name: String,
    value: Option<Value>,
}

#[derive(Deserialize)]
struct RawResolved {
    #[serde(default)]
    messages: BTreeMap<String, RawMessage>,
}

#[derive(Deserialize)]
struct RawMessage {
    #[serde(default)]
    content: String,
}

impl Interaction {
    /// Of a request that Discord has signed.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(body: Verified<'_>) -> Result<Self, Unreadable> {
        let raw: Raw = serde_json::from_slice(body.0)?;
        match (raw.kind, &raw.data) {
            (PING, _) => Ok(Self::Ping),
            (COMMAND, Some(data)) => Ok(Self::Asked(Asked {
                command: data.command(),
                by: raw.asker().ok_or(Unreadable::Nobody)?,
                locale: visible(&raw.locale, LONGEST_LOCALE),
                id: raw.id,
            })),
            (kind, _) => Err(Unreadable::Kind(kind)),
        }
    }
}

impl Raw {
    /// In a server it is a member, elsewhere a user; never two of them.
    fn asker(&self) -> Option<Asker> {
        let member = self.member.as_ref().and_then(|member| member.user.as_ref());
        let user = match (member, &self.user) {
            (Some(one), Some(other)) if one.id != other.id => return None,
            (one, other) => one.or(other.as_ref())?,
        };
        let name = visible(&user.username, LONGEST_NAME);
        let name = if name.trim().is_empty() { user.id.to_string() } else { name.trim().to_owned() };
        Some(Asker { id: user.id, name, is_bot: user.bot })
    }
}

impl RawData {
    fn option(&self, name: &str) -> &str {
        let found = self.options.iter().find(|option| option.name == name);
        found.and_then(|option| option.value.as_ref()).and_then(Value::as_str).unwrap_or_default()
    }

    fn command(&self) -> Result<Command, NoCommand> {
        if self.kind == OF_MESSAGE {
            let message = || {
                let id = self.target_id?.to_string();
                Some(self.resolved.as_ref()?.messages.get(&id)?.content.as_str())
            };
            // What somebody else wrote is looked up. It is nobody's request for money.
            return Command::read(message().unwrap_or_default()).map(Command::looking);
        }
        if self.kind != SLASH {
            return Err(NoCommand::Unknown);
        }
        match self.name.as_str() {
            "status" => Ok(Command::Status),
            "help" => Ok(Command::Help),
            "tx" => TransactionName::read(self.option("id")).map(Command::Transaction),
            "balance" => AddressText::read(self.option("address")).map(Command::Balance),
            "tap" => AddressText::read(self.option("address")).map(Command::Tap),
            "paste" => Command::read(self.option("text")),
            _ => Err(NoCommand::Unknown),
        }
    }
}
