//! Two ends of a socket, and those who do not belong there.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apogee_signer::{Access, LocalSigner, SocketSigner, bind, serve};
use apogee_treasury::{Order, SignError, Signer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::desk::{Desk, ask, pay, payee, rule, wallet};

const PATIENCE: Duration = Duration::from_millis(300);

/// A signer that listens, and what stops it.
struct Running {
    desk: Desk,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn start() -> Self {
        let desk = Desk::open_handed();
        let signer = desk.signer();
        Self::with(desk, signer)
    }

    fn with(desk: Desk, signer: LocalSigner) -> Self {
        let access = Access { patience: PATIENCE, connections: 4, ..Access::default() };
        let listener = bind(&desk.path("socket"), &access).unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, Arc::new(signer), access, async { drop(stopped.await) }));
        Self { desk, stop, task }
    }

    fn path(&self) -> PathBuf {
        self.desk.path("socket")
    }

    fn client(&self) -> SocketSigner {
        SocketSigner::new(self.path(), Duration::from_secs(5))
    }
}

#[tokio::test]
async fn the_other_end_signs_refuses_and_says_why() {
    let running = Running::start();
    assert_eq!(running.path().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let client = running.client();
    assert_eq!(client.wallets().await.unwrap(), [wallet().to_string()]);
    let signed = ask(&client, pay(0, payee(0), 10)).await.unwrap();
    super::desk::read(&signed[0]);
    let reference = Desk::open_handed();
    assert_eq!(signed, ask(&reference.signer(), pay(0, payee(0), 10)).await.unwrap(), "as without a socket");
    match ask(&client, pay(0, payee(0), 11)).await {
        Err(SignError::Refused { nonce: 0, rule, detail }) => {
            assert_eq!(
                (rule.as_str(), detail.as_str()),
                ("nonce-reused", "this nonce pays 10 atto to f01000")
            );
        }
        answer => panic!("{answer:?}"),
    }
    let none = client.sign(&wallet().to_string(), 1, &[]).await.unwrap();
    assert!(none.is_empty());
    running.stop.send(()).unwrap();
    running.task.await.unwrap().unwrap();
    assert_eq!(rule(&ask(&client, pay(0, payee(0), 10)).await), "unavailable");
}

/// A whole batch of the largest size goes over the socket.
#[tokio::test]
async fn five_hundred_orders_fit_into_a_frame() {
    let policy = super::desk::policy(&wallet(), "any")
        .replace("\"2500\"", "\"500000\"")
        .replace("\"20000000\"", "\"20000000000000\"");
    let desk = Desk::new(&policy);
    let signer = desk.signer();
    let running = Running::with(desk, signer);
    let long = "x".repeat(200);
    let order = |nonce| Order {
        payment: Some(long.clone()),
        ..pay(u64::MAX - nonce, super::desk::bls_wallet(), 1000)
    };
    let orders: Vec<_> = (0..500).map(order).collect();
    let signed = running.client().sign(&wallet().to_string(), u64::MAX, &orders).await.unwrap();
    assert_eq!(signed.len(), 500);
}

async fn send(path: &std::path::Path, bytes: &[u8]) -> UnixStream {
    let mut stream = UnixStream::connect(path).await.unwrap();
    // The other side may have closed already.
    drop(stream.write_all(bytes).await);
    stream
}

/// That the other side says nothing and closes.
async fn closed(mut stream: UnixStream) {
    let mut said = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut said)).await.unwrap();
    assert!(said.is_empty() && end.is_ok_and(|length| length == 0) || said.is_empty());
}

fn frame(json: &str) -> Vec<u8> {
    [&u32::try_from(json.len()).unwrap().to_be_bytes()[..], json.as_bytes()].concat()
}

#[tokio::test]
async fn what_is_no_request_is_answered_with_an_end() {
    let running = Running::start();
    let path = running.path();
    let deep = format!("{{\"sign\":{}", "[".repeat(500_000));
    let requests: Vec<Vec<u8>> = vec![
        b"\xff\xff\xff\xff".to_vec(),
        [&(1_u32 << 20 | 1).to_be_bytes()[..], &vec![b' '; (1 << 20) + 1]].concat(),
        frame(""),
        frame("null"),
        frame("[]"),
        frame("{\"export\":{}}"),
        frame(&deep),
        frame(r#"{"sign":{"wallet":"f01","fence":-1,"orders":[]}}"#),
        frame(r#"{"sign":{"wallet":"f01","fence":1,"orders":[],"force":true}}"#),
        frame(r#"{"sign":{"wallet":"f01","fence":1}}"#),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"\0\0\0\x05abc".to_vec(),
        b"\0\0".to_vec(),
        Vec::new(),
    ];
    for bytes in requests {
        let begun = Instant::now();
        closed(send(&path, &bytes).await).await;
        assert!(begun.elapsed() < PATIENCE * 4, "{} bytes: {:?}", bytes.len(), begun.elapsed());
    }
    // Half closed.
    let mut half = send(&path, b"\0\0\0\x09").await;
    half.shutdown().await.unwrap();
    closed(half).await;
    assert_eq!(rule(&ask(&running.client(), pay(0, payee(0), 10)).await), "signed", "it is still there");
}

#[tokio::test]
async fn who_is_slow_or_takes_all_places_delays_others_by_its_patience_only() {
    let running = Running::start();
    let path = running.path();
    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push(send(&path, b"\0\0").await);
    }
    // One drips: the patience is for the whole request.
    let mut dripping = send(&path, b"").await;
    let drip = tokio::spawn(async move {
        for byte in frame("\"wallets\"") {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if dripping.write_all(&[byte]).await.is_err() {
                return false;
            }
        }
        dripping.read(&mut [0; 4]).await.is_ok_and(|read| read > 0)
    });
    let begun = Instant::now();
    assert_eq!(rule(&ask(&running.client(), pay(0, payee(0), 10)).await), "signed");
    assert!(begun.elapsed() < PATIENCE * 6, "{:?}", begun.elapsed());
    assert!(!drip.await.unwrap(), "a request of 13 times 100 ms was answered");
    for stream in slow {
        closed(stream).await;
    }
}

#[tokio::test]
async fn one_connection_can_ask_several_times() {
    let running = Running::start();
    let mut stream = send(&running.path(), &[frame("\"wallets\""), frame("\"wallets\"")].concat()).await;
    let expected = frame(&format!("{{\"wallets\":[\"{}\"]}}", wallet()));
    let mut said = vec![0; expected.len() * 2];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(said, expected.repeat(2));
}

#[tokio::test]
async fn a_signer_that_is_none_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let client = SocketSigner::new(&path, PATIENCE);
    let asked = async || rule(&ask(&client, pay(0, payee(0), 10)).await).to_owned();
    assert_eq!(asked().await, "unavailable", "nobody is there");
    for answer in [
        None,
        Some(Vec::new()),
        Some(frame("{\"wallets\":[]}")),
        Some(frame("{\"signed\":[]}")),
        Some(frame("{\"signed\":[{\"bytes\":[],\"id\":\"\"},{\"bytes\":[],\"id\":\"\"}]}")),
        Some(frame("\"unavailable\"")),
        Some(frame("{")),
        Some(b"\xff\xff\xff\xff".to_vec()),
        Some(b"\0\0\0\x09{".to_vec()),
    ] {
        drop(std::fs::remove_file(&path));
        let listener = UnixListener::bind(&path).unwrap();
        let said = answer.clone();
        let double = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            match answer {
                Some(bytes) => drop(stream.write_all(&bytes).await),
                None => tokio::time::sleep(PATIENCE * 20).await,
            }
        });
        let begun = Instant::now();
        assert_eq!(asked().await, "unavailable", "{said:?}");
        assert!(begun.elapsed() < PATIENCE * 4);
        double.abort();
    }
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let (path, access) = (folder.path().join("socket"), Access::default());
    drop(bind(&path, &access).unwrap());
    assert!(path.exists());
    drop(bind(&path, &access).unwrap());
    let others = Access { users: [12345].into(), ..Access::default() };
    drop(bind(&path, &others).unwrap());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    assert!(bind(&path, &access).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}
