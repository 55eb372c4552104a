//! Data is read back: a file or a part of it from a gateway, or a piece.

use apogee_dealbot::fault::Code;
use apogee_dealbot::protocol::Part as Asked;
use apogee_outbound::{HttpError, Target};
use apogee_retrieval::{Failure, Part};
use cid::Cid;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use tokio::time::timeout;

use super::means::Means;
use super::seen::{Broken, Came, Notes};

/// What one attempt retrieves at most, bytes: nothing that is probed is larger than a sector.
const LARGEST: u64 = 64 << 30;
/// What blocks add to a range of bytes, about: those that it ends in, and the nodes above.
const AROUND: u64 = 16 << 20;
/// How often a leaf, with all that is above it, may take what one block may.
const DESCENT: u32 = 2;

/// What is read back.
#[derive(Clone, Copy, Debug)]
enum What {
    Whole(Cid),
    Leaf(Cid, u64),
    /// From and to, both inclusive.
    Range(Cid, u64, u64),
    Piece(Cid),
}

pub(super) struct Attempt {
    base: Target,
    size: u64,
    what: What,
}

impl Attempt {
    pub(super) fn file(url: &str, root: &str, size: u64, part: Asked) -> Result<Self, Broken> {
        let root = cid("the root is no CID", root)?;
        let what = match part {
            Asked::Whole => What::Whole(root),
            Asked::Leaf { draw } => What::Leaf(root, draw),
            Asked::Range { from, to } => match to.checked_sub(1) {
                Some(last) if from <= last => What::Range(root, from, last),
                _ => return Err(unknown(format!("there is no byte from {from} to {to}"))),
            },
        };
        Self::of(url, size, what)
    }

    pub(super) fn piece(url: &str, piece: &str, size: u64) -> Result<Self, Broken> {
        Self::of(url, size, What::Piece(cid("the piece is no CID", piece)?))
    }

    fn of(url: &str, size: u64, what: What) -> Result<Self, Broken> {
        if size > LARGEST {
            return Err(unknown(format!("{size} bytes are more than the {LARGEST} that are retrieved")));
        }
        let base = Target::parse(url).map_err(|error| Broken::of(error.code(), &error))?;
        Ok(Self { base, size, what })
    }

    pub(super) async fn make(self, means: &Means, notes: &mut Notes) -> Result<Came, Broken> {
        let Self { base, size, what } = self;
        let (gateway, trace) = (&means.gateway, &mut notes.trace);
        let retrieved = match what {
            What::Whole(root) => gateway.car(&base, &root, Part::Whole, size, trace).await.map(drop),
            What::Range(root, from, last) => {
                let size = size.min(last.saturating_sub(from).saturating_add(AROUND));
                gateway.car(&base, &root, Part::Bytes(from, last), size, trace).await.map(drop)
            }
            What::Leaf(root, draw) => {
                let mut draws = ChaCha20Rng::seed_from_u64(draw);
                let within = means.patience.retrieval.saturating_mul(DESCENT);
                let leaf = timeout(within, gateway.leaf(&base, &root, &mut draws, trace)).await;
                leaf.unwrap_or(Err(Failure::Http(HttpError::TotalTimeout))).map(drop)
            }
            What::Piece(piece) => gateway.piece(&base, &piece, size, trace).await.map(drop),
        };
        retrieved.map_err(|failure| Broken::of(failure.code(), &failure))?;
        Ok(match what {
            What::Whole(root) | What::Leaf(root, _) | What::Range(root, ..) => {
                Came { root: Some(root), piece: None }
            }
            What::Piece(piece) => Came { root: None, piece: Some(piece) },
        })
    }
}

fn cid(what: &str, text: &str) -> Result<Cid, Broken> {
    text.parse().map_err(|error: cid::Error| Broken::task(what, &error))
}

fn unknown(said: String) -> Broken {
    Broken::own(Code::ExpectedDataMissing, said)
}
