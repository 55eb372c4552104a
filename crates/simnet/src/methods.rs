//! The methods that a ledger alone answers.

use apogee_domain::Epoch;
use apogee_filecoin::types::{
    BlockHeader, BlockMessages, Message, Receipt, SignedMessage, Tipset, TipsetKey, executed_messages, json,
};
use cid::Cid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::{Answer, Refusal, text};
use crate::ledger::{ChangeKind, HeadChange, Ledger};
use crate::socket::step;

/// A call's parameters, read one by one.
struct Params<'a> {
    method: &'a str,
    given: &'a [Value],
}

impl Params<'_> {
    fn get<T: DeserializeOwned>(&self, index: usize, kind: &str) -> Result<T, Refusal> {
        let value = self.given.get(index).cloned().unwrap_or_default();
        serde_json::from_value(value)
            .map_err(|error| Refusal::bad_parameter(self.method, kind, &error.to_string()))
    }

    fn cid(&self, index: usize) -> Result<Cid, Refusal> {
        self.get(index, "cid.Cid").map(|json::Link(cid)| cid)
    }

    fn epoch(&self, index: usize) -> Result<Epoch, Refusal> {
        let height: i64 = self.get(index, "abi.ChainEpoch")?;
        Epoch::new(height).ok_or_else(|| Refusal::application(format!("height {height} is negative")))
    }

    /// The tipset a key names: the head for `null` and `[]`.
    fn tipset(&self, index: usize, ledger: &Ledger) -> Result<Tipset, Refusal> {
        let links: Option<Vec<json::Link>> = self.get(index, "types.TipSetKey")?;
        let key: Vec<Cid> = links.unwrap_or_default().into_iter().map(|json::Link(cid)| cid).collect();
        if key.is_empty() {
            return Ok(ledger.head());
        }
        let missing = key.iter().find(|cid| ledger.block(cid).is_none()).or(key.first()).copied();
        ledger.tipset(&TipsetKey(key)).ok_or_else(|| {
            let cid = missing.map(|cid| cid.to_string()).unwrap_or_default();
            Refusal::application(format!("get block {cid}: ipld: could not find {cid}"))
        })
    }
}

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
    Some(known(ledger, name, &Params { method, given }))
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
    let bytes = ledger.block(cid).ok_or_else(|| missing(cid))?;
    let message = fvm_ipld_encoding::from_slice::<SignedMessage>(&bytes).map(|signed| signed.message);
    let message = message.or_else(|_| fvm_ipld_encoding::from_slice::<Message>(&bytes));
    let message = message.map_err(|error| Refusal::application(error.to_string()))?;
    text(&json::Message::of(&message, ledger.network()))
}
