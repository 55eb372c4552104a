//! `apogee treasury`: wallets, and what is paid from them.

mod spawn;

use std::sync::Arc;

use apogee_domain::{Clock, Epoch, NetworkId};
use apogee_store::{Count, Lease, Mark, Page, Payment, PaymentState, Store, Wallet, WalletMode};
use apogee_treasury::operate::{self, By};
use apogee_treasury::{TreasuryError, reconcile};
use clap::{Args, Subcommand};
use serde_json::json;

use super::source::Database;
use super::{Answer, Failure, Format};
use crate::competitions::is_paid_elsewhere;
use crate::config;
use crate::edge::{self, SystemClock};
use crate::networks;
use crate::spacemesh::Node;
use crate::tellers::{NoTeller, Reports, Teller};

/// Payments that are listed at most.
const LISTED: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum Treasury {
    /// Show each wallet: what it may do, what it owes, up to where it is booked.
    Status(Status),
    /// List payments in one state.
    Payments(Payments),
    /// Stop new payments of a wallet: what is signed is still sent, so that no gap is left.
    Pause(SetMode),
    /// Stop a wallet altogether: nothing is signed and nothing is sent.
    Freeze(SetMode),
    /// Let a wallet pay again.
    Resume(SetMode),
    /// Let a paused wallet go on whose key was used elsewhere: its next nonce becomes the one that is booked.
    Adopt(Adopt),
    /// Take a payment back: at once where it has no nonce, else by a message that pays nobody and takes its nonce.
    Cancel(OnPayment),
    /// Pay a payment after all that failed or was taken back, once no fork can bring its old messages back.
    Requeue(OnPayment),
    /// Compare everything that is booked of the wallets with their chains, message by message. Exits 1 when something differs.
    Reconcile(Reconcile),
    /// Make a wallet on Spacemesh, which has to be before it can pay: it costs some 100,432 smidge, and the signer signs it.
    ///
    /// It may be called again and again: as long as it is not executed it gives the same transaction. Exits 1 until the wallet can be paid from.
    Spawn(spawn::Spawn),
    /// Pay from the wallets of the settings, without serving pages.
    Run(Run),
}

#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    database: Database,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Payments {
    #[command(flatten)]
    database: Database,
    /// The wallet's network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    /// The wallet
    #[arg(long, value_name = "NAME")]
    wallet: String,
    /// accepted, held, paying, included, final, failed or cancelled
    #[arg(long, value_name = "STATE")]
    state: String,
}

#[derive(Debug, Args)]
pub(super) struct SetMode {
    #[command(flatten)]
    database: Database,
    /// The wallet's network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    /// The wallet
    wallet: String,
    /// Why; it is shown on pages and goes into the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct Adopt {
    #[command(flatten)]
    on: SetMode,
    /// The nonce, which `status` shows as booked
    #[arg(long, value_name = "NUMBER")]
    nonce: u64,
}

#[derive(Debug, Args)]
pub(super) struct OnPayment {
    #[command(flatten)]
    database: Database,
    /// The payment's network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    /// The payment: `grant/…`, `refund/…`, `prize/…`
    payment: String,
    /// Why; it goes into the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct Reconcile {
    #[command(flatten)]
    database: Database,
    /// One wallet only
    #[arg(long, value_name = "NAME")]
    wallet: Option<String>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    database: Database,
}

impl Treasury {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Status(status) => status.run().await,
            Self::Payments(payments) => payments.run().await,
            Self::Pause(on) => on.run(WalletMode::Paused).await,
            Self::Freeze(on) => on.run(WalletMode::Frozen).await,
            Self::Resume(on) => on.run(WalletMode::Open).await,
            Self::Adopt(adopt) => adopt.run().await,
            Self::Cancel(on) => on.cancel().await,
            Self::Requeue(on) => on.requeue().await,
            Self::Reconcile(reconcile) => reconcile.run().await,
            Self::Spawn(spawn) => spawn.run().await,
            Self::Run(run) => run.run().await,
        }
    }
}

impl From<TreasuryError> for Failure {
    fn from(error: TreasuryError) -> Self {
        match error {
            TreasuryError::Unknown { .. } | TreasuryError::Refused { .. } => Self::input(error),
            error => Self::world(error),
        }
    }
}

impl From<NoTeller> for Failure {
    fn from(error: NoTeller) -> Self {
        match error {
            NoTeller::Chain(error) => error.into(),
            NoTeller::Treasury(error) => error.into(),
            error @ (NoTeller::Unread(_) | NoTeller::Node(_) | NoTeller::Store(_)) => Self::world(error),
            error => Self::input(error),
        }
    }
}

/// What is known of a wallet.
struct Seen {
    wallet: Wallet,
    lease: Option<Lease>,
    mark: Option<Mark>,
    counts: Vec<(PaymentState, Count)>,
}

impl Seen {
    async fn of(store: &dyn Store, wallet: Wallet) -> Result<Self, Failure> {
        let (network, name) = (&wallet.network, &wallet.name);
        let lease = store.lease(network, name).await.map_err(Failure::world)?;
        let mark = store.marks(network, name, Epoch::MAX, 1).await.map_err(Failure::world)?.pop();
        let counts = store.counts(network, name).await.map_err(Failure::world)?;
        Ok(Self { wallet, lease, mark, counts })
    }

    fn json(&self) -> serde_json::Value {
        let Wallet { network, name, address, next_nonce, mode, reason, proposes_for } = &self.wallet;
        let payments: serde_json::Map<_, _> = self
            .counts
            .iter()
            .map(|(state, count)| {
                (state.as_str().to_owned(), json!({"payments": count.payments, "amount": count.amount}))
            })
            .collect();
        let booked = self.mark.as_ref().map(|mark| {
            json!({"epoch": mark.epoch, "tipset": mark.key, "nonce": mark.nonce, "balance": mark.balance})
        });
        json!({
            "network": network, "wallet": name, "address": address, "next_nonce": next_nonce, "mode": mode.as_str(),
            "reason": reason, "proposes_for": proposes_for, "held_by": self.lease.as_ref().map(|lease| &lease.owner),
            "held_until": self.lease.as_ref().map(|lease| lease.until.to_string()), "booked": booked,
            "payments": payments,
        })
    }

    fn print(&self) {
        let Wallet { network, name, address, next_nonce, mode, reason, proposes_for } = &self.wallet;
        let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        println!("{network}/{name}  {address}  {}{why}  next nonce {next_nonce}", mode.as_str());
        if let Some(multisig) = proposes_for {
            println!("  proposes for {multisig}");
        }
        match &self.mark {
            Some(mark) => {
                println!("  booked up to epoch {}: nonce {}, {} atto", mark.epoch, mark.nonce, mark.balance)
            }
            None => println!("  nothing is booked yet"),
        }
        for (state, count) in &self.counts {
            println!("  {:<10}{:>8}{:>40} atto", state.as_str(), count.payments, count.amount);
        }
    }
}

impl Status {
    async fn run(self) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        let mut seen = Vec::new();
        for wallet in store.wallets().await.map_err(Failure::world)? {
            seen.push(Seen::of(&*store, wallet).await?);
        }
        match self.format {
            Format::Json => println!("{}", serde_json::Value::from_iter(seen.iter().map(Seen::json))),
            Format::Csv => {
                println!("network,wallet,address,mode,next_nonce,state,payments,amount");
                for Seen { wallet, counts, .. } in &seen {
                    let Wallet { network, name, address, next_nonce, mode, .. } = wallet;
                    for (state, Count { payments, amount }) in counts {
                        let (mode, state) = (mode.as_str(), state.as_str());
                        println!(
                            "{network},{name},{address},{mode},{next_nonce},{state},{payments},{amount}"
                        );
                    }
                }
            }
            Format::Table if seen.is_empty() => println!("no wallets yet; they are named in the settings"),
            Format::Table => seen.iter().for_each(Seen::print),
        }
        Ok(Answer::Yes)
    }
}

impl Payments {
    async fn run(self) -> Result<Answer, Failure> {
        let state = PaymentState::of(&self.state).ok_or_else(|| {
            let states: Vec<_> = PaymentState::ALL.iter().map(|state| state.as_str()).collect();
            Failure::input(format!("--state: {:?} is none of {}", self.state, states.join(", ")))
        })?;
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        let page = Page { after: None, limit: LISTED };
        let payments = store.payments(&self.network, &self.wallet, state, page).await;
        for Payment { id, payee, amount, reason, created, .. } in payments.map_err(Failure::world)? {
            println!("{created}  {id:<48}{amount:>30} atto  {payee}  {reason}");
        }
        Ok(Answer::Yes)
    }
}

/// Whoever acts, as the audit log may name them.
pub(super) fn actor(name: &str) -> Result<String, &'static str> {
    let fits = |one: char| one.is_alphanumeric() || "-_.@".contains(one);
    let good = !name.is_empty() && name.chars().count() <= 40 && name.chars().all(fits);
    if good { Ok(name.to_owned()) } else { Err("a name is 1 to 40 letters, digits, -, _, . or @") }
}

/// A reason that says something.
pub(super) fn said(reason: &str) -> Result<&str, Failure> {
    let reason = reason.trim();
    if reason.is_empty() { Err(Failure::input("--reason: say why, in a few words")) } else { Ok(reason) }
}

impl SetMode {
    async fn run(self, mode: WalletMode) -> Result<Answer, Failure> {
        let by = By { actor: "cli", reason: said(&self.reason)?, now: SystemClock.now() };
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        if store.wallet(&self.network, &self.wallet).await.map_err(Failure::world)?.is_none() {
            return Err(TreasuryError::Unknown { what: "wallet", name: self.wallet }.into());
        }
        operate::set_mode(&*store, &self.network, &self.wallet, mode, by).await?;
        println!("{}/{} is {}", self.network, self.wallet, mode.as_str());
        Ok(Answer::Yes)
    }
}

impl Adopt {
    async fn run(self) -> Result<Answer, Failure> {
        let SetMode { database, network, wallet, reason } = self.on;
        let by = By { actor: "cli", reason: said(&reason)?, now: SystemClock.now() };
        let (_, place) = database.place()?;
        let store = place.existing().await?;
        if store.wallet(&network, &wallet).await.map_err(Failure::world)?.is_none() {
            return Err(TreasuryError::Unknown { what: "wallet", name: wallet }.into());
        }
        operate::adopt(&*store, &network, &wallet, self.nonce, by).await?;
        println!("the next nonce of {network}/{wallet} is {}; `resume` lets it pay", self.nonce);
        Ok(Answer::Yes)
    }
}

impl OnPayment {
    async fn cancel(self) -> Result<Answer, Failure> {
        let by = By { actor: "cli", reason: said(&self.reason)?, now: SystemClock.now() };
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        if operate::cancel(&*store, &self.network, &self.payment, by).await? {
            println!("{} is cancelled", self.payment);
        } else {
            println!(
                "{} has a nonce: a message that pays nobody is to take it; which of the two is mined, the chain decides",
                self.payment
            );
        }
        Ok(Answer::Yes)
    }

    async fn requeue(self) -> Result<Answer, Failure> {
        let by = By { actor: "cli", reason: said(&self.reason)?, now: SystemClock.now() };
        let (config, place) = self.database.place()?;
        let store = place.existing().await?;
        let payment = store.payment(&self.network, &self.payment).await.map_err(Failure::world)?;
        let unknown = || TreasuryError::Unknown { what: "payment", name: self.payment.clone() };
        let payment = payment.ok_or_else(unknown)?;
        if is_paid_elsewhere(&*store, &payment).await.map_err(Failure::world)? {
            return Err(Failure::input(format!(
                "the ledger of the competition says that {} was paid by other means, or may have been; pay by hand what is left of it",
                self.payment
            )));
        }
        let wallet = payment.wallet;
        let unnamed = || {
            Failure::input(format!(
                "the settings have no wallet {wallet} on {}: name those of the process that pays from it with --config",
                self.network
            ))
        };
        // Whatever is wrong with other wallets and networks keeps nobody from this one.
        let settings = config.wallets.get(&wallet).filter(|settings| settings.network == self.network);
        let network = config.networks.get(&self.network).ok_or_else(unnamed)?;
        let alone = config::Config {
            wallets: [(wallet.clone(), settings.ok_or_else(unnamed)?.clone())].into(),
            networks: [(self.network.clone(), network.clone())].into(),
            ..config.clone()
        };
        let teller = tellers(&alone)?.pop().ok_or_else(unnamed)?;
        let measures = teller.measures();
        operate::requeue(&*store, &self.network, &self.payment, &measures, by).await?;
        println!("{} waits for a nonce", self.payment);
        Ok(Answer::Yes)
    }
}

impl Reconcile {
    async fn run(self) -> Result<Answer, Failure> {
        let (config, place) = self.database.place()?;
        let store = place.existing().await?;
        let tellers = tellers(&config)?;
        let wanted = |teller: &&Teller| self.wallet.as_ref().is_none_or(|wallet| *wallet == teller.key().1);
        let tellers: Vec<_> = tellers.iter().filter(wanted).collect();
        reconciled(&store, &tellers, self.format).await
    }
}

/// Compare the wallet of a faucet with its chain.
pub(super) async fn reconcile_wallet(
    config: &config::Config,
    store: &Arc<dyn Store>,
    (network, wallet): (&NetworkId, &str),
    format: Format,
) -> Result<Answer, Failure> {
    let tellers = tellers(config)?;
    let wanted = |teller: &&Teller| teller.key() == (network.clone(), wallet.to_owned());
    let tellers: Vec<_> = tellers.iter().filter(wanted).collect();
    reconciled(store, &tellers, format).await
}

async fn reconciled(store: &Arc<dyn Store>, tellers: &[&Teller], format: Format) -> Result<Answer, Failure> {
    if tellers.is_empty() {
        return Err(Failure::input("the settings name no such wallet"));
    }
    let (mut good, mut rows) = (true, Vec::new());
    for teller in tellers {
        let (network, wallet) = teller.key();
        let (desk, _) = teller.open(Arc::clone(store)).await?;
        let found = reconcile(&desk).await?;
        good &= found.differences.is_empty();
        let differences: Vec<String> = found.differences.iter().map(ToString::to_string).collect();
        let (from, to) = (found.from.epoch, found.to.epoch);
        let (messages, paid, fees) = (found.messages, found.paid, found.fees);
        rows.push(json!({
            "network": network, "wallet": wallet, "from": from, "to": to, "messages": messages, "paid": paid,
            "fees": fees, "differences": differences,
        }));
        if matches!(format, Format::Table) {
            println!(
                "{network}/{wallet}: epochs {from} to {to}, {messages} messages, {paid} atto paid, {fees} atto of gas"
            );
            differences.iter().for_each(|difference| println!("  {difference}"));
            if differences.is_empty() {
                println!("  chain, ledger and payments agree to the atto");
            }
        }
    }
    match format {
        Format::Table => {}
        Format::Json => println!("{}", serde_json::Value::from(rows)),
        Format::Csv => {
            println!("network,wallet,from,to,messages,paid,fees,differences");
            for row in rows {
                let text = |name: &str| match row.get(name) {
                    Some(serde_json::Value::String(text)) => text.clone(),
                    Some(serde_json::Value::Array(all)) => all.len().to_string(),
                    Some(value) => value.to_string(),
                    None => String::new(),
                };
                let columns = ["network", "wallet", "from", "to", "messages", "paid", "fees", "differences"];
                println!("{}", columns.map(text).join(","));
            }
        }
    }
    Ok(if good { Answer::Yes } else { Answer::No })
}

/// The wallets of some settings.
pub(super) fn tellers(config: &crate::config::Config) -> Result<Vec<Teller>, Failure> {
    let mut prepared = Vec::new();
    let mut nodes = Vec::new();
    for (id, settings) in &config.networks {
        match Node::of(id, settings).map_err(Failure::input)? {
            Some(node) => nodes.push(node),
            None if settings.spacemesh.is_some() => {}
            None => prepared.push(networks::prepare(Some(id), settings)?),
        }
    }
    Ok(Teller::all(config, &prepared, &nodes)?)
}

impl Run {
    async fn run(self) -> Result<Answer, Failure> {
        let (config, place) = self.database.place()?;
        let tellers = tellers(&config)?;
        if tellers.is_empty() {
            return Err(Failure::input("the settings name no wallet"));
        }
        let store = place.open().await?;
        let (end, ended) = tokio::sync::watch::channel(false);
        let (reports, owner) = (Reports::default(), edge::owner()?);
        let paying: Vec<_> = tellers
            .into_iter()
            .map(|teller| {
                let (store, reports) = (Arc::clone(&store), Arc::clone(&reports));
                teller.run(store, Arc::new(SystemClock), owner.clone(), reports, ended.clone())
            })
            .collect();
        println!("paying from {} wallets", paying.len());
        tokio::select! {
            _ = futures::future::join_all(paying) => {}
            () = edge::interrupted() => { end.send_replace(true); }
        }
        Ok(Answer::Yes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something() {
        assert_eq!(said(" full moon ").unwrap(), "full moon");
        assert!(said("  ").is_err());
    }
}
