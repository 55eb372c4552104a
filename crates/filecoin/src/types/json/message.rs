use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Network;
use fvm_shared::error::ExitCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::scalar::{Bytes, Int, Link, Text, address_text, or_empty, parse_address};
use super::{InvalidJson, same_cid};
use crate::types::{self, MessageSignature, ReceiptForm, SignatureKind, message_cid};

/// A signature of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Signature {
    /// 1 secp256k1, 2 BLS, 3 delegated.
    #[serde(rename = "Type")]
    pub kind: u8,
    /// Its bytes.
    #[serde(with = "base64_text")]
    pub data: Vec<u8>,
}

/// Base64 that is `""` when empty: Go keeps the rest of a slice, which is not nil.
mod base64_text {
    use super::{Deserialize, Deserializer, Engine, STANDARD, Serializer, Text};
    use serde::de::Error;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = Option::<Text<'de>>::deserialize(deserializer)?;
        STANDARD.decode(&*text.map(|text| text.0).unwrap_or_default()).map_err(D::Error::custom)
    }
}

/// A message. `CID` is written by nodes and need not be given to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Message {
    #[serde(default)]
    version: u64,
    to: String,
    from: String,
    nonce: u64,
    value: Int,
    gas_limit: u64,
    gas_fee_cap: Int,
    gas_premium: Int,
    method: u64,
    params: Bytes,
    #[serde(rename = "CID", default, skip_serializing_if = "Option::is_none")]
    cid: Option<Link>,
}

impl Message {
    /// The JSON of `message`.
    #[must_use]
    pub fn of(message: &types::Message, network: Network) -> Self {
        Self {
            version: message.version,
            to: address_text(&message.to, network),
            from: address_text(&message.from, network),
            nonce: message.sequence,
            value: Int::from(&message.value),
            gas_limit: message.gas_limit,
            gas_fee_cap: Int::from(&message.gas_fee_cap),
            gas_premium: Int::from(&message.gas_premium),
            method: message.method_num,
            params: Bytes(message.params.to_vec()),
            cid: Some(Link(message_cid(message))),
        }
    }
}

impl TryFrom<Message> for types::Message {
    type Error = InvalidJson;

    /// Fails when a CID is claimed that the message does not have.
    fn try_from(json: Message) -> Result<Self, InvalidJson> {
        let message = Self {
            version: json.version,
            from: parse_address(&json.from)?,
            to: parse_address(&json.to)?,
            sequence: json.nonce,
            value: json.value.into(),
            method_num: json.method,
            params: RawBytes::new(json.params.0),
            gas_limit: json.gas_limit,
            gas_fee_cap: json.gas_fee_cap.into(),
            gas_premium: json.gas_premium.into(),
        };
        same_cid("a message", json.cid.as_ref(), message_cid(&message))?;
        Ok(message)
    }
}

/// A signed message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignedMessage {
    message: Message,
    signature: Signature,
    #[serde(rename = "CID", default, skip_serializing_if = "Option::is_none")]
    cid: Option<Link>,
}

impl SignedMessage {
    /// The JSON of `signed`.
    #[must_use]
    pub fn of(signed: &types::SignedMessage, network: Network) -> Self {
        Self {
            message: Message::of(&signed.message, network),
            signature: Signature { kind: signed.signature.kind as u8, data: signed.signature.bytes.clone() },
            cid: Some(Link(signed.cid())),
        }
    }
}

impl TryFrom<SignedMessage> for types::SignedMessage {
    type Error = InvalidJson;

    /// Fails when a CID is claimed that the message does not have.
    fn try_from(json: SignedMessage) -> Result<Self, InvalidJson> {
        let kind = SignatureKind::of(json.signature.kind).ok_or_else(|| {
            InvalidJson::new("a message's signature", format!("type {}", json.signature.kind))
        })?;
        let signature = MessageSignature { kind, bytes: json.signature.data };
        let signed = Self { message: json.message.try_into()?, signature };
        same_cid("a signed message", json.cid.as_ref(), signed.cid())?;
        Ok(signed)
    }
}

/// What `ChainGetBlockMessages` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BlockMessages {
    #[serde(deserialize_with = "or_empty")]
    bls_messages: Vec<Message>,
    #[serde(deserialize_with = "or_empty")]
    secpk_messages: Vec<SignedMessage>,
    #[serde(deserialize_with = "or_empty")]
    cids: Vec<Link>,
}

impl BlockMessages {
    /// The JSON of `messages`.
    #[must_use]
    pub fn of(messages: &types::BlockMessages, network: Network) -> Self {
        let secp = messages.secp.iter().map(|(_, signed)| SignedMessage::of(signed, network));
        Self {
            bls_messages: messages.bls.iter().map(|(_, message)| Message::of(message, network)).collect(),
            secpk_messages: secp.collect(),
            cids: messages.iter().map(|(cid, _)| Link(*cid)).collect(),
        }
    }
}

impl TryFrom<BlockMessages> for types::BlockMessages {
    type Error = InvalidJson;

    fn try_from(json: BlockMessages) -> Result<Self, InvalidJson> {
        let bls = json.bls_messages.into_iter().map(|message| {
            let message = types::Message::try_from(message)?;
            Ok((message_cid(&message), message))
        });
        let secp = json.secpk_messages.into_iter().map(|signed| {
            let signed = types::SignedMessage::try_from(signed)?;
            Ok((signed.cid(), signed))
        });
        let messages = Self { bls: bls.collect::<Result<_, _>>()?, secp: secp.collect::<Result<_, _>>()? };
        if messages.iter().map(|(cid, _)| Link(*cid)).eq(json.cids) {
            Ok(messages)
        } else {
            Err(InvalidJson::new("a block's list of messages", "the CIDs are not those of the messages"))
        }
    }
}

/// A receipt. Its JSON does not tell the older form on the chain from the newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub types::Receipt);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiptFields {
    exit_code: u32,
    r#return: Bytes,
    gas_used: u64,
    #[serde(default)]
    events_root: Option<Link>,
}

impl Serialize for Receipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ReceiptFields {
            exit_code: self.0.exit_code.value(),
            r#return: Bytes(self.0.return_data.to_vec()),
            gas_used: self.0.gas_used,
            events_root: self.0.events_root.map(Link),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Receipt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = ReceiptFields::deserialize(deserializer)?;
        Ok(Self(types::Receipt {
            form: ReceiptForm::WithEvents,
            exit_code: ExitCode::new(json.exit_code),
            return_data: RawBytes::new(json.r#return.0),
            gas_used: json.gas_used,
            events_root: json.events_root.map(|Link(cid)| cid),
        }))
    }
}
