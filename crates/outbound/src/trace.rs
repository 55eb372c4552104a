//! What was seen of an attempt, whether or not it came to anything.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use apogee_domain::{Clock, Timestamp};

/// Most stages that are kept of an attempt; beyond them, the last one is.
const STAGES: usize = 64;
/// Most addresses, redirects and headers that are kept of an attempt.
const ADDRESSES: usize = 32;
const REDIRECTS: usize = 16;
const HEADERS: usize = 16;
/// Bytes that are kept of a header, and of an error's body.
const HEADER: usize = 256;
const ERROR_BODY: usize = 512;
/// Headers that tell something of a server or of its reasons.
const TELLING: &[&str] = &[
    "age",
    "cache-control",
    "cf-ray",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "etag",
    "location",
    "retry-after",
    "server",
    "via",
    "www-authenticate",
    "x-content-type-options",
    "x-ipfs-path",
    "x-ipfs-roots",
    "x-stream-error",
];

/// Where an attempt was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The address is read, resolved and checked.
    Resolve,
    /// A TCP connection is opened.
    L4,
    /// TLS is agreed on.
    Tls,
    /// The request is sent and the head of an answer awaited.
    FirstByte,
    /// The body comes, and is verified while it does.
    LastByte,
    /// What only the whole can tell is verified.
    Verify,
    /// What a caller does over the connection, by the name that it has in evidence.
    Above(&'static str),
}

impl Stage {
    /// Its name in evidence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::L4 => "l4",
            Self::Tls => "tls",
            Self::FirstByte => "first_byte",
            Self::LastByte => "last_byte",
            Self::Verify => "verify",
            Self::Above(name) => name,
        }
    }
}

/// When a stage was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Which.
    pub stage: Stage,
    /// Its begin.
    pub started: Timestamp,
    /// Its end; `None` for a stage that goes on.
    pub ended: Option<Timestamp>,
}

/// What was seen, bounded.
#[derive(Clone, Debug)]
pub struct Trace {
    clock: Arc<dyn Clock>,
    /// Stages in their order; those of redirects follow one another.
    pub stages: Vec<Timing>,
    /// What names resolved to.
    pub resolved: Vec<IpAddr>,
    /// Who was connected to, last.
    pub remote: Option<SocketAddr>,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// Headers of the last answer, as far as they tell something; at most 256 bytes of each.
    pub headers: Vec<(String, String)>,
    /// Where redirects led, as they were given; at most 256 bytes of each.
    pub redirects: Vec<String>,
    /// The first 512 bytes of the body of an answer that is an error.
    pub error_body: Vec<u8>,
    /// Bytes of bodies that were received.
    pub received: u64,
    /// Whether the other side closed the connection before the end of a body.
    pub broken_off: bool,
}

impl Trace {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            stages: vec![],
            resolved: vec![],
            remote: None,
            status: None,
            headers: vec![],
            redirects: vec![],
            error_body: vec![],
            received: 0,
            broken_off: false,
        }
    }

    /// A stage begins; the one before it ends.
    pub fn begin(&mut self, stage: Stage) {
        self.end();
        self.stages.truncate(STAGES - 1);
        self.stages.push(Timing { stage, started: self.clock.now(), ended: None });
    }

    /// The stage ends, for good or ill.
    pub fn end(&mut self) {
        let now = self.clock.now();
        if let Some(timing) = self.stages.last_mut() {
            timing.ended.get_or_insert(now);
        }
    }

    /// The last stage that began.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.stages.last().map(|timing| timing.stage)
    }

    pub(crate) fn resolved(&mut self, addresses: &[IpAddr]) {
        let room = ADDRESSES.saturating_sub(self.resolved.len());
        self.resolved.extend(addresses.iter().take(room));
    }

    pub(crate) fn answered(&mut self, status: u16, headers: &http::HeaderMap) {
        self.status = Some(status);
        let telling = headers.iter().filter(|(name, _)| TELLING.contains(&name.as_str())).take(HEADERS).map(
            |(name, value)| {
                let value = value.as_bytes().get(..HEADER).unwrap_or(value.as_bytes());
                (name.as_str().to_owned(), String::from_utf8_lossy(value).into_owned())
            },
        );
        self.headers = telling.collect();
    }

    pub(crate) fn redirected(&mut self, location: &[u8]) {
        if self.redirects.len() < REDIRECTS {
            let location = location.get(..HEADER).unwrap_or(location);
            self.redirects.push(String::from_utf8_lossy(location).into_owned());
        }
    }

    /// Whether there is room for more.
    pub(crate) fn explained(&mut self, body: &[u8]) -> bool {
        let room = ERROR_BODY.saturating_sub(self.error_body.len());
        self.error_body.extend(body.iter().take(room));
        self.error_body.len() < ERROR_BODY
    }
}

#[cfg(test)]
mod tests {
    use apogee_domain::ManualClock;
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_trace_stays_small_and_ends_with_where_it_was() {
        let mut trace = Trace::new(Arc::new(ManualClock::default()));
        for _ in 0..100 {
            trace.begin(Stage::Resolve);
            trace.begin(Stage::L4);
            trace.resolved(&["192.0.2.1".parse().unwrap(); 20]);
            trace.redirected(&[0xff; 5000]);
        }
        trace.begin(Stage::Verify);
        assert_eq!((trace.stages.len(), trace.stage()), (64, Some(Stage::Verify)));
        assert!(trace.stages.iter().take(63).all(|timing| timing.ended.is_some()));
        assert_eq!((trace.resolved.len(), trace.redirects.len()), (32, 16));
        let mut headers = HeaderMap::new();
        for _ in 0..50 {
            headers.append(HeaderName::from_static("via"), HeaderValue::from_bytes(&[b'x'; 3000]).unwrap());
            headers.append(HeaderName::from_static("set-cookie"), HeaderValue::from_static("a=b"));
        }
        trace.answered(200, &headers);
        assert_eq!(trace.headers.len(), 16);
        assert!(trace.headers.iter().all(|(name, value)| name == "via" && value.len() == 256));
        assert!(trace.explained(b"a"));
        assert!(!trace.explained(&[b'b'; 5000]));
        assert_eq!(trace.error_body.len(), 512);
    }
}
