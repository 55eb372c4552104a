use super::{FOUR_BYTES, ONE_BYTE, Scale, ScaleError, TWO_BYTES};

/// Where in some bytes one is reading.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

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

    /// A compact integer.
    fn compact<T: TryFrom<u64>>(&mut self) -> Result<T, ScaleError> {
        let at = self.at;
        let overflow = ScaleError::Overflow { at, bits: 8 * size_of::<T>() };
        let [first] = self.array()?;
        // What it is, and the least value that needs this form.
        let (value, least) = match first & 3 {
            0 => (u64::from(first >> 2), 0),
            1 => {
                let [second] = self.array()?;
                (u64::from(u16::from_le_bytes([first, second]) >> 2), ONE_BYTE + 1)
            }
            2 => {
                let [second, third, fourth] = self.array()?;
                (u64::from(u32::from_le_bytes([first, second, third, fourth]) >> 2), TWO_BYTES + 1)
            }
            _ => {
                let length = usize::from(first >> 2) + 4;
                let mut wide = [0; 8];
                wide.get_mut(..length).ok_or(overflow)?.copy_from_slice(self.bytes(length)?);
                let least = if length == 4 { FOUR_BYTES + 1 } else { 1 << (8 * (length - 1)) };
                (u64::from_le_bytes(wide), least)
            }
        };
        if value < least {
            return Err(ScaleError::NotShortest { at });
        }
        value.try_into().map_err(|_| overflow)
    }

    /// A compact integer of 8 bits.
    ///
    /// # Errors
    /// When it is none, not in its shortest form, or wider.
    pub fn compact8(&mut self) -> Result<u8, ScaleError> {
        self.compact()
    }

    /// A compact integer of 32 bits.
    ///
    /// # Errors
    /// When it is none, not in its shortest form, or wider.
    pub fn compact32(&mut self) -> Result<u32, ScaleError> {
        self.compact()
    }

    /// A compact integer of 64 bits.
    ///
    /// # Errors
    /// When it is none, or not in its shortest form.
    pub fn compact64(&mut self) -> Result<u64, ScaleError> {
        self.compact()
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

    /// The length of what follows.
    fn count(&mut self, limit: u32) -> Result<u32, ScaleError> {
        let at = self.at;
        let count = self.compact32()?;
        if count > limit {
            return Err(ScaleError::TooMany { at, count, limit });
        }
        Ok(count)
    }

    /// At most `limit` bytes with their length before them.
    ///
    /// # Errors
    /// See [`ScaleError`].
    pub fn blob(&mut self, limit: u32) -> Result<&'a [u8], ScaleError> {
        let length = self.count(limit)?;
        self.bytes(length as usize)
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
