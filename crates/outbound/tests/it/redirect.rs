use std::sync::Arc;
use std::sync::atomic::Ordering;

use apogee_outbound::{Connector, Reach, Target, Trust};

use crate::world::{Canary, Scripted, Server, client, connector, get, read, short, trace};

fn moved(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_redirect_leads_nowhere_that_an_address_may_not_lead() {
    let canary = Canary::listen().await;
    let client = client(connector(Reach::AlsoPrivate, Scripted::default()));
    for to in [
        // On most systems these are this machine, where the canary listens.
        "http://0.0.0.0:P/",
        "http://0:P/",
        "http://[::]:P/",
        "http://[::ffff:127.0.0.1]:P/",
        "//[::ffff:7f00:1]:P/",
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.2:P/",
        "//127.2:P/",
        "http://localhost:P/",
        "http://[::1]:P/",
        "https://example.com/",
        "http://x@127.0.0.1:P/",
        "http://127.0.0.1:22/",
        "\\\\127.0.0.1:P",
        "file:///etc/passwd",
    ] {
        let to = to.replace('P', &canary.port.to_string());
        let server = Server::start(false, move |_| moved(&to)).await;
        let mut trace = trace();
        let error = get(&client, &server.target("/"), &mut trace).await.unwrap_err();
        assert_eq!(error.code(), "REDIRECT_OFFSITE", "{:?}: {error}", trace.redirects);
        assert_eq!(trace.status, Some(302));
    }
    assert_eq!(canary.accepted().await, 0);
}

#[tokio::test]
async fn a_redirect_within_a_host_is_followed_to_another_path_and_port() {
    let other = Server::start(false, |_| OK.to_vec()).await;
    let port = other.address.port();
    let server = Server::start(false, move |head| {
        if head.starts_with("GET /a ") {
            moved("/b?c=d#e")
        } else {
            moved(&format!("http://127.0.0.1:{port}/z"))
        }
    })
    .await;
    let client = client(connector(Reach::AlsoPrivate, Scripted::default()));
    let mut trace = trace();
    let response = get(&client, &server.target("/a"), &mut trace).await.unwrap();
    assert_eq!(read(response, &mut trace).await.unwrap(), b"ok");
    assert_eq!(trace.redirects.len(), 2);
    assert_eq!(trace.remote, Some(other.address));
    assert!(server.heads.lock().unwrap()[1].starts_with("GET /b?c=d HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_redirect_stays_in_the_family_that_a_multiaddr_names() {
    let server =
        Server::start(false, |head| if head.starts_with("GET / ") { moved("/b") } else { OK.to_vec() }).await;
    let resolver = Scripted::default().with("four.example", &[&["127.0.0.1"]]);
    let client = client(connector(Reach::AlsoPrivate, resolver));
    let target = Target::parse(&format!("/dns4/four.example/tcp/{}/http", server.address.port())).unwrap();
    assert_eq!(target.join("/b").unwrap().host(), target.host());
    let mut trace = trace();
    let response = get(&client, &target, &mut trace).await.unwrap();
    assert_eq!(read(response, &mut trace).await.unwrap(), b"ok");
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::start(false, |_| moved("/again")).await;
    let client = client(connector(Reach::AlsoPrivate, Scripted::default()));
    let error = get(&client, &server.target("/"), &mut trace()).await.unwrap_err();
    assert_eq!(error.code(), "REDIRECT_OFFSITE");
    assert_eq!(server.heads.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_name_is_checked_again_when_it_redirects_to_itself() {
    let canary = Canary::listen().await;
    let server = Server::start(false, {
        let port = canary.port;
        move |_| moved(&format!("http://self.example:{port}/"))
    })
    .await;
    let resolver = Arc::new(Scripted::default().with("self.example", &[&["127.0.0.1"], &["0.0.0.0"]]));
    let connector = Connector::new(resolver.clone(), Reach::AlsoPrivate, short(), Trust::Public).unwrap();
    let target = Target::url(&format!("http://self.example:{}/", server.address.port())).unwrap();
    let error = get(&client(connector), &target, &mut trace()).await.unwrap_err();
    assert_eq!(error.code(), "ADDR_PRIVATE");
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 2);
    assert_eq!(canary.accepted().await, 0);
}
