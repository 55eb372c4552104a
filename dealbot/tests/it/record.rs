use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use apogee_dealbot::canonical::{Bytes, LONGEST, Link, Signed, Unreadable, Written, name};
use apogee_dealbot::fault::{Circumstances, Code, Fault, Stage};
use apogee_dealbot::record::{
    Answer, Deal, NoRecord, OutOfBounds, Passage, Record, SlotId, VERSION, clip, most,
};
use apogee_dealbot::schedule::Kind;
use apogee_domain::Timestamp;
use ed25519_dalek::SigningKey;

fn link(of: &str) -> Link {
    Link(name(of.as_bytes()))
}

fn record() -> Record {
    let at = |seconds: i64| Timestamp::from_seconds(1_800_000_000 + seconds);
    Record {
        version: VERSION,
        race: "race-2".into(),
        slot: SlotId { miner: "f01000".into(), kind: Kind::Retrieval, number: 17 },
        attempt: 1,
        fence: 4,
        bot: "bot-a".into(),
        region: "eu".into(),
        software: "apogee 0.1.0".into(),
        started: at(0),
        ended: at(9),
        stages: vec![
            Passage { stage: Stage::L4, started: at(0), ended: at(1) },
            Passage { stage: Stage::Http, started: at(1), ended: at(9) },
        ],
        failure: Some(Code::Http404),
        detail: "404 Not Found".into(),
        errors: vec!["the gateway answered 404".into()],
        circumstances: Circumstances { retried: Some(false), ..Circumstances::default() },
        target: "https://sp.example/ipfs/bafkqaaa?format=raw".into(),
        resolved: vec![Written("192.0.2.7".parse().unwrap()), Written("2001:db8::7".parse().unwrap())],
        remote: Some(Written("192.0.2.7:443".parse().unwrap())),
        agent: Some("boost-2.4.0".into()),
        protocols: vec!["/fil/storage/mk/1.2.1".into()],
        answer: Some(Answer {
            status: 404,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: Bytes(b"not found \xff".to_vec()),
        }),
        received: 11,
        root: None,
        piece: Some(link("piece")),
        deal: Some(Deal { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".into(), proposal: Some(link("p")), piece: None }),
        canaries: vec![link("before"), link("after")],
    }
}

/// A record in which everything is as long as it may be.
fn longest() -> Record {
    let text = |bytes| "x".repeat(bytes);
    let one = record();
    let stage = Passage { stage: Stage::PriceCheck, started: one.ended, ended: one.ended };
    let address = IpAddr::V6(Ipv6Addr::new(0xffff, 1, 0xffff, 2, 0xffff, 3, 0xffff, 0xffff));
    Record {
        race: text(most::NAME),
        slot: SlotId { miner: text(most::NAME), kind: Kind::Retrieval, number: u64::MAX },
        attempt: u32::MAX,
        fence: u64::MAX,
        bot: text(most::NAME),
        region: text(most::NAME),
        software: text(most::NAME),
        stages: vec![stage; most::STAGES],
        failure: Some(Code::NotPublishedByDeadline),
        detail: text(most::DETAIL),
        errors: vec![text(most::ERROR); most::ERRORS],
        target: text(most::TARGET),
        resolved: vec![Written(address); most::RESOLVED],
        remote: Some(Written(SocketAddr::new(address, 65_535))),
        agent: Some(text(most::AGENT)),
        protocols: vec![text(most::PROTOCOL); most::PROTOCOLS],
        answer: Some(Answer {
            status: 599,
            headers: vec![(text(most::HEADER), text(most::VALUE)); most::HEADERS],
            body: Bytes(vec![0; most::BODY]),
        }),
        received: u64::MAX,
        root: Some(link("root")),
        deal: Some(Deal { id: text(most::DEAL), proposal: Some(link("p")), piece: Some(link("c")) }),
        canaries: vec![link("canary"); most::CANARIES],
        ..one
    }
}

#[test]
fn a_record_reads_back_and_its_name_is_of_its_bytes() {
    for record in [record(), longest()] {
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes).unwrap(), record);
        assert_eq!(record.cid(), name(&bytes));
        assert_eq!(record.cid().codec(), 0x71);
        assert_eq!(record.cid().hash().code(), 0x12);
    }
    assert!(longest().encode().len() < LONGEST, "all that may be said can be read");
}

#[test]
fn the_bytes_are_those_that_were_written_before() {
    // Version 1 for ever: a change of this name is a change of the format, and needs another version.
    assert_eq!(record().cid().to_string(), "bafyreigkwllele6x3wnexievlxjrtqy4jslzsocq27yfpxcz3cunkx4vs4");
}

#[test]
fn keys_are_in_the_order_of_dag_cbor() {
    let bytes = record().encode();
    // A map of 26 entries, of which `bot` is the shortest key: 3 bytes, before all that are longer.
    assert_eq!(&bytes[..6], b"\xb8\x1a\x63bot");
}

#[test]
fn in_json_links_and_bytes_are_written_as_dag_json_does() {
    let record = record();
    let json = serde_json::to_value(&record).unwrap();
    assert_eq!(json["piece"]["/"], record.piece.unwrap().0.to_string());
    assert_eq!(json["answer"]["body"]["/"]["bytes"], "bm90IGZvdW5kIP8");
    assert_eq!(json["failure"], "HTTP_404");
    assert_eq!(json["remote"], "192.0.2.7:443");
    assert_eq!(serde_json::from_value::<Record>(json).unwrap(), record);
}

#[test]
fn a_signature_is_for_one_record_one_key_and_nothing_else() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key().to_bytes();
    let (cid, other) = (record().cid(), longest().cid());
    let signature = Signed::Record.sign(&cid, &key);
    assert!(Signed::Record.verifies(&cid, &public, &signature));
    assert!(!Signed::Record.verifies(&other, &public, &signature));
    assert!(!Signed::Batch.verifies(&cid, &public, &signature));
    let stranger = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
    assert!(!Signed::Record.verifies(&cid, &stranger, &signature));
    for bit in 0..512 {
        let mut altered = signature;
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(!Signed::Record.verifies(&cid, &public, &altered), "bit {bit}");
    }
    // The neutral point signs everything, if one lets it.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut nothing = [0; 64];
    nothing[0] = 1;
    assert!(!Signed::Record.verifies(&cid, &neutral, &nothing));
}

#[test]
fn what_is_out_of_bounds_is_named() {
    type Change = fn(&mut Record);
    let too_much: [(&str, Change); 20] = [
        ("race", |r| r.race.push_str(&"x".repeat(most::NAME))),
        ("slot.miner", |r| r.slot.miner.push_str(&"x".repeat(most::NAME))),
        ("bot", |r| r.bot.push_str(&"x".repeat(most::NAME))),
        ("region", |r| r.region.push_str(&"x".repeat(most::NAME))),
        ("software", |r| r.software.push_str(&"x".repeat(most::NAME))),
        ("stages", |r| r.stages = vec![r.stages[0]; most::STAGES + 1]),
        ("detail", |r| r.detail = "x".repeat(most::DETAIL + 1)),
        ("errors", |r| r.errors = vec![String::new(); most::ERRORS + 1]),
        ("errors[]", |r| r.errors[0] = "x".repeat(most::ERROR + 1)),
        ("target", |r| r.target = "x".repeat(most::TARGET + 1)),
        ("resolved", |r| r.resolved = vec![r.resolved[0]; most::RESOLVED + 1]),
        ("agent", |r| r.agent = Some("x".repeat(most::AGENT + 1))),
        ("protocols", |r| r.protocols = vec![String::new(); most::PROTOCOLS + 1]),
        ("protocols[]", |r| r.protocols[0] = "x".repeat(most::PROTOCOL + 1)),
        ("answer.headers", |r| {
            r.answer.as_mut().unwrap().headers = vec![Default::default(); most::HEADERS + 1]
        }),
        ("answer.headers[]", |r| r.answer.as_mut().unwrap().headers[0].0 = "x".repeat(most::HEADER + 1)),
        ("answer.headers[]", |r| r.answer.as_mut().unwrap().headers[0].1 = "x".repeat(most::VALUE + 1)),
        ("answer.body", |r| r.answer.as_mut().unwrap().body = Bytes(vec![0; most::BODY + 1])),
        ("deal.id", |r| r.deal.as_mut().unwrap().id = "x".repeat(most::DEAL + 1)),
        ("canaries", |r| r.canaries = vec![r.canaries[0]; most::CANARIES + 1]),
    ];
    for (wanted, change) in too_much {
        let mut record = record();
        change(&mut record);
        match record.check() {
            Err(OutOfBounds::TooMuch { field, found, most }) => {
                assert!(field == wanted && found > most, "{field} {found} {most}");
            }
            other => panic!("{wanted}: {other:?}"),
        }
        assert!(matches!(Record::decode(&record.encode()), Err(NoRecord::OutOfBounds(_))));
    }
    let others: [(OutOfBounds, Change); 8] = [
        (OutOfBounds::Version(2), |r| r.version = 2),
        (OutOfBounds::Empty("bot"), |r| r.bot.clear()),
        (OutOfBounds::Times("started"), |r| r.ended = Timestamp(r.started.0 - 1)),
        (OutOfBounds::Times("started"), |r| r.started = Timestamp(-1)),
        (OutOfBounds::Times("stages[]"), |r| r.stages[0].started.0 -= 1),
        (OutOfBounds::Times("stages[]"), |r| r.stages[1].ended.0 += 1),
        (OutOfBounds::Times("stages[]"), |r| r.stages.swap(0, 1)),
        (OutOfBounds::Status(600), |r| r.answer.as_mut().unwrap().status = 600),
    ];
    for (wanted, change) in others {
        let mut record = record();
        change(&mut record);
        assert_eq!(record.check(), Err(wanted));
    }
    assert_eq!(record().check(), Ok(()));
}

#[test]
fn only_the_canonical_bytes_of_known_fields_are_read() {
    let good = record().encode();
    let undecodable =
        |bytes: &[u8]| matches!(Record::decode(bytes), Err(NoRecord::Unreadable(Unreadable::Undecodable(_))));
    let not_canonical =
        |bytes: &[u8]| matches!(Record::decode(bytes), Err(NoRecord::Unreadable(Unreadable::NotCanonical)));
    // One entry more, of an unknown name.
    let mut unknown = good.clone();
    unknown[1] += 1;
    unknown.extend_from_slice(b"\x63new\x01");
    assert!(undecodable(&unknown));
    // One entry twice.
    let mut twice = good.clone();
    twice[1] += 1;
    twice.extend_from_slice(b"\x63bot\x65bot-a");
    assert!(undecodable(&twice));
    // An entry less that may be nothing.
    let without = |name: &[u8]| {
        let entry = [&[0x60 + u8::try_from(name.len()).unwrap()], name, &[0xf6]].concat();
        let found = good.windows(entry.len()).position(|window| window == entry).unwrap();
        let mut less = good.clone();
        less.drain(found..found + entry.len());
        less[1] -= 1;
        less
    };
    assert!(not_canonical(&without(b"root")));
    // A length in more bytes than it needs, as the first byte of the map and of the first text.
    let long_map = [b"\xb9\x00\x1a", &good[2..]].concat();
    assert!(not_canonical(&long_map));
    // Bytes after the end, or before it.
    assert!(undecodable(&[&good[..], b"\x00"].concat()));
    assert!(undecodable(&good[..good.len() - 1]));
    assert!(matches!(
        Record::decode(&vec![0; LONGEST + 1]),
        Err(NoRecord::Unreadable(Unreadable::TooLong(_)))
    ));
}

#[test]
fn bombs_are_refused_and_small() {
    let whole = |start: &[u8], fill: u8| {
        let mut bytes = start.to_vec();
        bytes.resize(LONGEST, fill);
        bytes
    };
    let bombs: Vec<Vec<u8>> = vec![
        // Arrays in arrays, maps in maps, tags in tags.
        whole(b"", 0x81),
        whole(b"\xa1\x64race", 0x81),
        whole(b"", 0xd8),
        // As many entries as can be said.
        whole(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 0x60),
        whole(b"\xa1\x66errors\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 0x60),
        whole(b"\xa1\x68canaries\x9b\x00\x00\x00\xff\xff\xff\xff\xff", 0x60),
        // As many bytes as can be said.
        whole(b"\xa1\x64race\x7b\x7f\xff\xff\xff\xff\xff\xff\xff", 0x60),
        // Of no length that is said.
        whole(b"\xbf", 0x60),
        // Nested in an entry of no known name.
        whole(b"\xa1\x63new", 0x81),
        Vec::new(),
    ];
    for bomb in bombs {
        assert!(Record::decode(&bomb).is_err(), "{:02x?}", &bomb[..bomb.len().min(16)]);
    }
}

#[test]
fn altered_bytes_are_another_record_or_none() {
    let record = record();
    let good = record.encode();
    for place in 0..good.len() {
        for bit in 0..8 {
            let mut altered = good.clone();
            altered[place] ^= 1 << bit;
            if let Ok(other) = Record::decode(&altered) {
                assert_ne!(other, record, "byte {place}, bit {bit}");
                assert_eq!(other.encode(), altered);
            }
        }
    }
}

#[test]
fn texts_are_clipped_between_characters() {
    assert_eq!(clip("näher", 2), "n");
    assert_eq!(clip("näher", 3), "nä");
    assert_eq!(clip("näher", 99), "näher");
    assert_eq!(clip("näher", 0), "");
}

#[test]
fn a_fault_follows_from_what_the_bot_and_the_controller_know() {
    let mut record = record();
    record.failure = Some(Code::RejectRateLimit);
    assert_eq!(record.fault(Circumstances::default()), Fault::Bot);
    let known = Circumstances { rate_kept: Some(true), ..Circumstances::default() };
    assert_eq!(record.fault(known), Fault::Ambiguous);
    record.circumstances.retried = Some(true);
    assert_eq!(record.fault(known), Fault::Miner);
    record.failure = None;
    assert_eq!(record.fault(known), Fault::None);
}
