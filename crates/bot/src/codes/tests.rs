use std::io;
use std::net::SocketAddr;

use apogee_outbound::{Special, TargetError};
use cid::Cid;
use tokio::io::AsyncWriteExt as _;

use super::*;
use apogee_outbound::{DialError, HttpError};
use apogee_retrieval::{BlockError, CarError, Failure, WalkError};

fn cid() -> Cid {
    "bafkqaaa".parse().unwrap()
}

/// An error of hyper's cannot be made, but had.
async fn malformed() -> HttpError {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail ready\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    };
    let ask = async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, driver) = hyper::client::conn::http1::handshake(io).await.unwrap();
        let request = http::Request::new(http_body_util::Empty::<bytes::Bytes>::new());
        let (answer, _) = tokio::join!(sender.send_request(request), driver);
        HttpError::Malformed(answer.unwrap_err())
    };
    tokio::select! { error = ask => error, () = serve => unreachable!() }
}

async fn table() -> Vec<(Failure, Code)> {
    let at: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let resolve = |source| DialError::Resolve { name: "a.example".into(), source };
    let dials = vec![
        (DialError::Target(TargetError::TooLong(1)), Code::AddrUnparseable),
        (DialError::NotGlobal { address: at.ip(), special: Special::Loopback }, Code::AddrPrivate),
        (resolve(ResolveError::NoSuchName { servers: 2 }), Code::DnsNxdomain),
        (resolve(ResolveError::Failed("x".into())), Code::DnsServfail),
        (resolve(ResolveError::TimedOut), Code::DnsTimeout),
        (DialError::Refused(at), Code::TcpRefused),
        (DialError::TimedOut(at), Code::TcpTimeout),
        (DialError::Reset(at), Code::TcpReset),
        (DialError::NoRoute(at), Code::NoRoute),
        (DialError::NetDown(at), Code::LocalNetDown),
        (DialError::NoDescriptors, Code::LocalFdExhausted),
        (DialError::Crowded(at.ip()), Code::LocalBackoff),
        (
            DialError::Certificate { address: at, name: "a".into(), source: rustls::Error::DecryptError },
            Code::TlsCertInvalid,
        ),
        (DialError::Local { address: at, source: io::ErrorKind::Other.into() }, Code::Unclassified),
    ];
    let mut https = vec![
        (HttpError::FirstByteTimeout, Code::TtfbTimeout),
        (HttpError::Stalled { received: 1 }, Code::Stalled),
        (HttpError::TotalTimeout, Code::TotalTimeout),
        (HttpError::TooSlow { received: 1, rate: 2 }, Code::TotalTimeout),
        (HttpError::TooLarge { limit: 1 }, Code::BodyTooLarge),
        (HttpError::RedirectOffsite("x".into()), Code::RedirectOffsite),
        (HttpError::TooManyRedirects(3), Code::RedirectOffsite),
        (HttpError::RedirectNowhere(TargetError::TooLong(1).into()), Code::RedirectOffsite),
        (HttpError::Reset(at), Code::TcpReset),
        (HttpError::EndedEarly { received: 1 }, Code::Unclassified),
        (malformed().await, Code::WrongContentType),
        (HttpError::Local("x".into()), Code::Unclassified),
    ];
    https.extend(dials.into_iter().map(|(error, code)| (HttpError::Dial(error), code)));
    let blocks = [
        (BlockError::Mismatch(cid()), Code::HashMismatch),
        (BlockError::UnsupportedHash(cid()), Code::UnsupportedHash),
    ];
    let cars = vec![
        (CarError::Length { at: 0 }, Code::CarMalformed),
        (CarError::Section { at: 0, length: 0 }, Code::CarMalformed),
        (CarError::Header("x".into()), Code::CarMalformed),
        (CarError::Version(2), Code::CarMalformed),
        (CarError::Cid { at: 0, reason: "x".into() }, Code::CarMalformed),
        (CarError::Truncated { at: 0 }, Code::CarIncomplete),
    ];
    let mut walks = vec![
        (WalkError::Unexpected { expected: cid(), found: cid() }, Code::UnexpectedBlock),
        (WalkError::Extra(cid()), Code::ExtraBlocks),
        (WalkError::Unfollowed(cid()), Code::UnsupportedCodec),
        (WalkError::Incomplete { missing: cid(), more: 0 }, Code::CarIncomplete),
    ];
    walks.extend(blocks.map(|(error, code)| (WalkError::Block(error), code)));
    let mut all = vec![
        (Failure::Status(403), Code::Http403),
        (Failure::Status(404), Code::Http404),
        (Failure::Status(410), Code::Http410),
        (Failure::Status(429), Code::Http429),
        (Failure::Status(500), Code::Http5xx),
        (Failure::Status(599), Code::Http5xx),
        (Failure::Status(101), Code::WrongContentType),
        (Failure::Status(204), Code::WrongContentType),
        (Failure::Status(304), Code::RedirectOffsite),
        (Failure::Status(400), Code::Http4xx),
        (Failure::Status(451), Code::Http4xx),
        (Failure::Status(700), Code::WrongContentType),
        (Failure::ContentType { expected: "x", found: "y".into() }, Code::WrongContentType),
        (Failure::Encoding("gzip".into()), Code::WrongContentType),
        (Failure::Piece { expected: cid(), received: 1 }, Code::CommpMismatch),
        (Failure::Unsupported(cid()), Code::UnsupportedCodec),
    ];
    all.extend(https.into_iter().map(|(error, code)| (Failure::Http(error), code)));
    all.extend(cars.into_iter().map(|(error, code)| (Failure::Car(error), code)));
    all.extend(walks.into_iter().map(|(error, code)| (Failure::Walk(error), code)));
    all.extend(blocks.map(|(error, code)| (Failure::Block(error), code)));
    all
}

#[tokio::test]
async fn every_error_of_a_retrieval_names_a_code_of_the_table() {
    for (error, code) in table().await {
        assert_eq!(Code::parse(error.code()), Some(code), "{error:?}");
    }
}

#[tokio::test]
async fn only_where_servers_deny_a_name_is_it_known_how_many() {
    for (error, code) in table().await {
        let agreed = (code == Code::DnsNxdomain).then_some(2);
        assert_eq!(circumstances(&error), Circumstances { resolvers_agreed: agreed, ..Default::default() });
    }
}
