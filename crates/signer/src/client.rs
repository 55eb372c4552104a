use std::io;
use std::path::PathBuf;
use std::time::Duration;

use apogee_treasury::{Order, SignError, Signed, Signer};
use async_trait::async_trait;
use tokio::net::UnixStream;

use crate::wire::{self, Answer, Request};

/// The signer at the other end of a Unix socket: one connection for each call, and no call is repeated.
#[derive(Clone, Debug)]
pub struct SocketSigner {
    path: PathBuf,
    patience: Duration,
}

/// The signer says that it cannot, and keeps to itself why: its log has it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum NoAnswer {
    #[error("it cannot sign now; its log says why")]
    Unable,
    #[error("it answers what it was not asked")]
    Other,
}

impl SocketSigner {
    /// The signer that listens at `path`. A call takes at most `patience`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, patience: Duration) -> Self {
        Self { path: path.into(), patience }
    }

    async fn ask(&self, request: Request) -> Result<Answer, SignError> {
        let exchange = async {
            let failed = |error: io::Error| SignError::Unavailable(error.into());
            let mut stream = UnixStream::connect(&self.path).await.map_err(failed)?;
            wire::write(&mut stream, &request).await?;
            let answer = wire::read(&mut stream).await?;
            answer.ok_or_else(|| failed(io::ErrorKind::UnexpectedEof.into()))
        };
        match tokio::time::timeout(self.patience, exchange).await {
            Ok(Ok(Answer::Refused { nonce, rule, detail })) => {
                Err(SignError::Refused { nonce, rule, detail })
            }
            Ok(Ok(Answer::Unavailable)) => Err(SignError::Unavailable(NoAnswer::Unable.into())),
            Ok(answer) => answer,
            Err(elapsed) => Err(SignError::Unavailable(elapsed.into())),
        }
    }
}

#[async_trait]
impl Signer for SocketSigner {
    async fn wallets(&self) -> Result<Vec<String>, SignError> {
        match self.ask(Request::Wallets).await? {
            Answer::Wallets(wallets) => Ok(wallets),
            _ => Err(SignError::Unavailable(NoAnswer::Other.into())),
        }
    }

    async fn sign(&self, wallet: &str, fence: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError> {
        let request = Request::Sign { wallet: wallet.to_owned(), fence, orders: orders.to_vec() };
        match self.ask(request).await? {
            Answer::Signed(signed) if signed.len() == orders.len() => Ok(signed),
            _ => Err(SignError::Unavailable(NoAnswer::Other.into())),
        }
    }
}
