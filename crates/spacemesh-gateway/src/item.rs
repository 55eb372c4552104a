//! Fields of an answer, by the standard mapping of protocol buffers to JSON: integers of 64 bits are text or numbers,
//! bytes are Base64, enums are names, and a field that is left out has the value that it has by itself.
//!
//! Source: <https://protobuf.dev/programming-guides/json>.

use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::LayerId;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use crate::error::Fault;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An object, and where it is in the answer.
#[derive(Clone, Debug)]
pub(crate) struct Item<'a> {
    fields: &'a Map<String, Value>,
    at: String,
}

impl<'a> Item<'a> {
    /// The answer itself.
    pub(crate) const fn answer(fields: &'a Map<String, Value>) -> Self {
        Self { fields, at: String::new() }
    }

    pub(crate) const fn fields(&self) -> &'a Map<String, Value> {
        self.fields
    }

    /// The fault of one of its fields.
    pub(crate) fn wrong(&self, name: &str, what: &'static str) -> Fault {
        Fault::Malformed { field: self.place(name), what }
    }

    fn place(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    /// A field that is there.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// The first of these names that is there, or else the first: a field was called otherwise before.
    pub(crate) fn named(&self, names: [&'static str; 2]) -> &'static str {
        let [now, before] = names;
        if self.get(now).is_none() && self.get(before).is_some() { before } else { now }
    }

    pub(crate) fn u64(&self, name: &str) -> Result<u64, Fault> {
        let number = match self.get(name) {
            None => Some(0),
            Some(Value::Number(number)) => number.as_u64(),
            // Signs and spaces are nobody's way to write it.
            Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Some(_) => None,
        };
        number.ok_or_else(|| self.wrong(name, "no integer of 64 bits"))
    }

    pub(crate) fn u32(&self, name: &str) -> Result<u32, Fault> {
        let number = self.u64(name).ok().and_then(|number| number.try_into().ok());
        number.ok_or_else(|| self.wrong(name, "no integer of 32 bits"))
    }

    pub(crate) fn layer(&self, name: &str) -> Result<LayerId, Fault> {
        self.u32(name).map(LayerId)
    }

    pub(crate) fn text(&self, name: &str) -> Result<&'a str, Fault> {
        self.get(name).map_or(Some(""), Value::as_str).ok_or_else(|| self.wrong(name, "no text"))
    }

    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, Fault> {
        BASE64.decode(self.text(name)?).map_err(|_| self.wrong(name, "no Base64"))
    }

    pub(crate) fn array<const N: usize>(&self, name: &str) -> Result<[u8; N], Fault> {
        self.bytes(name)?.try_into().map_err(|_| self.wrong(name, "of another length"))
    }

    /// No bytes are none.
    pub(crate) fn optional_array<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, Fault> {
        if self.text(name)?.is_empty() { Ok(None) } else { self.array(name).map(Some) }
    }

    pub(crate) fn address(&self, name: &str, prefix: Prefix) -> Result<Address, Fault> {
        Address::parse(self.text(name)?, prefix).map_err(|_| self.wrong(name, "no address of this network"))
    }

    /// Addresses of a list.
    pub(crate) fn addresses(&self, name: &str, prefix: Prefix) -> Result<Vec<Address>, Fault> {
        let wrong = |what| self.wrong(name, what);
        let address = |value: &Value| {
            let text = value.as_str().ok_or_else(|| wrong("no list of texts"))?;
            Address::parse(text, prefix).map_err(|_| wrong("no list of addresses of this network"))
        };
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(address).collect(),
            Some(_) => Err(wrong("no list")),
        }
    }

    /// No text is none.
    pub(crate) fn optional_address(&self, name: &str, prefix: Prefix) -> Result<Option<Address>, Fault> {
        if self.text(name)?.is_empty() { Ok(None) } else { self.address(name, prefix).map(Some) }
    }

    /// A value by its name in the protocol, or by its number: its place among `names`.
    pub(crate) fn one_of<T: Copy>(&self, name: &str, names: &[(&str, T)]) -> Result<T, Fault> {
        let found = match self.get(name) {
            None => names.first(),
            Some(Value::String(text)) => names.iter().find(|(name, _)| name == text),
            Some(value) => value.as_u64().and_then(|place| names.get(usize::try_from(place).ok()?)),
        };
        found.map(|(_, value)| *value).ok_or_else(|| self.wrong(name, "no name that is known here"))
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<Item<'a>>, Fault> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Item { fields, at: self.place(name) })),
            Some(_) => Err(self.wrong(name, "no object")),
        }
    }

    /// Objects of a list, out of what early nodes wrap them in.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<Item<'a>>, Fault> {
        let items = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.wrong(name, "no list")),
        };
        let item = |(index, value): (usize, &'a Value)| {
            let name = format!("{name}[{index}]");
            let Value::Object(fields) = value else { return Err(self.wrong(&name, "no object")) };
            Item { fields, at: self.place(&name) }.unwrapped()
        };
        items.iter().enumerate().map(item).collect()
    }

    /// What is in `{"v1": …}`, where it is.
    pub(crate) fn unwrapped(self) -> Result<Item<'a>, Fault> {
        Ok(self.object("v1")?.unwrap_or(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn integers_are_text_or_numbers() {
        let fields = object(
            r#"{"a":"18446744073709551615","b":18446744073709551615,"c":null,"d":"-1","e":1.5,"f":"+1","g":"18446744073709551616","h":"4294967296","i":""}"#,
        );
        let item = Item::answer(&fields);
        assert_eq!((item.u64("a").unwrap(), item.u64("b").unwrap()), (u64::MAX, u64::MAX));
        assert_eq!((item.u64("c").unwrap(), item.u64("absent").unwrap()), (0, 0));
        for bad in ["d", "e", "f", "g", "i"] {
            assert_eq!(item.u64(bad).unwrap_err().to_string(), format!("{bad} is no integer of 64 bits"));
        }
        assert_eq!(item.u32("h").unwrap_err().to_string(), "h is no integer of 32 bits");
    }

    #[test]
    fn a_fault_names_its_place() {
        let fields = object(r#"{"rewards":[{"v1":{"smesher":"AQ"}},{"smesher":"!"},{"smesher":"AQI="}]}"#);
        let items = Item::answer(&fields).list("rewards").unwrap();
        assert_eq!(items[0].array::<1>("smesher").unwrap(), [1]);
        let wrong = |index: usize| items[index].array::<1>("smesher").unwrap_err().to_string();
        assert_eq!(wrong(1), "rewards[1].smesher is no Base64");
        assert_eq!(wrong(2), "rewards[2].smesher is of another length");
        for bad in [r#"{"rewards":{}}"#, r#"{"rewards":[[]]}"#, r#"{"rewards":[{"v1":7}]}"#] {
            assert!(Item::answer(&object(bad)).list("rewards").is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_names_or_numbers() {
        let fields = object(r#"{"a":"ONE","b":1,"c":"TWO","d":2,"e":-1}"#);
        let item = Item::answer(&fields);
        let names = [("ZERO", 0), ("ONE", 1)];
        let found = |name| item.one_of(name, &names);
        assert_eq!((found("a").unwrap(), found("b").unwrap(), found("absent").unwrap()), (1, 1, 0));
        assert!(found("c").is_err() && found("d").is_err() && found("e").is_err());
    }
}
