use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use apogee_outbound::{Client, HttpError, Pace, Reach, Request, Target};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::world::{Scripted, Server, client, connector, get, head, read, trace};

fn here() -> Client {
    client(connector(Reach::AlsoPrivate, Scripted::default()))
}

/// What comes of getting what a server writes and then, with `open`, is silent about.
async fn fetched(open: bool, bytes: impl Into<Vec<u8>>) -> Result<Vec<u8>, HttpError> {
    let bytes = bytes.into();
    let server = Server::start(open, move |_| bytes.clone()).await;
    let mut trace = trace();
    let response = get(&here(), &server.target("/"), &mut trace).await?;
    read(response, &mut trace).await
}

#[tokio::test]
async fn a_request_says_what_it_must_and_no_more() {
    let server = Server::start(false, |_| b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let target = server.target("/piece/x?y=z");
    let request = Request {
        target: &target,
        accept: "application/piece",
        range: Some((5, 9)),
        body: 10,
        total: Duration::from_secs(5),
        pace: Pace::ANY,
    };
    here().get(&request, &mut trace()).await.unwrap();
    let expected = format!(
        "GET /piece/x?y=z HTTP/1.1\r\nhost: {}\r\nuser-agent: apogee-test\r\naccept-encoding: identity\r\nconnection: \
         close\r\naccept: application/piece\r\nrange: bytes=5-9\r\n\r\n",
        server.address
    );
    assert_eq!(server.heads.lock().unwrap()[0], expected);
}

#[tokio::test]
async fn bodies_come_in_every_framing_and_are_not_decompressed() {
    let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc";
    assert_eq!(fetched(false, *plain).await.unwrap(), b"abc");
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    assert_eq!(fetched(true, *chunked).await.unwrap(), b"abc");
    assert_eq!(fetched(false, *b"HTTP/1.1 200 OK\r\n\r\nabc").await.unwrap(), b"abc");
}

#[tokio::test]
async fn time_that_runs_out_is_told_by_where_it_does() {
    assert_eq!(fetched(true, *b"").await.unwrap_err().code(), "TTFB_TIMEOUT");
    assert_eq!(fetched(true, *b"HTTP/1.1 200 OK\r\nServer: x").await.unwrap_err().code(), "TTFB_TIMEOUT");
    let error = fetched(true, *b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await.unwrap_err();
    assert!(matches!(error, HttpError::Stalled { received: 3 }), "{error:?}");
    let none = fetched(true, *b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").await.unwrap_err();
    assert_eq!(none.code(), "STALLED");
    // 1xx without end.
    let server = Server::start(true, |_| b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)).await;
    assert_eq!(get(&here(), &server.target("/"), &mut trace()).await.unwrap_err().code(), "TTFB_TIMEOUT");
}

#[tokio::test]
async fn the_whole_may_take_less_time_than_its_parts() {
    let server = Server::start(true, |_| vec![]).await;
    let target = server.target("/");
    let request = Request {
        target: &target,
        accept: "*/*",
        range: None,
        body: 1,
        total: Duration::from_millis(100),
        pace: Pace::ANY,
    };
    let started = Instant::now();
    let error = here().get(&request, &mut trace()).await.unwrap_err();
    assert_eq!(error.code(), "TOTAL_TIMEOUT");
    assert!(started.elapsed() < Duration::from_millis(290));
}

#[tokio::test]
async fn a_body_that_is_too_slow_ends_before_its_time() {
    let three = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
    let server = Server::start(true, move |_| three.to_vec()).await;
    let target = server.target("/");
    let begun = Instant::now();
    let slow = |grace, rate| {
        let target = &target;
        async move {
            let pace = Pace { grace: Duration::from_millis(grace), rate };
            let total = Duration::from_secs(60);
            let request = Request { target, accept: "*/*", range: None, body: 10, total, pace };
            let mut trace = trace();
            let response = here().get(&request, &mut trace).await.unwrap();
            read(response, &mut trace).await.unwrap_err()
        }
    };
    let error = slow(200, 1000).await;
    assert!(matches!(error, HttpError::TooSlow { received: 3, rate: 1000 }), "{error:?}");
    assert_eq!(error.code(), "TOTAL_TIMEOUT");
    // What came at once may be followed by nothing for long: then it stands still.
    let error = slow(200, 1).await;
    assert!(matches!(error, HttpError::Stalled { received: 3 }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::url(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail ready\r\n220 come in\r\n").await.unwrap();
        std::future::pending::<()>().await;
    };
    let client = here();
    let mut trace = trace();
    let error = tokio::select! { got = get(&client, &target, &mut trace) => got.unwrap_err(), () = serve => unreachable!() };
    assert_eq!(error.code(), "WRONG_CONTENT_TYPE", "{error:?}");
}

#[tokio::test]
async fn a_body_may_not_be_longer_than_asked_for() {
    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
    assert_eq!(fetched(true, *announced).await.unwrap_err().code(), "BODY_TOO_LARGE");
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(2 << 20, 0);
    assert_eq!(fetched(true, endless).await.unwrap_err().code(), "BODY_TOO_LARGE");
}

#[tokio::test]
async fn a_body_that_ends_early_is_not_whole() {
    for early in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
    ] {
        let error = fetched(false, early).await.unwrap_err();
        assert!(matches!(error, HttpError::EndedEarly { received: 3 }), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_not_an_answer() {
    for bytes in [
        b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec(),
        b"<html></html>".to_vec(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_vec(),
        [b"HTTP/1.1 200 OK\r\nA: ".to_vec(), vec![b'x'; 1 << 20]].concat(),
        [b"HTTP/1.1 200 OK\r\n".to_vec(), b"A: b\r\n".repeat(1000)].concat(),
    ] {
        let error = fetched(true, bytes.clone()).await.unwrap_err();
        assert_eq!(error.code(), "WRONG_CONTENT_TYPE", "{:?}: {error:?}", bytes.get(..40));
    }
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_was_reset() {
    assert_eq!(fetched(false, *b"").await.unwrap_err().code(), "TCP_RESET");
}

#[tokio::test]
async fn a_reset_is_told_from_an_end() {
    for (answer, received) in [(&b""[..], 0), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 3)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::url(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let broken = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            stream.write_all(answer).await.unwrap();
            // What was written is read before the connection breaks.
            tokio::time::sleep(Duration::from_millis(100)).await;
            stream.set_zero_linger().unwrap();
        };
        let (client, mut trace) = (here(), trace());
        let fetched = async {
            let response = get(&client, &target, &mut trace).await?;
            read(response, &mut trace).await
        };
        let (fetched, ()) = tokio::join!(fetched, broken);
        assert_eq!(fetched.unwrap_err().code(), "TCP_RESET");
        assert_eq!((trace.received, trace.broken_off), (received, false));
    }
}

#[tokio::test]
async fn what_an_error_says_is_kept_as_far_as_it_fits() {
    let answer = b"HTTP/1.1 500 Internal Server Error\r\nServer: boost\r\nSet-Cookie: a=b\r\n\r\n".to_vec();
    let bytes = [answer, b"no space left. ".repeat(1 << 16)].concat();
    let server = Server::start(true, move |_| bytes.clone()).await;
    let mut trace = trace();
    let response = get(&here(), &server.target("/"), &mut trace).await.unwrap();
    assert_eq!(response.status, 500);
    response.body.explain(&mut trace).await;
    assert_eq!(trace.error_body.len(), 512);
    assert!(trace.error_body.starts_with(b"no space left. "));
    assert_eq!(trace.headers, [("server".to_owned(), "boost".to_owned())]);
    assert_eq!((trace.status, trace.remote), (Some(500), Some(server.address)));
}

#[tokio::test]
async fn dropping_a_body_closes_its_connection() {
    let server = Server::start(true, |_| b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_vec()).await;
    let response = get(&here(), &server.target("/"), &mut trace()).await.unwrap();
    assert_eq!(server.closed.load(Ordering::SeqCst), 0);
    drop(response);
    let started = Instant::now();
    while server.closed.load(Ordering::SeqCst) == 0 {
        assert!(started.elapsed() < Duration::from_secs(5), "the connection is still open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
