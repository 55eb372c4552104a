//! A deal's document as Go's `encoding/json` reads it into Curio's types: what is missing or `null` is nothing, what is unknown is passed over.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(super) struct Document {
    #[serde(default)]
    pub(super) identifier: String,
    #[serde(default)]
    pub(super) client: String,
    pub(super) data: Option<Data>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) products: Products,
}

#[derive(Debug, Deserialize)]
pub(super) struct Data {
    pub(super) piece_cid: Option<Link>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) format: Format,
    pub(super) source_http: Option<Http>,
    pub(super) source_aggregate: Option<Value>,
    pub(super) source_offline: Option<Value>,
    pub(super) source_http_put: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    #[serde(rename = "/")]
    pub(super) cid: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Format {
    pub(super) car: Option<Value>,
    pub(super) aggregate: Option<Value>,
    pub(super) raw: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Http {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) urls: Vec<Url>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Url {
    #[serde(default)]
    pub(super) url: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) priority: i64,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Products {
    pub(super) ddo_v1: Option<Ddo>,
    pub(super) retrieval_v1: Option<Retrieval>,
    pub(super) pdp_v1: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Ddo {
    #[serde(default)]
    pub(super) provider: String,
    pub(super) start_epoch: Option<i64>,
    #[serde(default)]
    pub(super) duration: i64,
    pub(super) allocation_id: Option<u64>,
    #[serde(default)]
    pub(super) market_address: String,
    pub(super) market_deal_id: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Retrieval {
    #[serde(default)]
    pub(super) indexing: bool,
    #[serde(default)]
    pub(super) announce_payload: bool,
    #[serde(default)]
    pub(super) announce_piece: bool,
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(value: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}
