use apogee_domain::Epoch;
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde::{Deserialize, Serialize};

use super::super::client::{Client, Size};
use super::super::error::{Fault, RpcError};
use super::key_or_head;
use crate::types::json::{self, Int, InvalidJson, Link, address_text};
use crate::types::{Message, Receipt, SignedMessage, TipsetKey};

/// Where a message was found on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageLookup {
    /// The message that was executed. Not the one asked for when that has been replaced by it.
    pub message: Cid,
    /// Its receipt.
    pub receipt: Receipt,
    /// The tipset whose parent state holds its result: the child of the one it is in.
    pub tipset: TipsetKey,
    /// Epoch of that tipset.
    pub epoch: Epoch,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LookupJson {
    message: Link,
    receipt: json::Receipt,
    tip_set: Vec<Link>,
    height: i64,
}

impl TryFrom<LookupJson> for MessageLookup {
    type Error = InvalidJson;

    fn try_from(json: LookupJson) -> Result<Self, InvalidJson> {
        let epoch = Epoch::new(json.height)
            .ok_or_else(|| InvalidJson { what: "a message's epoch", detail: json.height.to_string() })?;
        let tipset = TipsetKey(json.tip_set.into_iter().map(|Link(cid)| cid).collect());
        Ok(Self { message: json.message.0, receipt: json.receipt.0, tipset, epoch })
    }
}

/// What an estimate of gas may cost at most (Lotus `MessageSendSpec`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeLimit(pub TokenAmount);

#[derive(Serialize, Clone)]
#[serde(rename_all = "PascalCase")]
struct SendSpec {
    max_fee: Int,
}

impl Client {
    /// `MpoolPush`. Sent exactly once: after a fault other than a refusal the message may be in the pool or not, so ask with
    /// [`state_search_msg`](Self::state_search_msg) and push the same bytes again, which is harmless.
    ///
    /// # Errors
    /// See [`Fault`]; a CID in the answer that is not the message's is malformed.
    pub async fn mpool_push(&self, message: &SignedMessage) -> Result<Cid, RpcError> {
        let method = "MpoolPush";
        let params = [json::SignedMessage::of(message, self.settings.network)];
        let Link(cid) = self.once(method, params, Size::Ordinary).await?;
        if cid == message.cid() {
            Ok(cid)
        } else {
            Err(self.error(method, Fault::Malformed(format!("{cid} for message {}", message.cid()))))
        }
    }

    /// `MpoolGetNonce`: the next nonce of `address`, the pool's messages counted.
    ///
    /// # Errors
    /// See [`Fault`]. So it is with every method here.
    pub async fn mpool_nonce(&self, address: &Address) -> Result<u64, RpcError> {
        self.read("MpoolGetNonce", [address_text(address, self.settings.network)], Size::Ordinary).await
    }

    /// `MpoolPending`: the pool's messages that are not on the chain of `tipset`.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn mpool_pending(&self, tipset: Option<&TipsetKey>) -> Result<Vec<SignedMessage>, RpcError> {
        let method = "MpoolPending";
        let answer: Option<Vec<json::SignedMessage>> =
            self.read(method, [key_or_head(tipset)], Size::Large).await?;
        answer.unwrap_or_default().into_iter().map(|message| self.checked(method, message)).collect()
    }

    /// `GasEstimateMessageGas`: `message` with gas limit, fee cap and premium filled in where they are zero.
    ///
    /// # Errors
    /// See [`Fault`]; an estimate that changes anything but gas is malformed.
    pub async fn gas_estimate(
        &self,
        message: &Message,
        limit: Option<&FeeLimit>,
        tipset: Option<&TipsetKey>,
    ) -> Result<Message, RpcError> {
        let method = "GasEstimateMessageGas";
        let spec = limit.map(|FeeLimit(fee)| SendSpec { max_fee: Int::from(fee) });
        let params = (json::Message::of(message, self.settings.network), spec, key_or_head(tipset));
        let answer: json::Message = self.read(method, params, Size::Large).await?;
        let estimated: Message = self.checked(method, answer)?;
        let same_but_gas = Message {
            gas_limit: estimated.gas_limit,
            gas_fee_cap: estimated.gas_fee_cap.clone(),
            gas_premium: estimated.gas_premium.clone(),
            ..message.clone()
        };
        if estimated == same_but_gas {
            Ok(estimated)
        } else {
            Err(self.error(method, Fault::Malformed("it changes more than gas".into())))
        }
    }

    /// `StateSearchMsg`: where `message`, or a message that replaced it, was executed; `None` when it was not found within
    /// `lookback` epochs before `tipset`.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn state_search_msg(
        &self,
        tipset: Option<&TipsetKey>,
        message: &Cid,
        lookback: i64,
    ) -> Result<Option<MessageLookup>, RpcError> {
        let method = "StateSearchMsg";
        let params = (key_or_head(tipset), Link(*message), lookback, true);
        let answer: Option<LookupJson> = self.read(method, params, Size::Large).await?;
        answer.map(|answer| self.checked(method, answer)).transpose()
    }

    /// `StateWaitMsg`: waits until `message`, or one that replaced it, has `confidence` epochs above it.
    ///
    /// # Errors
    /// See [`Fault`]; [`Fault::Timeout`] when that takes longer than [`Settings::long_timeout`](super::super::Settings).
    pub async fn state_wait_msg(
        &self,
        message: &Cid,
        confidence: u64,
        lookback: i64,
    ) -> Result<MessageLookup, RpcError> {
        let method = "StateWaitMsg";
        let params = (Link(*message), confidence, lookback, true);
        let answer: LookupJson = self.once(method, params, Size::Large).await?;
        self.checked(method, answer)
    }
}
