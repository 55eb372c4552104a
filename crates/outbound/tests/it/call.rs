use std::time::Duration;

use apogee_outbound::{Call, HttpError, Reach, Stage};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};

use crate::world::{Scripted, Server, client, connector, read, trace};

fn post(target: &apogee_outbound::Target) -> Call<'_> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("word"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Call {
        target,
        method: Method::POST,
        headers,
        content: Bytes::from_static(b"{\"a\":1}"),
        body: 10,
        total: Duration::from_secs(5),
    }
}

#[tokio::test]
async fn a_call_sends_its_body_and_its_headers() {
    let server = Server::start(true, |_| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()).await;
    let here = client(connector(Reach::AlsoPrivate, Scripted::default()));
    let target = server.target("/deal");
    let mut trace = trace();
    let response = here.call(post(&target), &mut trace).await.unwrap();
    assert_eq!(read(response, &mut trace).await.unwrap(), b"ok");
    let expected = format!(
        "POST /deal HTTP/1.1\r\nhost: {}\r\nuser-agent: apogee-test\r\naccept-encoding: identity\r\nconnection: \
         close\r\nauthorization: word\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n",
        server.address
    );
    assert_eq!(server.heads.lock().unwrap()[0], expected);
}

#[tokio::test]
async fn a_call_follows_no_redirect_and_reaches_no_further_than_a_get() {
    let moved = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
    let server = Server::start(false, move |_| moved.to_vec()).await;
    let target = server.target("/deal");
    let here = client(connector(Reach::AlsoPrivate, Scripted::default()));
    assert_eq!(here.call(post(&target), &mut trace()).await.unwrap().status, 307);
    assert_eq!(server.heads.lock().unwrap().len(), 1);
    let public = client(connector(Reach::Global, Scripted::default()));
    let error = public.call(post(&target), &mut trace()).await.unwrap_err();
    assert_eq!(error.code(), "ADDR_PRIVATE");
    assert_eq!(server.heads.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_that_is_left_without_an_answer_tells_that_it_was_sent() {
    let server = Server::start(true, |_| vec![]).await;
    let target = server.target("/deal");
    let here = client(connector(Reach::AlsoPrivate, Scripted::default()));
    let mut trace = trace();
    let error = here.call(post(&target), &mut trace).await.unwrap_err();
    assert!(matches!(error, HttpError::FirstByteTimeout), "{error:?}");
    assert_eq!(trace.stage(), Some(Stage::FirstByte));
}
