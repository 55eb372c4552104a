//! The controller as bots meet it, over HTTP.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use apogee_dealbot::canonical::Signed;
use apogee_dealbot::fault::Circumstances;
use apogee_dealbot::protocol::{
    Ask, Beat, CanaryTold, Complete, Completed, Held, Hello, Lease, Leases, MAX_REQUEST, Release, Task,
    Welcome, sign,
};
use apogee_dealbot::record::{CANARY, Record, SlotId, VERSION};
use apogee_dealbot::schedule::Kind;
use apogee_domain::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::served::{Answer, Served, copy};

#[expect(clippy::disallowed_methods, reason = "the process that is tested has no other clock")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_micros()).unwrap()
}

fn apogee(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.current_dir(folder).env("APOGEE_LOG__FILTER", "warn").args(arguments).output().unwrap()
}

fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = apogee(folder, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A bot of these tests.
struct Bot {
    name: &'static str,
    key: SigningKey,
}

impl Bot {
    /// Make a key, as an operator does.
    fn new(folder: &Path, name: &'static str) -> (Self, String) {
        let file = format!("{name}.key");
        let public = said(folder, &["dealbot", "new", &file]);
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let secret = hex::decode(text.lines().nth(1).unwrap()).unwrap();
        let key = SigningKey::from_bytes(&secret.try_into().unwrap());
        assert_eq!(hex::encode(key.verifying_key().as_bytes()), public);
        (Self { name, key }, public)
    }

    fn send(&self, served: &Served, what: &str, body: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        let path = format!("/dealbot/v1/{what}");
        let at = now();
        let signature = sign(&self.key, self.name, &path, Timestamp(at), &body);
        post(
            served,
            &path,
            &[("bot", self.name), ("bot-time", &at.to_string()), ("bot-signature", &signature)],
            &body,
        )
    }

    fn tell<T: serde::de::DeserializeOwned>(&self, served: &Served, what: &str, body: &impl Serialize) -> T {
        let answer = self.send(served, what, body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Say that all is in order, as soon as the server takes it: at first it has to know by which settings it goes on.
    fn canary(&self, served: &Served) {
        let patience = Instant::now();
        while self.send(served, "canary", &canary(self, now())).status != 200 {
            assert!(patience.elapsed() < Duration::from_secs(60), "no canary is taken");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// What a bot found at the organiser's own provider.
fn canary(bot: &Bot, at: i64) -> CanaryTold {
    let of = Held {
        network: "devnet-a".into(),
        race: CANARY.into(),
        kind: "retrieval".into(),
        miner: CANARY.into(),
        slot: 0,
        fence: 0,
    };
    let lease = Lease { of, attempt: 1, expires: 0, task: nothing(), checkpoint: String::new() };
    let record = record(&lease, bot, (at, at));
    CanaryTold {
        record: STANDARD.encode(record.encode()),
        signature: STANDARD.encode(Signed::Canary.sign(&record.cid(), &bot.key)),
    }
}

fn nothing() -> Task {
    Task::Piece { url: String::new(), piece: String::new(), size: 0, private: false }
}

fn post(served: &Served, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    use std::io::Write;
    let mut request =
        format!("POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let mut stream = served.connect();
    stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
    // It may hang up before it has read everything.
    drop(stream.write_all(body));
    Answer::of(&mut stream)
}

fn record(lease: &Lease, bot: &Bot, (started, ended): (i64, i64)) -> Record {
    Record {
        version: VERSION,
        race: lease.of.race.clone(),
        slot: SlotId { miner: lease.of.miner.clone(), kind: Kind::Retrieval, number: lease.of.slot },
        attempt: lease.attempt,
        fence: lease.of.fence,
        bot: bot.name.into(),
        region: "eu".into(),
        software: "apogee test".into(),
        started: Timestamp(started),
        ended: Timestamp(ended),
        stages: vec![],
        failure: None,
        detail: String::new(),
        errors: vec![],
        circumstances: Circumstances::default(),
        target: "https://sp.example".into(),
        resolved: vec![],
        remote: None,
        agent: None,
        protocols: vec![],
        answer: None,
        received: 7,
        root: None,
        piece: None,
        deal: None,
        canaries: vec![],
    }
}

fn complete(lease: &Lease, bot: &Bot, record: &Record) -> Complete {
    Complete {
        of: lease.of.clone(),
        attempt: lease.attempt,
        record: STANDARD.encode(record.encode()),
        signature: STANDARD.encode(Signed::Record.sign(&record.cid(), &bot.key)),
    }
}

/// A server whose first interval begins at once, its two bots, and its folder.
fn raced() -> (Served, [Bot; 2], TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = copy(folder.path());
    let (ada, first) = Bot::new(folder.path(), "ada");
    let (bob, second) = Bot::new(folder.path(), "bob");
    let commitment = said(folder.path(), &["dealbot", "seed", "sprint.seed"]);
    said(folder.path(), &["dealbot", "log-key", "sprint.log-key"]);
    let seed = said(folder.path(), &["dealbot", "reveal", "sprint.seed"]);
    let seed: [u8; 32] = hex::decode(seed).unwrap().try_into().unwrap();
    assert_eq!(apogee_dealbot::schedule::Seed::new(seed).commitment().to_string(), commitment);
    let settings = format!(
        r#"
        store = "sqlite:{}"
        [bots.ada]
        key = "{first}"
        region = "eu"
        [bots.bob]
        key = "{second}"
        region = "eu"
        [probes.sprint]
        network = "devnet-a"
        seed = "sprint.seed"
        log_key = "sprint.log-key"
        start = "{}"
        retrieval_seconds = 10
        retrieval_slots = 1000
        lease_seconds = 4
        [probes.sprint.gateways]
        t01000 = "https://sp.example"
        [[probes.sprint.data]]
        root = "bafkqaaa"
        size = 100
        "#,
        database.display(),
        Timestamp(now())
    );
    std::fs::write(folder.path().join("apogee.toml"), settings).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.arg("serve").arg("--config").arg(folder.path().join("apogee.toml"));
    (Served::start(command.env("APOGEE_LOG__FILTER", "warn")), [ada, bob], folder)
}

fn leased(served: &Served, bot: &Bot) -> Lease {
    let patience = Instant::now();
    loop {
        let mut leases: Leases = bot.tell(served, "leases", &Ask { free: 5 });
        if let Some(lease) = leases.leases.pop() {
            assert!(leases.leases.is_empty(), "a miner has one slot at hand");
            return lease;
        }
        // A server that has just begun leaves things as they are for a while.
        assert!(patience.elapsed() < Duration::from_secs(120), "no slot was due");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn who_does_not_sign_is_refused_and_nothing_of_a_stranger_is_read() {
    let (served, [ada, bob], folder) = raced();
    let hello = Hello { software: "apogee test".into() };
    let welcome: Welcome = ada.tell(&served, "hello", &hello);
    assert_eq!((welcome.beat, welcome.canary), (1_000_000, 600_000_000));
    assert!((welcome.now - now()).abs() < 10_000_000);

    let path = "/dealbot/v1/leases";
    let refused = |status: u16, answer: &Answer| {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    assert!(refused(401, &post(&served, path, &[], b"{}")).contains("Bot-Signature"));
    assert!(refused(405, &served.get(path)).contains("POST"));
    let at = now();
    let signed = |bot: &str, time: i64, body: &[u8]| sign(&ada.key, bot, path, Timestamp(time), body);
    let send = |bot: &str, time: i64, signature: &str, body: &[u8]| {
        let time = time.to_string();
        post(&served, path, &[("bot", bot), ("bot-time", &time), ("bot-signature", signature)], body)
    };
    let ask = br#"{"free":1}"#;
    assert_eq!(send("ada", at, &signed("ada", at, ask), ask).status, 200);
    assert!(refused(401, &send("eve", at, &signed("eve", at, ask), ask)).contains("no bot of that name"));
    assert!(refused(401, &send("bob", at, &signed("bob", at, ask), ask)).contains("not signed"));
    assert!(refused(401, &send("ada", at, &signed("ada", at, b"{}"), ask)).contains("not signed"));
    let old = at - 60_000_000;
    assert!(refused(401, &send("ada", old, &signed("ada", old, ask), ask)).contains("clock"));
    assert!(refused(400, &send("ada", at, &signed("ada", at, b"{"), b"{")).contains("does not read"));
    let large = vec![b' '; MAX_REQUEST + 1];
    refused(413, &send("ada", at, &signed("ada", at, &large), &large));
    refused(404, &ada.send(&served, "nothing", &()));
    refused(400, &ada.send(&served, "canary", &canary(&ada, 0)));
    refused(422, &bob.send(&served, "canary", &canary(&ada, now())));

    // Secrets are shown nowhere.
    let shown = apogee(folder.path(), &["config", "print", "--config", "apogee.toml"]);
    let seed = std::fs::read_to_string(folder.path().join("sprint.seed")).unwrap();
    assert!(!String::from_utf8(shown.stdout).unwrap().contains(seed.lines().nth(1).unwrap()));
    let twice = apogee(folder.path(), &["dealbot", "seed", "sprint.seed"]);
    assert_eq!(twice.status.code(), Some(2), "a seed is never written over");
}

#[test]
fn a_slot_is_leased_kept_alive_answered_once_and_judged() {
    let (served, [ada, bob], folder) = raced();
    for bot in [&ada, &bob] {
        bot.canary(&served);
    }
    let lease = leased(&served, &ada);
    assert_eq!((lease.of.miner.as_str(), lease.of.kind.as_str(), lease.attempt), ("t01000", "retrieval", 1));
    let begun = now();
    let beat = Beat { of: lease.of.clone(), beat: 1, stage: "http".into(), checkpoint: String::new() };
    assert_eq!(ada.send(&served, "beat", &beat).status, 200);
    assert_eq!(bob.send(&served, "beat", &beat).status, 410, "it is another's");
    assert_eq!(bob.send(&served, "release", &Release { of: lease.of.clone() }).status, 410);
    let record = record(&lease, &ada, (begun, now()));
    let done = complete(&lease, &ada, &record);
    let stolen = Complete { signature: complete(&lease, &bob, &record).signature, ..done.clone() };
    assert_eq!(ada.send(&served, "complete", &stolen).status, 422);
    assert_eq!(bob.send(&served, "complete", &done).status, 422);
    for _ in 0..2 {
        assert_eq!(ada.tell::<Completed>(&served, "complete", &done), Completed::Kept);
    }
    let other = Record { received: 8, ..record };
    assert_eq!(ada.send(&served, "complete", &complete(&lease, &ada, &other)).status, 409);
    ada.canary(&served);

    // Somebody else takes the next slot and is not heard of again: its record comes late.
    let lease = leased(&served, &bob);
    std::thread::sleep(Duration::from_secs(11));
    let late = complete(&lease, &bob, &self::record(&lease, &bob, (now() - 11_000_000, now())));
    assert_eq!(bob.tell::<Completed>(&served, "complete", &late), Completed::Late);
    let beat = Beat { of: lease.of, ..beat };
    assert_eq!(bob.send(&served, "beat", &beat).status, 410);

    let patience = Instant::now();
    loop {
        let status = ["dealbot", "status", "--race", "sprint", "--format", "json", "--config", "apogee.toml"];
        let rows: Value = serde_json::from_str(&said(folder.path(), &status)).unwrap();
        if rows[0]["ok"] == 1 {
            assert_eq!(
                (&rows[0]["fail"], &rows[0]["verdict"]),
                (&0.into(), &"insufficient".into()),
                "{rows}"
            );
            return;
        }
        assert!(patience.elapsed() < Duration::from_secs(120), "{rows}");
        std::thread::sleep(Duration::from_millis(500));
    }
}
