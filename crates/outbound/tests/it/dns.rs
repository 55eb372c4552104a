use std::net::SocketAddr;
use std::sync::Arc;

use apogee_outbound::{Dns, Family, ResolveError, Resolver};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// A name server that gives every question the same code and, with code 0, `addresses` to those for IPv4. Code 16 is silence.
async fn server(code: u8, addresses: &'static [[u8; 4]]) -> (SocketAddr, JoinSet<()>) {
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let address = socket.local_addr().unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let asked = &buffer[..length];
            let name_end = 12 + asked[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
            let question = &asked[12..name_end + 4];
            let records = if code == 0 && question[question.len() - 3] == 1 { addresses } else { &[] };
            let mut answer = asked[..2].to_vec();
            answer.extend([0x81, 0x80 | code, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
            answer.extend(question);
            for record in records {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
                answer.extend(record);
            }
            if code < 16 {
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    (address, task)
}

async fn resolve(
    servers: &[(u8, &'static [[u8; 4]])],
    family: Family,
) -> Result<Vec<std::net::IpAddr>, ResolveError> {
    let (mut addresses, mut tasks) = (vec![], vec![]);
    for (code, records) in servers {
        let (address, task) = server(*code, records).await;
        addresses.push(address);
        tasks.push(task);
    }
    Dns::new(&addresses).unwrap().resolve("sp.example", family).await
}

const HERE: (u8, &[[u8; 4]]) = (0, &[[192, 0, 2, 7], [192, 0, 2, 8]]);
const EMPTY: (u8, &[[u8; 4]]) = (0, &[]);
const FAILED: (u8, &[[u8; 4]]) = (2, &[]);
const NO_SUCH_NAME: (u8, &[[u8; 4]]) = (3, &[]);
const SILENCE: (u8, &[[u8; 4]]) = (16, &[]);

#[tokio::test]
async fn all_addresses_of_a_name_are_given() {
    let mut found = resolve(&[HERE], Family::Any).await.unwrap();
    found.sort();
    assert_eq!(found, ["192.0.2.7", "192.0.2.8"].map(|address| address.parse::<std::net::IpAddr>().unwrap()));
}

#[tokio::test]
async fn it_is_counted_how_many_servers_say_that_a_name_does_not_exist() {
    assert_eq!(
        resolve(&[NO_SUCH_NAME, NO_SUCH_NAME], Family::Any).await,
        Err(ResolveError::NoSuchName { servers: 2 })
    );
    assert_eq!(resolve(&[EMPTY], Family::Any).await, Err(ResolveError::NoSuchName { servers: 1 }));
    assert_eq!(resolve(&[HERE], Family::V6).await, Err(ResolveError::NoSuchName { servers: 1 }));
}

#[tokio::test]
async fn servers_that_contradict_each_other_prove_nothing() {
    let error = resolve(&[NO_SUCH_NAME, HERE], Family::Any).await.unwrap_err();
    assert_eq!(error.code(), "DNS_SERVFAIL");
    let error = resolve(&[NO_SUCH_NAME, FAILED], Family::Any).await.unwrap_err();
    assert_eq!(error.code(), "DNS_SERVFAIL");
}

#[tokio::test]
async fn a_server_that_fails_is_passed_over() {
    assert_eq!(resolve(&[FAILED, HERE], Family::V4).await.unwrap().len(), 2);
    assert!(matches!(resolve(&[FAILED], Family::Any).await, Err(ResolveError::Failed(_))));
}

#[tokio::test]
async fn silence_is_not_a_name_that_does_not_exist() {
    let error = resolve(&[SILENCE], Family::Any).await.unwrap_err();
    assert_eq!(error, ResolveError::TimedOut);
    assert_eq!(error.code(), "DNS_TIMEOUT");
}
