use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use apogee_domain::Digest;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::encoding::Encoding;
use crate::web::{Now, Problem};

/// What an answer is made from, and so what makes it old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The program alone.
    Program,
    /// One network.
    Network(Box<str>),
    /// One competition.
    Competition(Box<str>),
    /// The faucets.
    Faucets,
    /// Everything.
    Everything,
}

impl Scope {
    /// The scope of a page, by its path without language.
    pub(crate) fn of(path: &str) -> Self {
        if path.starts_with("/assets/") || path.starts_with("/problems") || path == "/openapi" {
            return Self::Program;
        }
        if path == "/faucets" {
            return Self::Faucets;
        }
        let below = |rest: &str| rest.split_once('/').is_some_and(|(_, page)| page.starts_with("recounts/"));
        if path.strip_prefix("/n/").is_some_and(below) {
            // What it does to competitions is told as well.
            return Self::Everything;
        }
        let first = |rest: &str| rest.split('/').next().unwrap_or(rest).into();
        let network = path.strip_prefix("/n/").map(|rest| Self::Network(first(rest)));
        let competition = || path.strip_prefix("/c/").map(|rest| Self::Competition(first(rest)));
        network.or_else(competition).unwrap_or(Self::Everything)
    }

    /// What it is now; the same generation makes the same answer.
    pub(super) fn generation(&self, now: &Now) -> Digest {
        match self {
            Self::Program => Digest::default(),
            Self::Network(id) => now.network(id).map_or_else(Digest::default, |network| network.generation),
            Self::Competition(id) => now.competition(id).map_or_else(Digest::default, |now| now.generation),
            Self::Faucets => now.faucets.generation,
            Self::Everything => now.generation,
        }
    }
}

/// An answer as it goes out, in one encoding.
#[derive(Debug)]
pub(super) struct Packed {
    /// Everything that does not depend on the request.
    pub(super) headers: HeaderMap,
    /// The strong entity tag, also among the headers.
    pub(super) tag: HeaderValue,
    pub(super) body: Bytes,
}

/// An answer that is kept.
#[derive(Debug)]
pub(super) struct Entry {
    scope: Scope,
    generation: Digest,
    brotli: Option<Packed>,
    gzip: Option<Packed>,
    identity: Packed,
    size: usize,
    used: AtomicU64,
}

impl Entry {
    /// Pack an answer. `headers` are those that it has in every encoding.
    pub(super) fn new(
        scope: Scope,
        generation: Digest,
        headers: HeaderMap,
        body: Bytes,
    ) -> std::io::Result<Self> {
        let name: String = Sha256::digest(&body).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        // A page looks as its visitor wants it.
        let is_page =
            headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let vary = if is_page { "Accept-Encoding, Cookie" } else { "Accept-Encoding" };
        let packed = |encoding: Encoding, body: Bytes| {
            let mut headers = headers.clone();
            let tag = HeaderValue::try_from(format!("\"{name}{}\"", encoding.tag()))
                .unwrap_or_else(|_| HeaderValue::from_static("\"\""));
            headers.insert(header::ETAG, tag.clone());
            headers.insert(header::VARY, HeaderValue::from_static(vary));
            if let Some(name) = encoding.header() {
                headers.insert(header::CONTENT_ENCODING, name);
            }
            Packed { headers, tag, body }
        };
        let text = |kind: &HeaderValue| {
            !kind.as_bytes().starts_with(b"font/") && !kind.as_bytes().starts_with(b"image/png")
        };
        let worth = headers.get(header::CONTENT_TYPE).is_some_and(text);
        let pack = |encoding: Encoding| -> std::io::Result<Option<Packed>> {
            let body = if worth { encoding.pack(&body)? } else { None };
            Ok(body.map(|body| packed(encoding, body)))
        };
        // The first visitor waits for the slower one.
        let (brotli, gzip) = std::thread::scope(|scope| {
            let brotli = scope.spawn(|| pack(Encoding::Brotli));
            let gzip = pack(Encoding::Gzip);
            (brotli.join().unwrap_or_else(|_| Err(std::io::Error::other("packing ended early"))), gzip)
        });
        let (brotli, gzip) = (brotli?, gzip?);
        let identity = packed(Encoding::Identity, body);
        let forms = [brotli.as_ref(), gzip.as_ref(), Some(&identity)];
        // A header map is about a kilobyte.
        let size = forms.into_iter().flatten().map(|packed| packed.body.len() + 1_024).sum();
        Ok(Self { scope, generation, brotli, gzip, identity, size, used: AtomicU64::new(0) })
    }

    pub(super) fn packed(&self, encoding: Encoding) -> &Packed {
        match encoding {
            Encoding::Brotli => self.brotli.as_ref(),
            Encoding::Gzip => self.gzip.as_ref(),
            Encoding::Identity => None,
        }
        .unwrap_or(&self.identity)
    }
}

/// What became of making an answer.
#[derive(Clone, Debug)]
pub(super) enum Built {
    /// An answer that others may get as well.
    Entry(Arc<Entry>),
    /// An answer of this moment only.
    Once(StatusCode, HeaderMap, Bytes),
    /// No answer.
    Problem(Arc<Problem>),
}

#[derive(Default)]
struct Entries {
    by_address: HashMap<Box<str>, Arc<Entry>>,
    bytes: usize,
}

/// Answers by address, at most so many bytes of them.
pub(crate) struct Cache {
    limit: usize,
    entries: RwLock<Entries>,
    tick: AtomicU64,
    building: Mutex<HashMap<Box<str>, Arc<OnceCell<Built>>>>,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, entries: RwLock::default(), tick: AtomicU64::new(0), building: Mutex::default() }
    }

    /// How many answers, and how many bytes.
    pub(super) fn filled(&self) -> (usize, usize) {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        (entries.by_address.len(), entries.bytes)
    }

    /// The answer for that address, unless it is from an earlier generation.
    pub(super) fn get(&self, address: &str, now: &Now) -> Option<Arc<Entry>> {
        let entry = {
            let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
            entries.by_address.get(address).cloned()?
        };
        if entry.generation != entry.scope.generation(now) {
            return None;
        }
        entry.used.store(self.tick.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(entry)
    }

    /// The answer that `build` makes, which runs once however many ask for the address in the same generation meanwhile.
    pub(super) async fn build<F: Future<Output = Built>>(
        &self,
        address: &str,
        generation: Digest,
        build: F,
    ) -> Built {
        // No address has a space.
        let flight = format!("{address} {generation}");
        let cell = {
            let mut building = self.building.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(building.entry(flight.as_str().into()).or_default())
        };
        // When whoever builds goes away, the next one who waits takes over.
        let waiting = Waiting { cache: self, flight: &flight, cell: &cell };
        let built = cell.get_or_init(|| async {
            let built = build.await;
            if let Built::Entry(entry) = &built {
                self.put(address, entry);
            }
            built
        });
        let built = built.await.clone();
        drop(waiting);
        built
    }

    fn put(&self, address: &str, entry: &Arc<Entry>) {
        if entry.size > self.limit {
            return;
        }
        entry.used.store(self.tick.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.bytes += address.len() + entry.size;
        if let Some(before) = entries.by_address.insert(address.into(), Arc::clone(entry)) {
            entries.bytes -= address.len() + before.size;
        }
        if entries.bytes > self.limit {
            entries.shrink(self.limit / 4 * 3);
        }
    }
}

impl Entries {
    /// Drop what was not used for longest.
    fn shrink(&mut self, to: usize) {
        let entries = self.by_address.iter();
        let mut by_use: Vec<_> =
            entries.map(|(address, entry)| (entry.used.load(Ordering::Relaxed), address.clone())).collect();
        by_use.sort_unstable();
        for (_, address) in by_use {
            if self.bytes <= to {
                break;
            }
            if let Some(entry) = self.by_address.remove(&address) {
                self.bytes -= address.len() + entry.size;
            }
        }
    }
}

/// Forgets the place where an answer is built when the last one who waits for it is gone.
struct Waiting<'a> {
    cache: &'a Cache,
    flight: &'a str,
    cell: &'a Arc<OnceCell<Built>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut building = self.cache.building.lock().unwrap_or_else(PoisonError::into_inner);
        let same = building.get(self.flight).is_some_and(|cell| Arc::ptr_eq(cell, self.cell));
        // Two: the map's and ours. Once it is built nobody has to join any more.
        if same && (self.cell.initialized() || Arc::strong_count(self.cell) <= 2) {
            building.remove(self.flight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Arc<Entry> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))]);
        let body = Bytes::copy_from_slice(text.as_bytes());
        Arc::new(Entry::new(Scope::Everything, Digest::default(), headers, body).unwrap())
    }

    #[test]
    fn a_recount_tells_of_competitions_too() {
        let network = |name: &str| Scope::Network(name.into());
        for (path, scope) in [
            ("/n/devnet-208/recounts", network("devnet-208")),
            ("/n/devnet-208/recounts/0b31", Scope::Everything),
            ("/n/recounts/e/5", network("recounts")),
            ("/c/recounts/recounts/5", Scope::Competition("recounts".into())),
        ] {
            assert_eq!(Scope::of(path), scope, "{path}");
        }
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let cache = Cache::new(10_000);
        let now = Now::default();
        let now = Now { generation: Digest::default(), ..now };
        for address in ["/a", "/b", "/c"] {
            cache.put(address, &entry("short"));
        }
        for index in 0..6 {
            cache.put(&format!("/{index}"), &entry("short"));
        }
        assert!(cache.get("/a", &now).is_some());
        cache.put("/last", &entry("short"));
        assert!(cache.get("/b", &now).is_none());
        assert!(cache.get("/a", &now).is_some());
        assert!(cache.filled().1 <= 10_000);
        cache.put("/large", &entry(&"x y z".repeat(5_000)));
        assert!(cache.get("/large", &now).is_none(), "larger than the whole cache");
    }

    #[test]
    fn an_answer_of_an_earlier_generation_is_not_given() {
        let cache = Cache::new(1 << 20);
        cache.put("/", &entry("page"));
        assert!(cache.get("/", &Now { generation: Digest([1; 32]), ..Now::default() }).is_none());
    }

    #[tokio::test]
    async fn an_answer_is_made_once_for_all_who_wait() {
        let cache = Arc::new(Cache::new(1 << 20));
        let made = Arc::new(AtomicU64::new(0));
        let ask = || {
            let (cache, made) = (Arc::clone(&cache), Arc::clone(&made));
            tokio::spawn(async move {
                let build = async {
                    made.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Built::Problem(Arc::new(Problem::Busy))
                };
                cache.build("/", Digest::default(), build).await
            })
        };
        for one in [ask(), ask(), ask()] {
            assert!(matches!(one.await.unwrap(), Built::Problem(_)));
        }
        assert_eq!(made.load(Ordering::SeqCst), 1);
        assert!(cache.building.lock().unwrap().is_empty());
    }
}
