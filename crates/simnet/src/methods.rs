//! The methods that a ledger alone answers.

use apogee_filecoin::types::{
    BlockHeader, BlockMessages, Message, Receipt, SignedMessage, Tipset, TipsetKey, executed_messages, json,
};
use cid::Cid;
use serde::Serialize;
use serde_json::Value;

use crate::answer::{Answer, Refusal, text};
use crate::ledger::{ChangeKind, HeadChange, Ledger};
use crate::params::Params;
use crate::socket::step;

/// The answer; `None` when this is no method that a ledger alone answers.
pub(crate) fn answer(ledger: &Ledger, method: &str, given: &[Value]) -> Option<Answer> {
    let name = method.strip_prefix("Filecoin.")?;
    let wanted = match name {
        "ChainHead" | "ChainGetGenesis" => 0,
        "ChainGetTipSet"
        | "ChainGetBlock"
        | "ChainGetBlockMessages"
        | "ChainGetParentMessages"
        | "ChainGetParentReceipts"
        | "ChainGetMessagesInTipset"
        | "ChainGetMessage"
        | "ChainReadObj"
        | "ChainHasObj" => 1,
        "ChainGetTipSetByHeight" | "ChainGetTipSetAfterHeight" | "ChainGetPath" => 2,
        _ => return None,
    };
    if given.len() != wanted {
        return Some(Err(Refusal::wrong_count(method, given.len(), wanted)));
    }
    Some(known(ledger, name, &Params::new(method, given)))
}

fn known(ledger: &Ledger, name: &str, params: &Params<'_>) -> Answer {
    match name {
        "ChainHead" => tipset(ledger, &ledger.head()),
        "ChainGetGenesis" => tipset(ledger, ledger.genesis()),
        "ChainGetTipSet" => tipset(ledger, &params.tipset(0, ledger)?),
        "ChainGetTipSetByHeight" | "ChainGetTipSetAfterHeight" => {
            let (epoch, from) = (params.epoch(0)?, params.tipset(1, ledger)?);
            if epoch > from.epoch() {
                return Err(Refusal::application(format!(
                    "looking for tipset with height greater than start point, req: {}, head: {}",
                    epoch.height(),
                    from.epoch().height()
                )));
            }
            let found = if name == "ChainGetTipSetByHeight" {
                ledger.at_or_before(epoch, &from)
            } else {
                ledger.at_or_after(epoch, &from)
            };
            tipset(ledger, &found.ok_or_else(|| broken(&from))?)
        }
        "ChainGetPath" => {
            let (from, to) = (params.tipset(0, ledger)?, params.tipset(1, ledger)?);
            let path = ledger.path(&from, &to).ok_or_else(|| broken(&from))?;
            let of = |kind, tipset| step(ledger, &HeadChange { kind, tipset });
            let reverts = path.revert.into_iter().map(|tipset| of(ChangeKind::Revert, tipset));
            let mut steps: Vec<_> = reverts.collect();
            steps.extend(path.apply.into_iter().map(|tipset| of(ChangeKind::Apply, tipset)));
            Ok(format!("[{}]", steps.join(",")).into())
        }
        "ChainGetBlock" => text(&json::Header::of(&header(ledger, &params.cid(0)?)?, ledger.network())),
        "ChainGetBlockMessages" => {
            let messages = messages(ledger, &header(ledger, &params.cid(0)?)?)?;
            text(&json::BlockMessages::of(&messages, ledger.network()))
        }
        "ChainGetParentMessages" => {
            let block = header(ledger, &params.cid(0)?)?;
            if block.is_genesis() {
                return Ok("null".into());
            }
            let parent = ledger.tipset(&TipsetKey(block.parents.clone()));
            in_tipset(
                ledger,
                &parent.ok_or_else(|| Refusal::application("ipld: could not find the parents"))?,
            )
        }
        "ChainGetParentReceipts" => {
            let block = header(ledger, &params.cid(0)?)?;
            let receipts = Receipt::load_all(ledger, &block.parent_message_receipts);
            let receipts = receipts.map_err(|error| Refusal::application(error.to_string()))?;
            text(&receipts.into_iter().map(json::Receipt).collect::<Vec<_>>())
        }
        "ChainGetMessagesInTipset" => in_tipset(ledger, &params.tipset(0, ledger)?),
        "ChainGetMessage" => message(ledger, &params.cid(0)?),
        "ChainHasObj" => text(&ledger.block(&params.cid(0)?).is_some()),
        _ => {
            let cid = params.cid(0)?;
            let bytes = ledger
                .block(&cid)
                .ok_or_else(|| Refusal::application(format!("blockstore get: ipld: could not find {cid}")))?;
            text(&json::Bytes(bytes))
        }
    }
}

fn tipset(ledger: &Ledger, tipset: &Tipset) -> Answer {
    text(&json::Tipset::of(tipset, ledger.network()))
}

fn broken(from: &Tipset) -> Refusal {
    Refusal::application(format!("the chain of {from:?} is cut"))
}

fn missing(cid: &Cid) -> Refusal {
    Refusal::application(format!("ipld: could not find {cid}"))
}

fn header(ledger: &Ledger, cid: &Cid) -> Result<BlockHeader, Refusal> {
    let bytes = ledger.block(cid).ok_or_else(|| missing(cid))?;
    BlockHeader::from_cbor(&bytes).map_err(|error| Refusal::application(error.to_string()))
}

fn messages(ledger: &Ledger, block: &BlockHeader) -> Result<BlockMessages, Refusal> {
    BlockMessages::load(ledger, &block.messages).map_err(|error| Refusal::application(error.to_string()))
}

/// A message with its name on chain (Lotus `api.Message`).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    cid: json::Link,
    message: json::Message,
}

/// What a tipset executes; `null` for nothing, as Go writes an empty slice that was never made.
fn in_tipset(ledger: &Ledger, tipset: &Tipset) -> Answer {
    let blocks = tipset.blocks().iter().map(|block| messages(ledger, block));
    let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
    let executed = executed_messages(&blocks, |sender| *sender);
    let named = executed.iter().map(|one| Named {
        cid: json::Link(*one.cid),
        message: json::Message::of(one.message, ledger.network()),
    });
    let named: Vec<_> = named.collect();
    if named.is_empty() { Ok("null".into()) } else { text(&named) }
}

/// The unsigned message of that name.
fn message(ledger: &Ledger, cid: &Cid) -> Answer {
    text(&json::Message::of(&load_message(ledger, cid)?, ledger.network()))
}

/// The unsigned message of that name.
pub(crate) fn load_message(ledger: &Ledger, cid: &Cid) -> Result<Message, Refusal> {
    let bytes = ledger.block(cid).ok_or_else(|| missing(cid))?;
    let message = fvm_ipld_encoding::from_slice::<SignedMessage>(&bytes).map(|signed| signed.message);
    let message = message.or_else(|_| fvm_ipld_encoding::from_slice::<Message>(&bytes));
    message.map_err(|error| Refusal::application(error.to_string()))
}
