use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

/// What a node answers to a call: the JSON text of the result, or a refusal.
pub type Answer = Result<Arc<str>, Refusal>;

/// A JSON-RPC error as Lotus gives it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Refusal {
    /// 1 for everything an application says; −32600 and below are the protocol's.
    pub code: i64,
    /// The words.
    pub message: String,
}

impl Refusal {
    /// What an application says: code 1 with HTTP status 200 (recorded on Lotus b835fab).
    #[must_use]
    pub fn application(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The node has no such method.
    #[must_use]
    pub fn unknown_method(method: &str) -> Self {
        Self { code: -32601, message: format!("method '{method}' not found") }
    }

    /// The method wants another number of parameters.
    #[must_use]
    pub fn wrong_count(method: &str, given: usize, wanted: usize) -> Self {
        let message = format!("wrong param count (method '{method}'): {given} != {wanted}");
        Self { code: -32602, message }
    }

    /// A parameter is not what the method wants; `kind` is the Go type it should be.
    #[must_use]
    pub fn bad_parameter(method: &str, kind: &str, detail: &str) -> Self {
        let message = format!("unmarshaling params for '{method}' (param: *{kind}): {detail}");
        Self { code: -32700, message }
    }

    /// The HTTP status it comes with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.code {
            -32600 => 400,
            -32601 | -32602 | -32700 => 500,
            _ => 200,
        }
    }
}

/// The JSON text of a result.
pub(crate) fn text(value: &impl Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(Refusal::application(error.to_string())),
    }
}

/// The text that goes over the wire, line end included.
pub(crate) fn envelope(id: &Value, answer: &Answer) -> String {
    match answer {
        Ok(result) => format!("{{\"id\":{id},\"jsonrpc\":\"2.0\",\"result\":{result}}}\n"),
        Err(refusal) => {
            let error = json!({"code": refusal.code, "message": refusal.message});
            format!("{{\"error\":{error},\"id\":{id},\"jsonrpc\":\"2.0\"}}\n")
        }
    }
}
