//! Amounts of attoFIL, which Go writes as `"<nil>"` where it has none.

use apogee_filecoin::types::json::Int;
use fvm_shared::econ::TokenAmount;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<S: Serializer>(amount: &TokenAmount, serializer: S) -> Result<S::Ok, S::Error> {
    Int::from(amount).serialize(serializer)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Amount(Int),
    Nothing(Nothing),
}

#[derive(Deserialize)]
enum Nothing {
    #[serde(rename = "<nil>")]
    Nil,
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TokenAmount, D::Error> {
    Ok(match Option::deserialize(deserializer)? {
        Some(Written::Amount(amount)) => amount.into(),
        Some(Written::Nothing(Nothing::Nil)) | None => TokenAmount::default(),
    })
}
