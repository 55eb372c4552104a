use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fvm_shared::address::Address;
use serde::Serialize;

use super::super::client::{Client, Size};
use super::super::error::{Fault, RpcError};
use crate::types::json::{self, address_text, parse_address};
use crate::types::{Message, MessageSignature, SignatureKind, message_cid};

/// Most keys that a wallet may list.
const MOST_KEYS: usize = 10_000;

/// What is signed (Lotus `api.MsgMeta`).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MessageMeta {
    r#type: &'static str,
    extra: String,
}

/// The wallet API, which a node and `lotus-wallet` offer (Lotus `api/api_wallet.go`).
impl Client {
    /// `WalletList`: the addresses that there are keys for.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn wallet_list(&self) -> Result<Vec<Address>, RpcError> {
        let method = "WalletList";
        let answer: Option<Vec<String>> = self.read(method, [(); 0], Size::Ordinary).await?;
        let answer = answer.unwrap_or_default();
        if answer.len() > MOST_KEYS {
            return Err(self.error(method, Fault::Malformed(format!("{} keys", answer.len()))));
        }
        let read = |text: &String| {
            parse_address(text).map_err(|error| self.error(method, Fault::Malformed(error.to_string())))
        };
        answer.iter().map(read).collect()
    }

    /// `WalletSign` of a message, asked for once. The answer is not checked: whoever asks knows whose signature it has to be.
    ///
    /// # Errors
    /// See [`Fault`]; a signature of an unknown kind is malformed.
    pub async fn wallet_sign(
        &self,
        signer: &Address,
        message: &Message,
    ) -> Result<MessageSignature, RpcError> {
        let method = "WalletSign";
        let extra = fvm_ipld_encoding::to_vec(message).unwrap_or_default();
        let meta = MessageMeta { r#type: "message", extra: STANDARD.encode(extra) };
        let bytes = STANDARD.encode(message_cid(message).to_bytes());
        let params = (address_text(signer, self.settings.network), bytes, meta);
        let answer: json::Signature = self.once(method, params, Size::Ordinary).await?;
        let kind = SignatureKind::of(answer.kind).ok_or_else(|| {
            self.error(method, Fault::Malformed(format!("a signature of the type {}", answer.kind)))
        })?;
        Ok(MessageSignature { kind, bytes: answer.data })
    }
}
