//! Bytes out of a keyed stream cipher.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

/// What a slot's bytes are made from. Whoever has it can make them without having kept them: it is told to nobody but workers, and to all at the end.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// The key of a slot: `HMAC-SHA256(secret, slot)`. The slot's id must be one of its kind under this secret.
    #[must_use]
    pub fn derive(secret: &[u8; 32], slot: &str) -> Self {
        Self(mac(secret, slot.as_bytes()))
    }

    /// A key that was derived elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for whoever probes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A number below `bound` that has nothing to do with the bytes; the bias is below 2⁻³².
    pub(crate) fn draw(&self, bound: u32) -> u32 {
        let [a, b, c, d, e, f, g, h, ..] = mac(&self.0, b"size");
        let random = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        // The upper half of the product is below the bound.
        u32::try_from((u128::from(random) * u128::from(bound)) >> 64).unwrap_or(0)
    }
}

fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("any key fits"));
    mac.chain_update(message).finalize().into_bytes().into()
}

/// The payload would be larger than any sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payload of {size} bytes is larger than {most}", most = Payload::MOST)]
pub struct TooLarge {
    /// Bytes asked for.
    pub size: u64,
}

/// So many bytes of the key stream of `ChaCha20` (RFC 8439, nonce and first counter zero).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    key: Key,
    size: u64,
}

impl Payload {
    /// Bytes at most: 64 GiB, the largest sector. The cipher's counter would allow for four times that.
    pub const MOST: u64 = 64 << 30;

    /// The first `size` bytes of a key's stream.
    ///
    /// # Errors
    /// [`TooLarge`] above [`Payload::MOST`].
    pub fn new(key: Key, size: u64) -> Result<Self, TooLarge> {
        if size > Self::MOST { Err(TooLarge { size }) } else { Ok(Self { key, size }) }
    }

    /// Bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The bytes from `offset` on, as many as there are and have room. Returns how many.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let many = left.min(buffer.len());
        let (bytes, _) = buffer.split_at_mut(many);
        bytes.fill(0);
        let mut cipher = ChaCha20::new((&self.key.0).into(), &[0; 12].into());
        cipher.seek(offset.min(self.size));
        cipher.apply_keystream(bytes);
        many
    }

    /// Where `bytes`, said to be those from `offset` on, are first different: an offset in the payload. Bytes behind its end are.
    #[must_use]
    pub fn difference(&self, offset: u64, bytes: &[u8]) -> Option<u64> {
        let mut buffer = [0; 4096];
        let mut at = offset;
        for given in bytes.chunks(buffer.len()) {
            let many = self.read_at(at, &mut buffer);
            let own = buffer.iter().take(many);
            let same = given.iter().zip(own).take_while(|(given, own)| given == own).count();
            at = at.saturating_add(same as u64);
            if same < given.len() {
                return Some(at);
            }
        }
        None
    }
}
