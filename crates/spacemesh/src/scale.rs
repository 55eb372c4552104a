//! SCALE, in the dialect of go-scale: every integer is compact, arrays have no length, an option is a byte and what
//! follows.
//!
//! Source: <https://github.com/spacemeshos/go-scale>, and the `*_scale.go` files of go-spacemesh for the order of
//! fields.

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// The bytes end before the value does.
    #[error("the bytes end at byte {at}, where {needed} more were expected")]
    Truncated {
        /// Where the value's next part should be.
        at: usize,
        /// How long that part is.
        needed: usize,
    },
    /// A compact integer too large for its field.
    #[error("the integer at byte {at} has more than {bits} bits")]
    Overflow {
        /// Where it begins.
        at: usize,
        /// The width of the field.
        bits: u32,
    },
    /// A compact integer in a longer form than it needs.
    #[error("the integer at byte {at} is not in its shortest form")]
    NotShortest {
        /// Where it begins.
        at: usize,
    },
    /// A list that is longer than its kind may be.
    #[error("the list at byte {at} has {count} items, which is more than {limit}")]
    TooMany {
        /// Where its length is.
        at: usize,
        /// What its length says.
        count: u32,
        /// What is allowed.
        limit: u32,
    },
    /// A byte that says whether a value follows, and is neither 0 nor 1.
    #[error("byte {at} is {byte:#04x}, neither 0 nor 1")]
    Flag {
        /// Where it is.
        at: usize,
        /// What it is.
        byte: u8,
    },
    /// A value that this field cannot have.
    #[error("the value at byte {at} is no {what}")]
    Value {
        /// Where it begins.
        at: usize,
        /// What was expected.
        what: &'static str,
    },
    /// More bytes than the value has.
    #[error("the value ends at byte {at}, and {rest} bytes follow")]
    Trailing {
        /// Where the value ends.
        at: usize,
        /// What follows.
        rest: usize,
    },
}

/// A value with a form in SCALE. Reading takes only the form that writing gives, so that a value read from bytes is
/// written as the same bytes.
pub trait Scale: Sized {
    /// Append the value's bytes.
    fn write(&self, out: &mut Vec<u8>);

    /// Read a value.
    ///
    /// # Errors
    /// See [`ScaleError`].
    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError>;
}

/// The bytes of `value`.
#[must_use]
pub fn encode<T: Scale>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    value.write(&mut out);
    out
}

/// The one value that `bytes` are.
///
/// # Errors
/// See [`ScaleError`]; bytes that follow the value are one.
pub fn decode<T: Scale>(bytes: &[u8]) -> Result<T, ScaleError> {
    let mut input = Reader::new(bytes);
    let value = T::read(&mut input)?;
    input.finish()?;
    Ok(value)
}

/// Where in some bytes one is reading.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The largest value of each form but the longest.
const ONE_BYTE: u64 = (1 << 6) - 1;
const TWO_BYTES: u64 = (1 << 14) - 1;
const FOUR_BYTES: u64 = (1 << 30) - 1;

impl<'a> Reader<'a> {
    /// At the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// What has not been read.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// That everything has been read.
    ///
    /// # Errors
    /// [`ScaleError::Trailing`] otherwise.
    pub fn finish(&self) -> Result<(), ScaleError> {
        match self.rest().len() {
            0 => Ok(()),
            rest => Err(ScaleError::Trailing { at: self.at, rest }),
        }
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`ScaleError::Truncated`].
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], ScaleError> {
        let taken = self.rest().get(..length);
        let taken = taken.ok_or(ScaleError::Truncated { at: self.at, needed: length })?;
        self.at += length;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`ScaleError::Truncated`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ScaleError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    /// A compact integer of at most `bits` bits.
    fn compact(&mut self, bits: u32) -> Result<u64, ScaleError> {
        let at = self.at;
        let [first] = self.array()?;
        let (value, least) = match first & 3 {
            0 => (u64::from(first >> 2), 0),
            1 => (u64::from(u16::from_le_bytes([first, self.array::<1>()?[0]]) >> 2), ONE_BYTE + 1),
            2 => {
                let [second, third, fourth] = self.array()?;
                (u64::from(u32::from_le_bytes([first, second, third, fourth]) >> 2), TWO_BYTES + 1)
            }
            _ => self.long(at, first >> 2, bits)?,
        };
        if value < least {
            return Err(ScaleError::NotShortest { at });
        }
        if u64::BITS - value.leading_zeros() > bits {
            return Err(ScaleError::Overflow { at, bits });
        }
        Ok(value)
    }

    /// The longest form: four bytes and `more`, and the least value that needs them.
    fn long(&mut self, at: usize, more: u8, bits: u32) -> Result<(u64, u64), ScaleError> {
        let length = usize::from(more) + 4;
        let mut wide = [0; 8];
        let place = wide.get_mut(..length).ok_or(ScaleError::Overflow { at, bits })?;
        place.copy_from_slice(self.bytes(length)?);
        let least = if more == 0 { FOUR_BYTES + 1 } else { 1 << (8 * (length - 1)) };
        Ok((u64::from_le_bytes(wide), least))
    }

    /// A compact integer of 8 bits.
    ///
    /// # Errors
    /// When it is none, not in its shortest form, or wider.
    pub fn compact8(&mut self) -> Result<u8, ScaleError> {
        let at = self.at;
        self.compact(8)?.try_into().map_err(|_| ScaleError::Overflow { at, bits: 8 })
    }

    /// A compact integer of 32 bits.
    ///
    /// # Errors
    /// When it is none, not in its shortest form, or wider.
    pub fn compact32(&mut self) -> Result<u32, ScaleError> {
        let at = self.at;
        self.compact(32)?.try_into().map_err(|_| ScaleError::Overflow { at, bits: 32 })
    }

    /// A compact integer of 64 bits.
    ///
    /// # Errors
    /// When it is none, or not in its shortest form.
    pub fn compact64(&mut self) -> Result<u64, ScaleError> {
        self.compact(64)
    }

    /// Whether a value follows.
    ///
    /// # Errors
    /// [`ScaleError::Flag`] for a byte that is neither 0 nor 1.
    pub fn flag(&mut self) -> Result<bool, ScaleError> {
        let at = self.at;
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [byte] => Err(ScaleError::Flag { at, byte }),
        }
    }

    /// The length of a list.
    ///
    /// # Errors
    /// [`ScaleError::TooMany`] above `limit`.
    pub fn count(&mut self, limit: u32) -> Result<u32, ScaleError> {
        let at = self.at;
        let count = self.compact32()?;
        if count > limit {
            return Err(ScaleError::TooMany { at, count, limit });
        }
        Ok(count)
    }

    /// A list of at most `limit` values. No room is taken for values that have not come.
    ///
    /// # Errors
    /// See [`ScaleError`].
    pub fn list<T: Scale>(&mut self, limit: u32) -> Result<Vec<T>, ScaleError> {
        let count = self.count(limit)?;
        (0..count).map(|_| T::read(self)).collect()
    }
}

/// Append `value` in its shortest form. Integers of all widths are written alike.
pub fn write_compact(value: u64, out: &mut Vec<u8>) {
    // The two lowest bits say which form it is.
    let (bytes, length) = if value <= ONE_BYTE {
        (value << 2, 1)
    } else if value <= TWO_BYTES {
        (value << 2 | 1, 2)
    } else if value <= FOUR_BYTES {
        (value << 2 | 2, 4)
    } else {
        let length = u64::BITS / 8 - value.leading_zeros() / 8;
        out.push((length as u8 - 4) << 2 | 3);
        (value, length as usize)
    };
    out.extend(bytes.to_le_bytes().iter().take(length));
}

/// Append a list.
pub fn write_list<T: Scale>(items: &[T], out: &mut Vec<u8>) {
    write_compact(items.len() as u64, out);
    items.iter().for_each(|item| item.write(out));
}

impl<const N: usize> Scale for [u8; N] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        input.array()
    }
}

impl<T: Scale> Scale for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        if input.flag()? { T::read(input).map(Some) } else { Ok(None) }
    }
}
