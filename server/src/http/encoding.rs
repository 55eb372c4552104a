use std::io::{self, Write};

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;

/// How bytes are packed for the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

/// Short texts gain nothing.
const WORTH_PACKING: usize = 512;

/// Of 0 to 11. What more costs is not repaid: 9 takes ten times as long as 5 for 3 % less.
const BROTLI_QUALITY: i32 = 5;

impl Encoding {
    /// The smallest that the request admits (RFC 9110 § 12.5.3). Identity when it admits none: an answer in it beats a 406.
    pub(super) fn chosen(headers: &HeaderMap) -> Self {
        let accepted =
            headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let (mut brotli, mut gzip) = (false, false);
        for coding in accepted.flat_map(|list| list.split(',')) {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let refused =
                weight.trim().strip_prefix("q=").is_some_and(|q| q.bytes().all(|b| matches!(b, b'0' | b'.')));
            match name.trim() {
                "br" => brotli = !refused,
                "gzip" => gzip = !refused,
                _ => {}
            }
        }
        if brotli {
            Self::Brotli
        } else if gzip {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    pub(super) const fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Brotli => Some(HeaderValue::from_static("br")),
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Identity => None,
        }
    }

    /// What tells a text's encodings apart in entity tags.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gz",
            Self::Identity => "",
        }
    }

    /// `text` packed; `None` when that does not make it smaller.
    pub(super) fn pack(self, text: &[u8]) -> io::Result<Option<Bytes>> {
        if text.len() < WORTH_PACKING {
            return Ok(None);
        }
        let mut packed = Vec::with_capacity(text.len() / 4);
        match self {
            Self::Brotli => {
                let params =
                    brotli::enc::BrotliEncoderParams { quality: BROTLI_QUALITY, ..Default::default() };
                brotli::BrotliCompress(&mut &*text, &mut packed, &params)?;
            }
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::default());
                encoder.write_all(text)?;
                encoder.finish()?;
            }
            Self::Identity => return Ok(None),
        }
        Ok((packed.len() < text.len()).then(|| packed.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_encoding_that_is_admitted_is_chosen() {
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip;q=1.0, br;q=0.1", Encoding::Brotli),
            ("br;q=0, gzip", Encoding::Gzip),
            ("br;q=0.0,gzip;q=0", Encoding::Identity),
            ("brx, xgzip", Encoding::Identity),
            ("", Encoding::Identity),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accepted.parse().unwrap())]);
            assert_eq!(Encoding::chosen(&headers), expected, "{accepted}");
        }
        assert_eq!(Encoding::chosen(&HeaderMap::new()), Encoding::Identity);
    }

    #[test]
    fn only_what_gets_smaller_is_packed() {
        let text = "epoch ".repeat(500);
        let mut unpacked = Vec::new();
        let packed = Encoding::Brotli.pack(text.as_bytes()).unwrap().unwrap();
        brotli::BrotliDecompress(&mut &packed[..], &mut unpacked).unwrap();
        assert_eq!(unpacked, text.as_bytes());
        assert_eq!(Encoding::Gzip.pack(b"short").unwrap(), None);
    }
}
