//! `apogee refunds dry-run`

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use apogee_domain::{Atto, Clock, Epoch, NetworkId};
use apogee_faucet::policy::Coin;
use apogee_faucet::refund::{
    self, FinalChain, FinalEpoch, Held, RefundPolicy, Unread, WalkError, close, walk,
};
use apogee_filecoin::source::Source;
use apogee_filecoin::types::{Tipset, TipsetKey};
use apogee_store::{Grants, Page, Payment, Reimbursable, Store};
use apogee_store_sqlite::SqliteStore;
use async_trait::async_trait;
use clap::Args;
use serde_json::json;
use tokio::sync::watch;

use super::super::source::{self, Chosen, Database};
use super::super::{Answer, Failure, Format};
use super::{PAGE, Sum, table};
use crate::edge::SystemClock;
use crate::refunds::{self, Indexed, Readable, stand};

/// What the faucet is called in the database that is thrown away.
const NAME: &str = "dry-run";
/// Epochs that are asked for at once.
const WINDOW: u32 = 64;

#[derive(Debug, Args)]
pub(in super::super) struct DryRun {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    chosen: Chosen,
    /// The policy; without a file that which comes with the program
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The first epoch; by default the oldest one that there is
    #[arg(long, value_name = "EPOCH", value_parser = source::epoch)]
    from: Option<Epoch>,
    /// The last epoch; by default the newest one of which it is known what came of it
    #[arg(long, value_name = "EPOCH", value_parser = source::epoch)]
    to: Option<Epoch>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What is walked along, and what stands where it ends.
struct Way {
    network: NetworkId,
    chain: Box<dyn FinalChain>,
    first: Epoch,
    /// The newest tipset: what came of those before it is known.
    last: Epoch,
    verified: bool,
}

impl DryRun {
    pub(in super::super) async fn run(self) -> Result<Answer, Failure> {
        let (text, policy) = refunds::policy(NAME, self.policy.as_ref())?;
        // Nobody ends it: whoever asked waits.
        let (_running, end) = watch::channel(false);
        let way = if self.chosen.is_given() { self.told(end).await } else { self.indexed(end).await }?;
        let (from, to) = (self.from.unwrap_or(way.first), self.to.unwrap_or(way.last));
        if from > to || from < way.first || to > way.last {
            return Err(Failure::input(format!(
                "epochs {from} to {to} cannot be read: there are those from {} to {}",
                way.first, way.last
            )));
        }
        let folder = tempfile::tempdir().map_err(Failure::world)?;
        let store = SqliteStore::open(&folder.path().join("dry-run.sqlite")).await.map_err(Failure::world)?;
        refunds::put(&store, SystemClock.now(), (&way.network, NAME), NAME, (&policy, &text)).await?;
        go(&store, &policy, &way, from, to).await?;
        let (rows, payments) = kept(&store, &way.network, to).await?;
        let sum = Sum::of(&rows);
        if sum.refund > sum.burn {
            let (refund, burn) = (Coin::Fil.money(sum.refund), Coin::Fil.money(sum.burn));
            return Err(Failure::world(format!("{refund} would be paid back for {burn} that were burnt")));
        }
        let faucet = store.faucet(&way.network, NAME).await.map_err(Failure::world)?;
        let paused = faucet.filter(|faucet| !faucet.enabled).map(|faucet| faucet.reason);
        let verified = way.verified;
        let report = Report { policy: &policy, from, to, verified, paused, rows: &rows, payments: &payments };
        report.print(self.format);
        Ok(Answer::Yes)
    }

    /// The chain as a source tells it.
    async fn told(&self, end: watch::Receiver<bool>) -> Result<Way, Failure> {
        let (config, _) = self.database.place()?;
        let chain = self.chosen.one(&config)?.open().await?;
        let (oldest, head) = (chain.source.oldest().await, chain.source.head().await);
        let (oldest, head) = (oldest.map_err(Failure::world)?, head.map_err(Failure::world)?);
        let prefix = chain.network.address_prefix.chars().next().unwrap_or('t');
        let told = Told { source: chain.source, head: head.key().clone(), last: head.epoch(), prefix, end };
        Ok(Way {
            network: chain.network.id,
            chain: Box::new(told),
            first: oldest.epoch(),
            last: head.epoch(),
            verified: false,
        })
    }

    /// What a database has as final.
    async fn indexed(&self, end: watch::Receiver<bool>) -> Result<Way, Failure> {
        let (config, place) = self.database.place()?;
        let chain = self.chosen.one(&config)?.open().await?;
        let store = place.existing().await?;
        let network = source::known(&store, &chain.network.id).await?;
        let cursor = store.cursor(&network.id).await.map_err(Failure::world)?;
        let last = cursor.and_then(|cursor| cursor.final_epoch);
        let last = last.ok_or_else(|| Failure::input(format!("nothing of {} is final yet", network.id)))?;
        let prefix = network.address_prefix.chars().next().unwrap_or('t');
        let id = network.id;
        let chain = Indexed { store, source: chain.source, network: id.clone(), prefix, end };
        Ok(Way { network: id, chain: Box::new(chain), first: Epoch::default(), last, verified: true })
    }
}

/// The way, with the end of a period behind it.
async fn go(
    store: &dyn Store,
    policy: &RefundPolicy,
    way: &Way,
    from: Epoch,
    to: Epoch,
) -> Result<(), WalkError> {
    let (faucet, now) = ((&way.network, NAME), SystemClock.now());
    let until = Until { chain: &*way.chain, to, newest: Mutex::new(from) };
    while walk(store, policy, faucet, &until, from, (u32::MAX, now)).await?.more {}
    // As if a period ended behind the last epoch: what is proven by then is owed.
    close(store, policy, faucet, &until, (to.plus(1), now)).await.map(drop)
}

/// A chain up to an epoch.
struct Until<'a> {
    chain: &'a dyn FinalChain,
    to: Epoch,
    /// The newest tipset that was read.
    newest: Mutex<Epoch>,
}

#[async_trait]
impl FinalChain for Until<'_> {
    async fn next(&self, from: Epoch) -> Result<Option<FinalEpoch>, Unread> {
        if from > self.to {
            return Ok(None);
        }
        let found = self.chain.next(from).await?.filter(|found| found.epoch <= self.to);
        if let Some(found) = &found {
            *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = found.epoch;
        }
        Ok(found)
    }

    async fn stand(&self, at: Epoch, rows: &[Reimbursable]) -> Result<Vec<Held>, Unread> {
        let newest = *self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        self.chain.stand(at.min(newest), rows).await
    }
}

/// A chain as one source tells it.
struct Told {
    source: Arc<dyn Source>,
    head: TipsetKey,
    last: Epoch,
    prefix: char,
    end: watch::Receiver<bool>,
}

impl Told {
    async fn tipset_from(&self, from: Epoch) -> Result<Option<Tipset>, Unread> {
        let mut from = from;
        while from <= self.last {
            let to = from.plus(WINDOW - 1).min(self.last);
            let mut found = self.source.range(&self.head, from, to).await?.into_iter();
            if let Some(first) = found.next() {
                return Ok(Some(first));
            }
            from = to.plus(1);
        }
        Ok(None)
    }
}

#[async_trait]
impl FinalChain for Told {
    async fn next(&self, from: Epoch) -> Result<Option<FinalEpoch>, Unread> {
        let Some(tipset) = self.tipset_from(from).await? else { return Ok(None) };
        let Some(child) = self.tipset_from(tipset.epoch().plus(1)).await? else { return Ok(None) };
        let nodes = Readable::of(&*self.source, &self.end);
        Ok(Some(nodes.epoch(tipset, child, self.prefix, true).await?))
    }

    async fn stand(&self, at: Epoch, rows: &[Reimbursable]) -> Result<Vec<Held>, Unread> {
        let tipset = self.tipset_from(at).await?.ok_or("the chain ends before that epoch")?;
        let state = tipset.first().parent_state_root;
        stand(Readable::of(&*self.source, &self.end), state, rows).await
    }
}

/// Rows and payments of the database that is thrown away.
async fn kept(
    store: &dyn Store,
    network: &NetworkId,
    to: Epoch,
) -> Result<(Vec<Reimbursable>, Vec<Payment>), Failure> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: PAGE };
        let found = store.reimbursables_between(network, NAME, Epoch::default(), to, page).await;
        let found: Vec<Reimbursable> = found.map_err(Failure::world)?;
        let Some(last) = found.last() else { break };
        after = Some((last.epoch, last.message.clone()));
        rows.extend(found);
    }
    let (mut payments, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: PAGE };
        let found = store.payments_of(network, &format!("refund/{NAME}"), page).await;
        let found: Vec<Payment> = found.map_err(Failure::world)?;
        let Some(last) = found.last() else { return Ok((rows, payments)) };
        after = Some(last.id.clone());
        payments.extend(found);
    }
}

/// What would have come of it.
struct Report<'a> {
    policy: &'a RefundPolicy,
    from: Epoch,
    to: Epoch,
    verified: bool,
    /// Why the faucet would have paused itself.
    paused: Option<String>,
    rows: &'a [Reimbursable],
    payments: &'a [Payment],
}

impl Report<'_> {
    fn print(&self, format: Format) {
        match format {
            Format::Csv => print!("{}", refund::csv(self.rows)),
            Format::Json => println!("{:#}", self.json()),
            Format::Table => self.table(),
        }
    }

    fn owed(&self) -> Atto {
        Atto(self.payments.iter().fold(0, |sum, payment| payment.amount.0.saturating_add(sum)))
    }

    fn json(&self) -> serde_json::Value {
        let sum = Sum::of(self.rows);
        let rows: serde_json::Value = serde_json::from_str(&refund::json(self.rows)).unwrap_or_default();
        let payment = |of: &Payment| json!({ "payee": of.payee, "amount": of.amount, "name": of.id });
        json!({
            "policy": { "version": self.policy.version, "digest": self.policy.digest() },
            "from": self.from, "to": self.to, "verified": self.verified, "paused": self.paused,
            "messages": sum.messages, "burnt": sum.burn, "refunds": sum.refund, "owed": self.owed(),
            "payments": self.payments.iter().map(payment).collect::<Vec<_>>(),
            "rows": rows,
        })
    }

    fn table(&self) {
        let Self { policy, from, to, .. } = self;
        println!("Epochs {from} to {to}, policy {} ({})", policy.version, policy.digest());
        if !self.verified {
            println!("Nothing of this was verified: it is the chain as its source tells it.");
        }
        if let Some(reason) = &self.paused {
            println!("The faucet would have paused itself, and nothing would be paid from then on: {reason}");
        }
        println!();
        table(self.rows);
        println!();
        for Payment { id, payee, amount, .. } in self.payments {
            println!("{:<28}{payee:<16}{id}", Coin::Fil.money(*amount).to_string());
        }
        let (payments, owed) = (self.payments.len(), Coin::Fil.money(self.owed()));
        println!("{payments} payments, {owed}. Nothing was written and nobody is paid.");
    }
}

impl From<WalkError> for Failure {
    fn from(error: WalkError) -> Self {
        Self::world(error)
    }
}
