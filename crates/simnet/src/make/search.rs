//! Where a message was executed.

use apogee_filecoin::types::{Message, Receipt, Tipset, executed_messages, json};
use cid::Cid;
use serde_json::json;

use super::simulation::Simulation;
use crate::answer::{Answer, Refusal, text};
use crate::methods::load_message;
use crate::params::Params;

/// A message found on the chain.
struct Found {
    /// The one that was executed.
    cid: Cid,
    receipt: Receipt,
    /// The tipset whose parent it is in.
    tipset: Tipset,
}

/// What the two methods ask.
struct Query {
    from: Tipset,
    cid: Cid,
    /// Epochs; none or less than 1: all.
    lookback: i64,
    allow_replaced: bool,
}

impl Simulation {
    /// `StateSearchMsg`: tipset, message, look-back, whether one that replaced it will do.
    pub(super) fn search_message(&self, params: &Params<'_>) -> Answer {
        let query = Query {
            from: params.tipset(0, &self.ledger)?,
            cid: params.cid(1)?,
            lookback: params.get(2, "abi.ChainEpoch")?,
            allow_replaced: params.get(3, "bool")?,
        };
        self.search(&query)?.map_or_else(|| Ok("null".into()), |found| told(&found))
    }

    /// `StateWaitMsg`: message, confidence, look-back, whether one that replaced it will do.
    pub(super) fn wait_message(&self, params: &Params<'_>) -> Answer {
        let found = self.search(&self.wait_query(params)?)?;
        found.map_or_else(
            || {
                Err(Refusal::application(
                    "the message is not on the chain yet: over a WebSocket nobody waits",
                ))
            },
            |found| told(&found),
        )
    }

    /// Whether the answer to `StateWaitMsg` lies ahead.
    pub(super) fn waits(&self, params: &Params<'_>) -> bool {
        let confidence: i64 = params.get(1, "uint64").unwrap_or(0);
        let deep = |found: &Found| {
            let above = self.ledger.head().epoch().height() - found.tipset.epoch().height();
            above >= confidence
        };
        match self.wait_query(params).and_then(|query| self.search(&query)) {
            Ok(found) => !found.as_ref().is_some_and(deep),
            Err(_) => false,
        }
    }

    fn wait_query(&self, params: &Params<'_>) -> Result<Query, Refusal> {
        Ok(Query {
            from: self.ledger.head(),
            cid: params.cid(0)?,
            lookback: params.get(2, "abi.ChainEpoch")?,
            allow_replaced: params.get(3, "bool")?,
        })
    }

    fn search(&self, query: &Query) -> Result<Option<Found>, Refusal> {
        let wanted = load_message(&self.ledger, &query.cid).map_err(|refusal| Refusal {
            // Lotus' own slip in formatting, as recorded.
            message: format!("%!w(*errors.errorString=&{{failed to load message}}): {}", refusal.message),
            ..refusal
        })?;
        let lowest = if query.lookback < 1 { 0 } else { query.from.epoch().height() - query.lookback };
        let mut tipset = query.from.clone();
        while tipset.epoch().height() > lowest {
            let Some(parent) = self.ledger.parent(&tipset) else { break };
            if let Some((cid, message, index)) = self.executed_in(&parent, &wanted)? {
                if cid != query.cid && !(query.allow_replaced && replaces(&message, &wanted)) {
                    return Err(Refusal::application(format!(
                        "message was replaced: found message {cid} of the same nonce {} instead of {}: message was replaced",
                        wanted.sequence, query.cid
                    )));
                }
                let receipts = Receipt::load_all(&*self.ledger, &tipset.first().parent_message_receipts)
                    .map_err(|error| Refusal::application(error.to_string()))?;
                let receipt = receipts.into_iter().nth(index);
                return Ok(receipt.map(|receipt| Found { cid, receipt, tipset }));
            }
            tipset = parent;
        }
        Ok(None)
    }

    /// The message of the sender and nonce of `wanted` that a tipset executes, with its place among the receipts.
    fn executed_in(
        &self,
        tipset: &Tipset,
        wanted: &Message,
    ) -> Result<Option<(Cid, Message, usize)>, Refusal> {
        let blocks = self.messages(tipset).map_err(|error| Refusal::application(error.to_string()))?;
        let executed = executed_messages(&blocks, |sender| *sender);
        let same = |message: &Message| message.from == wanted.from && message.sequence == wanted.sequence;
        let found = executed.iter().enumerate().find(|(_, one)| same(one.message));
        Ok(found.map(|(index, one)| (*one.cid, one.message.clone(), index)))
    }
}

/// Whether only the fees differ (Lotus `Message.EqualCall`).
fn replaces(new: &Message, old: &Message) -> bool {
    let fees_of_old = Message {
        gas_limit: old.gas_limit,
        gas_fee_cap: old.gas_fee_cap.clone(),
        gas_premium: old.gas_premium.clone(),
        ..new.clone()
    };
    fees_of_old == *old
}

fn told(found: &Found) -> Answer {
    let key = found.tipset.key().0.iter().map(|cid| json::Link(*cid)).collect::<Vec<_>>();
    text(&json!({
        "Message": json::Link(found.cid),
        "Receipt": json::Receipt(found.receipt.clone()),
        "ReturnDec": null,
        "TipSet": key,
        "Height": found.tipset.epoch().height(),
    }))
}
