//! Whether what a deal is about can be had: before anybody is asked to fetch it.

use apogee_dealbot::fault::Code;
use apogee_outbound::{HttpError, Pace, Request, Target, TargetError, Trace};

use super::means::Means;
use super::seen::Broken;

/// Our own file server does not serve.
#[derive(Debug, thiserror::Error)]
enum Unavailable {
    #[error("the data of the deal has no address")]
    Address(#[from] TargetError),
    #[error("the data of the deal cannot be fetched")]
    Http(#[from] HttpError),
    #[error("the data of the deal is answered with status {0}")]
    Status(u16),
    #[error("the data of the deal is empty")]
    Empty,
}

/// Get the first byte of the data.
///
/// # Errors
/// `BOT_SERVER_UNREACHABLE`, whatever it is: the miner would find the same.
pub(super) async fn available(means: &Means, data: &str) -> Result<(), Broken> {
    first_byte(means, data).await.map_err(|error| Broken::of(Code::BotServerUnreachable.as_str(), &error))
}

async fn first_byte(means: &Means, data: &str) -> Result<(), Unavailable> {
    let target = Target::url(data)?;
    let request = Request {
        target: &target,
        accept: "*/*",
        range: Some((0, 0)),
        // Of an answer that is the whole, one piece is read.
        body: u64::MAX,
        total: means.patience.idle,
        pace: Pace::ANY,
    };
    // What is seen of our own server is no part of what is seen of the miner.
    let mut trace = Trace::new(means.clock.clone());
    let mut response = means.own.get(&request, &mut trace).await?;
    match response.status.as_u16() {
        200 | 206 => {}
        status => return Err(Unavailable::Status(status)),
    }
    match response.body.next(&mut trace).await? {
        Some(piece) if !piece.is_empty() => Ok(()),
        _ => Err(Unavailable::Empty),
    }
}
