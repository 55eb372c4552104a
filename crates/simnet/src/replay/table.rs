use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use apogee_filecoin::types::{TipsetKey, json};
use serde_json::Value;

use crate::answer::{Answer, Refusal};

/// Recorded answers by call.
#[derive(Debug, Default)]
pub(crate) struct Table {
    answers: HashMap<String, Answer>,
    /// Number of parameters by method.
    counts: HashMap<String, usize>,
    /// Every text once: most answers are the same ones over and over.
    texts: HashSet<Arc<str>>,
}

impl Table {
    /// Keep an answer. The first one for a call stays: another node's differs at most in the time it took.
    pub(crate) fn add(&mut self, method: &str, params: &[Value], answer: Result<&str, Refusal>) {
        let answer = answer.map(|text| match self.texts.get(text) {
            Some(known) => known.clone(),
            None => {
                let text: Arc<str> = text.into();
                self.texts.insert(text.clone());
                text
            }
        });
        self.counts.insert(method.to_owned(), params.len());
        self.answers.entry(name(method, params)).or_insert(answer);
    }

    /// How many parameters a recorded method takes; `None` for others.
    pub(crate) fn count(&self, method: &str) -> Option<usize> {
        self.counts.get(method).copied()
    }

    /// The answer to a call whose last parameter may be `null` or `[]` for the head.
    pub(crate) fn find(&self, method: &str, params: &[Value], head: &TipsetKey) -> Option<Answer> {
        if let Some(answer) = self.answers.get(&name(method, params)) {
            return Some(answer.clone());
        }
        let (last, others) = params.split_last()?;
        let is_head = last.is_null() || last.as_array().is_some_and(Vec::is_empty);
        if !is_head {
            return None;
        }
        let links: Vec<_> = head.0.iter().copied().map(json::Link).collect();
        let mut params = others.to_vec();
        params.push(serde_json::to_value(links).ok()?);
        self.answers.get(&name(method, &params)).cloned()
    }
}

/// One text for all ways to write a call: the letter of an address does not count.
fn name(method: &str, params: &[Value]) -> String {
    let mut name = method.to_owned();
    for param in params {
        name.push(' ');
        match param.as_str().and_then(|text| text.strip_prefix(['f', 't'])) {
            Some(rest) if rest.starts_with(|first: char| first.is_ascii_digit()) => {
                name.push('t');
                name.push_str(rest);
            }
            _ => name.push_str(&param.to_string()),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_found_whatever_letter_its_address_has() {
        let mut table = Table::default();
        table.add("M", &[json!("f02"), json!([])], Ok("1"));
        let head = TipsetKey::default();
        assert_eq!(table.find("M", &[json!("t02"), json!([])], &head), Some(Ok("1".into())));
        assert_eq!(table.find("M", &[json!("t02"), json!(null)], &head), Some(Ok("1".into())));
        assert_eq!(table.find("M", &[json!("t03"), json!([])], &head), None);
        assert_eq!((table.count("M"), table.count("N")), (Some(2), None));
    }
}
