//! What operators see of money, and what they do about it. Whoever has a role may look; each action needs the role it says, and a reason, and is in
//! the audit log together with its effect.

mod audit;
pub(super) mod decisions;
pub(super) mod lists;

use apogee_domain::{Epoch, NetworkId};
use apogee_faucet::operate as faucet_operate;
use apogee_store::{Page, Payment, PaymentState, Role, Wallet, WalletMode};
use apogee_treasury::TreasuryError;
use apogee_treasury::operate::{self, By};
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use super::ask::Ask;
use super::chrome::{Chrome, Section};
use super::signin::field;
use super::view::View;
use super::{App, Problem};
use crate::competitions::is_paid_elsewhere;
use crate::identity::Visitor;

pub(super) use self::audit::show as audit;

/// Payments that are listed in each state.
const LISTED: u32 = 20;
/// States in which somebody may have to do something.
const STUCK: [PaymentState; 4] =
    [PaymentState::Held, PaymentState::Paying, PaymentState::Failed, PaymentState::Accepted];

/// The administration of money.
#[derive(Debug, Serialize)]
pub(crate) struct Admin {
    wallets: Vec<OneWallet>,
    faucets: Vec<OneFaucet>,
    payments: Vec<OnePayment>,
    #[serde(skip)]
    mark: String,
    /// Whether whoever asks may pause and resume.
    operates: bool,
    /// Whether they may change payments and let a wallet pay again.
    pays: bool,
}

#[derive(Debug, Serialize)]
struct OneWallet {
    network: NetworkId,
    name: String,
    address: String,
    mode: &'static str,
    /// Why it may not do everything.
    reason: String,
    next_nonce: u64,
    /// Up to which epoch it is booked, and what it held there, attoFIL.
    booked: Option<Booked>,
    /// Payments on which work is left.
    counts: Vec<Counted>,
    /// When this process looked at its chain last, where it pays from it.
    looked: Option<String>,
    /// What keeps it from paying more.
    blocked: Option<String>,
}

#[derive(Debug, Serialize)]
struct Booked {
    epoch: Epoch,
    balance: String,
}

#[derive(Debug, Serialize)]
struct Counted {
    state: &'static str,
    payments: u64,
    amount: String,
}

#[derive(Debug, Serialize)]
struct OneFaucet {
    network: NetworkId,
    name: String,
    wallet: String,
    enabled: bool,
    reason: String,
    changed_by: String,
    policy: u32,
    day_grants: u64,
    /// Whether it pays back.
    refunds: bool,
}

#[derive(Debug, Serialize)]
struct OnePayment {
    network: NetworkId,
    id: String,
    wallet: String,
    payee: String,
    amount: String,
    state: &'static str,
    reason: String,
    created: String,
    /// What may be done: `cancel`, `requeue`.
    actions: Vec<&'static str>,
}

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage<'a> {
    c: Chrome<'a>,
    view: &'a Admin,
}

impl View for Admin {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        AdminPage { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }
}

impl App {
    async fn admin(&self, visitor: &Visitor) -> Result<Admin, Problem> {
        visitor.acting(Role::Viewer)?;
        let (mut wallets, mut payments) = (Vec::new(), Vec::new());
        for wallet in self.store.wallets().await? {
            for state in STUCK {
                let page = Page { after: None, limit: LISTED };
                let found = self.store.payments(&wallet.network, &wallet.name, state, page).await?;
                payments.extend(found.into_iter().map(one_payment));
            }
            wallets.push(self.one_wallet(wallet).await?);
        }
        let faucets = self.store.faucets().await?.into_iter().map(|faucet| OneFaucet {
            refunds: self.refunds.get(&faucet.network, &faucet.name).is_some(),
            network: faucet.network,
            name: faucet.name,
            wallet: faucet.wallet,
            enabled: faucet.enabled,
            reason: faucet.reason,
            changed_by: faucet.changed_by,
            policy: faucet.policy_version,
            day_grants: faucet.day_grants,
        });
        Ok(Admin {
            wallets,
            faucets: faucets.collect(),
            payments,
            mark: visitor.mark(),
            operates: visitor.has(Role::Operator),
            pays: visitor.has(Role::Payer),
        })
    }

    async fn one_wallet(&self, wallet: Wallet) -> Result<OneWallet, Problem> {
        let (network, name) = (&wallet.network, &wallet.name);
        let mark = self.store.marks(network, name, Epoch::MAX, 1).await?.pop();
        let counts = self.store.open_counts(network, name).await?;
        let counts = counts.into_iter().map(|(state, count)| Counted {
            state: state.as_str(),
            payments: count.payments,
            amount: count.amount.to_string(),
        });
        let report = self.report(network, name);
        let looked = report.as_ref().map(|report| report.at.to_string());
        let blocked = report.and_then(|report| report.failed.or(report.turn.and_then(|turn| turn.blocked)));
        Ok(OneWallet {
            counts: counts.collect(),
            booked: mark.map(|mark| Booked { epoch: mark.epoch, balance: mark.balance.to_string() }),
            mode: wallet.mode.as_str(),
            network: wallet.network,
            name: wallet.name,
            address: wallet.address,
            reason: wallet.reason,
            next_nonce: wallet.next_nonce,
            looked,
            blocked,
        })
    }
}

fn one_payment(payment: Payment) -> OnePayment {
    let actions = match payment.state {
        PaymentState::Accepted | PaymentState::Held | PaymentState::Paying => vec!["cancel"],
        PaymentState::Failed => vec!["requeue"],
        _ => vec![],
    };
    OnePayment {
        actions,
        state: payment.state.as_str(),
        network: payment.network,
        id: payment.id,
        wallet: payment.wallet,
        payee: payment.payee,
        amount: payment.amount.to_string(),
        reason: payment.reason,
        created: payment.created.to_string(),
    }
}

/// `GET /admin`
pub(super) async fn show(State(app): State<App>, ask: Ask, visitor: Visitor) -> Result<Response, Problem> {
    ask.answer(&app.admin(&visitor).await?)
}

/// Why something is done; nothing is done without.
fn reason(form: &Bytes) -> Result<String, Problem> {
    let reason: String = field(form, "reason").trim().chars().take(500).collect();
    if reason.is_empty() { Err(Problem::NotDone("detail-no-reason")) } else { Ok(reason) }
}

fn network(form: &Bytes) -> Result<NetworkId, Problem> {
    let network = field(form, "network");
    network.parse().map_err(|_| Problem::UnknownNetwork(network))
}

fn not_done(error: TreasuryError) -> Problem {
    match error {
        TreasuryError::Store(error) => error.into(),
        TreasuryError::Unknown { .. } => Problem::NotDone("detail-no-such-money"),
        _ => Problem::NotDone("detail-not-now"),
    }
}

/// `POST /admin/wallet`: to stop it needs an operator, to let it do more again a payer.
pub(super) async fn wallet(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let mode = WalletMode::of(&field(&form, "mode")).ok_or(Problem::NotDone("detail-no-such-money"))?;
    visitor.acting(Role::Viewer)?;
    let (network, wallet, reason) = (network(&form)?, field(&form, "wallet"), reason(&form)?);
    let found = app.store.wallet(&network, &wallet).await?;
    let found = found.ok_or(Problem::NotDone("detail-no-such-money"))?;
    let role = if mode < found.mode { Role::Payer } else { Role::Operator };
    let actor = visitor.acting(role)?.actor();
    let by = By { actor: &actor, reason: &reason, now: visitor.now };
    operate::set_mode(&*app.store, &network, &wallet, mode, by).await.map_err(not_done)?;
    Ok(Redirect::to(&ask.to("/admin")).into_response())
}

/// `POST /admin/faucet`: to pause it needs an operator, to let it grant again a payer.
pub(super) async fn faucet(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let enabled = field(&form, "enabled") == "yes";
    let actor = visitor.acting(if enabled { Role::Payer } else { Role::Operator })?.actor();
    let (network, name, reason) = (network(&form)?, field(&form, "faucet"), reason(&form)?);
    if app.store.faucet(&network, &name).await?.is_none() {
        return Err(Problem::NotDone("detail-no-such-money"));
    }
    let by = faucet_operate::By { actor: &actor, reason: &reason, at: visitor.now };
    faucet_operate::set_enabled(&*app.store, (&network, &name), enabled, by).await?;
    Ok(Redirect::to(&ask.to("/admin")).into_response())
}

/// `POST /admin/payment`: taking one back and paying a failed one again needs a payer.
pub(super) async fn payment(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let actor = visitor.acting(Role::Payer)?.actor();
    let (network, id, reason) = (network(&form)?, field(&form, "payment"), reason(&form)?);
    let by = By { actor: &actor, reason: &reason, now: visitor.now };
    match field(&form, "action").as_str() {
        "cancel" => drop(operate::cancel(&*app.store, &network, &id, by).await.map_err(not_done)?),
        "requeue" => {
            let payment = app.store.payment(&network, &id).await?;
            let payment = payment.ok_or(Problem::NotDone("detail-no-such-money"))?;
            if is_paid_elsewhere(&*app.store, &payment).await? {
                return Err(Problem::NotDone("detail-paid-elsewhere"));
            }
            // How deep a fork may reach is for who pays from the wallet to say.
            let measures = app.measures.get(&(network.clone(), payment.wallet));
            let measures = measures.ok_or(Problem::NotDone("detail-other-process"))?;
            operate::requeue(&*app.store, &network, &id, measures, by).await.map_err(not_done)?
        }
        _ => return Err(Problem::NotDone("detail-no-such-money")),
    }
    Ok(Redirect::to(&ask.to("/admin")).into_response())
}
