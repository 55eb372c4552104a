//! One attempt: what is done, and what is seen of it.

mod data;
mod libp2p;
mod means;
mod mk20;
mod prepare;
mod seen;

use std::sync::Arc;
use std::time::Duration;

use apogee_dealbot::fault::Code;
use apogee_dealbot::protocol::{Place, Task, Via};
use apogee_outbound::{Reach, Stage as Seeing};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

pub(crate) use self::means::{Basis, NoProber};
pub(crate) use self::seen::{Broken, Came, Notes, Seen};

use self::means::Means;

/// How far a clock may be set while an attempt is made, microseconds.
const SET: i64 = 5_000_000;

/// Makes attempts.
#[derive(Debug)]
pub(crate) struct Prober {
    basis: Basis,
    public: Arc<Means>,
    /// For tasks that may reach private addresses, where this bot may.
    private: Option<Arc<Means>>,
}

/// How far an attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// As far as the task says.
    Task,
    /// So long, and nothing is offered to anybody.
    Look(Duration),
}

impl Prober {
    pub(crate) fn new(basis: Basis) -> Result<Self, NoProber> {
        let public = Arc::new(Means::new(&basis, Reach::Global)?);
        let private = match basis.reach {
            Reach::Global => None,
            Reach::AlsoPrivate => Some(Arc::new(Means::new(&basis, Reach::AlsoPrivate)?)),
        };
        Ok(Self { basis, public, private })
    }

    /// Make an attempt. Dropping the future ends it.
    pub(crate) async fn probe(&self, task: &Task) -> Seen {
        self.see(task, Aim::Task).await
    }

    /// Make as much of an attempt as leaves nothing behind, for so long at most.
    pub(crate) async fn look(&self, task: &Task, within: Duration) -> Seen {
        self.see(task, Aim::Look(within)).await
    }

    async fn see(&self, task: &Task, aim: Aim) -> Seen {
        let clock = &self.basis.clock;
        let (started, begun) = (clock.now(), Instant::now());
        let attempt = self.means(task).and_then(|means| Ok((means, Attempt::of(task)?)));
        // By itself, so that what breaks in it is evidence as well.
        let mut alone = JoinSet::new();
        alone.spawn(make(attempt, Notes::of(task, clock.clone()), aim));
        let (notes, mut outcome) = match alone.join_next().await {
            Some(Ok(made)) => made,
            broke => {
                let said = broke.and_then(Result::err).map(|error| error.to_string());
                let broken = Broken::own(Code::BotPanic, said.unwrap_or_default());
                (Notes::of(task, clock.clone()), Err(broken))
            }
        };
        let ended = clock.now();
        let shown = ended.0.saturating_sub(started.0);
        let passed = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        if shown.saturating_sub(passed).saturating_abs() > SET {
            let said = format!("the clock went {shown} µs while {passed} µs passed");
            outcome = Err(Broken::own(Code::ClockSkew, said));
        }
        Seen { started, ended: ended.max(started), notes, outcome }
    }

    fn means(&self, task: &Task) -> Result<Arc<Means>, Broken> {
        let private = match task {
            Task::Gateway { private, .. } | Task::Piece { private, .. } => *private,
            Task::Deal(offer) => offer.private,
            Task::Greet(greeting) => greeting.private,
        };
        if !private {
            return Ok(self.public.clone());
        }
        // What it would find says nothing of the miner, who is allowed to be there.
        let cannot =
            || Broken::own(Code::Unclassified, "the task may reach private addresses, and this bot may not");
        self.private.clone().ok_or_else(cannot)
    }
}

/// A task, read.
enum Attempt {
    Data(data::Attempt),
    Libp2p(Box<libp2p::Attempt>),
    Mk20(Box<mk20::Attempt>),
}

impl Attempt {
    fn of(task: &Task) -> Result<Self, Broken> {
        match task {
            Task::Gateway { url, root, size, part, .. } => {
                data::Attempt::file(url, root, *size, *part).map(Self::Data)
            }
            Task::Piece { url, piece, size, .. } => data::Attempt::piece(url, piece, *size).map(Self::Data),
            Task::Deal(offer) => match &offer.via {
                Via::Libp2p { peer, addresses, deal, status } => {
                    let at = (peer.clone(), addresses.clone());
                    libp2p::Attempt::offer(at, offer, deal, status)
                        .map(|attempt| Self::Libp2p(attempt.into()))
                }
                Via::Http { url, deal, passes } => {
                    mk20::Attempt::offer(url, offer, deal, passes).map(|attempt| Self::Mk20(attempt.into()))
                }
            },
            Task::Greet(greeting) => match &greeting.at {
                Place::Libp2p { peer, addresses } => {
                    let at = (peer.clone(), addresses.clone());
                    libp2p::Attempt::greet(at, &greeting.miner).map(|attempt| Self::Libp2p(attempt.into()))
                }
                Place::Http { url } => mk20::Attempt::greet(url).map(|attempt| Self::Mk20(attempt.into())),
            },
        }
    }
}

async fn make(
    attempt: Result<(Arc<Means>, Attempt), Broken>,
    mut notes: Notes,
    aim: Aim,
) -> (Notes, Result<Came, Broken>) {
    let (means, attempt) = match attempt {
        Ok(attempt) => attempt,
        Err(broken) => return (notes, Err(broken)),
    };
    let outcome = {
        let made = async {
            match attempt {
                Attempt::Data(attempt) => attempt.make(&means, &mut notes).await,
                Attempt::Libp2p(attempt) => {
                    attempt.make(&means, &mut notes, aim == Aim::Task).await.map(|()| Came::default())
                }
                Attempt::Mk20(attempt) => {
                    attempt.make(&means, &mut notes, aim == Aim::Task).await.map(|()| Came::default())
                }
            }
        };
        match aim {
            Aim::Task => Some(made.await),
            Aim::Look(within) => timeout(within, made).await.ok(),
        }
    };
    notes.trace.end();
    let outcome =
        outcome.unwrap_or_else(|| Err(Broken::own(late(notes.trace.stage()), "there was no more time")));
    (notes, outcome)
}

/// What it is called that there was no more time, by where an attempt was.
fn late(stage: Option<Seeing>) -> Code {
    match stage {
        None | Some(Seeing::Resolve) => Code::DnsTimeout,
        Some(Seeing::L4 | Seeing::Tls | Seeing::Above("handshake")) => Code::TcpTimeout,
        Some(Seeing::Above("ask")) => Code::AskTimeout,
        Some(Seeing::FirstByte | Seeing::Above(_)) => Code::TtfbTimeout,
        Some(Seeing::LastByte | Seeing::Verify) => Code::TotalTimeout,
    }
}

#[cfg(test)]
mod tests;
