//! Lists in pages.

use serde_json::{Map, Value, json};

use super::Question;
use crate::fault::Fault;
use crate::refusal::Refusal;

impl Question<'_> {
    /// A page of a list. `place` is the field that tells layer or epoch.
    pub(super) fn page(&self, name: &str, rows: Vec<Value>, place: Option<&str>) -> Result<Value, Refusal> {
        let (offset, limit) = self.fields.page()?;
        let total = match self.fault {
            Some(Fault::Uncounted) => 0,
            Some(Fault::WrongCount) => rows.len() + 1,
            _ => rows.len(),
        };
        let limit = if self.is(&Fault::Short) { limit.div_ceil(2) } else { limit };
        let mut page: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
        match self.fault {
            Some(Fault::Missing) if page.len() < limit => drop(page.pop()),
            Some(Fault::Duplicate) => {
                let first = page.first().cloned();
                if page.len() > 1 {
                    page.pop();
                }
                page.extend(first);
            }
            Some(Fault::OutOfRange) => {
                let row = page.first_mut().and_then(Value::as_object_mut);
                if let Some((row, place)) = row.zip(place) {
                    row.insert(place.to_owned(), 1_000_000.into());
                }
            }
            _ => {}
        }
        if self.is(&Fault::Wrapped) {
            page = page.into_iter().map(wrapped).collect();
        }
        let mut answer = Map::new();
        answer.insert(name.to_owned(), page.into());
        if !self.beta {
            answer.insert("total".to_owned(), total.into());
        }
        Ok(answer.into())
    }
}

/// A row as the first nodes gave it. Of a transaction its body alone is wrapped.
fn wrapped(mut row: Value) -> Value {
    match row.get_mut("tx").map(Value::take) {
        Some(body) => {
            if let Some(fields) = row.as_object_mut() {
                fields.insert("tx".to_owned(), json!({ "v1": body }));
            }
            row
        }
        None => json!({ "v1": row }),
    }
}
