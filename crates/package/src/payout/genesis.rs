use std::collections::HashSet;
use std::fmt::Write as _;

use super::{PaymentList, Unpayable, fil};

/// Multisigs and their signers get the ids 100 to 999 (`AccountStart`, `MinerStart` in lotus `chain/gen/genesis/genesis.go`).
pub const MOST_GENESIS_IDS: usize = 900;

/// Epochs of 30 seconds in a day.
const DAY: u64 = 2880;

/// What goes into every row of the genesis table beside the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenesisTerms {
    /// Over how many months the multisigs vest from genesis on; 0 for not at all. See [`genesis_months`].
    pub months: u32,
    /// The custodian; a number that only people read.
    pub custodian: u32,
}

/// The number of months whose vesting comes nearest to so many epochs, and the epochs that it really takes.
///
/// `lotus-seed` counts in months: `⌊365 × months / 12⌋` days of 2,880 epochs (`monthsToBlocks` in lotus `cmd/lotus-seed/genesis.go`).
#[must_use]
pub fn genesis_months(epochs: u64) -> (u32, u64) {
    let takes = |months: u64| 365 * months / 12 * DAY;
    let days = epochs / DAY;
    let below = days.saturating_mul(12) / 365;
    let months =
        [below, below + 1].into_iter().min_by_key(|months| takes(*months).abs_diff(epochs)).unwrap_or(below);
    (u32::try_from(months).unwrap_or(u32::MAX), takes(months))
}

/// The table that `lotus-seed genesis add-msigs` reads: a multisig in the genesis block for every payment, vesting from epoch 0 on.
///
/// Columns: version (1), id, amount in FIL, months of vesting, custodian, M, N, addresses with `:` between them, type, two signatures. The first row names
/// them and is skipped by the reader.
///
/// # Errors
/// Where a signer is not the address of a key (others do not exist at genesis), or the genesis has no room for all of them.
pub fn genesis_multisigs(list: &PaymentList, terms: GenesisTerms) -> Result<String, Unpayable> {
    let mut signers = HashSet::new();
    let mut table =
        String::from("Version,ID,Amount,VestingMonths,CustodianID,M,N,Addresses,Type,Sig1,Sig2\n");
    for payment in list.payments() {
        let mut addresses = Vec::with_capacity(payment.addresses.len());
        for address in &payment.addresses {
            if !address.is_key() {
                return Err(Unpayable::NoKey(payment.entity.clone(), *address));
            }
            signers.insert(*address);
            addresses.push(address.to_string());
        }
        let GenesisTerms { months, custodian } = terms;
        let (id, amount) = (&payment.entity, fil(payment.amount));
        let (m, n, addresses) = (payment.threshold, addresses.len(), addresses.join(":"));
        // Nothing here needs quoting. Writing to a string cannot fail.
        let _ = writeln!(table, "1,{id},{amount},{months},{custodian},{m},{n},{addresses},payout,,");
    }
    let needed = list.payments().len() + signers.len();
    if needed > MOST_GENESIS_IDS {
        return Err(Unpayable::NoRoom { needed, limit: MOST_GENESIS_IDS });
    }
    Ok(table)
}
