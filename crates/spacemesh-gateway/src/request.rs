//! A question, as either dialect writes it.

use apogee_spacemesh::address::{Address, Prefix};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde_json::{Map, Value};

/// A method, and whether both dialects are asked by POST: newer ones have GET for what only reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    /// `RewardService/List`.
    pub(crate) name: &'static str,
    pub(crate) posted: bool,
}

/// A method that lists or tells.
pub(crate) const fn told(name: &'static str) -> Method {
    Method { name, posted: false }
}

/// A method that takes bytes.
pub(crate) const fn posted(name: &'static str) -> Method {
    Method { name, posted: true }
}

/// The fields of a question. Those left out have the value that they have by themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request(Vec<(&'static str, Value)>);

impl Request {
    pub(crate) fn number(mut self, name: &'static str, value: u32) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// 64 bits travel as text.
    pub(crate) fn long(mut self, name: &'static str, value: usize) -> Self {
        self.0.push((name, value.to_string().into()));
        self
    }

    pub(crate) fn flag(mut self, name: &'static str) -> Self {
        self.0.push((name, true.into()));
        self
    }

    pub(crate) fn bytes(mut self, name: &'static str, value: &[u8]) -> Self {
        self.0.push((name, STANDARD.encode(value).into()));
        self
    }

    pub(crate) fn many_bytes<'a>(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let values: Vec<Value> = values.into_iter().map(|value| STANDARD.encode(value).into()).collect();
        self.0.push((name, values.into()));
        self
    }

    pub(crate) fn address(mut self, name: &'static str, address: &Address, prefix: Prefix) -> Self {
        self.0.push((name, address.text(prefix).into()));
        self
    }

    pub(crate) fn addresses(mut self, name: &'static str, address: &Address, prefix: Prefix) -> Self {
        self.0.push((name, vec![Value::from(address.text(prefix))].into()));
        self
    }

    /// As the body of a POST.
    pub(crate) fn json(&self) -> Vec<u8> {
        let fields: Map<String, Value> =
            self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Value::Object(fields).to_string().into_bytes()
    }

    /// As the query of a GET: a list is its name again and again.
    pub(crate) fn query(&self, url: &mut Url) {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in &self.0 {
            match value {
                Value::Array(values) => {
                    for value in values {
                        pairs.append_pair(name, &text(value));
                    }
                }
                value => {
                    pairs.append_pair(name, &text(value));
                }
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_say_the_same() {
        let request = Request::default()
            .number("startLayer", 7)
            .long("limit", 100)
            .many_bytes("txid", [&[0xfb, 0xff][..], &[1]])
            .flag("includeResult");
        let body: Value = serde_json::from_slice(&request.json()).unwrap();
        let expected = serde_json::json!({ "startLayer": 7, "limit": "100", "txid": ["+/8=", "AQ=="], "includeResult": true });
        assert_eq!(body, expected);
        let mut url: Url = "http://h/m".parse().unwrap();
        request.query(&mut url);
        let query = "startLayer=7&limit=100&txid=%2B%2F8%3D&txid=AQ%3D%3D&includeResult=true";
        assert_eq!(url.query(), Some(query));
    }
}
