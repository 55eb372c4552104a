//! Whether a miner may win blocks, as far as its state says.

use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::bigint::Sign;
use fvm_shared::clock::ChainEpoch;

use crate::{ReadError, StateTree};

/// Why a miner may not win a block, from the state that the block is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ineligible {
    /// There is no such miner, or it has no claim.
    NoClaim,
    /// Its quality-adjusted power is zero.
    NoPower,
    /// It owes fees.
    FeeDebt,
    /// It is barred up to this epoch for a consensus fault.
    ConsensusFault(ChainEpoch),
}

impl<BS: Blockstore> StateTree<'_, BS> {
    /// Why a miner may not win a block on a parent tipset of epoch `parent`; `None` where it may.
    ///
    /// This is the state that the *parent* names as its own parent state. It holds from network version 4 on, next to the minimum
    /// power in the look-back state ([`Power::meets_minimum`](crate::Power::meets_minimum)), which alone counts before.
    /// Source: Lotus `stmgr.MinerEligibleToMine`.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn ineligible(&self, miner: ActorID, parent: ChainEpoch) -> Result<Option<Ineligible>, ReadError> {
        let Some(claim) = self.power()?.claim(self.store(), miner)? else {
            return Ok(Some(Ineligible::NoClaim));
        };
        if claim.power.qa.sign() != Sign::Plus {
            return Ok(Some(Ineligible::NoPower));
        }
        let Some(state) = self.miner(miner)? else { return Ok(Some(Ineligible::NoClaim)) };
        if !state.fee_debt.is_zero() {
            return Ok(Some(Ineligible::FeeDebt));
        }
        let elapsed = state.info(self.store())?.consensus_fault_elapsed;
        Ok(elapsed.filter(|until| parent <= *until).map(Ineligible::ConsensusFault))
    }
}
