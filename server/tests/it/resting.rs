//! Maintenance that miners declare with their keys, and looks at miners on request.

use std::process::Command;
use std::time::{Duration, Instant};

use apogee_competition::claim::Envelope;
use apogee_domain::Timestamp;
use apogee_simprovider::gateway::{Gateway, Library};
use cid::Cid;
use multihash_codetable::{Code, MultihashDigest};

use crate::claims::{claimable_since, encoded, sign};
use crate::made::{Made, STORE};
use crate::probed::now;
use crate::served::{Answer, Served, copy};
use crate::signin::{World, assert_problem};

const MINUTE: i64 = 60_000_000;

fn post(served: &Served, headers: &str, fields: &[(&str, &str)]) -> Answer {
    let body = encoded(fields);
    let length = body.len();
    served.say(&format!(
        "POST /c/sprint/maintenance HTTP/1.1\r\nhost: a\r\nconnection: close\r\naccept: application/json\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    ))
}

/// A server that follows the made chain, and probes its miners.
fn probing(made: &Made) -> Served {
    let url = made.chain()[1].to_owned();
    let key = made.good(&["dealbot", "new", "ada-bot.key"]);
    made.good(&["dealbot", "seed", "sprint.seed"]);
    made.good(&["dealbot", "log-key", "sprint.log-key"]);
    made.write(
        "serve.toml",
        &format!(
            r#"
            store = "{STORE}"
            log.filter = "warn"
            [networks.simnet]
            rules = "network.toml"
            poll_seconds = 1
            [[networks.simnet.endpoints]]
            url = "{url}"
            [bots.ada]
            key = "{}"
            region = "eu"
            [probes.sprint]
            network = "simnet"
            seed = "sprint.seed"
            log_key = "sprint.log-key"
            start = "{}"
            retrieval_slots = 100
            [probes.sprint.gateways]
            t01001 = "https://sp.example"
            t01002 = "https://sp.example"
            [[probes.sprint.data]]
            root = "bafkqaaa"
            size = 100
            "#,
            key.trim(),
            now()
        ),
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    let served = Served::start(command.current_dir(made.path()).args(["serve", "--config", "serve.toml"]));
    let patience = Instant::now();
    while served.get("/c/sprint/m/t01002/attempts").status != 200 {
        assert!(patience.elapsed() < Duration::from_secs(60), "nobody is probed");
        std::thread::sleep(Duration::from_millis(200));
    }
    served
}

#[test]
fn a_miner_declares_maintenance_with_its_key_within_its_budget() {
    // Twenty epochs ago: a race begins where chain and clock agree.
    let made = claimable_since(u64::try_from(now().seconds() - 600).unwrap());
    let served = probing(&made);
    // Noon in two days: no other day is touched.
    let noon = (now().0 / (1_440 * MINUTE) + 2) * 1_440 * MINUTE + 720 * MINUTE;
    let asked = |miner: &str, role: &str, from: i64, minutes: i64| {
        let from = Timestamp(from);
        format!("/c/sprint/maintenance.json?miner={miner}&role={role}&from={from}&minutes={minutes}")
    };
    let statement = |path: &str| {
        let answer = served.get(path).json();
        answer["statement"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let page = served.get("/c/sprint/maintenance?miner=t01001&role=owner&from=soon&minutes=5").text();
    assert!(page.contains("role=\"alert\"") && !page.contains("name=\"mark\""), "no statement, no form");
    let first = asked("t01001", "owner", noon, 30);
    let page = served.get(&first.replace(".json", "")).text();
    let mark = page.split("name=\"mark\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(served.get(&first).json()["left"], 40);
    let text = statement(&first);
    assert!(
        text.starts_with(
            "Apogee maintenance, version 1\nNetwork: simnet\nCompetition: sprint\nMiner: t01001\n"
        )
    );

    let send = |text: &str, signature: &str| {
        let sent = text.replace('\n', "\r\n");
        post(&served, "", &[("mark", &mark), ("statement", &sent), ("signature", signature)])
    };
    let refused = |text: &str, signature: &str| {
        let answer = send(text, signature);
        assert_problem(&answer, 422, "maintenance-refused");
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    let good = sign(&made, 0, Envelope::Frc0102, &text);
    let foreign = post(&served, "origin: https://elsewhere.example\r\n", &[("mark", &mark)]);
    assert_problem(&foreign, 403, "other-origin");
    assert_problem(&post(&served, "", &[("mark", ""), ("statement", &text)]), 403, "stale-form");
    assert_problem(&post(&served, "", &[("mark", &mark), ("sudo", "1")]), 400, "invalid-query");
    assert!(refused("nothing", &good).contains("Line 1"));
    assert!(refused(&text, "01").contains("wallet"));
    assert!(refused(&text, &sign(&made, 1, Envelope::Raw, &text)).contains("is not that of the owner"));
    assert!(refused(&text.replace("sprint", "marathon"), &good).contains("another competition"));
    let soon = text.replace(&Timestamp(noon).to_string(), &Timestamp(now().0 + 9 * MINUTE).to_string());
    assert!(refused(&soon, &sign(&made, 0, Envelope::Raw, &soon)).contains("too soon"));
    assert!(refused(&text.replace("t01001", "t01003"), &good).contains("not probed"));
    let longer = statement(&asked("t01001", "owner", noon, 41));
    assert!(refused(&longer, &sign(&made, 0, Envelope::Raw, &longer)).contains("40 of 40 minutes"));
    assert_eq!(served.get(&first).json()["declared"].as_array().unwrap().len(), 0, "nothing is stored");

    // Said twice, it stands once.
    for _ in 0..2 {
        let accepted = send(&text, &format!("  {good}\r\n"));
        assert_eq!(accepted.status, 303, "{}", accepted.text());
        assert_eq!(accepted.header("location"), Some("/c/sprint/m/t01001/attempts#maintenance"));
    }
    let other = statement(&asked("t01001", "owner", noon, 5));
    assert!(refused(&other, &sign(&made, 0, Envelope::Raw, &other)).contains("another end"));
    let more = statement(&asked("t01001", "worker", noon + 60 * MINUTE, 11));
    assert!(refused(&more, &sign(&made, 1, Envelope::Raw, &more)).contains("10 of 40 minutes"));
    let rest = statement(&asked("t01001", "worker", noon + 60 * MINUTE, 10));
    assert_eq!(send(&rest, &sign(&made, 1, Envelope::Raw, &rest)).status, 303);
    // Every miner has its own.
    let neighbour = statement(&asked("t01002", "owner", noon, 40));
    assert_eq!(send(&neighbour, &sign(&made, 3, Envelope::Frc0102, &neighbour)).status, 303);

    let log = served.get("/c/sprint/m/t01001/attempts.json").json();
    let declared = log["maintenance"].as_array().unwrap();
    assert_eq!(declared.len(), 2);
    assert_eq!((&declared[1]["statement"], &declared[1]["signature"]), (&text.into(), &good.into()));
    assert_eq!(served.get("/c/sprint/probes.json").json()["rests"].as_array().unwrap().len(), 3);
    assert_eq!(served.get(&asked("t01001", "owner", noon, 1)).json()["left"], 0);
    assert!(served.get("/zh/c/sprint/probes").text().contains("维护"));
}

#[test]
fn whoever_is_signed_in_asks_for_a_look_and_nobody_else() {
    let bytes: Vec<u8> = (0..50_000_u32).map(|index| u8::try_from(index % 251).unwrap()).collect();
    let root = Cid::new_v1(0x55, Code::Sha2_256.digest(&bytes));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gateway = runtime.block_on(async {
        let mut library = Library::default();
        library.put_block(root, bytes.clone());
        Gateway::start(library).await.unwrap()
    });
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", copy(folder.path()).display());
    let made = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
        let output = command.current_dir(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let key = made(&["dealbot", "new", "ada.key"]);
    made(&["dealbot", "seed", "sprint.seed"]);
    made(&["dealbot", "log-key", "sprint.log-key"]);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let race = |key: &str| format!("PROBES__DEVNET-SPRINT__{key}");
    let (url, start, data) =
        (gateway.url(), now().to_string(), format!("[{{root=\"{root}\",size={}}}]", bytes.len()));
    let settings = [
        ("STORE".to_owned(), store),
        ("BOTS__ADA__KEY".to_owned(), format!("\"{key}\"")),
        ("BOTS__ADA__REGION".to_owned(), "eu".to_owned()),
        (race("NETWORK"), "devnet-a".to_owned()),
        (race("SEED"), file("sprint.seed")),
        (race("LOG_KEY"), file("sprint.log-key")),
        (race("START"), format!("\"{start}\"")),
        (race("RETRIEVAL_SLOTS"), "100".to_owned()),
        (race("ALLOW_PRIVATE"), "true".to_owned()),
        (race("GATEWAYS__T01000"), format!("\"{url}\"")),
        (race("GATEWAYS__T01001"), "\"http://127.0.0.1:1\"".to_owned()),
        (race("DATA"), data),
    ];
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let world = World::with(&settings);
    let path = "/check/devnet-sprint/t01000";
    assert_problem(&world.browser().get(&format!("{path}.json")), 401, "sign-in-needed");
    let mut ada = world.browser();
    assert_problem(&ada.post_with(path, &[("mark", ""), ("kind", "retrieval")], ""), 403, "stale-form");
    ada.sign_in();
    let page = ada.get(path).text();
    assert!(page.contains("name=\"kind\" value=\"retrieval\""), "{page}");
    let begun = ada.post(path, path, &[("kind", "retrieval")]);
    assert_eq!((begun.status, begun.header("location")), (303, Some(&*format!("{path}?kind=retrieval"))));
    let mark = ada.mark("/check/devnet-sprint/t01001");
    let again = ada.post_with(path, &[("mark", &mark), ("kind", "retrieval")], "");
    assert_problem(&again, 429, "check-limit");
    let wait: u64 = again.header("retry-after").unwrap().parse().unwrap();
    assert!((590..=600).contains(&wait), "{wait}");
    let seen = |browser: &mut crate::signin::Browser<'_>, path: &str| {
        let patience = Instant::now();
        loop {
            let answer = browser.get(&format!("{path}.json")).json();
            if answer["state"] == "done" {
                return answer["seen"].clone();
            }
            assert!(patience.elapsed() < Duration::from_secs(60), "{answer}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let good = seen(&mut ada, path);
    assert_eq!((&good["code"], good["received"].as_u64() >= Some(50_000)), (&serde_json::Value::Null, true));
    assert!(good["stages"].as_array().unwrap().len() > 1, "{good}");
    // Another one's log in: the same look.
    let other = "/check/devnet-sprint/t01001";
    assert_eq!(ada.post(other, other, &[("kind", "retrieval")]).status, 303);
    let refused = seen(&mut ada, other);
    assert_eq!((&refused["code"], &refused["title"]), (&"TCP_REFUSED".into(), &"The port is closed".into()));
    assert!(ada.get(&format!("/zh{other}")).text().contains("端口已关闭"));
    assert_problem(&ada.get("/check/devnet-sprint/t01077.json"), 404, "not-probed");
    assert_problem(&ada.get("/check/sr1-history/t01000.json"), 404, "no-probes");
    // Nothing of it is an attempt.
    let patience = Instant::now();
    while world.served.get("/c/devnet-sprint/m/t01000/attempts.json").status != 200 {
        assert!(patience.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(200));
    }
    let log = world.served.get("/c/devnet-sprint/m/t01000/attempts.json").json();
    assert_eq!(log["found"], 0);
    assert_eq!(
        world.served.get("/c/devnet-sprint/probes.json").json()["vantages"].as_array().unwrap().len(),
        0
    );
    drop(gateway);
}
