use apogee_competition::claim::{Action, LIFE, Message, Role, proposal_commitment};
use apogee_domain::Epoch;
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::App;
use crate::web::competition::Stage;
use crate::web::query::{Questions, Why};

/// What a message is asked for.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct ClaimQuery {
    pub(super) action: String,
    pub(super) miner: String,
    pub(super) role: String,
    pub(super) entity: String,
    pub(super) name: String,
    pub(super) region: String,
    pub(super) track: String,
    pub(super) from: String,
    pub(super) payout: String,
    pub(super) about: String,
    pub(super) text: String,
}

impl Questions for ClaimQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        let field = match name {
            "action" => &mut self.action,
            "miner" => &mut self.miner,
            "role" => &mut self.role,
            "entity" => &mut self.entity,
            "name" => &mut self.name,
            "region" => &mut self.region,
            "track" => &mut self.track,
            "from" => &mut self.from,
            "payout" => &mut self.payout,
            "about" => &mut self.about,
            "text" => &mut self.text,
            _ => return Err(Why::Name),
        };
        value.trim().clone_into(field);
        Ok(())
    }
}

/// A message that can be signed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClaimMessage)]
pub(crate) struct Made {
    /// To the byte; no line feed follows.
    pub(super) text: String,
    /// The same in hexadecimal digits, as `lotus wallet sign` takes it.
    pub(super) hex: String,
    /// Epoch after which it is no longer good.
    #[schema(value_type = i64)]
    pub(super) expires: Epoch,
    /// Whether the leader of the entity has to sign it too.
    pub(super) needs_consent: bool,
    /// What the parameters of a multisig's proposal have to hold, where the owner is one.
    #[schema(value_type = String)]
    pub(super) commitment: apogee_domain::Digest,
}

/// The message that is asked for; `None` where too little is asked for, words where it cannot be made.
pub(super) fn make(
    app: &App,
    stage: &Stage,
    query: &ClaimQuery,
    issued: Epoch,
) -> Option<Result<Made, String>> {
    if query.miner.is_empty() || query.entity.is_empty() {
        return None;
    }
    Some(message(app, stage, query, issued).map(|message| {
        let text = message.to_string();
        Made {
            hex: text.bytes().map(|byte| format!("{byte:02x}")).collect(),
            expires: message.expires,
            needs_consent: message.action.needs_consent(),
            commitment: proposal_commitment(&text),
            text,
        }
    }))
}

fn message(app: &App, stage: &Stage, query: &ClaimQuery, issued: Epoch) -> Result<Message, String> {
    let competition = stage.now.held.competition();
    let founding = competition.founding().ok_or("nothing is founded")?;
    let rules = competition.rules_at(issued).ok_or("no rules hold yet")?;
    let id = |field: &str, text: &str| text.parse().map_err(|error| format!("{field}: {error}"));
    let optional = |field: &str, text: &str| (!text.is_empty()).then(|| id(field, text)).transpose();
    let action = match query.action.as_str() {
        "" | "claim" => Action::Claim {
            name: query.name.clone(),
            region: optional("region", &query.region)?,
            tracks: optional("track", &query.track)?.into_iter().collect(),
        },
        "join" => Action::Join,
        "leave" => Action::Leave,
        "transfer" => Action::Transfer { from: id("from", &query.from)? },
        "rename" => Action::Rename { name: query.name.clone() },
        "set-payout-address" => Action::SetPayoutAddress {
            commitment: query.payout.parse().map_err(|error| format!("payout: {error}"))?,
        },
        "appeal" => Action::Appeal {
            about: query.about.parse().map_err(|error| format!("about: {error}"))?,
            text: query.text.clone(),
        },
        other => return Err(format!("action: there is no {other}")),
    };
    let role = match query.role.as_str() {
        "" | "owner" => Role::Owner,
        "worker" => Role::Worker,
        other => return Err(format!("role: there is no {other}")),
    };
    // The same address gives the same message until the chain moves on: what it says counts once.
    let nonce = app.guard.mark(&format!("nonce {} {query:?} {issued}", stage.id()));
    let message = Message {
        domain: founding.domain.clone(),
        network: founding.network.clone(),
        competition: competition.id().clone(),
        rules: rules.hash,
        action,
        miner: id("miner", &query.miner)?,
        role,
        entity: id("entity", &query.entity)?,
        nonce: nonce.chars().take(32).collect(),
        issued,
        expires: issued.plus(u32::try_from(LIFE).unwrap_or(u32::MAX)),
    };
    // A line feed in a name would be another line.
    match message.to_string().parse::<Message>() {
        Ok(read) if read == message => Ok(message),
        Ok(_) => Err("a text has a line end in it".to_owned()),
        Err(refusal) => Err(refusal.to_string()),
    }
}
