use std::time::Duration;

use apogee_outbound::{HttpError, Trace};
use apogee_retrieval::{Failure, Gateway, Part, Retrieved};
use apogee_simprovider::gateway::{Fault, Gateway as Provider, Library};
use cid::Cid;

use crate::dag::{self, file};
use crate::world::{gateway, paced, piece, random, target, trace};

/// Each fault, and what becomes of a CAR, a block and a piece; `""` is a success.
pub(crate) fn table() -> Vec<(Fault, [&'static str; 3])> {
    let all = |code| [code; 3];
    let car = |code| [code, "", ""];
    let content = ["HASH_MISMATCH", "HASH_MISMATCH", "COMMP_MISMATCH"];
    let pause = Duration::from_millis(100);
    vec![
        (Fault::Status(204), all("WRONG_CONTENT_TYPE")),
        (Fault::Status(206), all("WRONG_CONTENT_TYPE")),
        (Fault::Status(302), all("REDIRECT_OFFSITE")),
        (Fault::Status(304), all("REDIRECT_OFFSITE")),
        (Fault::Status(400), all("HTTP_4XX")),
        (Fault::Status(401), all("HTTP_4XX")),
        (Fault::Status(402), all("HTTP_4XX")),
        (Fault::Status(406), all("HTTP_4XX")),
        (Fault::Status(451), all("HTTP_4XX")),
        (Fault::Status(799), all("WRONG_CONTENT_TYPE")),
        (Fault::Status(403), all("HTTP_403")),
        (Fault::Status(404), all("HTTP_404")),
        (Fault::Status(410), all("HTTP_410")),
        (Fault::Status(429), all("HTTP_429")),
        (Fault::Status(500), all("HTTP_5XX")),
        (Fault::Status(503), all("HTTP_5XX")),
        (Fault::SlowFirstByte(Duration::from_secs(60)), all("TTFB_TIMEOUT")),
        (Fault::Stall(0), all("STALLED")),
        (Fault::Stall(1000), all("STALLED")),
        (Fault::Drip { bytes: 10, pause }, all("TOTAL_TIMEOUT")),
        (Fault::Endless, ["EXTRA_BLOCKS", "BODY_TOO_LARGE", "BODY_TOO_LARGE"]),
        (Fault::HugeLength, all("BODY_TOO_LARGE")),
        (Fault::WrongBytes, content),
        (Fault::FlippedBit, content),
        (Fault::WrongBlocks, ["UNEXPECTED_BLOCK", "HASH_MISMATCH", "COMMP_MISMATCH"]),
        (Fault::DuplicateBlocks, car("UNEXPECTED_BLOCK")),
        (Fault::MissingBlock, car("UNEXPECTED_BLOCK")),
        (Fault::ExtraBlock, car("EXTRA_BLOCKS")),
        (Fault::HalfSection, car("CAR_INCOMPLETE")),
        (Fault::WrongOrder, car("UNEXPECTED_BLOCK")),
        (Fault::RootOnly, car("CAR_INCOMPLETE")),
        (Fault::Empty, ["CAR_INCOMPLETE", "HASH_MISMATCH", "COMMP_MISMATCH"]),
        (Fault::Truncated, ["CAR_INCOMPLETE", "HASH_MISMATCH", "COMMP_MISMATCH"]),
        (Fault::Aborted, ["CAR_INCOMPLETE", "HASH_MISMATCH", "COMMP_MISMATCH"]),
        (Fault::HugeVarint, car("CAR_MALFORMED")),
        (Fault::EndlessVarint, car("CAR_MALFORMED")),
        (Fault::TinySection, car("CAR_MALFORMED")),
        (Fault::ZeroSection, car("CAR_MALFORMED")),
        (Fault::NestedHeader, car("CAR_MALFORMED")),
        (Fault::CrowdedHeader, car("CAR_MALFORMED")),
        (Fault::SecondVersion, car("CAR_MALFORMED")),
        (Fault::OtherRoots, car("")),
        (Fault::GzipBomb, all("WRONG_CONTENT_TYPE")),
        (Fault::Html, all("WRONG_CONTENT_TYPE")),
        (Fault::HtmlInDisguise, ["CAR_MALFORMED", "HASH_MISMATCH", "COMMP_MISMATCH"]),
        (Fault::ContentType("application/json"), all("WRONG_CONTENT_TYPE")),
        (Fault::Redirect("http://example.com/".into()), all("REDIRECT_OFFSITE")),
        (Fault::Redirect("http://localhost/".into()), all("REDIRECT_OFFSITE")),
        (Fault::Redirect("http://169.254.169.254/".into()), all("REDIRECT_OFFSITE")),
        (Fault::Redirect("http://[::ffff:127.0.0.1]/".into()), all("REDIRECT_OFFSITE")),
        (Fault::Redirect("gopher://127.0.0.1/".into()), all("REDIRECT_OFFSITE")),
        (Fault::RedirectLoop, all("REDIRECT_OFFSITE")),
    ]
}

pub(crate) struct Served {
    pub(crate) file: Cid,
    pub(crate) leaf: Cid,
    pub(crate) piece: Cid,
    /// About how many bytes each has, as the client is told.
    pub(crate) expected: u64,
}

/// A file of 13 leaves under two levels of nodes, which is also a piece.
pub(crate) fn served(expected: u64) -> (Served, Library) {
    let bytes = random(8, 400_000);
    let file = file(&bytes, 32_000, 4);
    let mut library = dag::library(&file);
    let [_, piece] = piece(&bytes);
    library.put_piece(piece, bytes);
    (Served { file: file.root, leaf: file.blocks[0].0, piece, expected }, library)
}

/// A CAR, a block, a piece.
pub(crate) async fn retrieve(
    client: &Gateway,
    provider: &Provider,
    served: &Served,
    what: usize,
    trace: &mut Trace,
) -> Result<Retrieved, Failure> {
    let base = target(provider);
    match what {
        0 => client.car(&base, &served.file, Part::Whole, served.expected, trace).await,
        1 => {
            let block = client.raw(&base, &served.leaf, trace).await?;
            Ok(Retrieved { blocks: 1, bytes: block.len() as u64 })
        }
        _ => client.piece(&base, &served.piece, served.expected, trace).await,
    }
}

/// What becomes of everything under every fault, where that is not what it should be.
pub(crate) async fn deviations(expected: u64) -> Vec<String> {
    let (served, library) = served(expected);
    let served = std::sync::Arc::new(served);
    let mut running = tokio::task::JoinSet::new();
    for (fault, codes) in table() {
        let provider = Provider::start(library.clone()).await.unwrap();
        provider.fault(Some(fault.clone()));
        let served = served.clone();
        running.spawn(async move {
            let client = gateway(Duration::from_secs(2), Duration::from_secs(6));
            let mut wrong = vec![];
            for (what, code) in codes.iter().enumerate() {
                let mut trace = trace();
                let outcome = retrieve(&client, &provider, &served, what, &mut trace).await;
                let got = outcome.as_ref().map_or_else(Failure::code, |_| "");
                if got != *code {
                    wrong.push(format!("{fault:?} of {what}: {got:?} instead of {code:?}: {outcome:?}"));
                }
                assert!(trace.stages.iter().all(|timing| timing.ended.is_some()));
            }
            wrong
        });
    }
    running.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_comes_out_as_its_code() {
    assert!(table().len() >= 15);
    let wrong = deviations(450_000).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_gateway_that_drips_is_not_waited_for_as_long_as_a_large_file_takes() {
    // In a quarter of an hour it could have come.
    let expected = 1 << 30;
    let (served, library) = served(expected);
    let provider = Provider::start(library).await.unwrap();
    let client = paced(Duration::from_secs(10), Duration::from_secs(2), 1 << 20);
    retrieve(&client, &provider, &served, 0, &mut trace()).await.unwrap();
    provider.fault(Some(Fault::Drip { bytes: 10, pause: Duration::from_millis(50) }));
    let begun = std::time::Instant::now();
    let failure = retrieve(&client, &provider, &served, 0, &mut trace()).await.unwrap_err();
    assert!(matches!(&failure, Failure::Http(HttpError::TooSlow { received: 1.., .. })), "{failure:?}");
    assert_eq!(failure.code(), "TOTAL_TIMEOUT");
    assert!(begun.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn what_a_gateway_says_of_an_error_is_kept() {
    let (served, library) = served(450_000);
    let provider = Provider::start(library).await.unwrap();
    provider.fault(Some(Fault::Status(429)));
    let mut trace = trace();
    let client = gateway(Duration::from_secs(5), Duration::from_secs(5));
    retrieve(&client, &provider, &served, 0, &mut trace).await.unwrap_err();
    assert_eq!(trace.status, Some(429));
    assert_eq!(trace.error_body, b"no: 429 Too Many Requests\n");
    assert!(trace.headers.contains(&("retry-after".into(), "60".into())));
}

#[tokio::test]
async fn behaviour_can_change_from_request_to_request() {
    let (served, library) = served(450_000);
    let provider = Provider::start(library).await.unwrap();
    provider.behave(|asked| (asked.number == 1).then_some(Fault::Status(500)));
    let client = gateway(Duration::from_secs(30), Duration::from_secs(30));
    let mut codes = vec![];
    for _ in 0..3 {
        let outcome = retrieve(&client, &provider, &served, 1, &mut trace()).await;
        codes.push(outcome.map_or_else(|failure| failure.code(), |_| "ok"));
    }
    assert_eq!(codes, ["ok", "HTTP_5XX", "ok"]);
    assert_eq!(provider.asked().len(), 3);
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_seen_as_such() {
    let (served, library) = served(450_000);
    let provider = Provider::start(library).await.unwrap();
    let client = gateway(Duration::from_secs(30), Duration::from_secs(30));
    for (fault, broken) in [(Fault::Aborted, true), (Fault::Truncated, false)] {
        provider.fault(Some(fault));
        let mut trace = trace();
        let failure = retrieve(&client, &provider, &served, 0, &mut trace).await.unwrap_err();
        assert_eq!((failure.code(), trace.broken_off), ("CAR_INCOMPLETE", broken));
    }
}

#[tokio::test]
async fn what_cannot_be_checked_is_not_asked_for() {
    let (served, library) = served(450_000);
    let provider = Provider::start(library).await.unwrap();
    let client = gateway(Duration::from_secs(30), Duration::from_secs(30));
    let failure = client.piece(&target(&provider), &served.file, 1, &mut trace()).await.unwrap_err();
    assert_eq!(failure.code(), "UNSUPPORTED_CODEC");
    assert!(provider.asked().is_empty());
}
