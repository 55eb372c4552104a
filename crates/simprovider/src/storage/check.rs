//! What Boost and Curio check of a proposal, in their order and their words: clients read them.

use apogee_market::DealProposal;
use apogee_market::ask::StorageAsk;
use apogee_market::deal::DealParams;
use apogee_market::price::{LONGEST, SHORTEST};
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;

use super::Recipe;

const LONGEST_LABEL: usize = 256;
/// Epochs from the head to the last end of a sector: 1,278 days (`MaxSectorExpirationExtension`).
const FURTHEST_END: ChainEpoch = 3_680_640;
const UNSEALED: u64 = 0xf101;
const TRUNC254_PADDED: u64 = 0x1012;

/// What a provider holds proposals against.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) ask: StorageAsk,
    pub(super) head: ChainEpoch,
    least_collateral: TokenAmount,
    escrow: TokenAmount,
}

impl Rules {
    pub(super) fn of(recipe: &Recipe) -> Self {
        Self {
            ask: StorageAsk { miner: recipe.miner, ..recipe.ask.clone() },
            head: recipe.head,
            least_collateral: recipe.least_collateral.clone(),
            escrow: recipe.escrow.clone(),
        }
    }

    /// Whether the deal is in order; why not, if it is not.
    pub(super) fn check(&self, deal: &DealParams) -> Result<(), String> {
        let checked = self.validate(deal);
        checked.map_err(|reason| format!("failed validation: {reason}"))?;
        if !deal.is_offline && deal.transfer.kind == "http" && deal.transfer.request().is_err() {
            return Err(
                "server error: get deal transfer host: failed to de-serialize transport params bytes".into(),
            );
        }
        Ok(())
    }

    fn validate(&self, deal: &DealParams) -> Result<(), String> {
        if deal.client_deal_proposal.verify().is_err() {
            return Err("invalid signature".into());
        }
        let proposal = &deal.client_deal_proposal.proposal;
        if proposal.provider != self.ask.miner {
            let (asked, here) = (proposal.provider, self.ask.miner);
            return Err(format!(
                "incorrect provider for deal; proposal.Provider: {asked}; provider.Address: {here}"
            ));
        }
        let label = proposal.label.len();
        if label > LONGEST_LABEL {
            return Err(format!("deal label can be at most {LONGEST_LABEL} bytes, is {label}"));
        }
        if let Err(why) = proposal.piece_size.validate() {
            return Err(format!("proposal piece size is invalid: {why}"));
        }
        let hash = proposal.piece_cid.hash();
        if (proposal.piece_cid.codec(), hash.code(), hash.size()) != (UNSEALED, TRUNC254_PADDED, 32) {
            return Err("proposal PieceCID had wrong prefix".into());
        }
        self.epochs(proposal)?;
        self.money(proposal)
    }

    fn epochs(&self, proposal: &DealProposal) -> Result<(), String> {
        let (start, end, head) = (proposal.start_epoch, proposal.end_epoch, self.head);
        if end <= start {
            return Err(format!("proposal end {end} before proposal start {start}"));
        }
        if head > start {
            return Err(format!("deal start epoch {start} has already elapsed (current epoch: {head})"));
        }
        let duration = proposal.duration();
        if !(SHORTEST..=LONGEST).contains(&duration) {
            return Err(format!(
                "deal duration out of bounds (min, max, provided): {SHORTEST}, {LONGEST}, {duration}"
            ));
        }
        if end > head.saturating_add(FURTHEST_END) {
            return Err(format!(
                "invalid deal end epoch {end}: cannot be more than {FURTHEST_END} past current epoch {head}"
            ));
        }
        Ok(())
    }

    fn money(&self, proposal: &DealProposal) -> Result<(), String> {
        let (collateral, least) = (proposal.provider_collateral.atto(), self.least_collateral.atto());
        if collateral < least {
            return Err(format!("proposed provider collateral {collateral} below minimum {least}"));
        }
        let most = least * 2;
        if *collateral > most {
            return Err(format!("proposed provider collateral {collateral} above maximum {most}"));
        }
        let asked = if proposal.verified_deal { &self.ask.verified_price } else { &self.ask.price };
        let least = (asked * proposal.piece_size.0).div_floor(1u64 << 30);
        let (price, least) = (proposal.storage_price_per_epoch.atto(), least.atto());
        if price < least {
            return Err(format!("storage price per epoch less than asking price: {price} < {least}"));
        }
        let (size, least, most) =
            (proposal.piece_size.0, self.ask.min_piece_size.0, self.ask.max_piece_size.0);
        if size < least {
            return Err(format!("piece size less than minimum required size: {size} < {least}"));
        }
        if size > most {
            return Err(format!("piece size more than maximum allowed size: {size} > {most}"));
        }
        let (need, escrow) = (proposal.client_balance(), &self.escrow);
        if *escrow < need {
            let (need, escrow) = (need.atto().clone(), escrow.atto());
            return Err(format!(
                "client available funds in escrow {escrow} not enough to meet storage cost for deal {need}"
            ));
        }
        Ok(())
    }
}
