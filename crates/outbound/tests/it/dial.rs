use std::time::Duration;

use apogee_outbound::{Reach, Stage, Target};
use tokio::net::{TcpSocket, TcpStream};

use crate::world::{Scripted, connector, trace};

#[tokio::test]
async fn nobody_listens() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let connector = connector(Reach::AlsoPrivate, Scripted::default());
    let mut trace = trace();
    let target = Target::url(&format!("http://{address}/")).unwrap();
    let error = connector.connect(&target, &mut trace).await.unwrap_err();
    assert_eq!(error.code(), "TCP_REFUSED");
    assert_eq!(trace.remote, Some(address));
    assert_eq!(trace.stage(), Some(Stage::L4));
}

#[tokio::test]
async fn nobody_answers() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // Once its queue is full, what more comes is dropped.
    let mut queue = vec![];
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await
    {
        queue.push(stream);
        assert!(queue.len() < 100, "this system's queues are never full");
    }
    let connector = connector(Reach::AlsoPrivate, Scripted::default());
    let target = Target::url(&format!("http://{address}/")).unwrap();
    let error = connector.connect(&target, &mut trace()).await.unwrap_err();
    assert_eq!(error.code(), "TCP_TIMEOUT");
}

#[tokio::test]
async fn the_next_address_of_a_name_is_tried() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let resolver = Scripted::default().with("two.example", &[&["127.0.0.2", "127.0.0.1"]]);
    let connector = connector(Reach::AlsoPrivate, resolver);
    let target = Target::url(&format!("http://two.example:{port}/")).unwrap();
    let mut trace = trace();
    let connection = connector.connect(&target, &mut trace).await.unwrap();
    assert_eq!(connection.remote.to_string(), format!("127.0.0.1:{port}"));
    assert_eq!(trace.resolved.len(), 2);
}

#[tokio::test]
async fn a_dial_that_is_given_up_leaves_no_socket() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::url(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    let connector = connector(Reach::AlsoPrivate, Scripted::default());
    let mut trace = trace();
    let accepted = {
        let dial = connector.connect(&target, &mut trace);
        tokio::select! {
            _ = dial => panic!("nobody speaks TLS there"),
            accepted = listener.accept() => accepted.unwrap().0,
        }
    };
    use tokio::io::AsyncReadExt;
    let (mut accepted, mut rest) = (accepted, vec![]);
    tokio::time::timeout(Duration::from_secs(5), accepted.read_to_end(&mut rest)).await.unwrap().unwrap();
}

#[tokio::test]
async fn one_address_holds_so_many_connections_and_others_are_free() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connector = connector(Reach::AlsoPrivate, Scripted::default()).bounded(2);
    let target = Target::url(&format!("http://127.0.0.1:{port}/")).unwrap();
    let first = connector.connect(&target, &mut trace()).await.unwrap();
    // However the connector is passed on, it counts together.
    let second = connector.clone().connect(&target, &mut trace()).await.unwrap();
    let error = connector.connect(&target, &mut trace()).await.unwrap_err();
    assert_eq!(error.code(), "LOCAL_BACKOFF");
    let other = Target::url(&format!("http://127.0.0.2:{port}/")).unwrap();
    assert_eq!(connector.connect(&other, &mut trace()).await.unwrap_err().code(), "TCP_REFUSED");
    drop(first);
    assert!(connector.connect(&target, &mut trace()).await.is_ok());
    drop(second);
}
