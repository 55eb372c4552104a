//! Canonical JSON (RFC 8785) for documents without fractions, and their hashes.

use apogee_domain::Digest;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Integers of JSON are exact below this in magnitude, for every reader (RFC 8785 §3.2.2.3).
pub const LARGEST_INTEGER: i64 = (1 << 53) - 1;

/// Something that canonical JSON as used here cannot hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotCanonical {
    /// A fraction, or an integer of 2⁵³ or more.
    #[error("{path}: {number} is not a whole number below 2^53")]
    Number {
        /// Path to the number.
        path: String,
        /// As it stands there.
        number: String,
    },
    /// The name of a member holds other characters than ASCII: orders of bytes and of UTF-16 could differ.
    #[error("{path}: the name of a member is not ASCII")]
    Name {
        /// Path to the object.
        path: String,
    },
    /// The value cannot be JSON at all.
    #[error("it cannot be written as JSON")]
    Json(#[source] serde_json::Error),
}

/// Why bytes were not accepted as canonical JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// More bytes than allowed.
    #[error("{bytes} bytes, where {limit} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What was allowed.
        limit: usize,
    },
    /// Not JSON, or nested too deeply.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// JSON that holds what canonical JSON cannot.
    #[error(transparent)]
    NotCanonical(#[from] NotCanonical),
    /// JSON of another writing: spaces, order of members, members named twice, escapes, numbers.
    #[error("it is not in canonical form: byte {offset} is the first that differs")]
    Writing {
        /// Bytes before the first that differs from the canonical writing.
        offset: usize,
    },
}

/// The canonical text of `document`.
///
/// # Errors
/// It holds a fraction, a large integer, or a name outside ASCII.
pub fn text<T: Serialize + ?Sized>(document: &T) -> Result<String, NotCanonical> {
    let value = serde_json::to_value(document).map_err(NotCanonical::Json)?;
    let mut text = String::new();
    write(&value, "", &mut text)?;
    Ok(text)
}

/// The hash of `document`: SHA-256 of its canonical text.
///
/// # Errors
/// As [`text`].
pub fn hash<T: Serialize + ?Sized>(document: &T) -> Result<Digest, NotCanonical> {
    Ok(sha256(text(document)?.as_bytes()))
}

/// SHA-256 of bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Read a document of at most `limit` bytes that is written canonically, to the byte. A member that is named twice cannot pass.
///
/// # Errors
/// Says what it is instead.
pub fn read(bytes: &[u8], limit: usize) -> Result<Value, Unreadable> {
    if bytes.len() > limit {
        return Err(Unreadable::TooLarge { bytes: bytes.len(), limit });
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|cause| Unreadable::Json(cause.to_string()))?;
    let canonical = text(&value)?;
    if canonical.as_bytes() == bytes {
        return Ok(value);
    }
    let offset = canonical.bytes().zip(bytes).take_while(|(a, b)| a == *b).count();
    Err(Unreadable::Writing { offset })
}

/// Sorts members itself: whether `serde_json` keeps or sorts them depends on features that any crate can switch on.
fn write(value: &Value, path: &str, out: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match number.as_i64() {
            Some(whole) if (-LARGEST_INTEGER..=LARGEST_INTEGER).contains(&whole) => {
                out.push_str(&whole.to_string());
            }
            _ => {
                let (path, number) = (path.to_owned(), number.to_string());
                return Err(NotCanonical::Number { path, number });
            }
        },
        Value::String(text) => out.push_str(&quoted(text)?),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, &format!("{path}[{index}]"), out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| name.as_bytes());
            out.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if !name.is_ascii() {
                    return Err(NotCanonical::Name { path: path.to_owned() });
                }
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&quoted(name)?);
                out.push(':');
                let dot = if path.is_empty() { "" } else { "." };
                write(member, &format!("{path}{dot}{name}"), out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// `serde_json` escapes `"`, `\` and control characters exactly as RFC 8785 §3.2.2.2 asks, and nothing else.
fn quoted(text: &str) -> Result<String, NotCanonical> {
    serde_json::to_string(text).map_err(NotCanonical::Json)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_only_what_must_be_is_escaped() {
        let value = json!({"b": [1, null, true], "a": {"z": "é\u{1}\u{8}\t\n\u{c}\r\"\\/\u{7f}€", "y": -1}});
        assert_eq!(
            text(&value).unwrap(),
            "{\"a\":{\"y\":-1,\"z\":\"é\\u0001\\b\\t\\n\\f\\r\\\"\\\\/\u{7f}€\"},\"b\":[1,null,true]}"
        );
        assert_eq!(
            hash(&json!({})).unwrap().to_string(),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
    }

    #[test]
    fn fractions_large_integers_and_foreign_names_are_refused_with_their_place() {
        let refused = |value: Value| text(&value).unwrap_err().to_string();
        assert_eq!(refused(json!({"a": [1.5]})), "a[0]: 1.5 is not a whole number below 2^53");
        assert_eq!(
            refused(json!({"a": {"b": 1_i64 << 53}})),
            "a.b: 9007199254740992 is not a whole number below 2^53"
        );
        assert_eq!(refused(json!({"a": {"é": 1}})), "a: the name of a member is not ASCII");
        assert!(text(&json!(LARGEST_INTEGER)).is_ok());
    }

    #[test]
    fn only_the_canonical_writing_is_read() {
        assert_eq!(read(br#"{"a":1,"b":2}"#, 100).unwrap(), json!({"a": 1, "b": 2}));
        let refused = |text: &str| read(text.as_bytes(), 100).unwrap_err().to_string();
        assert_eq!(
            refused(r#"{"a":1, "b":2}"#),
            "it is not in canonical form: byte 7 is the first that differs"
        );
        assert_eq!(
            refused(r#"{"b":2,"a":1}"#),
            "it is not in canonical form: byte 2 is the first that differs"
        );
        assert_eq!(
            refused(r#"{"a":1,"a":1}"#),
            "it is not in canonical form: byte 6 is the first that differs"
        );
        assert_eq!(refused(r#""\u0041""#), "it is not in canonical form: byte 1 is the first that differs");
        assert_eq!(refused("1e2"), ": 100.0 is not a whole number below 2^53");
        assert_eq!(refused(&" ".repeat(101)), "101 bytes, where 100 are allowed");
        assert!(refused(&"[".repeat(90)).starts_with("it is not JSON"));
        assert!(matches!(read(b"\xff", 100), Err(Unreadable::Json(_))));
    }
}
