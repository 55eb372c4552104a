//! SCALE, in the dialect of go-scale: every integer is compact, arrays have no length, an option is a byte and what
//! follows.
//!
//! Source: <https://github.com/spacemeshos/go-scale>, and the `*_scale.go` files of go-spacemesh for the order of
//! fields.

mod error;
mod reader;

pub use error::ScaleError;
pub use reader::Reader;

/// The largest value of each form but the longest.
const ONE_BYTE: u64 = (1 << 6) - 1;
const TWO_BYTES: u64 = (1 << 14) - 1;
const FOUR_BYTES: u64 = (1 << 30) - 1;

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

/// Append bytes with their length before them.
pub fn write_blob(bytes: &[u8], out: &mut Vec<u8>) {
    write_compact(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
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
