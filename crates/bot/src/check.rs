//! Looks that nobody scores: what a bot would see, for who wants to know it now.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use apogee_dealbot::fault::Code;
use apogee_dealbot::protocol::Task;
use apogee_dealbot::record::Passage;
use apogee_domain::{Clock, Timestamp};
use apogee_outbound::Reach;

use crate::BotError;
use crate::evidence;
use crate::probe::{Basis, Prober};
use crate::settings::Patience;

/// How long a look takes at most.
const WITHIN: Duration = Duration::from_secs(30);

/// Looks at miners as bots do. It leaves nothing behind: what is offered to nobody is taken by nobody.
#[derive(Debug)]
pub struct Checker {
    prober: Prober,
}

/// What was seen, within the bounds of records.
#[derive(Clone, Debug)]
pub struct Checked {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What it went through, in order.
    pub stages: Vec<Passage>,
    /// Why it did not go well; `None` where it did.
    pub failure: Option<Code>,
    /// The error and its sources, outermost first.
    pub errors: Vec<String>,
    /// The URL or multiaddress that was asked.
    pub target: String,
    /// What its name resolved to.
    pub resolved: Vec<IpAddr>,
    /// What was connected to.
    pub remote: Option<SocketAddr>,
    /// How the other side calls itself.
    pub agent: Option<String>,
    /// What it says that it speaks.
    pub protocols: Vec<String>,
    /// What it answered over HTTP, 100 to 599.
    pub status: Option<u16>,
    /// Bytes of bodies that came.
    pub received: u64,
}

impl Checker {
    /// A checker that reaches so far. `resolvers` are the name servers that are asked; none for those of this system.
    ///
    /// # Errors
    /// [`BotError::Probes`] where nothing can be dialled at all.
    pub fn new(
        reach: Reach,
        resolvers: &[SocketAddr],
        patience: Patience,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BotError> {
        // Who looks proves to be nobody: the key is known to everybody.
        let basis = Basis::new(reach, resolvers, patience, b"checker", clock);
        let prober = basis.and_then(Prober::new).map_err(|error| BotError::Probes(error.into()))?;
        Ok(Self { prober })
    }

    /// Do what the task says, for 30 s at most. Of a deal, this is all up to what the miner asks for it: nothing is proposed, and nothing fetched.
    pub async fn check(&self, task: &Task) -> Checked {
        evidence::checked(self.prober.look(task, WITHIN).await)
    }
}
