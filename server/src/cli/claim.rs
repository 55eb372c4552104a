//! `apogee claim`: what miners sign, and where they send it.

use std::io::Write;
use std::path::PathBuf;

use apogee_competition::claim::{Action, LIFE, Message, Role};
use apogee_competition::{Hex, payout_commitment};
use apogee_domain::Clock;
use apogee_rules::Id;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::competition::documents::{self, wrong};
use super::desk::Desk;
use super::operator::own;
use super::source::{Chosen, Database};
use super::{Answer, Failure};
use crate::claims::{Filed, file};
use crate::competitions::World;
use crate::edge::{self, SystemClock};

#[derive(Debug, Subcommand)]
pub(super) enum Claim {
    /// Print the text that a miner's key signs, to the byte, and how to sign it.
    Message(Box<Compose>),
    /// Put a signed message into the ledger.
    Submit(Box<Submit>),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Whose {
    /// The owner's key
    Owner,
    /// The worker's key
    Worker,
}

impl From<Whose> for Role {
    fn from(whose: Whose) -> Self {
        match whose {
            Whose::Owner => Self::Owner,
            Whose::Worker => Self::Worker,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Asked {
    /// Found the entity, with this miner as its first member
    Claim,
    /// Become a member; the entity's leader consents
    Join,
    /// Stop being a member
    Leave,
    /// Leave one entity for another
    Transfer,
    /// Give the entity another name
    Rename,
    /// Commit to where payouts go
    SetPayoutAddress,
    /// Ask for another look at an entry
    Appeal,
}

#[derive(Debug, Args)]
pub(super) struct Compose {
    /// The competition
    #[arg(long, value_name = "ID")]
    competition: String,
    #[command(flatten)]
    database: Database,
    /// The miner, such as t01000
    #[arg(long, value_name = "MINER")]
    miner: Id,
    /// Whose key signs
    #[arg(long, value_enum)]
    role: Whose,
    /// What is asked for
    #[arg(long, value_enum)]
    action: Asked,
    /// For which entity
    #[arg(long, value_name = "ENTITY")]
    entity: Id,
    /// With claim and rename: its name for people
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// With claim: the region it says it is in
    #[arg(long, value_name = "REGION")]
    region: Option<Id>,
    /// With claim: a track it takes part in
    #[arg(long = "track", value_name = "TRACK")]
    tracks: Vec<Id>,
    /// With transfer: the entity that is left
    #[arg(long, value_name = "ENTITY")]
    from: Option<Id>,
    /// With set-payout-address: the address, which is hidden until results are final
    #[arg(long, value_name = "ADDRESS", requires = "keep")]
    address: Option<String>,
    /// With set-payout-address: new file that keeps the address with its salt
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// With appeal: number of the entry
    #[arg(long, value_name = "NUMBER")]
    about: Option<u64>,
    /// With appeal: why
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Epochs until it expires
    #[arg(long, value_name = "EPOCHS", default_value_t = 120)]
    life: u32,
    /// Write the message into this new file instead of printing it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Submit {
    /// The message, to the byte
    file: PathBuf,
    /// Where it is sent; by default the competition that it names
    #[arg(long, value_name = "ID")]
    competition: Option<String>,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    chosen: Chosen,
    /// As the wallet printed it
    #[arg(long, value_name = "HEX")]
    signature: String,
    /// With an owner that is a multisig: its proposal
    #[arg(long, value_name = "PROPOSAL")]
    proposal: Option<String>,
    /// With join and transfer: the role and signature of the leader, written owner:HEX or worker:HEX
    #[arg(long, value_name = "ROLE:HEX", value_parser = consent)]
    consent: Option<(Role, String)>,
}

fn consent(text: &str) -> Result<(Role, String), &'static str> {
    match text.split_once(':') {
        Some(("owner", signature)) => Ok((Role::Owner, signature.to_owned())),
        Some(("worker", signature)) => Ok((Role::Worker, signature.to_owned())),
        _ => Err("consent is written owner:HEX or worker:HEX"),
    }
}

impl Claim {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Message(compose) => compose.run().await,
            Self::Submit(submit) => submit.run().await,
        }
    }
}

impl Compose {
    async fn run(self) -> Result<Answer, Failure> {
        if i64::from(self.life) > LIFE || self.life == 0 {
            return Err(Failure::input(format!("--life: a message lives 1 to {LIFE} epochs")));
        }
        let desk = Desk::open(&self.database, &self.competition, true).await?;
        let competition = desk.competition();
        let issued = desk.epoch();
        let rules = competition.rules_at(issued).map(|published| published.hash);
        let rules = rules.ok_or_else(|| Failure::input("no-such-rules: no rules are published yet"))?;
        let founding = competition.founding().ok_or_else(|| Failure::input("nobody has founded it"))?;
        let action = self.action()?;
        let nonce = Hex(edge::entropy()?).to_string();
        let message = Message {
            domain: founding.domain.clone(),
            network: founding.network.clone(),
            competition: competition.id().clone(),
            rules,
            action,
            miner: self.miner.clone(),
            role: self.role.into(),
            entity: self.entity.clone(),
            nonce: nonce.chars().take(32).collect(),
            issued,
            expires: issued.plus(self.life),
        };
        let text = message.to_string();
        // What cannot be read back nobody should sign.
        text.parse::<Message>()?;
        match &self.out {
            Some(out) => own(out, &text)?,
            None => {
                print!("{text}");
                std::io::stdout().flush().map_err(Failure::world)?;
            }
        }
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("\nSign it with the key of the {}:\n\n  lotus wallet sign ADDRESS {hex}", message.role);
        Ok(Answer::Yes)
    }

    fn action(&self) -> Result<Action, Failure> {
        let need = |what: &str| Failure::input(format!("--{what} is needed for this action"));
        let belongs = [
            (self.name.is_some(), "name", &[Asked::Claim, Asked::Rename][..]),
            (self.region.is_some(), "region", &[Asked::Claim]),
            (!self.tracks.is_empty(), "track", &[Asked::Claim]),
            (self.from.is_some(), "from", &[Asked::Transfer]),
            (self.address.is_some(), "address", &[Asked::SetPayoutAddress]),
            (self.about.is_some(), "about", &[Asked::Appeal]),
            (self.text.is_some(), "text", &[Asked::Appeal]),
        ];
        let stray = belongs.iter().find(|(there, _, actions)| *there && !actions.contains(&self.action));
        if let Some((_, what, _)) = stray {
            return Err(Failure::input(format!("--{what} does not belong to this action")));
        }
        Ok(match self.action {
            Asked::Claim => {
                let mut tracks = self.tracks.clone();
                tracks.sort();
                tracks.dedup();
                let name = self.name.clone().ok_or_else(|| need("name"))?;
                Action::Claim { name, region: self.region.clone(), tracks }
            }
            Asked::Join => Action::Join,
            Asked::Leave => Action::Leave,
            Asked::Transfer => Action::Transfer { from: self.from.clone().ok_or_else(|| need("from"))? },
            Asked::Rename => Action::Rename { name: self.name.clone().ok_or_else(|| need("name"))? },
            Asked::SetPayoutAddress => {
                let address = self.address.clone().ok_or_else(|| need("address"))?;
                let keep = self.keep.as_ref().ok_or_else(|| need("keep"))?;
                let read: Result<apogee_package::payout::Address, _> = address.parse();
                read.map_err(Failure::input)?;
                let salt = Hex(edge::entropy()?);
                let kept = json!({"entity": self.entity, "address": address, "salt": salt});
                own(keep, &format!("{kept}\n"))?;
                Action::SetPayoutAddress { commitment: payout_commitment(&salt, &address) }
            }
            Asked::Appeal => Action::Appeal {
                about: self.about.ok_or_else(|| need("about"))?,
                text: self.text.clone().ok_or_else(|| need("text"))?,
            },
        })
    }
}

impl Submit {
    async fn run(self) -> Result<Answer, Failure> {
        let bytes = documents::bytes(&self.file)?;
        let message = String::from_utf8(bytes).map_err(|cause| wrong(&self.file, cause))?;
        let read: Message = message.parse()?;
        let (config, place) = self.database.place()?;
        let store = place.existing().await?;
        let chain = self.chosen.source(&config, Some(&read.network)).await?;
        let world = World { now: SystemClock.now(), source: chain.source, recorded: chain.recorded };
        let filed =
            Filed { message, signature: self.signature, proposal: self.proposal, consent: self.consent };
        let competition = self.competition.as_deref().unwrap_or_else(|| read.competition.as_str());
        let accepted = file(&*store, &world, competition, &filed).await?;
        println!("#{} claim {}", accepted.seq, accepted.hash);
        Ok(Answer::Yes)
    }
}
