//! The edge: limits, caching, headers.

use std::io::{Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::served::{Answer, Served};

const BOARD: &str = "/n/devnet-a/board/power.raw";

#[test]
fn a_page_is_given_in_every_encoding_and_not_twice_to_who_has_it() {
    let served = Served::new();
    let mut tags = Vec::new();
    for (accepted, encoding) in [("br, gzip", Some("br")), ("gzip", Some("gzip")), ("", None)] {
        let page = served.ask("GET", BOARD, &[("accept-encoding", accepted)]);
        assert_eq!((page.status, page.header("content-encoding")), (200, encoding));
        assert_eq!(page.header("vary"), Some("Accept-Encoding, Cookie"));
        assert_eq!(page.header("content-length").unwrap(), page.body.len().to_string());
        let tag = page.header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"'), "strong: {tag}");
        let again = served.ask("GET", BOARD, &[("accept-encoding", accepted), ("if-none-match", &tag)]);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(&*tag)));
        let other =
            served.ask("GET", BOARD, &[("accept-encoding", accepted), ("if-none-match", "\"other\"")]);
        assert_eq!((other.status, &other.body), (200, &page.body));
        tags.push(tag);
    }
    tags.dedup();
    assert_eq!(tags.len(), 3);
    let head = served.ask("HEAD", BOARD, &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), Some(&*tags[2]));
    assert_ne!(head.header("content-length"), Some("0"));
}

#[test]
fn addresses_of_one_page_are_kept_once() {
    let served = Served::new();
    let entries = |served: &Served| -> u64 {
        let metrics = served.get("/metrics").text();
        let line = metrics.lines().find(|line| line.starts_with("apogee_cache_entries ")).unwrap().to_owned();
        line.split(' ').nth(1).unwrap().parse().unwrap()
    };
    let before = entries(&served);
    for address in [format!("{BOARD}?at=e:100"), format!("{BOARD}?&at=e:100&")] {
        assert_eq!(served.get(&address).status, 200, "{address}");
    }
    assert_eq!(entries(&served), before + 1);
    // What is refused is not kept: invented addresses would fill the memory.
    for address in [format!("{BOARD}?x=1"), format!("{BOARD}?at=e:99999"), "/nothing".into()] {
        assert!(served.get(&address).status >= 400, "{address}");
    }
    assert_eq!(entries(&served), before + 1);
}

#[test]
fn every_answer_is_secured_and_has_an_id() {
    let served = Served::new();
    let mut ids = Vec::new();
    for address in ["/", BOARD, "/nothing", "/healthz", "/metrics", "/assets/apogee.css"] {
        let answer = served.get(address);
        let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{address}"));
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{address}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{address}");
        assert_eq!(answer.header("set-cookie"), None, "{address}");
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[test]
fn problems_are_json_for_programs_and_pages_for_people() {
    let served = Served::new();
    for (address, status, kind) in [
        ("/nothing", 404, "not-found"),
        ("/n/mainnet/board/power.raw", 404, "unknown-network"),
        ("/n/devnet-a/board/power.row", 404, "unknown-series"),
        ("/n/devnet-a/board/power.raw?at=e:99999", 404, "epoch-in-future"),
        ("/n/devnet-a/board/power.raw?at=soon", 400, "invalid-query"),
        ("/n/devnet-a/board/power.raw?unknown=1", 400, "invalid-query"),
    ] {
        let problem = served.ask("GET", address, &[("accept", "application/json")]);
        assert_eq!(
            (problem.status, problem.header("content-type")),
            (status, Some("application/problem+json"))
        );
        assert_eq!(problem.header("cache-control"), Some("no-store"));
        let details = problem.json();
        assert_eq!(details["type"], format!("/problems/{kind}"), "{address}");
        assert_eq!((&details["status"], &details["instance"]), (&status.into(), &address.into()));
        let page = served.ask("GET", address, &[("accept", "text/html,*/*;q=0.8")]);
        assert_eq!(page.status, status);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    }
    let refused = served.ask("POST", "/", &[("content-length", "0")]);
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
    let refused = served.say("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello");
    assert_eq!(refused.status, 413);
}

#[test]
fn what_can_no_longer_change_is_kept_for_long_and_tells_nothing_of_later() {
    let served = Served::new();
    let newest = served.get("/n/devnet-a/board.json").json();
    let last = newest["meta"]["final_epoch"].as_i64().unwrap();
    assert!(last > 200 && newest["meta"]["head"] == 313);
    let long = Some("public, max-age=31536000, immutable");
    for (page, control) in [
        ("/n/devnet-a/board.json?at=e:100".to_owned(), long),
        ("/n/devnet-a/board/power.raw.csv?at=e:100".to_owned(), long),
        ("/n/devnet-a/m/t01000.json?at=e:100".to_owned(), long),
        ("/n/devnet-a/epochs.json?at=e:100".to_owned(), long),
        ("/n/devnet-a/e/100.json".to_owned(), long),
        ("/n/devnet-a/board?at=e:100".to_owned(), Some("public, max-age=86400, immutable")),
        ("/zh/n/devnet-a/e/100".to_owned(), Some("public, max-age=86400, immutable")),
    ] {
        let answer = served.get(&page);
        assert_eq!((answer.status, answer.header("cache-control")), (200, control), "{page}");
        // What came after would be wrong one day.
        for newest in ["\"head\":313", ">313<", " 313", "/e/313"] {
            assert!(!answer.text().contains(newest), "{page} has {newest}: {}", answer.text());
        }
    }
    let short = Some("public, max-age=5, stale-while-revalidate=30");
    for page in [
        "/n/devnet-a/board.json".to_owned(),
        "/n/devnet-a/board.json?at=final".to_owned(),
        "/n/devnet-a/board.json?at=e:313".to_owned(),
        format!("/n/devnet-a/e/{last}.json"),
        "/status.json".to_owned(),
    ] {
        let answer = served.get(&page);
        assert_eq!((answer.status, answer.header("cache-control")), (200, short), "{page}");
    }
    let settled = served.get("/n/devnet-a/board.json?at=e:100").json();
    assert_eq!(
        (&settled["meta"]["head"], &settled["meta"]["final"]),
        (&serde_json::Value::Null, &true.into())
    );
}

#[test]
fn colours_and_time_zone_are_chosen_without_script_and_kept_in_a_cookie() {
    let served = Served::new();
    let page = "/zh/n/devnet-a/e/100";
    let plain = served.get(page);
    assert!(plain.text().contains("<html lang=\"zh-CN\">") && plain.text().contains(" UTC<"));
    assert!(plain.text().contains("name=\"to\" value=\"/zh/n/devnet-a/e/100\""));
    let chosen = served.get(&format!("/look?to={page}&theme=dark&zone=utc8"));
    assert_eq!((chosen.status, chosen.header("location")), (303, Some(page)));
    assert_eq!(chosen.header("cache-control"), Some("no-store"));
    let cookie = chosen.header("set-cookie").unwrap();
    assert!(cookie.contains("SameSite=Lax") && cookie.contains("HttpOnly"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let there = served.ask("GET", page, &[("cookie", cookie)]);
    assert!(
        there.text().contains("data-theme=\"dark\"") && there.text().contains(" UTC+8<"),
        "{}",
        there.text()
    );
    assert_ne!(there.header("etag"), plain.header("etag"));
    // Neither gets what the other chose, from memory neither.
    assert_eq!(served.get(page).body, plain.body);
    assert_eq!(served.ask("GET", page, &[("cookie", cookie)]).body, there.body);
    assert_eq!(served.ask("GET", page, &[("cookie", "look=<b>.mars")]).body, plain.body);
    // Data looks like nothing.
    let data = "/n/devnet-a/e/100.json";
    assert_eq!(served.ask("GET", data, &[("cookie", cookie)]).body, served.get(data).body);
    assert_eq!(served.get("/look?to=//evil.example&theme=dark").header("location"), Some("/"));
    let wrong = served.get("/look?theme=pink");
    assert_eq!((wrong.status, wrong.header("set-cookie")), (400, None));
    assert_eq!(wrong.json()["detail"], "theme is “pink”, which is none of its choices.");
}

#[test]
fn what_is_wrong_is_said_in_the_language_of_the_address() {
    let served = Served::new();
    for (path, status, english, chinese) in [
        ("/nothing", 404, "There is no page at this address.", "此地址没有页面。"),
        ("/n/mainnet/board", 404, "There is no network named “mainnet”.", "没有名为“mainnet”的网络。"),
        (
            "/n/devnet-a/m/t09",
            404,
            "t09 has no figure on devnet-a at epoch 313.",
            "在高度 313，t09 在 devnet-a 上没有任何数值。",
        ),
        (
            "/n/devnet-a/m/t01000?at=e:99999",
            404,
            "Epoch 99,999 is in the future: devnet-a is indexed up to epoch 313.",
            "高度 99,999 尚未到来：devnet-a 已索引到高度 313。",
        ),
        (
            "/n/devnet-a/e/99999",
            404,
            "Epoch 99,999 is in the future: devnet-a is indexed up to epoch 313.",
            "高度 99,999 尚未到来：devnet-a 已索引到高度 313。",
        ),
        ("/n/devnet-a/e/x", 404, "“x” is not the number of an epoch.", "“x”不是高度的数字。"),
        (
            "/n/devnet-a/board?at=soon",
            400,
            "at is “soon”, not an epoch: write at=e:120 or at=final.",
            "at 的值“soon”不是高度：应写作 at=e:120 或 at=final。",
        ),
        (
            "/n/devnet-a/epochs?befor=e:5",
            400,
            "The address asks for “befor”, which this page does not know.",
            "地址中的“befor”不是此页面的参数。",
        ),
        (
            "/n/devnet-a/board?sort=penaltie",
            400,
            "sort is “penaltie”, not a series of this board.",
            "sort 的值“penaltie”不是此榜单的序列。",
        ),
        (
            "/n/devnet-a/board/power.row",
            404,
            "There is no board of a series “power.row”.",
            "没有序列“power.row”的榜单。",
        ),
    ] {
        for (address, tag, says) in
            [(path.to_owned(), "en", english), (format!("/zh{path}"), "zh-CN", chinese)]
        {
            let page = served.ask("GET", &address, &[("accept", "text/html")]);
            assert_eq!((page.status, page.header("content-language")), (status, Some(tag)), "{address}");
            let text = page.text();
            assert!(text.contains(says), "{address} does not say {says}: {text}");
            let home = if tag == "en" { "" } else { "/zh" };
            assert!(text.contains(&format!("href=\"{home}/problems/")), "{address} leaves its language");
            let form = address.find('?').unwrap_or(address.len());
            let twin = format!("{}.json{}", &address[..form], &address[form..]);
            let problem = served.get(&twin);
            assert_eq!(problem.header("content-type"), Some("application/problem+json"), "{twin}");
            let details = problem.json();
            assert_eq!((&details["status"], &details["detail"]), (&status.into(), &says.into()), "{twin}");
        }
    }
    let kinds = served.get("/zh/problems").text();
    assert!(kinds.contains("href=\"/zh/problems/busy\"") && !kinds.contains("href=\"/problems/"), "{kinds}");
}

#[test]
fn a_head_that_is_too_large_or_too_slow_ends_the_connection() {
    let served = Served::with(&[("HTTP__HEAD_SECONDS", "1"), ("HTTP__HEAD_BYTES", "8192")]);
    let large = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(9_000));
    assert_eq!(served.say(&large).status, 431);
    let idle = served.connect();
    let mut slow = served.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nho").unwrap();
    let begun = Instant::now();
    for mut stream in [idle, slow] {
        let mut rest = Vec::new();
        // It hangs up, with or without a word.
        drop(stream.read_to_end(&mut rest));
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{rest:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_reader_that_stops_reading_is_dropped() {
    let served = Served::with(&[("HTTP__WRITE_SECONDS", "1"), ("HTTP__CONNECTIONS_PER_ADDRESS", "1")]);
    let mut lazy = served.connect();
    // Many pages of which nothing is taken, until no buffer holds more.
    let request = format!("GET {BOARD} HTTP/1.1\r\nhost: a\r\n\r\n");
    lazy.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    for _ in 0..5_000 {
        if lazy.write_all(request.as_bytes()).is_err() {
            break;
        }
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        // The only place is free again once the lazy one is dropped.
        let mut stream = served.connect();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").ok();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        if answer.starts_with(b"HTTP/1.1 200") {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the lazy reader holds its place");
}

#[test]
fn connections_beyond_the_limit_are_refused_with_a_word() {
    let served = Served::with(&[("HTTP__CONNECTIONS_PER_ADDRESS", "2")]);
    let held = [served.connect(), served.connect()];
    // Until the service has accepted both.
    let begun = Instant::now();
    let refused = loop {
        let mut stream = served.connect();
        let mut first = [0; 12];
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        if stream.read_exact(&mut first).is_ok() {
            break first;
        }
        assert!(begun.elapsed() < Duration::from_secs(10));
    };
    assert_eq!(&refused, b"HTTP/1.1 503");
    drop(held);
    let begun = Instant::now();
    loop {
        let mut stream = served.connect();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").ok();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        if answer.starts_with(b"HTTP/1.1 200") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn it_says_whether_it_is_well_and_ready_and_counts() {
    let served = Served::new();
    assert_eq!(served.get("/healthz").text(), "ok\n");
    assert_eq!((served.get("/readyz").status, served.get("/readyz").text()), (200, "ready\n".into()));
    served.get(BOARD);
    served.get(BOARD);
    let metrics = served.get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let metrics = metrics.text();
    for line in [
        "apogee_http_requests_total{status=\"200\",origin=\"cache\"} 1",
        "apogee_http_requests_total{status=\"200\",origin=\"built\"} 1",
        "apogee_index_failed_checks{network=\"devnet-a\"} 0",
        "apogee_index_epoch{network=\"devnet-a\"} 3",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[test]
fn it_ends_when_asked_and_lets_open_requests_end() {
    let mut served = Served::new();
    let mut open = served.connect();
    open.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let id = served.process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(300));
    open.write_all(b"\r\n").unwrap();
    let answer = Answer::of(&mut open);
    assert_eq!((answer.status, answer.text()), (200, "ok\n".into()));
    assert_eq!(served.process.wait().unwrap().code(), Some(0));
}
