//! Protocol buffers, as far as nodes of files need them: fields one by one, of which nothing is copied.

use unsigned_varint::decode;

/// Not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes: no field that is read here.
    Fixed,
}

/// The fields of a message, each with its number.
pub(crate) struct Message<'a>(pub(crate) &'a [u8]);

impl<'a> Message<'a> {
    fn next_field(&mut self) -> Result<(u64, Field<'a>), Malformed> {
        let (key, rest) = decode::u64(self.0).map_err(|_| Malformed)?;
        let (field, rest) = match key & 7 {
            0 => {
                let (number, rest) = decode::u64(rest).map_err(|_| Malformed)?;
                (Field::Number(number), rest)
            }
            1 => (Field::Fixed, rest.get(8..).ok_or(Malformed)?),
            2 => {
                let (length, rest) = decode::usize(rest).map_err(|_| Malformed)?;
                let (bytes, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
                (Field::Bytes(bytes), rest)
            }
            5 => (Field::Fixed, rest.get(4..).ok_or(Malformed)?),
            _ => return Err(Malformed),
        };
        self.0 = rest;
        Ok((key >> 3, field))
    }
}

impl<'a> Iterator for Message<'a> {
    type Item = Result<(u64, Field<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.next_field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}
