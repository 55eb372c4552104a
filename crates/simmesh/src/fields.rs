//! The fields of a question: of an object of JSON, or of a query. Fields that the protocol does not have are refused, as
//! a gateway does.

use std::collections::BTreeMap;

use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{EpochId, LayerId};
use apogee_spacemesh_state::Layers;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::refusal::Refusal;

/// Names and values, each as text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(BTreeMap<String, Vec<String>>);

impl Fields {
    /// From the body of a POST. No body is an empty one.
    pub(crate) fn of_json(body: &[u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let syntax = |why: &str| Refusal::invalid(format!("proto: syntax error: {why}"));
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
            return Err(syntax("no object"));
        };
        let mut fields = Self::default();
        for (name, value) in object {
            let values = match value {
                Value::Null => continue,
                Value::Array(values) => values,
                value => vec![value],
            };
            let text = |value: Value| match value {
                Value::String(text) => Ok(text),
                Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
                _ => Err(syntax(&name)),
            };
            let values = values.into_iter().map(text).collect::<Result<_, _>>()?;
            fields.0.insert(name, values);
        }
        Ok(fields)
    }

    /// From the query of a GET.
    pub(crate) fn of_query(query: &str) -> Self {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            fields.0.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        fields
    }

    /// That there are no others than these.
    pub(crate) fn only(&self, names: &[&str]) -> Result<(), Refusal> {
        match self.0.keys().find(|name| !names.contains(&name.as_str())) {
            Some(name) => Err(Refusal::invalid(format!("proto: unknown field \"{name}\""))),
            None => Ok(()),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> &[String] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.texts(name) {
            [] => Ok(None),
            [text] => Ok(Some(text)),
            _ => Err(wrong(name)),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u32>, Refusal> {
        self.text(name)?.map(|text| text.parse().map_err(|_| wrong(name))).transpose()
    }

    pub(crate) fn long(&self, name: &str) -> Result<usize, Refusal> {
        self.text(name)?.map_or(Ok(0), |text| text.parse().map_err(|_| wrong(name)))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        self.text(name)?.map_or(Ok(false), |text| text.parse().map_err(|_| wrong(name)))
    }

    pub(crate) fn many_bytes(&self, name: &str) -> Result<Vec<Vec<u8>>, Refusal> {
        self.texts(name).iter().map(|text| STANDARD.decode(text).map_err(|_| wrong(name))).collect()
    }

    pub(crate) fn addresses(&self, name: &str, prefix: Prefix) -> Result<Vec<Address>, Refusal> {
        self.texts(name).iter().map(|text| Address::parse(text, prefix).map_err(Refusal::invalid)).collect()
    }

    /// Layers from one bound to the other. To most lists a bound of zero is none.
    pub(crate) fn layers(&self) -> Result<Layers, Refusal> {
        let end = self.number("endLayer")?.filter(|end| *end != 0);
        Ok(LayerId(self.number("startLayer")?.unwrap_or(0))..=LayerId(end.unwrap_or(u32::MAX)))
    }

    pub(crate) fn epochs(&self) -> Result<std::ops::RangeInclusive<EpochId>, Refusal> {
        let end = self.number("endEpoch")?.filter(|end| *end != 0);
        Ok(EpochId(self.number("startEpoch")?.unwrap_or(0))..=EpochId(end.unwrap_or(u32::MAX)))
    }

    /// Where a page begins, and how many rows it has.
    pub(crate) fn page(&self) -> Result<(usize, usize), Refusal> {
        match self.long("limit")? {
            0 => Err(Refusal::invalid("limit must be set to <= 100")),
            limit @ 1..=100 => Ok((self.long("offset")?, limit)),
            _ => Err(Refusal::invalid("limit is capped at 100")),
        }
    }
}

fn wrong(name: &str) -> Refusal {
    Refusal::invalid(format!("proto: invalid value for field {name}"))
}
