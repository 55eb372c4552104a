//! What became of a proposal.

use apogee_domain::{Atto, Epoch};
use apogee_filecoin::types::Tipset;
use apogee_filecoin::types::multisig::End;
use apogee_filecoin_state::{StateTree, Transaction};
use fvm_shared::METHOD_SEND;
use fvm_shared::address::Address;

use super::executed::each;
use super::{Filecoin, blocking, tokens, unread, wrong};
use crate::chain::{Chain, ChainError, Tip};

/// What became of a proposal to a multisig, as far as blocks prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits for the approval of `missing` more of the signers.
    Waits {
        /// How many have approved.
        approved: u64,
        /// How many are missing.
        missing: u64,
    },
    /// Enough have approved it, and it was executed.
    Executed {
        /// Epoch of the tipset with the message that did that.
        epoch: Epoch,
        /// That message: its CID.
        message: String,
        /// 0 where it has paid; else nobody was paid, and it does not come back.
        exit_code: u32,
    },
    /// Who proposed has taken it back: nobody was paid.
    Cancelled {
        /// Epoch of the tipset with the message that did that.
        epoch: Epoch,
        /// That message: its CID.
        message: String,
    },
    /// It is gone since that epoch, and by no message to the multisig itself: executed or dropped within another call.
    Gone {
        /// Epoch of the tipset in which that happened.
        epoch: Epoch,
    },
}

impl Filecoin {
    /// What became, `depth` epochs below the head, of proposal `number` to `multisig`, made in a tipset of epoch `since` on the head's chain: that
    /// `payee` is to get `amount`.
    ///
    /// # Errors
    /// When the chain cannot be read, also that far back; or it has something else under this number.
    pub async fn standing(
        &self,
        multisig: &str,
        number: u64,
        since: Epoch,
        (payee, amount): (&str, Atto),
        depth: u32,
    ) -> Result<Standing, ChainError> {
        let number = i64::try_from(number).map_err(|error| wrong("the number of a proposal", &error))?;
        let what = (self.address(multisig)?, number);
        let head = self.head().await?;
        let head =
            if depth == 0 { head } else { self.ancestor(&head, head.epoch.minus(depth.into())).await? };
        if head.epoch <= since {
            return Err(wrong(
                "a proposal",
                &format_args!("it is looked at at epoch {}, before it", head.epoch),
            ));
        }
        if let Some((waiting, threshold)) = self.pending(&head, what).await? {
            let payee = self.address(payee)?;
            if (waiting.to, &waiting.value, waiting.method) != (payee, &tokens(amount), METHOD_SEND) {
                return Err(wrong(
                    "a proposal",
                    &format_args!("number {number} of {multisig} is another one"),
                ));
            }
            let approved = u64::try_from(waiting.approved.len()).unwrap_or(u64::MAX);
            return Ok(Standing::Waits { approved, missing: threshold.saturating_sub(approved) });
        }
        // It was pending after the tipset that brought it, or that had executed it at once; it never comes back.
        let (mut before, mut gone) = (since, head);
        while gone.epoch.since(before) > 1 {
            let middle = before.plus(u32::try_from(gone.epoch.since(before) / 2).unwrap_or(1));
            let tip = self.ancestor(&gone, middle).await?;
            if tip.epoch > before && self.pending(&tip, what).await?.is_none() {
                gone = tip;
            } else {
                before = middle;
            }
        }
        let last = self.ancestor(&gone, gone.epoch.minus(1)).await?;
        let (tipset, child) = (self.tipset(&last).await?, self.tipset(&gone).await?);
        self.ended(what, tipset, child).await
    }

    /// The transaction where it waits before `tip`, and how many have to approve.
    async fn pending(
        &self,
        tip: &Tip,
        (multisig, number): (Address, i64),
    ) -> Result<Option<(Transaction, u64)>, ChainError> {
        let (nodes, root) = (self.nodes(), self.tipset(tip).await?.first().parent_state_root);
        blocking(move || {
            let tree = StateTree::open(&nodes, &root).map_err(unread)?;
            let Some(found) = tree.multisig(&multisig).map_err(unread)? else {
                return Err(wrong("a multisig", &format_args!("{multisig} is none")));
            };
            if found.next <= number {
                return Err(wrong("a proposal", &format_args!("{multisig} has no number {number} yet")));
            }
            let waiting = found.pending(&nodes, number).map_err(unread)?;
            Ok(waiting.map(|waiting| (waiting, found.threshold)))
        })
        .await
    }

    /// What ended it in this tipset.
    async fn ended(
        &self,
        what: (Address, i64),
        tipset: Tipset,
        child: Tipset,
    ) -> Result<Standing, ChainError> {
        let nodes = self.nodes();
        blocking(move || {
            let epoch = tipset.epoch();
            let mut found = Standing::Gone { epoch };
            each(&nodes, &tipset, &child, &mut |one, receipt, ids| {
                let (to, multisig) = (ids.of(&one.message.to), ids.of(&what.0));
                if to == multisig
                    && let Some(end) = End::of(what.1, one.message, receipt)
                {
                    let message = one.cid.to_string();
                    found = match end {
                        End::Executed(code) => Standing::Executed { epoch, message, exit_code: code.value() },
                        End::Cancelled => Standing::Cancelled { epoch, message },
                    };
                }
                Ok(())
            })?;
            Ok(found)
        })
        .await
    }
}
