//! A cursor over DAG-CBOR: borrows, never recurses, and allocates nothing that the input does not pay for.

use cid::Cid;
use fvm_ipld_bitfield::BitField;
use fvm_shared::address::Address;
use fvm_shared::bigint::{BigInt, Sign};
use fvm_shared::econ::TokenAmount;

use crate::Fault;

/// Big integers of the built-in actors fit in 128 bytes, sign included (`go-state-types/big`).
const MAX_BIG_INT: usize = 128;
const LINK_TAG: u64 = 42;

/// Reads one item after the other.
#[derive(Debug, Clone)]
pub(crate) struct Cbor<'a> {
    rest: &'a [u8],
}

impl<'a> Cbor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// That nothing is left.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(Fault::Trailing) }
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Fault> {
        let count = usize::try_from(count).map_err(|_| Fault::Truncated)?;
        let (head, rest) = self.rest.split_at_checked(count).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn head(&mut self) -> Result<(u8, u64), Fault> {
        let (&first, rest) = self.rest.split_first().ok_or(Fault::Truncated)?;
        self.rest = rest;
        let info = first & 0x1f;
        let argument = match info {
            0..=23 => u64::from(info),
            24..=27 => self.take(1 << (info - 24))?.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
            _ => return Err(Fault::Invalid("uses an indefinite length")),
        };
        Ok((first >> 5, argument))
    }

    fn expect(&mut self, major: u8, expected: &'static str) -> Result<u64, Fault> {
        match self.head()? {
            (found, argument) if found == major => Ok(argument),
            (found, _) => Err(Fault::Kind { expected, found }),
        }
    }

    /// CBOR major type of the next item.
    pub(crate) fn major(&self) -> Result<u8, Fault> {
        self.rest.first().map(|byte| byte >> 5).ok_or(Fault::Truncated)
    }

    /// Length of a list, at most `limit`.
    pub(crate) fn list(&mut self, limit: u64) -> Result<u64, Fault> {
        match self.expect(4, "a list")? {
            found if found > limit => Err(Fault::TooMany { found, limit }),
            found => Ok(found),
        }
    }

    /// The fields of a tuple, one of `known`.
    pub(crate) fn tuple(&mut self, known: &[u64]) -> Result<u64, Fault> {
        match self.expect(4, "a tuple")? {
            found if known.contains(&found) => Ok(found),
            found => Err(Fault::Arity(found)),
        }
    }

    /// Entries of a map.
    pub(crate) fn map(&mut self) -> Result<u64, Fault> {
        self.expect(5, "a map")
    }

    pub(crate) fn uint(&mut self) -> Result<u64, Fault> {
        self.expect(0, "an unsigned integer")
    }

    pub(crate) fn int(&mut self) -> Result<i64, Fault> {
        let (major, argument) = self.head()?;
        let value = i64::try_from(argument)
            .map_err(|_| Fault::Invalid("holds an integer that does not fit in 64 bits"))?;
        match major {
            0 => Ok(value),
            1 => Ok(-1 - value),
            found => Err(Fault::Kind { expected: "an integer", found }),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.expect(2, "bytes")?;
        self.take(length)
    }

    /// The bytes of a text, which may be no UTF-8.
    pub(crate) fn text_bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.expect(3, "text")?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.text_bytes()?).map_err(|_| Fault::Invalid("holds text that is not UTF-8"))
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, Fault> {
        match self.head()? {
            (7, 20) => Ok(false),
            (7, 21) => Ok(true),
            (found, _) => Err(Fault::Kind { expected: "a boolean", found }),
        }
    }

    /// Consumes a null, if one is next.
    pub(crate) fn null(&mut self) -> bool {
        match self.rest.split_first() {
            Some((0xf6, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// A value that may be null.
    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        if self.null() { Ok(None) } else { read(self).map(Some) }
    }

    pub(crate) fn link(&mut self) -> Result<Cid, Fault> {
        match self.head()? {
            (6, LINK_TAG) => {}
            (found, _) => return Err(Fault::Kind { expected: "a link", found }),
        }
        let bytes = self
            .bytes()?
            .strip_prefix(&[0])
            .ok_or(Fault::Invalid("holds a link without its multibase prefix"))?;
        let cid = Cid::read_bytes(bytes).map_err(|_| Fault::Invalid("holds a link that is not a CID"))?;
        if cid.encoded_len() == bytes.len() {
            Ok(cid)
        } else {
            Err(Fault::Invalid("holds a link with bytes after the CID"))
        }
    }

    pub(crate) fn address(&mut self) -> Result<Address, Fault> {
        Address::from_bytes(self.bytes()?).map_err(|_| Fault::Invalid("holds bytes that are not an address"))
    }

    pub(crate) fn big_int(&mut self) -> Result<BigInt, Fault> {
        let bytes = self.bytes()?;
        if bytes.len() > MAX_BIG_INT {
            return Err(Fault::TooMany { found: bytes.len() as u64, limit: MAX_BIG_INT as u64 });
        }
        match bytes.split_first() {
            None => Ok(BigInt::default()),
            Some((0, magnitude)) => Ok(BigInt::from_bytes_be(Sign::Plus, magnitude)),
            Some((1, magnitude)) => Ok(BigInt::from_bytes_be(Sign::Minus, magnitude)),
            Some(_) => Err(Fault::Invalid("holds a big integer without a sign")),
        }
    }

    pub(crate) fn amount(&mut self) -> Result<TokenAmount, Fault> {
        self.big_int().map(TokenAmount::from_atto)
    }

    /// An RLE+ bit field (at most 32 KiB of runs, as the actors allow).
    pub(crate) fn bit_field(&mut self) -> Result<BitField, Fault> {
        BitField::from_bytes(self.bytes()?).map_err(|_| Fault::Invalid("holds a bit field that is not RLE+"))
    }

    /// Steps over one item of any kind.
    pub(crate) fn skip(&mut self) -> Result<(), Fault> {
        let mut items = 1_u64;
        while items > 0 {
            items -= 1;
            match self.head()? {
                (0 | 1 | 7, _) => {}
                (2 | 3, length) => {
                    self.take(length)?;
                }
                (4, length) => items = items.saturating_add(length),
                (5, length) => items = items.saturating_add(length.saturating_mul(2)),
                _ => items = items.saturating_add(1),
            }
        }
        Ok(())
    }

    /// Steps over `count` items.
    pub(crate) fn skip_many(&mut self, count: u64) -> Result<(), Fault> {
        (0..count).try_for_each(|_| self.skip())
    }

    /// The bytes of one item of any kind.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8], Fault> {
        let before = self.rest;
        self.skip()?;
        before.get(..before.len() - self.rest.len()).ok_or(Fault::Truncated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_length_beyond_the_input_is_refused_without_allocating() {
        let endless = [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(Cbor::new(&endless).skip(), Err(Fault::Truncated));
        assert_eq!(
            Cbor::new(&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).bytes(),
            Err(Fault::Truncated)
        );
    }

    #[test]
    fn nesting_as_deep_as_the_input_is_stepped_over_without_a_stack() {
        let mut deep = vec![0x81; 1_000_000];
        deep.push(0);
        assert_eq!(Cbor::new(&deep).skip(), Ok(()));
    }

    #[test]
    fn integers_are_read_with_their_sign_and_refused_beyond_64_bits() {
        assert_eq!(Cbor::new(&[0x20]).int(), Ok(-1));
        assert_eq!(Cbor::new(&[0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).int(), Ok(i64::MIN));
        assert!(Cbor::new(&[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).int().is_err());
    }

    #[test]
    fn a_link_with_bytes_after_its_cid_is_refused() {
        // An identity CID of no bytes: version 1, codec 0x55, hash 0x00, length 0.
        let link = [0xd8, 0x2a, 0x45, 0x00, 0x01, 0x55, 0x00, 0x00];
        assert!(Cbor::new(&link).link().is_ok());
        let longer = [0xd8, 0x2a, 0x46, 0x00, 0x01, 0x55, 0x00, 0x00, 0x00];
        assert!(Cbor::new(&longer).link().is_err());
    }
}
