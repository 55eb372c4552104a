use std::sync::Arc;
use std::sync::atomic::Ordering;

use apogee_outbound::{Connector, DialError, Reach, Target, Trust};

use crate::world::{Canary, Scripted, connector, short, trace};

const PRIVATE: &str = "ADDR_PRIVATE";
const UNREADABLE: &str = "ADDR_UNPARSEABLE";

/// `P` is the canary's port.
const FORMS: &[(&str, &str)] = &[
    // Addresses of this machine, as people write them.
    ("http://127.0.0.1:P/", PRIVATE),
    ("https://127.0.0.1:P/", PRIVATE),
    ("ws://127.0.0.1:P/", PRIVATE),
    ("wss://127.0.0.1:P/", PRIVATE),
    ("hTTp://127.0.0.1:P", PRIVATE),
    ("http://127.255.255.254:P/", PRIVATE),
    ("http://0.0.0.0:P/", PRIVATE),
    ("http://0.1.2.3:P/", PRIVATE),
    ("http://[::1]:P/", PRIVATE),
    ("http://[0:0:0:0:0:0:0:1]:P/", PRIVATE),
    ("http://[0000:0000:0000:0000:0000:0000:0000:0001]:P/", PRIVATE),
    ("http://[::]:P/", PRIVATE),
    // As numbers, and short.
    ("http://2130706433:P/", PRIVATE),
    ("http://017700000001:P/", PRIVATE),
    ("http://0x7f000001:P/", PRIVATE),
    ("http://0X7F000001:P/", PRIVATE),
    ("http://0x7f.0.0.1:P/", PRIVATE),
    ("http://0177.0.0.1:P/", PRIVATE),
    ("http://0177.0x0.0.01:P/", PRIVATE),
    ("http://00000177.0.0.1:P/", PRIVATE),
    ("http://127.1:P/", PRIVATE),
    ("http://127.0.1:P/", PRIVATE),
    ("http://0x7f.1:P/", PRIVATE),
    ("http://127.65530:P/", PRIVATE),
    ("http://0:P/", PRIVATE),
    ("http://0x:P/", PRIVATE),
    ("http://127.0.0.1.:P/", PRIVATE),
    ("http://4294967296:P/", UNREADABLE),
    ("http://127.0.0.256:P/", UNREADABLE),
    ("http://127.0.0.0.1:P/", UNREADABLE),
    ("http://127.0.0.1..:P/", UNREADABLE),
    // With letters and dots of other scripts, and encoded.
    ("http://１２７.０.０.１:P/", PRIVATE),
    ("http://①②⑦.⓪.⓪.①:P/", PRIVATE),
    ("http://127。0。0。1:P/", PRIVATE),
    ("http://127｡0｡0｡1:P/", PRIVATE),
    ("http://%31%32%37.0.0.1:P/", PRIVATE),
    ("http://127%2e0%2e0%2e1:P/", PRIVATE),
    ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:P/", PRIVATE),
    ("http://127.0.0.1%00.example.com:P/", UNREADABLE),
    ("http://127.0.0.1%2f.example.com:P/", UNREADABLE),
    // Where readers of URLs disagree on where the host is.
    ("http:127.0.0.1:P/", PRIVATE),
    ("http:/127.0.0.1:P/", PRIVATE),
    ("http:///127.0.0.1:P/", PRIVATE),
    ("http://127.0.0.1:P#@example.com/", PRIVATE),
    ("http://127.0.0.1:P?@example.com/", PRIVATE),
    ("http://example.com@127.0.0.1:P/", UNREADABLE),
    ("http://example.com:80@127.0.0.1:P/", UNREADABLE),
    ("http://127.0.0.1:P@example.com/", UNREADABLE),
    ("http://example.com%40127.0.0.1:P/", UNREADABLE),
    ("http://example.com\\@127.0.0.1:P/", UNREADABLE),
    ("http:\\\\127.0.0.1:P/", UNREADABLE),
    ("http://127.0.\t0.1:P/", UNREADABLE),
    ("http://127.0.0.1\n:P/", UNREADABLE),
    (" http://127.0.0.1:P/", UNREADABLE),
    ("http://127.0.0.1 example.com:P/", UNREADABLE),
    ("//127.0.0.1:P/", UNREADABLE),
    ("127.0.0.1:P", UNREADABLE),
    ("localhost:P", UNREADABLE),
    ("http://[::1:P/", UNREADABLE),
    ("http://127.0.0.1:99999/", UNREADABLE),
    ("http://127.0.0.1:0/", UNREADABLE),
    ("http://127.0.0.1:22/", UNREADABLE),
    ("http://127.0.0.1:25/", UNREADABLE),
    // Other schemes.
    ("file:///etc/passwd", UNREADABLE),
    ("file://127.0.0.1:P/", UNREADABLE),
    ("gopher://127.0.0.1:P/_", UNREADABLE),
    ("ftp://127.0.0.1:P/", UNREADABLE),
    ("dict://127.0.0.1:P/", UNREADABLE),
    ("data:text/plain,x", UNREADABLE),
    // Addresses with another one inside.
    ("http://[::ffff:127.0.0.1]:P/", PRIVATE),
    ("http://[::ffff:7f00:1]:P/", PRIVATE),
    ("http://[0:0:0:0:0:ffff:127.0.0.1]:P/", PRIVATE),
    ("http://[::127.0.0.1]:P/", PRIVATE),
    ("http://[::7f00:1]:P/", PRIVATE),
    ("http://[::ffff:0:127.0.0.1]:P/", PRIVATE),
    ("http://[2002:7f00:1::]:P/", PRIVATE),
    ("http://[2002:a00:1::1]:P/", PRIVATE),
    ("http://[64:ff9b::127.0.0.1]:P/", PRIVATE),
    ("http://[64:ff9b:1::7f00:1]:P/", PRIVATE),
    ("http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:P/", PRIVATE),
    // Networks that are not the public internet.
    ("http://10.0.0.1:P/", PRIVATE),
    ("http://172.16.0.1:P/", PRIVATE),
    ("http://192.168.0.1:P/", PRIVATE),
    ("http://100.64.0.1:P/", PRIVATE),
    ("http://169.254.169.254:P/latest/meta-data/", PRIVATE),
    ("http://0xa9fea9fe:P/", PRIVATE),
    ("http://192.0.0.192:P/", PRIVATE),
    ("http://192.0.2.1:P/", PRIVATE),
    ("http://198.18.0.1:P/", PRIVATE),
    ("http://198.51.100.1:P/", PRIVATE),
    ("http://203.0.113.1:P/", PRIVATE),
    ("http://224.0.0.1:P/", PRIVATE),
    ("http://240.0.0.1:P/", PRIVATE),
    ("http://255.255.255.255:P/", PRIVATE),
    ("http://[fe80::1]:P/", PRIVATE),
    ("http://[fe80::1%25lo]:P/", UNREADABLE),
    ("http://[fe80::1%lo]:P/", UNREADABLE),
    ("http://[fc00::1]:P/", PRIVATE),
    ("http://[fd00:ec2::254]:P/", PRIVATE),
    ("http://[fec0::1]:P/", PRIVATE),
    ("http://[ff02::1]:P/", PRIVATE),
    ("http://[2001:db8::1]:P/", PRIVATE),
    ("http://[3fff::1]:P/", PRIVATE),
    ("http://[100::1]:P/", PRIVATE),
    // Names.
    ("http://localhost:P/", PRIVATE),
    ("http://localhost.:P/", PRIVATE),
    ("http://LocalHost:P/", PRIVATE),
    ("http://loopback.example:P/", PRIVATE),
    ("http://six.example:P/", PRIVATE),
    ("http://mapped.example:P/", PRIVATE),
    ("http://metadata.example:P/", PRIVATE),
    ("http://mixed.example:P/", PRIVATE),
    ("http://mixed6.example:P/", PRIVATE),
    ("http://late.example:P/", PRIVATE),
    ("http://nowhere.example:P/", "DNS_NXDOMAIN"),
    // Multiaddrs.
    ("/ip4/127.0.0.1/tcp/P", PRIVATE),
    ("/ip4/127.0.0.1/tcp/P/http", PRIVATE),
    ("/ip4/127.0.0.1/tcp/P/ws", PRIVATE),
    ("/ip4/127.0.0.1/tcp/P/tls/ws", PRIVATE),
    ("/ip4/127.0.0.1/tcp/P/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA", PRIVATE),
    ("/ip4/10.0.0.1/tcp/P/https", PRIVATE),
    ("/ip6/::1/tcp/P", PRIVATE),
    ("/ip6/::ffff:127.0.0.1/tcp/P/ws", PRIVATE),
    ("/ip6/64:ff9b::7f00:1/tcp/P", PRIVATE),
    ("/dns4/localhost/tcp/P/https", PRIVATE),
    ("/dns/loopback.example/tcp/P/wss", PRIVATE),
    ("/dns6/six.example/tcp/P", PRIVATE),
    ("/dns4/127.0.0.1/tcp/P", PRIVATE),
    ("/dns/2130706433/tcp/P", PRIVATE),
    ("/dns4/0x7f.1/tcp/P", PRIVATE),
    ("/dns4/127.0.0.1./tcp/P", PRIVATE),
    ("/dns6/[::1]/tcp/P", PRIVATE),
    ("/dns4/user@127.0.0.1/tcp/P", UNREADABLE),
    ("/dnsaddr/localhost/tcp/P", UNREADABLE),
    ("/ip4/0177.0.0.1/tcp/P", UNREADABLE),
    ("/ip4/127.1/tcp/P", UNREADABLE),
    ("/ip6zone/lo/ip6/fe80::1/tcp/P", UNREADABLE),
    ("/ip4/127.0.0.1/udp/P/quic-v1", UNREADABLE),
    ("/ip4/127.0.0.1", UNREADABLE),
    ("/ip4/127.0.0.1/tcp/22", UNREADABLE),
    ("/ip4/127.0.0.1/ipcidr/8/tcp/P", UNREADABLE),
    ("/unix/run%2fdocker.sock", UNREADABLE),
    ("/ip4/8.8.8.8/tcp/P/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit", UNREADABLE),
    ("/dns4/a.example/tcp/P/tls/sni/localhost/ws", UNREADABLE),
    ("/ip4/127.0.0.1/tcp/P/tcp/P", UNREADABLE),
];

fn names() -> Scripted {
    Scripted::default()
        .with("localhost", &[&["127.0.0.1", "::1"]])
        .with("loopback.example", &[&["127.0.0.1"]])
        .with("six.example", &[&["::1"]])
        .with("mapped.example", &[&["::ffff:127.0.0.1"]])
        .with("metadata.example", &[&["169.254.169.254"]])
        .with("mixed.example", &[&["8.8.8.8", "127.0.0.1"]])
        .with("mixed6.example", &[&["2606:4700::1111", "fd00::1"]])
        // Behind as many good ones as are dialled.
        .with("late.example", &[&["8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "10.0.0.1"]])
}

async fn code(connector: &Connector, target: Result<Target, apogee_outbound::TargetError>) -> &'static str {
    let dialled = match target {
        Ok(target) => connector.connect(&target, &mut trace()).await.map(drop),
        Err(error) => Err(DialError::Target(error)),
    };
    dialled.map_or_else(|error| error.code(), |()| "connected")
}

#[tokio::test]
async fn no_form_of_a_private_address_reaches_the_canary() {
    let canary = Canary::listen().await;
    let connector = connector(Reach::Global, names());
    assert!(FORMS.len() >= 60);
    let mut wrong = vec![];
    for (form, expected) in FORMS {
        let text = form.replace('P', &canary.port.to_string());
        let code = code(&connector, Target::parse(&text)).await;
        if code != *expected {
            wrong.push(format!("{form}: {code} instead of {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(canary.accepted().await, 0);
}

#[tokio::test]
async fn multiaddrs_in_bytes_are_held_to_the_same() {
    let canary = Canary::listen().await;
    let connector = connector(Reach::Global, names());
    let [high, low] = canary.port.to_be_bytes();
    let named =
        |code: u8, name: &str| [&[code, name.len() as u8][..], name.as_bytes(), &[6, high, low]].concat();
    for (bytes, expected) in [
        (vec![4, 127, 0, 0, 1, 6, high, low], PRIVATE),
        ([&[41][..], &[0; 15], &[1, 6, high, low]].concat(), PRIVATE),
        (named(54, "localhost"), PRIVATE),
        (named(54, "2130706433"), PRIVATE),
        (named(54, "local\0host"), UNREADABLE),
        (named(56, "localhost"), UNREADABLE),
        (vec![4, 127, 0, 0, 1, 6, high], UNREADABLE),
        (vec![0xff; 12], UNREADABLE),
        (vec![], UNREADABLE),
        (vec![4; 4096], UNREADABLE),
    ] {
        assert_eq!(code(&connector, Target::multiaddr_bytes(&bytes)).await, expected, "{bytes:?}");
    }
    assert_eq!(canary.accepted().await, 0);
}

#[tokio::test]
async fn a_name_that_moves_after_it_was_checked_is_dialled_where_it_was() {
    let canary = Canary::listen().await;
    // Global, and given to nobody who would answer.
    let resolver = Arc::new(Scripted::default().with("rebind.example", &[&["2001:678::1"], &["127.0.0.1"]]));
    let connector = Connector::new(resolver.clone(), Reach::Global, short(), Trust::Public).unwrap();
    let target = Target::url(&format!("http://rebind.example:{}/", canary.port)).unwrap();
    let pinned = connector.pin(&target, &mut trace()).await.unwrap();
    assert_eq!(pinned.addresses(), [format!("[2001:678::1]:{}", canary.port).parse().unwrap()]);
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
    // Another look finds it moved; the first one stands.
    let moved = connector.connect(&target, &mut trace()).await.unwrap_err();
    assert_eq!(moved.code(), PRIVATE);
    assert!(connector.tcp(&pinned, &mut trace()).await.is_err());
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 2);
    assert_eq!(canary.accepted().await, 0);
}

#[tokio::test]
async fn the_canary_hears_who_is_allowed_to_reach_it() {
    let canary = Canary::listen().await;
    let connector = connector(Reach::AlsoPrivate, names());
    for form in ["http://127.1:P/", "/ip4/127.0.0.1/tcp/P", "http://loopback.example:P/"] {
        let target = Target::parse(&form.replace('P', &canary.port.to_string())).unwrap();
        connector.connect(&target, &mut trace()).await.unwrap();
    }
    assert_eq!(canary.accepted().await, 3);
}
