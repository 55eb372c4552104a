//! What whoever looks after a faucet does: it is written into a database, with who and why in the audit log.

use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_domain::{Clock, NetworkId, Timestamp};
use apogee_faucet::liftable;
use apogee_faucet::operate::{self, By};
use apogee_store::{Faucet, FaucetEntry, LimitKey, Page, Store, StoreError};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::source::Database;
use crate::cli::treasury::{actor, said};
use crate::cli::{Answer, Failure, Format, treasury};
use crate::config::Config;
use crate::edge::SystemClock;
use crate::faucets::{Lookup, NoSubject, key_of, name_of};
use crate::networks;
use crate::nodes::Nodes;
use crate::sources::Sources;

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Entries that are read at once.
const PAGE: u32 = 1_000;

/// Which faucet of which database.
#[derive(Debug, Args)]
struct Of {
    #[command(flatten)]
    database: Database,
    /// The faucet's network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    /// The faucet
    faucet: String,
}

/// Who does something, and why.
#[derive(Debug, Args)]
struct Why {
    /// Why; it goes into the audit log, and whoever is concerned reads it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who you are: the audit log names you cli:NAME, and without it cli
    #[arg(long, value_name = "NAME", value_parser = actor)]
    actor: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Control {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Allow {
    #[command(flatten)]
    of: Of,
    /// Whom: github:583231, an address in any of its forms, or a network such as 192.0.2.0/24
    subject: String,
    /// A rule that is lifted, by its code; several as `--lift account-age --lift network-limit`, and none for all that can be
    #[arg(long = "lift", value_name = "CODE")]
    lifts: Vec<String>,
    /// Days until it is over
    #[arg(long, value_name = "NUMBER", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=365))]
    days: u16,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Deny {
    #[command(flatten)]
    of: Of,
    /// Whom: github:583231, an address in any of its forms, or a network such as 192.0.2.0/24
    subject: String,
    /// Days until it is over; for good where it is left out
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: Option<u16>,
    #[command(flatten)]
    why: Why,
}

/// What is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum List {
    /// An exception.
    Allow,
    /// A refusal.
    Deny,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Remove {
    #[command(flatten)]
    of: Of,
    /// Whose
    subject: String,
    /// An exception or a refusal
    #[arg(long)]
    list: List,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Entries {
    #[command(flatten)]
    of: Of,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Reconcile {
    #[command(flatten)]
    of: Of,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl From<NoSubject> for Failure {
    fn from(error: NoSubject) -> Self {
        if error.is_input() { Self::input(error) } else { Self::world(error) }
    }
}

fn world(error: StoreError) -> Failure {
    Failure::world(error)
}

/// A faucet that is there.
struct Found {
    config: Config,
    store: Arc<dyn Store>,
    faucet: Faucet,
}

impl Of {
    async fn find(&self) -> Result<Found, Failure> {
        let (config, place) = self.database.place()?;
        let store = place.existing().await?;
        let found = store.faucet(&self.network, &self.faucet).await.map_err(world)?;
        let Some(faucet) = found else {
            let all = store.faucets().await.map_err(world)?;
            let names: Vec<_> =
                all.iter().take(20).map(|one| format!("{}/{}", one.network, one.name)).collect();
            let there =
                if names.is_empty() { "has none".to_owned() } else { format!("has {}", names.join(", ")) };
            return Err(Failure::input(format!(
                "no faucet {}/{} in the database, which {there}",
                self.network, self.faucet
            )));
        };
        Ok(Found { config, store, faucet })
    }
}

impl Found {
    /// Where actors of the network are looked up: nodes are asked only where an address does not say whose it is.
    async fn lookup(&self) -> Result<Lookup, Failure> {
        let network = &self.faucet.network;
        let known = self.store.networks().await.map_err(world)?;
        let known = known.into_iter().find(|known| known.id == *network);
        let known =
            known.ok_or_else(|| Failure::input(format!("{network} is not indexed in this database")))?;
        let settings = self.config.networks.get_key_value(network);
        let alone: BTreeMap<_, _> =
            settings.map(|(id, settings)| (id.clone(), settings.clone())).into_iter().collect();
        let nodes = Arc::new(Nodes::open(&alone).map_err(Failure::input)?);
        let mut prepared = Vec::new();
        for (id, settings) in alone.iter().filter(|(_, settings)| settings.spacemesh.is_none()) {
            prepared.push(networks::prepare(Some(id), settings)?);
        }
        let sources = Arc::new(Sources::new(Arc::new(SystemClock), &prepared, nodes));
        Ok(Lookup::of(Arc::clone(&self.store), sources, &known))
    }

    async fn put(&self, subject: &str, entry: Put<'_>, why: &Why) -> Result<Answer, Failure> {
        let key = key_of(&*self.store, &self.lookup().await?, subject).await?;
        let now = SystemClock.now();
        let until = entry.days.map(|days| Timestamp::from_seconds(now.seconds() + i64::from(days) * DAY));
        let Put { denies, lifts, .. } = entry;
        let entry = FaucetEntry {
            network: self.faucet.network.clone(),
            faucet: self.faucet.name.clone(),
            subject: key,
            denies,
            lifts: lifts.to_owned(),
            until,
            reason: String::new(),
            by: String::new(),
            at: now,
        };
        let actor = why.actor();
        operate::put_entry(&*self.store, &entry, why.by(&actor, now)?).await.map_err(
            |error| match error {
                StoreError::Conflict { found, .. } => Failure::input(format!(
                    "there is a refusal that lasts longer: {found}; strike it with `faucet remove`"
                )),
                error => world(error),
            },
        )?;
        let until = until.map_or_else(|| "for good".to_owned(), |until| format!("until {until}"));
        let what = if denies { "is refused" } else { "is excepted" };
        println!("{} {} {what} {until}", entry.subject.scope, entry.subject.key);
        Ok(Answer::Yes)
    }
}

/// What is put down.
struct Put<'a> {
    denies: bool,
    lifts: &'a str,
    days: Option<u16>,
}

impl Why {
    fn actor(&self) -> String {
        self.actor.as_ref().map_or_else(|| "cli".to_owned(), |name| format!("cli:{name}"))
    }

    fn by<'a>(&'a self, actor: &'a str, at: Timestamp) -> Result<By<'a>, Failure> {
        Ok(By { actor, reason: said(&self.reason)?, at })
    }
}

impl Control {
    pub(in crate::cli) async fn run(self, enabled: bool) -> Result<Answer, Failure> {
        let (actor, now) = (self.why.actor(), SystemClock.now());
        let by = self.why.by(&actor, now)?;
        let Found { store, faucet, .. } = self.of.find().await?;
        operate::set_enabled(&*store, (&faucet.network, &faucet.name), enabled, by).await.map_err(world)?;
        let is = if enabled { "grants again" } else { "grants nothing more" };
        println!("{}/{} {is}", faucet.network, faucet.name);
        Ok(Answer::Yes)
    }
}

impl Allow {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        said(&self.why.reason)?;
        let codes = liftable(self.lifts.iter().map(String::as_str));
        let codes = codes
            .map_err(|word| Failure::input(format!("--lift: {word:?} is no rule that can be lifted")))?;
        let lifts: Vec<&str> = codes.iter().map(|code| code.word()).collect();
        let put = Put { denies: false, lifts: &lifts.join(","), days: Some(self.days) };
        self.of.find().await?.put(&self.subject, put, &self.why).await
    }
}

impl Deny {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        said(&self.why.reason)?;
        let put = Put { denies: true, lifts: "", days: self.days };
        self.of.find().await?.put(&self.subject, put, &self.why).await
    }
}

impl Remove {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let (actor, now) = (self.why.actor(), SystemClock.now());
        let by = self.why.by(&actor, now)?;
        let found = self.of.find().await?;
        let (network, name) = (&found.faucet.network, &found.faucet.name);
        let denies = self.list == List::Deny;
        let lookup = found.lookup().await?;
        // As it is listed, or in another form of it. What is listed may be an actor that the network has no longer.
        let key = match name_of(&self.subject, lookup.notation()) {
            Some(key) if self.listed(&*found.store, &key, denies).await? => key,
            _ => key_of(&*found.store, &lookup, &self.subject).await?,
        };
        let of = (network, name.as_str());
        if operate::remove_entry(&*found.store, of, (&key, denies), by).await.map_err(world)? {
            println!("{} {} is struck", key.scope, key.key);
            return Ok(Answer::Yes);
        }
        eprintln!("apogee: nothing of the kind is put down about {} {}", key.scope, key.key);
        Ok(Answer::No)
    }

    async fn listed(&self, store: &dyn Store, key: &LimitKey, denies: bool) -> Result<bool, Failure> {
        let of = (&self.of.network, &self.of.faucet);
        let entries = store.entries_of(of.0, of.1, std::slice::from_ref(key)).await.map_err(world)?;
        Ok(entries.iter().any(|entry| entry.denies == denies))
    }
}

impl Entries {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let Found { store, faucet, .. } = self.of.find().await?;
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = Page { after, limit: PAGE };
            let page = store.faucet_entries(&faucet.network, &faucet.name, page).await.map_err(world)?;
            after = page.last().map(|last| (last.subject.clone(), last.denies));
            if after.is_none() {
                break;
            }
            all.extend(page);
        }
        let list = |entry: &FaucetEntry| if entry.denies { "deny" } else { "allow" };
        let until = |entry: &FaucetEntry| entry.until.map(|until| until.to_string());
        match self.format {
            Format::Json => {
                let rows = all.iter().map(|entry| {
                    json!({
                        "list": list(entry), "scope": entry.subject.scope, "subject": entry.subject.key,
                        "lifts": entry.lifts.split(',').filter(|code| !code.is_empty()).collect::<Vec<_>>(),
                        "until": until(entry), "by": entry.by, "at": entry.at.to_string(), "reason": entry.reason,
                    })
                });
                println!("{}", serde_json::Value::from_iter(rows));
            }
            Format::Csv => {
                println!("list,scope,subject,lifts,until,by,at");
                for entry in &all {
                    let (until, lifts) = (until(entry).unwrap_or_default(), entry.lifts.replace(',', " "));
                    let FaucetEntry { subject, by, at, .. } = entry;
                    println!("{},{},{},{lifts},{until},{by},{at}", list(entry), subject.scope, subject.key);
                }
            }
            Format::Table => {
                for entry in &all {
                    let until = until(entry).unwrap_or_else(|| "for good".to_owned());
                    let FaucetEntry { subject, by, reason, lifts, .. } = entry;
                    let what = list(entry);
                    println!(
                        "{what:<6}{:<12}{:<46}{until:<22}{by:<20}{lifts}  {reason}",
                        subject.scope, subject.key
                    );
                }
            }
        }
        Ok(Answer::Yes)
    }
}

impl Reconcile {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let Found { config, store, faucet } = self.of.find().await?;
        treasury::reconcile_wallet(&config, &store, (&faucet.network, &faucet.wallet), self.format).await
    }
}
