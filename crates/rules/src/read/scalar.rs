use apogee_domain::Epoch;
use serde_json::Value;

use super::cursor::{Node, Reader, shown};
use super::human;
use crate::{Quantity, Ratio};

impl Reader {
    /// A JSON number; for authors a date as well, which has become a number before.
    pub(super) fn epoch(&mut self, node: Node<'_>) -> Option<Epoch> {
        let height = self.number(&node)?;
        i64::try_from(height).ok().and_then(Epoch::new)
    }

    /// A number of epochs; for authors a length of time as well: `30d`.
    pub(super) fn span(&mut self, node: Node<'_>) -> Option<u64> {
        let (Value::String(text), Some(author)) = (node.value, &self.author) else {
            return self.number(&node);
        };
        match human::span(text, author.epoch_seconds) {
            Ok(epochs) => Some(epochs),
            Err(reason) => self.problem(&node.path, format_args!("{:?}: {reason}", shown(text))),
        }
    }

    /// Digits; for authors a number with its unit: `1.5PiB`.
    pub(super) fn quantity(&mut self, node: Node<'_>) -> Option<Quantity> {
        let Some(author) = &mut self.author else { return self.parsed(&node) };
        let text = match node.value {
            Value::Number(number) if number.is_u64() => number.to_string(),
            Value::String(text) => text.clone(),
            _ => return self.other(&node, "an amount with its unit"),
        };
        match human::amount(&text) {
            Ok((quantity, unit)) => {
                author.spoken.insert(node.path, unit);
                Some(quantity)
            }
            Err(reason) => self.problem(&node.path, format_args!("{:?}: {reason}", shown(&text))),
        }
    }

    /// `p/q` in lowest terms; for authors in any terms, and percent.
    pub(super) fn ratio(&mut self, node: Node<'_>) -> Option<Ratio> {
        if self.author.is_none() {
            return self.parsed(&node);
        }
        let text = self.text(&node)?;
        match human::ratio(text) {
            Some(ratio) => Some(ratio),
            None => self.problem(
                &node.path,
                format_args!(
                    "{:?}: a ratio is two whole numbers, as in 4/5, or percent, as in 80%",
                    shown(text)
                ),
            ),
        }
    }
}
