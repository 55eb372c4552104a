use std::time::Duration;

use apogee_dealbot::fault::{Code, Stage};
use apogee_dealbot::protocol::{Part, Task};
use apogee_simprovider::gateway::Fault;
use tempfile::tempdir;

use crate::controller::{Controller, lease};
use crate::world::{Bot, file, provider, settings, until};

/// Each fault, and the code of its record; `None` is a success.
pub(crate) fn table() -> Vec<(Fault, Option<Code>)> {
    let pause = Duration::from_millis(100);
    vec![
        (Fault::Status(204), Some(Code::WrongContentType)),
        (Fault::Status(304), Some(Code::RedirectOffsite)),
        (Fault::Status(400), Some(Code::Http4xx)),
        (Fault::Status(451), Some(Code::Http4xx)),
        (Fault::Status(403), Some(Code::Http403)),
        (Fault::Status(404), Some(Code::Http404)),
        (Fault::Status(410), Some(Code::Http410)),
        (Fault::Status(429), Some(Code::Http429)),
        (Fault::Status(500), Some(Code::Http5xx)),
        (Fault::Status(503), Some(Code::Http5xx)),
        (Fault::SlowFirstByte(Duration::from_secs(600)), Some(Code::TtfbTimeout)),
        (Fault::Stall(0), Some(Code::Stalled)),
        (Fault::Stall(1000), Some(Code::Stalled)),
        (Fault::Drip { bytes: 10, pause }, Some(Code::TotalTimeout)),
        (Fault::Endless, Some(Code::ExtraBlocks)),
        (Fault::HugeLength, Some(Code::BodyTooLarge)),
        (Fault::WrongBytes, Some(Code::HashMismatch)),
        (Fault::FlippedBit, Some(Code::HashMismatch)),
        (Fault::WrongBlocks, Some(Code::UnexpectedBlock)),
        (Fault::DuplicateBlocks, Some(Code::UnexpectedBlock)),
        (Fault::MissingBlock, Some(Code::UnexpectedBlock)),
        (Fault::ExtraBlock, Some(Code::ExtraBlocks)),
        (Fault::WrongOrder, Some(Code::UnexpectedBlock)),
        (Fault::RootOnly, Some(Code::CarIncomplete)),
        (Fault::Empty, Some(Code::CarIncomplete)),
        (Fault::Truncated, Some(Code::CarIncomplete)),
        (Fault::Aborted, Some(Code::CarIncomplete)),
        (Fault::HugeVarint, Some(Code::CarMalformed)),
        (Fault::EndlessVarint, Some(Code::CarMalformed)),
        (Fault::TinySection, Some(Code::CarMalformed)),
        (Fault::ZeroSection, Some(Code::CarMalformed)),
        (Fault::NestedHeader, Some(Code::CarMalformed)),
        (Fault::CrowdedHeader, Some(Code::CarMalformed)),
        (Fault::SecondVersion, Some(Code::CarMalformed)),
        (Fault::OtherRoots, None),
        (Fault::GzipBomb, Some(Code::WrongContentType)),
        (Fault::Html, Some(Code::WrongContentType)),
        (Fault::HtmlInDisguise, Some(Code::CarMalformed)),
        (Fault::ContentType("application/json"), Some(Code::WrongContentType)),
        (Fault::Redirect("http://example.com/".into()), Some(Code::RedirectOffsite)),
        (Fault::Redirect("http://169.254.169.254/".into()), Some(Code::RedirectOffsite)),
        (Fault::Redirect("gopher://127.0.0.1/".into()), Some(Code::RedirectOffsite)),
        (Fault::RedirectLoop, Some(Code::RedirectOffsite)),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_a_provider_is_its_code_in_a_record() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (canary, _) = provider().await;
    let mut providers = vec![];
    for (number, (fault, _)) in table().into_iter().enumerate() {
        let (gateway, task) = provider().await;
        gateway.fault(Some(fault));
        controller.seen().offer.push_back(lease(number as u64, 1, task));
        providers.push(gateway);
    }
    let mut settings = settings(format!("http://{}", controller.address), outbox.path(), &canary);
    settings.attempts = 64;
    settings.patience.idle = Duration::from_secs(3);
    settings.patience.retrieval = Duration::from_secs(8);
    let bot = Bot::start(settings);
    until("all are over", || controller.seen().results.len() == providers.len()).await;
    bot.ended().await;
    controller.check();
    for (number, (fault, code)) in table().into_iter().enumerate() {
        let record = controller.record(number as u64);
        assert_eq!(record.failure, code, "{fault:?}: {record:?}");
        assert_eq!(record.root.is_some(), code.is_none(), "{fault:?}");
        assert_eq!(record.remote.unwrap().0, providers[number].address());
        assert_eq!(record.detail.is_empty(), code.is_none());
        assert!(record.stages.len() >= 3 && record.stages[0].stage == Stage::Resolve, "{record:?}");
        if let Fault::Status(status) = fault {
            let answer = record.answer.unwrap();
            assert_eq!(answer.status, status);
            let body = String::from_utf8(answer.body.0).unwrap();
            // 204 and 304 have no body (RFC 9112 §6.3).
            assert!(
                [204, 304].contains(&status) || body.contains(&status.to_string()),
                "{fault:?}: {body:?}"
            );
        }
    }
    // After so many bad ones this bot is still in order, and has said so.
    assert!(controller.seen().canaries.iter().all(|told| told.code.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_cannot_be_done_are_the_bots_or_the_addresss() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (canary, task) = provider().await;
    let root = file().0.to_string();
    let Task::Gateway { url: good, .. } = task else { panic!("the canary is a gateway") };
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let table = [
        (good.as_str(), "not a cid", 1, true, Code::ExpectedDataMissing),
        (good.as_str(), &root, u64::MAX, true, Code::ExpectedDataMissing),
        (
            good.as_str(),
            "bafyreigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
            1,
            true,
            Code::Http404,
        ),
        ("no address", &root, 1, true, Code::AddrUnparseable),
        ("http://127.0.0.1:22/", &root, 1, true, Code::AddrUnparseable),
        (closed.as_str(), &root, 1, true, Code::TcpRefused),
        // It may reach private addresses, and still does not where the task does not say so.
        (good.as_str(), &root, 1, false, Code::AddrPrivate),
        ("http://169.254.169.254/", &root, 1, true, Code::AddrPrivate),
    ];
    for (number, (url, root, size, private, _)) in table.iter().enumerate() {
        let task = Task::Gateway {
            url: (*url).into(),
            root: (*root).into(),
            size: *size,
            part: Part::Whole,
            private: *private,
        };
        controller.seen().offer.push_back(lease(number as u64, 1, task));
    }
    // Of this no record could be made.
    let mut nothing = lease(
        99,
        1,
        Task::Gateway { url: good.clone(), root: root.clone(), size: 1, part: Part::Whole, private: true },
    );
    nothing.of.kind = "telepathy".into();
    controller.seen().offer.push_back(nothing);
    let mut settings = settings(format!("http://{}", controller.address), outbox.path(), &canary);
    settings.attempts = 64;
    let bot = Bot::start(settings);
    until("all are over", || controller.seen().results.len() == table.len()).await;
    bot.ended().await;
    controller.check();
    for (number, (url, .., code)) in table.iter().enumerate() {
        let record = controller.record(number as u64);
        assert_eq!(record.failure, Some(*code), "{url}: {record:?}");
        assert_eq!(record.target, *url);
    }
    assert_eq!(controller.seen().released.len(), 1);
}
