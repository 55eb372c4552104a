//! What goes over the socket: frames of JSON, each after its length in four bytes, most significant first.

use std::io;

use apogee_treasury::{Order, SignError, Signed};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Largest frame in bytes: 500 orders have some 400,000.
pub(crate) const LARGEST_FRAME: usize = 1 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Request {
    Wallets,
    Sign { wallet: String, fence: u64, orders: Vec<Order> },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Answer {
    Wallets(Vec<String>),
    Signed(Vec<Signed>),
    Refused {
        nonce: u64,
        rule: String,
        detail: String,
    },
    /// It could not be done; the causes stay with the signer.
    Unavailable,
}

impl From<SignError> for Answer {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Refused { nonce, rule, detail } => Self::Refused { nonce, rule, detail },
            SignError::Unavailable(_) => Self::Unavailable,
        }
    }
}

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error("a frame of {0} bytes is over {LARGEST_FRAME}")]
    TooLarge(usize),
    #[error("the frame is not what goes over this socket")]
    Json(#[from] serde_json::Error),
}

/// Read a frame; `None` when the other side has nothing more to say.
pub(crate) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> Result<Option<T>, WireError> {
    let mut length = [0; 4];
    if from.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut length[1..]).await?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LARGEST_FRAME {
        return Err(WireError::TooLarge(length));
    }
    // Memory is taken as bytes come, not as they are announced.
    let mut bytes = Vec::new();
    from.take(u64::try_from(length).unwrap_or(0)).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Some(serde_json::from_slice(&bytes)?))
}

/// Write a frame.
pub(crate) async fn write<T: Serialize + Sync>(
    to: &mut (impl AsyncWrite + Unpin),
    value: &T,
) -> Result<(), WireError> {
    let json = serde_json::to_vec(value)?;
    let length = u32::try_from(json.len()).ok().filter(|_| json.len() <= LARGEST_FRAME);
    let length = length.ok_or(WireError::TooLarge(json.len()))?;
    to.write_all(&[&length.to_be_bytes()[..], &json].concat()).await?;
    Ok(to.flush().await?)
}
