//! One attempt: what is done, and what is seen of it.

use std::error::Error;
use std::sync::Arc;

use apogee_dealbot::fault::{Circumstances, Code};
use apogee_dealbot::protocol::Task;
use apogee_domain::{Clock, Timestamp};
use apogee_outbound::{
    Client, Connector, Dns, Limits as HttpLimits, Reach, ResolveError, Resolver, Target, Timeouts, Trace,
    Trust,
};
use apogee_retrieval::{Failure, Gateway, Limits, Part, Retrieved};
use cid::Cid;
use http::HeaderValue;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::SOFTWARE;
use crate::codes;
use crate::settings::{Patience, Settings};

/// What one attempt retrieves at most, bytes: nothing that is probed is larger than a sector.
const LARGEST: u64 = 64 << 30;
/// How far a clock may be set while an attempt is made, microseconds.
const SET: i64 = 5_000_000;

/// Why an attempt did not go well.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) code: Code,
    pub(crate) circumstances: Circumstances,
    /// The error and its sources, outermost first.
    pub(crate) errors: Vec<String>,
}

impl Broken {
    fn own(code: Code, said: String) -> Self {
        Self { code, circumstances: Circumstances::default(), errors: vec![said] }
    }

    fn of(failure: &Failure) -> Self {
        let mut errors = vec![failure.to_string()];
        let mut cause = failure.source();
        while let Some(inner) = cause {
            errors.push(inner.to_string());
            cause = inner.source();
        }
        Self { code: codes::failure(failure), circumstances: codes::circumstances(failure), errors }
    }
}

/// What was seen of an attempt.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) started: Timestamp,
    pub(crate) ended: Timestamp,
    /// What was asked.
    pub(crate) target: String,
    pub(crate) trace: Trace,
    /// The root of what came, whole and verified.
    pub(crate) outcome: Result<Cid, Broken>,
}

impl Seen {
    /// The code of a failure; empty where there is none.
    pub(crate) fn code(&self) -> &'static str {
        self.outcome.as_ref().err().map_or("", |broken| broken.code.as_str())
    }
}

/// Makes attempts.
#[derive(Debug)]
pub(crate) struct Prober {
    public: Gateway,
    /// For tasks that may reach private addresses, where this bot may.
    private: Option<Gateway>,
    clock: Arc<dyn Clock>,
}

/// Nothing can be dialled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoProber {
    #[error("there are no name servers")]
    Resolver(#[from] ResolveError),
    #[error("there is no TLS")]
    Tls(#[from] rustls::Error),
}

impl Prober {
    pub(crate) fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, NoProber> {
        let dns =
            if settings.resolvers.is_empty() { Dns::of_system() } else { Dns::new(&settings.resolvers) };
        let resolver: Arc<dyn Resolver> = Arc::new(dns?);
        let gateway = |reach| gateway(resolver.clone(), reach, &settings.patience);
        let private = match settings.reach {
            Reach::Global => None,
            Reach::AlsoPrivate => Some(gateway(Reach::AlsoPrivate)?),
        };
        Ok(Self { public: gateway(Reach::Global)?, private, clock })
    }

    /// Make an attempt. Dropping the future ends it.
    pub(crate) async fn probe(&self, task: &Task) -> Seen {
        let (started, begun) = (self.clock.now(), Instant::now());
        let Task::Gateway { url, root, size, private } = task;
        // By itself, so that what breaks in it is evidence as well.
        let mut alone = JoinSet::new();
        let trace = Trace::new(self.clock.clone());
        match self.of(url, root, *size, *private) {
            Ok(attempt) => drop(alone.spawn(attempt.make(trace))),
            Err(broken) => drop(alone.spawn(async { (trace, Err(broken)) })),
        }
        let (trace, mut outcome) = match alone.join_next().await {
            Some(Ok(seen)) => seen,
            Some(Err(error)) => {
                let broken = Broken::own(Code::BotPanic, error.to_string());
                (Trace::new(self.clock.clone()), Err(broken))
            }
            None => unreachable!("one was spawned"),
        };
        let ended = self.clock.now();
        let shown = ended.0.saturating_sub(started.0);
        let passed = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        if shown.saturating_sub(passed).saturating_abs() > SET {
            let said = format!("the clock went {shown} µs while {passed} µs passed");
            outcome = Err(Broken::own(Code::ClockSkew, said));
        }
        Seen { started, ended: ended.max(started), target: url.clone(), trace, outcome }
    }

    fn of(&self, url: &str, root: &str, size: u64, private: bool) -> Result<Attempt, Broken> {
        let gateway = match (private, &self.private) {
            (false, _) => self.public.clone(),
            (true, Some(gateway)) => gateway.clone(),
            // What it would find says nothing of the miner, who is allowed to be there.
            (true, None) => {
                let said = "the task may reach private addresses, and this bot may not".to_owned();
                return Err(Broken::own(Code::Unclassified, said));
            }
        };
        let unknown = |said| Broken::own(Code::ExpectedDataMissing, said);
        let root = root.parse::<Cid>().map_err(|error| unknown(format!("the root is no CID: {error}")))?;
        if size > LARGEST {
            return Err(unknown(format!("{size} bytes are more than the {LARGEST} that are retrieved")));
        }
        let base = Target::parse(url)
            .map_err(|error| Broken::of(&Failure::Http(apogee_outbound::HttpError::Dial(error.into()))))?;
        Ok(Attempt { gateway, base, root, size })
    }
}

struct Attempt {
    gateway: Gateway,
    base: Target,
    root: Cid,
    size: u64,
}

impl Attempt {
    async fn make(self, mut trace: Trace) -> (Trace, Result<Cid, Broken>) {
        let Self { gateway, base, root, size } = self;
        let retrieved = gateway.car(&base, &root, Part::Whole, size, &mut trace).await;
        let outcome = retrieved.map(|Retrieved { .. }| root).map_err(|failure| Broken::of(&failure));
        (trace, outcome)
    }
}

fn gateway(resolver: Arc<dyn Resolver>, reach: Reach, patience: &Patience) -> Result<Gateway, rustls::Error> {
    let connect = patience.connect;
    let timeouts = Timeouts { resolve: connect, connect, handshake: connect };
    let connector = Connector::new(resolver, reach, timeouts, Trust::Public)?;
    let limits = HttpLimits { first_byte: patience.idle, idle: patience.idle, ..HttpLimits::default() };
    let client = Client::new(connector, limits, HeaderValue::from_static(SOFTWARE));
    Ok(Gateway::new(client, Limits { base: patience.retrieval, ..Limits::default() }))
}

#[cfg(test)]
mod tests;
