//! What lines of the ledger are called, and from which account to which they go.

use apogee_domain::Atto;
use apogee_store::Wallet;

/// What is owed to payees.
pub(crate) const OWED: &str = "owed";
/// What was paid for gas.
pub(crate) const FEES: &str = "fees";
/// Money that came from somewhere.
pub(crate) const RECEIVED: &str = "received";
/// Money that went with messages that are none of ours.
pub(crate) const FOREIGN: &str = "foreign";
/// Money that is missing.
pub(crate) const UNEXPLAINED: &str = "unexplained";

/// A wallet's account.
pub(crate) fn wallet(name: &str) -> String {
    format!("wallet/{name}")
}

/// The account from which a wallet's payments go: its own, or that of the multisig which it proposes for.
pub(crate) fn payer(wallet: &Wallet) -> String {
    wallet
        .proposes_for
        .as_ref()
        .map_or_else(|| self::wallet(&wallet.name), |multisig| format!("multisig/{multisig}"))
}

/// What a payment takes out of the wallet itself besides gas.
pub(crate) const fn own_part(wallet: &Wallet, amount: Atto) -> Atto {
    if wallet.proposes_for.is_some() { Atto::ZERO } else { amount }
}

/// The account of what was promised by a source.
pub(crate) fn granted(source: &str) -> String {
    format!("granted/{source}")
}

/// What happened with a nonce, in its so many-th life: the name of a line.
pub(crate) fn of_nonce(what: &str, wallet: &str, nonce: u64, life: u32) -> String {
    format!("{what}/{wallet}/{nonce}#{life}")
}

/// What became of a debt, at a moment. A payment changes once in a unit of work, which stands alone for its wallet.
pub(crate) fn of_payment(what: &str, payment: &str, now: apogee_domain::Timestamp) -> String {
    format!("{what}/{payment}@{}", now.0)
}

/// What was found at a tip, at a moment: after a fork a tip may be looked at again.
pub(crate) fn of_tip(what: &str, wallet: &str, tip: &str, now: apogee_domain::Timestamp) -> String {
    format!("{what}/{wallet}/{tip}@{}", now.0)
}
