use apogee_outbound::{Family, Host, Scheme, Target};

#[test]
fn addresses_that_miners_announce_are_read() {
    let peer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
    for (text, url) in [
        ("https://sp.example", "https://sp.example/"),
        ("https://SP.Example.:8443/base?x=1#top", "https://sp.example:8443/base?x=1"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://[2606:4700::1]:8080/", "http://[2606:4700::1]:8080/"),
        ("/ip4/8.8.8.8/tcp/24001", "tcp://8.8.8.8:24001/"),
        ("/dns/curio.example/tcp/443/wss", "wss://curio.example/"),
        ("/dns4/curio.example/tcp/443/tls/ws", "wss://curio.example/"),
        ("/dns4/curio.example/tcp/443/tls/sni/curio.example/ws", "wss://curio.example/"),
        ("/dns/sp.example/tcp/443/https", "https://sp.example/"),
        ("/dns/sp.example/tcp/8443/tls/http", "https://sp.example:8443/"),
        ("/dns/sp.example/tcp/80/http/http-path/a%2fb", "http://sp.example/a/b"),
        ("/ip6/2606:4700::1/tcp/80/http", "http://[2606:4700::1]/"),
    ] {
        assert_eq!(Target::parse(text).unwrap().to_string(), url, "{text}");
    }
    let target = Target::parse(&format!("/dns6/sp.example/tcp/8888/p2p/{peer}")).unwrap();
    assert_eq!(target.peer(), Some(peer));
    assert_eq!(target.scheme(), Scheme::Tcp);
    assert_eq!(*target.host(), Host::Name("sp.example".into(), Family::V6));
}

#[test]
fn a_path_cannot_end_the_head_of_a_request() {
    let target = Target::url("http://sp.example/").unwrap();
    assert_eq!(target.with_path("/ipfs/bafk?format=raw").unwrap().path(), "/ipfs/bafk?format=raw");
    for path in ["", "x", "/a b", "/a\r\nHost: b", "/ä", "/a#b", "/a\\b"] {
        assert!(target.with_path(path).is_err(), "{path:?}");
    }
    assert!(target.with_path(&"/".repeat(4096)).is_err());
    assert!(Target::url(&format!("http://sp.example/{}", "x".repeat(4096))).is_err());
    assert!(Target::url(&format!("http://{}.example/", "x".repeat(64))).is_err());
}
