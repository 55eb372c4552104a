use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apogee_treasury::{SignError, Signer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::wire::{self, Answer, Request, WireError};

/// Who may ask, and how long they may take.
#[derive(Clone, Debug)]
pub struct Access {
    /// User ids of processes that may ask, besides that of the signer itself.
    pub users: BTreeSet<u32>,
    /// For a request to come, and for an answer to be taken.
    pub patience: Duration,
    /// Connections at a time; more wait.
    pub connections: usize,
}

impl Default for Access {
    /// The signer's own user, 10 seconds, 16 connections.
    fn default() -> Self {
        Self { users: BTreeSet::new(), patience: Duration::from_secs(10), connections: 16 }
    }
}

/// Listen at `path`, in place of a socket that a signer has left there. Call it only with the journal in hand, which proves that
/// no other signer is listening.
///
/// The mode is 600, or 660 where other users may ask; who they are is checked at each connection.
///
/// # Errors
/// When the path is taken by something else, or the system refuses.
pub fn bind(path: &Path, access: &Access) -> io::Result<UnixListener> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.file_type().is_socket() => std::fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there, and no socket")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    let mode = if access.users.is_empty() { 0o600 } else { 0o660 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// Answer at `listener` until `stop` is done. Requests that have come whole are answered first.
///
/// # Errors
/// When the system does not say which user this process has.
pub async fn serve(
    listener: UnixListener,
    signer: Arc<dyn Signer>,
    access: Access,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let own = UnixStream::pair()?.0.peer_cred()?.uid();
    let access = Arc::new(Access { users: access.users.iter().copied().chain([own]).collect(), ..access });
    let places = Arc::new(Semaphore::new(access.connections));
    let (stopping, stopped) = tokio::sync::watch::channel(());
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let connection = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            (accepted, place) = connection => match accepted {
                Ok((stream, _)) if may_ask(&stream, &access) => {
                    let (signer, access, mut stopped) = (Arc::clone(&signer), Arc::clone(&access), stopped.clone());
                    connections.spawn(async move {
                        let _place = place;
                        attend(stream, &*signer, access.patience, async { drop(stopped.changed().await) }).await;
                    });
                }
                Ok(_) => tracing::warn!("somebody else's connection to the signer was closed"),
                Err(error) => {
                    tracing::warn!(%error, "a connection to the signer failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop((stopping, listener));
    while connections.join_next().await.is_some() {}
    Ok(())
}

fn may_ask(stream: &UnixStream, access: &Access) -> bool {
    stream.peer_cred().is_ok_and(|peer| access.users.contains(&peer.uid()))
}

/// Answer the requests of one connection, one after another.
async fn attend(
    mut stream: UnixStream,
    signer: &dyn Signer,
    patience: Duration,
    stop: impl Future<Output = ()>,
) {
    tokio::pin!(stop);
    loop {
        let request = tokio::select! {
            () = &mut stop => return,
            request = tokio::time::timeout(patience, wire::read(&mut stream)) => request,
        };
        let answer = match request {
            Ok(Ok(Some(request))) => answer(signer, request).await,
            // Nothing more, or nothing in time.
            Ok(Ok(None)) | Err(_) => return,
            Ok(Err(error)) => {
                tracing::warn!(error = %described(&error), "a request to the signer is none");
                return;
            }
        };
        match tokio::time::timeout(patience, wire::write(&mut stream, &answer)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                return tracing::warn!(error = %described(&error), "an answer of the signer is lost");
            }
            Err(_) => return tracing::warn!("an answer of the signer was not taken in time"),
        }
    }
}

async fn answer(signer: &dyn Signer, request: Request) -> Answer {
    let answer = match request {
        Request::Wallets => signer.wallets().await.map(Answer::Wallets),
        Request::Sign { wallet, fence, orders } => {
            let answer = signer.sign(&wallet, fence, &orders).await;
            match &answer {
                Ok(signed) => tracing::info!(wallet, fence, messages = signed.len(), "signed"),
                Err(SignError::Refused { nonce, rule, detail }) => {
                    tracing::warn!(wallet, fence, nonce, rule, detail, "refused");
                }
                Err(error) => tracing::error!(wallet, fence, error = %described(error), "not signed"),
            }
            answer.map(Answer::Signed)
        }
    };
    answer.unwrap_or_else(Answer::from)
}

/// An error with its causes, on one line.
fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl From<WireError> for SignError {
    fn from(error: WireError) -> Self {
        Self::Unavailable(error.into())
    }
}
