//! The client of trustless gateways.

use std::time::Duration;

use apogee_outbound::{Body, Client, HttpError, Pace, Request, Stage, Target, Trace};
use apogee_piece::Commitment;
use bytes::Bytes;
use cid::Cid;
use rand::RngCore;

use crate::block;
use crate::car::Car;
use crate::failure::Failure;
use crate::node::Node;
use crate::piece::Version;
use crate::walk::{Part, Walk};

const CAR: &str = "application/vnd.ipld.car";
const RAW: &str = "application/vnd.ipld.raw";
/// How many nodes lie above a leaf at most.
const DEPTH: usize = 32;

/// What one retrieval is held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest block, bytes.
    pub block: usize,
    /// How long a retrieval of nothing may take.
    pub base: Duration,
    /// Bytes a second that a gateway has to reach beyond that, at every moment and not only in the end: who is slower holds nobody up for long.
    pub rate: u64,
}

impl Default for Limits {
    /// 4 MiB, 60 s, 1 MiB a second.
    fn default() -> Self {
        Self { block: 4 << 20, base: Duration::from_secs(60), rate: 1 << 20 }
    }
}

impl Limits {
    /// Bytes of a body that is to be `expected` bytes long: a tenth more, and 64 KiB.
    const fn body(self, expected: u64) -> u64 {
        expected.saturating_add(expected / 10).saturating_add(64 << 10)
    }

    fn total(self, expected: u64) -> Duration {
        let seconds = expected.checked_div(self.rate).unwrap_or(0);
        self.base.saturating_add(Duration::from_secs(seconds))
    }
}

/// What was retrieved and verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retrieved {
    /// Blocks, or 1 for a piece.
    pub blocks: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Retrieves from gateways.
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client,
    limits: Limits,
}

/// One thing to ask for.
struct Asked {
    path: String,
    accept: &'static str,
    expected: u64,
    /// Whether the answer may be of this type.
    fits: fn(&str) -> bool,
}

impl Gateway {
    /// A client.
    #[must_use]
    pub const fn new(client: Client, limits: Limits) -> Self {
        Self { client, limits }
    }

    /// One block, verified.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn raw(&self, base: &Target, cid: &Cid, trace: &mut Trace) -> Result<Bytes, Failure> {
        let block = self.block(base, cid, trace).await;
        trace.end();
        block
    }

    /// A leaf of the file `root`, by a way that is drawn at every node; each block on it is asked for by itself and verified. What is given is its CID, and
    /// how many blocks were retrieved.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn leaf(
        &self,
        base: &Target,
        root: &Cid,
        draws: &mut (dyn RngCore + Send),
        trace: &mut Trace,
    ) -> Result<(Cid, Retrieved), Failure> {
        let leaf = self.descend(base, root, draws, trace).await;
        trace.end();
        leaf
    }

    async fn descend(
        &self,
        base: &Target,
        root: &Cid,
        draws: &mut (dyn RngCore + Send),
        trace: &mut Trace,
    ) -> Result<(Cid, Retrieved), Failure> {
        let mut cid = *root;
        let mut retrieved = Retrieved { blocks: 0, bytes: 0 };
        for _ in 0..DEPTH {
            let block = match block::inline(&cid) {
                Some(block) => Bytes::copy_from_slice(block),
                None => self.block(base, &cid, trace).await?,
            };
            retrieved.blocks = retrieved.blocks.saturating_add(1);
            retrieved.bytes = retrieved.bytes.saturating_add(block.len() as u64);
            let node = Node::read(&cid, &block).map_err(|_| Failure::Unsupported(cid))?;
            let ways = node.links.len() as u64;
            let Some(way) = draws.next_u64().checked_rem(ways) else { return Ok((cid, retrieved)) };
            cid = usize::try_from(way).ok().and_then(|way| node.links.get(way).copied()).unwrap_or(cid);
        }
        Err(Failure::Unsupported(cid))
    }

    async fn block(&self, base: &Target, cid: &Cid, trace: &mut Trace) -> Result<Bytes, Failure> {
        let asked = Asked {
            path: format!("/ipfs/{cid}?format=raw"),
            accept: RAW,
            expected: self.limits.block as u64,
            fits: |found| found == RAW,
        };
        let mut body = self.ask(base, &asked, trace).await?;
        let mut block = Vec::new();
        while let Some(bytes) = more(&mut body, trace).await? {
            block.extend_from_slice(&bytes);
        }
        trace.begin(Stage::Verify);
        block::verify(cid, &block)?;
        Ok(block.into())
    }

    /// A file, or a part of it: a CAR, verified while it comes. `expected` is how many bytes that CAR is to have, about: it caps the body and the time.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn car(
        &self,
        base: &Target,
        root: &Cid,
        part: Part,
        expected: u64,
        trace: &mut Trace,
    ) -> Result<Retrieved, Failure> {
        let retrieved = self.walk(base, root, part, expected, trace).await;
        trace.end();
        retrieved
    }

    async fn walk(
        &self,
        base: &Target,
        root: &Cid,
        part: Part,
        expected: u64,
        trace: &mut Trace,
    ) -> Result<Retrieved, Failure> {
        let scope = match part {
            Part::Whole => "dag-scope=all".to_owned(),
            Part::Bytes(from, to) => format!("dag-scope=entity&entity-bytes={from}:{to}"),
        };
        let asked = Asked {
            path: format!("/ipfs/{root}?format=car&car-version=1&car-order=dfs&car-dups=y&{scope}"),
            accept: "application/vnd.ipld.car; version=1; order=dfs; dups=y",
            expected,
            fits: |found| found == CAR,
        };
        let mut body = self.ask(base, &asked, trace).await?;
        let (mut car, mut walk) = (Car::new(self.limits.block), Walk::new(*root, part));
        while let Some(bytes) = more(&mut body, trace).await? {
            car.feed(&bytes);
            while let Some((cid, block)) = car.read()? {
                walk.accept(&cid, &block)?;
            }
        }
        trace.begin(Stage::Verify);
        // That blocks are missing says more than that a section is cut.
        walk.finish()?;
        car.finish()?;
        Ok(Retrieved { blocks: walk.blocks(), bytes: walk.bytes() })
    }

    /// A piece, by either of its CIDs. `expected` is how many bytes its payload has.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn piece(
        &self,
        base: &Target,
        piece: &Cid,
        expected: u64,
        trace: &mut Trace,
    ) -> Result<Retrieved, Failure> {
        let retrieved = self.commit(base, piece, expected, trace).await;
        trace.end();
        retrieved
    }

    async fn commit(
        &self,
        base: &Target,
        piece: &Cid,
        expected: u64,
        trace: &mut Trace,
    ) -> Result<Retrieved, Failure> {
        let version = Version::of(piece).ok_or(Failure::Unsupported(*piece))?;
        let asked = Asked {
            path: format!("/piece/{piece}"),
            accept: "application/piece, application/octet-stream;q=0.9, application/vnd.ipld.car;q=0.8",
            expected,
            // Providers guess at what a piece holds; a page or a message is none.
            fits: |found| !found.starts_with("text/") && !found.ends_with("json") && !found.ends_with("xml"),
        };
        let mut body = self.ask(base, &asked, trace).await?;
        let (mut commitment, mut received) = (Commitment::default(), 0_u64);
        while let Some(bytes) = more(&mut body, trace).await? {
            received = received.saturating_add(bytes.len() as u64);
            commitment.add(&bytes);
        }
        trace.begin(Stage::Verify);
        let found = commitment.finish().ok().map(|found| match version {
            Version::One => found.v1(),
            Version::Two => found.v2(),
        });
        if found == Some(*piece) {
            Ok(Retrieved { blocks: 1, bytes: received })
        } else {
            Err(Failure::Piece { expected: *piece, received })
        }
    }

    /// The body of an answer that is what was asked for, as far as its head tells.
    async fn ask(&self, base: &Target, asked: &Asked, trace: &mut Trace) -> Result<Body, Failure> {
        let place = base.path().split('?').next().unwrap_or_default().trim_end_matches('/');
        let target = base
            .with_path(&format!("{place}{}", asked.path))
            .map_err(|error| HttpError::Dial(error.into()))?;
        let request = Request {
            target: &target,
            accept: asked.accept,
            range: None,
            body: self.limits.body(asked.expected),
            total: self.limits.total(asked.expected),
            pace: Pace { grace: self.limits.base, rate: self.limits.rate },
        };
        let response = self.client.get(&request, trace).await?;
        let status = response.status.as_u16();
        if status != 200 {
            response.body.explain(trace).await;
            return Err(Failure::Status(status));
        }
        let header = |name: &str| {
            let value = response.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
            value.map(|value| value.chars().take(200).collect::<String>())
        };
        if let Some(encoding) = header("content-encoding").filter(|encoding| encoding != "identity") {
            response.body.explain(trace).await;
            return Err(Failure::Encoding(encoding));
        }
        let found = header("content-type").unwrap_or_default();
        let essence = found.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if (asked.fits)(&essence) {
            return Ok(response.body);
        }
        response.body.explain(trace).await;
        let expected = asked.accept.split([';', ',']).next().unwrap_or_default();
        Err(Failure::ContentType { expected, found })
    }
}

/// The next piece of a body. That a gateway breaks off, which is how it has to say that it cannot go on, is an end: the content tells whether it comes early.
async fn more(body: &mut Body, trace: &mut Trace) -> Result<Option<Bytes>, Failure> {
    match body.next(trace).await {
        Ok(bytes) => Ok(bytes),
        Err(HttpError::EndedEarly { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
