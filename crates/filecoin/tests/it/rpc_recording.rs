//! The exact requests and answers of real Lotus nodes.

use std::io::BufRead;

use apogee_testkit::example;
use serde::Deserialize;
use serde_json::Value;

/// One request with its answer, byte for byte.
#[derive(Deserialize)]
pub(crate) struct Exchange {
    pub(crate) auth: String,
    pub(crate) path: String,
    pub(crate) req: String,
    pub(crate) status: u16,
    pub(crate) resp: String,
}

impl Exchange {
    /// `Filecoin.X` without the prefix; empty for a request that is no request.
    pub(crate) fn method(&self) -> String {
        let request: Value = serde_json::from_str(&self.req).unwrap_or_default();
        request["method"].as_str().unwrap_or_default().trim_start_matches("Filecoin.").to_owned()
    }

    pub(crate) fn params(&self) -> Value {
        serde_json::from_str::<Value>(&self.req).unwrap()["params"].clone()
    }

    /// The bytes of the result, if there is one.
    pub(crate) fn result(&self) -> Option<&str> {
        let (_, result) = self.resp.split_once(r#""jsonrpc":"2.0","result":"#)?;
        result.trim_end().strip_suffix('}')
    }
}

/// The exchanges in a file of `devnet-a`; notes of the recorder that are no exchange are left out.
pub(crate) fn exchanges(file: &str) -> impl Iterator<Item = Exchange> {
    let file = std::fs::File::open(example("devnet-a").join(file)).unwrap();
    let lines = std::io::BufReader::new(zstd::Decoder::new(file).unwrap()).lines();
    lines.filter_map(|line| serde_json::from_str(&line.unwrap()).ok())
}
