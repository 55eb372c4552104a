//! A faucet as people and programs use it: the binary, on a made network, with a wallet that pays and a signer behind its socket.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use apogee_filecoin_state::StateTree;
use apogee_signer::{Key, KeyKind};
use apogee_simnet::{Access, Recipe, SimNode, Simulation};
use serde_json::Value;
use sfv::{BareItem, List, ListEntry, Parser};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::paying::{fund, now, payee, settings, sign, text};
use crate::served::{Answer, Served};
use crate::signin::{Browser, World, assert_problem, step_up, user};

/// What the code of the event is.
const CODE: &str = "workshop-7f3a9c";

/// Few grants for one, and enough for everybody: what refuses is what a test is about.
pub(crate) const POLICY: &str = r#"
version = 1
amount = "1 FIL"

[account]
kinds = ["user"]
min_age = "30d"

[[limit]]
rule = "identity-day"
scope = "identity"
grants = 1
within = "24h"

[[limit]]
rule = "recipient-day"
scope = "actor"
grants = 1
within = "24h"

[[limit]]
rule = "address-day"
scope = "v4-address"
grants = 12
within = "24h"

[budget]
grants_per_day = 200

[wallet]
floor = "1 FIL"
low = 10
"#;

/// A network that is made, a faucet on it, and a GitHub for those who ask.
pub(crate) struct Town {
    pub(crate) world: World,
    made: Arc<Simulation>,
    over: Arc<AtomicBool>,
    mining: Option<JoinHandle<()>>,
    folder: TempDir,
    _node: SimNode,
    _runtime: tokio::runtime::Runtime,
}

impl Drop for Town {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        drop(self.mining.take().map(JoinHandle::join));
    }
}

impl Town {
    fn new(seed: u64) -> Self {
        Self::with(seed, POLICY)
    }

    fn with(seed: u64, policy: &str) -> Self {
        Self::set(seed, policy, &[])
    }

    /// With more settings.
    pub(crate) fn set(seed: u64, policy: &str, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        // Two minutes of history at most are mined at once: no block is of the future.
        let genesis_time = u64::try_from(now().seconds() - 120).unwrap();
        let recipe = Recipe {
            seed,
            miners: 3,
            wallets: 4,
            block_delay: 1,
            finality: 10,
            genesis_time,
            ..Recipe::default()
        };
        let made = Arc::new(Simulation::new(recipe).unwrap());
        let node = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            SimNode::start(listener, made.clone(), Access::default()).unwrap()
        });
        let key = Key::from_bytes(KeyKind::Secp256k1, &[43; 32]).unwrap();
        let wallet = key.address();
        fund(&made, wallet);
        runtime.block_on(sign(folder.path(), key));
        settings(folder.path(), &made, &node.url(), "sqlite:unused", &text(&wallet));
        std::fs::write(folder.path().join("drip.toml"), policy).unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let endpoints = format!("[{{url=\"{}\",token=\"may-write\"}}]", node.url());
        let given = [
            ("NETWORKS__SIMNET__RULES", place("network.toml")),
            ("NETWORKS__SIMNET__POLL_SECONDS", "1".to_owned()),
            ("NETWORKS__SIMNET__ENDPOINTS", endpoints),
            ("WALLETS__DRIP__NETWORK", "simnet".to_owned()),
            ("WALLETS__DRIP__ADDRESS", text(&wallet)),
            ("WALLETS__DRIP__SIGNER", place("signer.sock")),
            ("WALLETS__DRIP__DEPTH", "6".to_owned()),
            ("WALLETS__DRIP__MAX_FEE", "\"1 FIL\"".to_owned()),
            ("WALLETS__DRIP__LEASE_SECONDS", "1".to_owned()),
            ("WALLETS__DRIP__TICK_SECONDS", "1".to_owned()),
            ("FAUCETS__DRIP__WALLET", "drip".to_owned()),
            ("FAUCETS__DRIP__POLICY", place("drip.toml")),
        ];
        let given = given.iter().map(|(name, value)| (*name, value.as_str()));
        let given: Vec<(&str, &str)> = given.chain(more.iter().copied()).collect();
        let world = World::with(&given);
        let over = Arc::new(AtomicBool::new(false));
        let mining = std::thread::spawn({
            let (made, over) = (made.clone(), over.clone());
            move || {
                while !over.load(Ordering::Relaxed) {
                    made.mine().unwrap();
                    std::thread::sleep(Duration::from_millis(500));
                }
            }
        });
        let town = Self { world, made, over, mining: Some(mining), folder, _node: node, _runtime: runtime };
        // Until the wallet is booked nobody knows what it has, and nothing is granted.
        town.until("the wallet is booked", || town.page()["band"] == "ample");
        town
    }

    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(90), "{what}: {}", self.page());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What the faucet says of itself.
    pub(crate) fn page(&self) -> Value {
        self.served().get("/faucet/simnet.json").json()
    }

    fn served(&self) -> &Served {
        &self.world.served
    }

    /// Somebody who has signed in.
    pub(crate) fn somebody(&self, id: u64) -> Browser<'_> {
        let login = format!("person-{id}");
        self.world.hub.put_user(user(id, &login));
        self.world.hub.be(Some(&login));
        let mut browser = self.world.browser();
        assert_eq!(browser.sign_in().status, 303);
        browser
    }

    /// A key of somebody, for programs.
    pub(crate) fn key(&self, browser: &mut Browser<'_>) -> String {
        let made = browser.post("/me", "/me/keys", &[("name", "a program")]).text();
        let at = made.find("apogee_").unwrap();
        made[at..at + 71].to_owned()
    }

    /// Sent by a program with a key.
    pub(crate) fn program(&self, key: &str, path: &str, body: &Value, headers: &str) -> Answer {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n\
             authorization: Bearer {key}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        self.served().say(&request)
    }

    /// The command line, with the key of `apogee login` in a file.
    fn apogee(&self, arguments: &[&str]) -> Output {
        let store = self.world.store();
        let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
        command.current_dir(self.folder.path()).args(arguments);
        if !["request", "check", "status"].contains(&arguments[1]) {
            command.args(["--store", &store, "--config", "apogee.toml"]);
        }
        command.output().unwrap()
    }

    /// An account that is there, by its id.
    fn account(&self) -> String {
        let head = self.made.mine().unwrap();
        let tree = StateTree::open(&**self.made.ledger(), &head.first().parent_state_root).unwrap();
        let id = tree.resolve(&self.made.wallet(1).unwrap().address()).unwrap().unwrap();
        format!("t0{id}")
    }

    fn keep_key(&self, server: &str, key: &str) {
        let file = self.folder.path().join("apogee.key");
        std::fs::write(&file, format!("apogee-key-1\n{server}\n{key}\n")).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

/// The form of a faucet's page, sent: as a browser without scripts does.
fn ask(browser: &mut Browser<'_>, recipient: &str, more: &[(&str, &str)]) -> Answer {
    let page = browser.get("/faucet/simnet").text();
    let value = |name: &str| {
        let (_, rest) =
            page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{page}"));
        rest.split('"').next().unwrap().to_owned()
    };
    let (mark, key) = (value("mark"), value("key"));
    let mut pairs = vec![("mark", mark.as_str()), ("recipient", recipient)];
    if !more.iter().any(|(name, _)| *name == "key") {
        pairs.push(("key", &key));
    }
    pairs.extend(more);
    browser.post_with("/faucet/simnet", &pairs, "")
}

/// An answer without what the clock alone changes.
fn timeless(mut answer: Value) -> Value {
    answer["retry_after"] = Value::Null;
    for check in answer["checks"].as_array_mut().unwrap() {
        if check["rule"] == "account-age" {
            check["have"] = Value::Null;
        }
    }
    answer
}

fn problem_code(answer: &Answer) -> Value {
    answer.json()["code"].clone()
}

/// A field of [`sfv`]: names with their parameters.
fn structured(answer: &Answer, name: &str) -> Vec<(String, Vec<(String, i64)>)> {
    let field = answer.header(name).unwrap_or_else(|| panic!("no {name} in {answer:?}"));
    let list: List = Parser::new(field.as_bytes()).parse().unwrap();
    let item = |entry: ListEntry| {
        let ListEntry::Item(item) = entry else { panic!("{field}") };
        let BareItem::String(name) = item.bare_item else { panic!("{field}") };
        let parameter = |(key, value): (sfv::Key, BareItem)| {
            let BareItem::Integer(value) = value else { panic!("{field}") };
            (key.as_str().to_owned(), i64::from(value))
        };
        (name.as_str().to_owned(), item.params.into_iter().map(parameter).collect())
    };
    list.into_iter().map(item).collect()
}

#[test]
fn a_form_without_scripts_is_granted_once_and_its_page_says_how_far_it_is() {
    let town = Town::new(51);
    let mut ada = town.somebody(11);
    let to = text(&payee(1));
    let key = [("key", "once-and-for-all")];
    let granted = ask(&mut ada, &to, &key);
    assert_eq!(granted.status, 303, "{}", granted.text());
    let place = granted.header("location").unwrap().to_owned();
    assert!(place.starts_with("/faucet/simnet/g/"), "{place}");
    // The same key is the same request; with another recipient it is none.
    assert_eq!(ask(&mut ada, &to, &key).header("location"), Some(place.as_str()));
    assert_problem(&ask(&mut ada, &text(&payee(2)), &key), 422, "faucet-key-reused");

    let mut refreshed = false;
    let mut grant = Value::Null;
    town.until("the grant is final", || {
        let page = town.served().ask("GET", &place, &[("accept", "text/html")]);
        assert_eq!(page.status, 200);
        grant = town.served().get(&format!("{place}.json")).json();
        refreshed |= page.header("refresh").is_some();
        grant["settled"] == true
    });
    assert!(refreshed, "who waits sees it move without scripts");
    assert_eq!((&grant["state"], &grant["queue"]), (&"final".into(), &Value::Null));
    assert!(grant["confirmations"].as_i64().unwrap() >= 6, "{grant}");
    assert!(grant["message"].as_str().unwrap().starts_with("bafy"), "{grant}");
    assert!(!grant.to_string().contains("github"), "a grant does not say who asked");
    let page = town.served().ask("GET", &place, &[("accept", "text/html")]);
    assert_eq!(page.header("refresh"), None, "nothing more happens");
    assert!(page.text().contains(grant["message"].as_str().unwrap()));
    let head = town.made.mine().unwrap();
    let tree = StateTree::open(&**town.made.ledger(), &head.first().parent_state_root).unwrap();
    let paid = tree.actor(tree.resolve(&payee(1)).unwrap().unwrap()).unwrap().unwrap().balance;
    assert_eq!(paid.atto().to_string(), "1000000000000000000", "asked thrice, paid once");

    // The next one is refused on one page, with the rule and the moment.
    let refused = ask(&mut ada, &text(&payee(2)), &[]);
    assert_eq!(refused.status, 429);
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((80_000..=86_400).contains(&wait), "{wait}");
    let page = refused.text();
    assert!(page.contains("identity-day") && page.contains("<time datetime=\""), "{page}");
    assert!(page.contains(&text(&payee(2))), "what was typed is still there");
    let policy = structured(&refused, "ratelimit-policy");
    let day = ("identity-day".to_owned(), vec![("q".to_owned(), 1), ("w".to_owned(), 86_400)]);
    assert!(policy.contains(&day), "{policy:?}");
    let limit = structured(&refused, "ratelimit");
    let none = ("identity-day".to_owned(), vec![("r".to_owned(), 0), ("t".to_owned(), wait)]);
    assert!(limit.contains(&none), "{limit:?}");
    let zh = ada.get("/zh/faucet/simnet");
    assert!(zh.text().contains("水龙头"));
}

#[test]
fn five_forms_of_one_actor_share_a_limit_and_a_key_its_owners() {
    let town = Town::new(52);
    let rich = town.made.wallet(1).unwrap().address();
    let id = {
        let head = town.made.mine().unwrap();
        let tree = StateTree::open(&**town.made.ledger(), &head.first().parent_state_root).unwrap();
        tree.resolve(&rich).unwrap().unwrap()
    };
    let mask = [&[0xff][..], &[0; 11], &id.to_be_bytes()].concat();
    let delegated = fvm_shared::address::Address::new_delegated(10, &mask).unwrap();
    let hex: String = mask.iter().map(|byte| format!("{byte:02x}")).collect();
    let forms = [
        text(&rich),
        format!("t0{id}"),
        text(&delegated),
        format!("0x{hex}"),
        format!("0x{}", hex.to_uppercase()),
    ];
    let keys: Vec<String> = (0..5).map(|n| town.key(&mut town.somebody(20 + n))).collect();
    let body = |to: &str| serde_json::json!({ "recipient": to });
    for (number, (form, key)) in forms.iter().zip(&keys).enumerate() {
        let answer = town.program(key, "/faucet/simnet.json", &body(form), "idempotency-key: \"a\"\r\n");
        if number == 0 {
            assert_eq!(answer.status, 202, "{}", answer.text());
            assert!(answer.header("location").unwrap().ends_with(".json"));
            continue;
        }
        assert_problem(&answer, 429, "faucet-limit");
        assert_eq!(problem_code(&answer), "recipient-limit", "{form}");
        assert_eq!(answer.json()["rule"], "recipient-day");
        assert_eq!(answer.json()["violated-policies"], serde_json::json!(["recipient-day"]));
        assert!(answer.json()["next_allowed_at"].is_string());
    }
    // What a program has had, its owner has had.
    let mut owner = town.somebody(20);
    let refused = ask(&mut owner, &text(&payee(9)), &[]);
    assert_eq!(refused.status, 429);
    assert!(refused.text().contains("identity-day"));
    let second = town.key(&mut owner);
    let answer =
        town.program(&second, "/faucet/simnet.json", &body(&text(&payee(9))), "idempotency-key: b\r\n");
    assert_eq!(
        (answer.status, problem_code(&answer)),
        (429, "identity-limit".into()),
        "a second key is no second person"
    );
    // Eligibility tells every rule, and counts nothing.
    let everything = |key: &str| town.program(key, "/faucet/simnet/eligibility.json", &body(&forms[0]), "");
    let before = town.page()["today"]["grants"].clone();
    let told = everything(&keys[0]).json();
    assert_eq!(timeless(told.clone()), timeless(everything(&keys[0]).json()), "asking changes nothing");
    let rules: Vec<&str> =
        told["checks"].as_array().unwrap().iter().map(|check| check["rule"].as_str().unwrap()).collect();
    for rule in [
        "paused",
        "account-kind",
        "account-age",
        "identity-day",
        "recipient-day",
        "address-day",
        "budget-grants",
        "wallet-empty",
    ] {
        assert!(rules.contains(&rule), "{rule} in {rules:?}");
    }
    let refusing = |check: &&Value| check["outcome"] == "refused";
    assert_eq!(told["checks"].as_array().unwrap().iter().filter(refusing).count(), 2, "{told}");
    assert!(
        told["checks"].as_array().unwrap().iter().filter(refusing).all(|check| check["resets"].is_string())
    );
    let wallet =
        told["checks"].as_array().unwrap().iter().find(|check| check["rule"] == "wallet-empty").unwrap();
    assert_eq!(wallet["have"], Value::Null, "what the wallet holds is told in bands");
    assert_eq!(town.page()["today"]["grants"], before);
}

#[test]
fn a_spoofed_x_forwarded_for_moves_no_bucket() {
    let town = Town::with(53, &POLICY.replace("grants = 12", "grants = 2"));
    let mut answers = Vec::new();
    for n in 0..3_u64 {
        let key = town.key(&mut town.somebody(30 + n));
        let spoofed = format!(
            "idempotency-key: a\r\nx-forwarded-for: 198.51.100.{n}\r\nx-real-ip: 198.51.100.{n}\r\nforwarded: for=198.51.100.{n}\r\n"
        );
        let body = serde_json::json!({ "recipient": text(&payee(30 + n)) });
        answers.push(town.program(&key, "/faucet/simnet.json", &body, &spoofed));
    }
    assert_eq!((answers[0].status, answers[1].status), (202, 202), "{answers:?}");
    assert_eq!((answers[2].status, problem_code(&answers[2])), (429, "network-limit".into()));
}

#[test]
fn the_code_of_an_event_opens_it_until_it_ends_and_wrong_codes_tell_nothing() {
    let digest: String = Sha256::digest(CODE).iter().map(|byte| format!("{byte:02x}")).collect();
    let event = |until: i64| {
        format!(
            "{POLICY}\n[event]\nname = \"workshop\"\ncodes = [\"{digest}\"]\nguests = [\"github:42\"]\nuntil = {until}\namount = \"1.5 FIL\"\n\
             [[event.limit]]\nrule = \"guest\"\nscope = \"identity\"\ngrants = 1\n"
        )
    };
    let ends = now().seconds() + 45;
    let town = Town::with(54, &event(ends));
    let key = town.key(&mut town.somebody(41));
    let path = "/faucet/simnet.json";
    let asking = |key: &str, code: &str, name: &str| {
        let body = serde_json::json!({ "recipient": text(&payee(41)), "code": code });
        town.program(key, path, &body, &format!("idempotency-key: {name}\r\n"))
    };
    // Whether a code is nearly right, or that of another event, is not told: but for the address every answer is the same.
    let wrong: Vec<Value> = ["workshop", "WORKSHOP-7F3A9C", "workshop-7f3a9d", &"x".repeat(128)]
        .iter()
        .map(|code| {
            let answer = asking(&key, code, "w");
            assert_eq!((answer.status, problem_code(&answer)), (403, "event-code".into()), "{code}");
            assert_eq!(answer.header("retry-after"), None, "waiting does not help");
            assert!(!answer.text().contains(code), "a code is not said again");
            timeless(answer.json())
        })
        .collect();
    assert!(wrong.windows(2).all(|pair| pair[0] == pair[1]), "{wrong:#?}");
    let page = town.page().to_string();
    assert!(
        !page.contains(&digest) && !page.contains("github:42"),
        "who is invited to what is nobody's business: {page}"
    );

    let granted = asking(&key, CODE, "right");
    assert_eq!(
        (granted.status, granted.json()["amount"].as_str()),
        (202, Some("1500000000000000000")),
        "{}",
        granted.text()
    );
    // The same code again, under another name: the guest has had it.
    let again = asking(&key, CODE, "again");
    assert_eq!((problem_code(&again), &again.json()["rule"]), ("identity-limit".into(), &"guest".into()));
    // A guest needs no code.
    let guest = town.key(&mut town.somebody(42));
    let body = serde_json::json!({ "recipient": text(&payee(42)) });
    let answer = town.program(&guest, path, &body, "idempotency-key: g\r\n");
    assert_eq!(answer.json()["amount"], "1500000000000000000", "{}", answer.text());

    while now().seconds() <= ends {
        std::thread::sleep(Duration::from_millis(300));
    }
    let late = town.key(&mut town.somebody(43));
    let answer = asking(&late, CODE, "late");
    assert_eq!((answer.status, problem_code(&answer)), (403, "event-over".into()));
    let without = serde_json::json!({ "recipient": text(&payee(43)) });
    let answer = town.program(&late, path, &without, "idempotency-key: plain\r\n");
    assert_eq!(answer.json()["amount"], "1000000000000000000", "{}", answer.text());
    // Neither in what the process has logged, nor in its database.
    let database = std::fs::read(town.world.store().strip_prefix("sqlite:").unwrap()).unwrap();
    assert!(!database.windows(CODE.len()).any(|bytes| bytes == CODE.as_bytes()));
    let log = town.world.log();
    assert!(!log.contains(CODE), "{log}");
}

#[test]
fn a_flood_is_told_how_long_to_wait_and_a_classroom_is_none() {
    let world = World::new();
    let mut browser = world.browser();
    let mark = browser.mark("/signin");
    let mut sign_in = || browser.post_with("/signin/nobody", &[("mark", &mark)], "");
    let classroom: Vec<Answer> = (0..240).map(|_| sign_in()).collect();
    assert!(classroom.iter().all(|answer| answer.status == 404), "sixty people, four times each");
    // Four come back each second meanwhile.
    let refused = (0..2_000).map(|_| sign_in()).find(|answer| answer.status == 429);
    let refused = &refused.expect("nobody is turned away");
    assert_problem(refused, 429, "flood");
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "the limiter's own wait, not a minute: {wait}");
    assert_eq!(refused.json()["retry_after"], wait);
    let of = |pairs: &[(&str, i64)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
    assert_eq!(
        structured(refused, "ratelimit-policy"),
        [("sign-in".to_owned(), of(&[("q", 240), ("w", 60)]))]
    );
    assert_eq!(structured(refused, "ratelimit"), [("sign-in".to_owned(), of(&[("r", 0), ("t", wait)]))]);
    let mut spoofed = |n: u32| {
        let header = format!("x-forwarded-for: 198.51.100.{}\r\n", n % 250);
        browser.post_with("/signin/nobody", &[("mark", &mark)], &header)
    };
    assert!((0..200).any(|n| spoofed(n).status == 429), "a spoofed address has no bucket of its own");
    // Other gates count for themselves, and pages can be looked at.
    assert_ne!(browser.post_with("/device", &[("mark", &mark), ("code", "AAAA-AAAA")], "").status, 429);
    assert_eq!(browser.get("/signin").status, 200);
}

/// A line to the service that passes everything on, but loses the first answer.
fn losing(served: &Served) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (here, there) = (listener.local_addr().unwrap(), served.address);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate().take(100) {
            let mut stream = stream.unwrap();
            let mut request = vec![0; 16 << 10];
            let mut length = 0;
            // A head and what it says comes after: all of it in one or two pieces.
            let whole = loop {
                let read = stream.read(&mut request[length..]).unwrap();
                length += read;
                let head = String::from_utf8_lossy(&request[..length]).to_lowercase();
                let Some(end) = head.find("\r\n\r\n") else { continue };
                let after = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
                if read == 0 || length >= end + 4 + after.map_or(0, |text| text.parse().unwrap()) {
                    break String::from_utf8_lossy(&request[..length]).replacen(
                        "\r\n",
                        "\r\nconnection: close\r\n",
                        1,
                    );
                }
            };
            let mut onward = std::net::TcpStream::connect(there).unwrap();
            onward.write_all(whole.as_bytes()).unwrap();
            let mut answer = Vec::new();
            drop(onward.read_to_end(&mut answer));
            if number > 0 {
                drop(stream.write_all(&answer));
            }
        }
    });
    format!("http://{here}")
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

#[test]
fn the_command_line_asks_once_although_the_answer_was_lost_and_is_told_why_not() {
    let town = Town::new(55);
    let key = town.key(&mut town.somebody(61));
    town.keep_key(&losing(town.served()), &key);
    let to = text(&payee(61));
    let request = ["faucet", "request", &to, "--network", "simnet"];
    let lost = town.apogee(&request);
    assert_eq!(lost.status.code(), Some(3), "{}", said(&lost));
    assert!(said(&lost).contains("it is the same request"), "{}", said(&lost));
    assert_eq!(town.page()["today"]["grants"], 1, "it was granted all the same");
    let again = town.apogee(&[&request[..], &["--wait"]].concat());
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert!(said(&again).contains("final") && said(&again).contains("bafy"), "{}", said(&again));
    assert_eq!(town.page()["today"]["grants"], 1, "the same request, granted once");

    // A new request is another one: refused, with the rule and when it resets.
    let refused = town.apogee(&request);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    for word in ["identity-day", "recipient-day", "1 of 1", "again at", "come back at"] {
        assert!(said(&refused).contains(word), "{word}: {}", said(&refused));
    }
    let check = ["faucet", "check", &to, "--network", "simnet"];
    let checked = town.apogee(&check);
    assert_eq!(checked.status.code(), Some(1));
    assert!(said(&checked).contains("met") && said(&checked).contains("wallet-empty"), "{}", said(&checked));
    let mistyped = town.apogee(&["faucet", "request", "t1nonsense", "--network", "simnet"]);
    assert_eq!(mistyped.status.code(), Some(2), "{}", said(&mistyped));
    assert_eq!(town.apogee(&["faucet", "request", &to, "--network", "nowhere"]).status.code(), Some(2));
    let left: Vec<_> =
        std::fs::read_dir(town.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".asked-")), "{left:?}");

    // Who looks after it: paused, listed, and struck, each with who and why.
    let on = ["--network", "simnet", "--reason", "Odd requests.", "--actor", "ana"];
    let tend = |what: &[&str]| town.apogee(&[&["faucet"], what, &on[..]].concat());
    assert_eq!(town.apogee(&["faucet", "status", "--network", "simnet"]).status.code(), Some(0));
    assert_eq!(tend(&["pause", "drip"]).status.code(), Some(0));
    let paused = town.apogee(&["faucet", "status", "--network", "simnet"]);
    assert_eq!(paused.status.code(), Some(1));
    assert!(said(&paused).contains("Odd requests."));
    assert_eq!(tend(&["resume", "drip"]).status.code(), Some(0));
    assert_eq!(tend(&["pause", "nowhere"]).status.code(), Some(2));
    let account = town.account();
    for good in [
        &["allow", "drip", "github:61", "--lift", "identity-limit", "--lift", "recipient-limit"][..],
        &["deny", "drip", "192.0.2.77/24"],
        &["deny", "drip", &account, "--days", "3"],
    ] {
        let output = tend(good);
        assert_eq!(output.status.code(), Some(0), "{good:?}: {}", said(&output));
    }
    for bad in [
        &["allow", "drip", "github:61", "--lift", "wallet-empty"][..],
        &["allow", "drip", "octocat"],
        &["deny", "drip", "github:octocat"],
        &["deny", "drip", "10.0.0.0/8"],
        &["deny", "drip", "t0987654321"],
        &["allow", "drip", "github:61", "--days", "0"],
    ] {
        let output = tend(bad);
        assert_eq!(output.status.code(), Some(2), "{bad:?}: {}", said(&output));
    }
    let entries = town.apogee(&["faucet", "entries", "drip", "--network", "simnet", "--format", "json"]);
    let entries: Value = serde_json::from_slice(&entries.stdout).unwrap();
    let rows: Vec<(&str, &str)> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["scope"].as_str().unwrap(), row["by"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [("actor", "cli:ana"), ("identity", "cli:ana"), ("v4-network", "cli:ana")]);
    assert!(
        !entries[0]["subject"].as_str().unwrap().starts_with("t0"),
        "an id is counted by its key: {entries}"
    );
    // Excepted, the same person is granted more.
    let more = town.apogee(&request);
    assert_eq!(more.status.code(), Some(0), "{}", said(&more));
    assert_eq!(tend(&["remove", "drip", "github:61", "--list", "allow"]).status.code(), Some(0));
    assert_eq!(tend(&["remove", "drip", "github:61", "--list", "allow"]).status.code(), Some(1));
    assert_eq!(town.apogee(&request).status.code(), Some(1));
    // In the books, chain and ledger agree.
    let reconciled = town.apogee(&["faucet", "reconcile", "drip", "--network", "simnet"]);
    assert_eq!(reconciled.status.code(), Some(0), "{}", said(&reconciled));
}

#[test]
fn lists_are_kept_by_who_may_and_what_loosens_a_rule_needs_a_passkey() {
    let town = Town::new(56);
    let account = town.account();
    let mut ana = town.somebody(71);
    let lists = "/admin/faucet/simnet/drip";
    let put = |browser: &mut Browser<'_>, pairs: &[(&str, &str)]| {
        browser.post("/me", &format!("{lists}/put"), pairs)
    };
    let strike = |browser: &mut Browser<'_>, pairs: &[(&str, &str)]| {
        browser.post("/me", &format!("{lists}/strike"), pairs)
    };
    let deny = [("list", "deny"), ("subject", "github:72"), ("reason", "A farm of accounts.")];
    assert_problem(&town.world.browser().get(&format!("{lists}.json")), 401, "sign-in-needed");
    assert_problem(&ana.get(&format!("{lists}.json")), 403, "role-needed");
    assert_problem(&put(&mut ana, &deny), 403, "role-needed");
    town.world.apogee(&["admin", "grant", "github:71", "operator", "--reason", "on duty"]);
    assert_eq!(put(&mut ana, &deny).status, 303);
    let key = town.key(&mut town.somebody(72));
    let body = serde_json::json!({ "recipient": text(&payee(72)) });
    let asking = |name: &str| {
        town.program(&key, "/faucet/simnet.json", &body, &format!("idempotency-key: {name}\r\n"))
    };
    let denied = asking("a");
    assert_eq!((denied.status, problem_code(&denied)), (403, "denied".into()));
    assert!(denied.text().contains("A farm of accounts."), "who is refused reads why");

    let allow = [
        ("list", "allow"),
        ("subject", &account),
        ("days", "7"),
        ("lift", "recipient-limit"),
        ("lift", "identity-limit"),
        ("reason", "A workshop."),
    ];
    assert_problem(&put(&mut ana, &allow), 403, "role-needed");
    let undeny = [("list", "deny"), ("scope", "identity"), ("key", "github:72"), ("reason", "A mistake.")];
    assert_problem(&strike(&mut ana, &undeny), 403, "role-needed");
    town.world.apogee(&["admin", "grant", "github:71", "payer", "--reason", "on duty"]);
    assert_problem(&put(&mut ana, &allow), 403, "step-up-needed");
    step_up(&mut ana);
    assert_eq!(put(&mut ana, &allow).status, 303);
    for (wrong, why) in [
        (
            [("list", "deny"), ("subject", "octocat"), ("days", ""), ("lift", ""), ("reason", "x")],
            "neither an account",
        ),
        (
            [("list", "deny"), ("subject", "github:octocat"), ("days", ""), ("lift", ""), ("reason", "x")],
            "by their number",
        ),
        ([("list", "deny"), ("subject", "10.0.0.0/8"), ("days", ""), ("lift", ""), ("reason", "x")], "/24"),
        (
            [("list", "deny"), ("subject", "f0100"), ("days", ""), ("lift", ""), ("reason", "x")],
            "another network",
        ),
        (
            [("list", "deny"), ("subject", "t0987654321"), ("days", ""), ("lift", ""), ("reason", "x")],
            "no such actor",
        ),
        (
            [("list", "allow"), ("subject", &account), ("days", "366"), ("lift", ""), ("reason", "x")],
            "1 to 365",
        ),
        ([("list", "allow"), ("subject", &account), ("days", ""), ("lift", ""), ("reason", "x")], "1 to 365"),
        (
            [
                ("list", "allow"),
                ("subject", &account),
                ("days", "1"),
                ("lift", "wallet-empty"),
                ("reason", "x"),
            ],
            "cannot be lifted",
        ),
    ] {
        let answer = put(&mut ana, &wrong);
        assert_problem(&answer, 422, "faucet-entry");
        assert!(answer.json()["detail"].as_str().unwrap().contains(why), "{wrong:?}: {}", answer.text());
    }
    assert_problem(
        &put(&mut ana, &[("list", "deny"), ("subject", "github:73"), ("reason", " ")]),
        409,
        "not-done",
    );
    let listed = ana.get(&format!("{lists}.json")).json();
    let rows: Vec<(&Value, &Value, &Value)> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["scope"], &row["denies"], &row["by"]))
        .collect();
    let by = Value::from("github:71");
    assert_eq!(rows, [(&"actor".into(), &false.into(), &by), (&"identity".into(), &true.into(), &by)]);
    assert!(!listed["entries"][0]["subject"].as_str().unwrap().starts_with("t0"), "{listed}");
    assert!(listed["entries"][0]["until"].is_string());
    assert!(ana.get(&format!("/zh{lists}")).text().contains("A workshop."));
    let rest = ana.get(&format!(
        "{lists}.json?after=allow/actor/{}",
        listed["entries"][0]["subject"].as_str().unwrap()
    ));
    assert_eq!(rest.json()["entries"].as_array().unwrap().len(), 1);
    assert_problem(&ana.get(&format!("{lists}.json?after=x")), 400, "invalid-query");

    assert_eq!(strike(&mut ana, &undeny).status, 303);
    assert_problem(&strike(&mut ana, &undeny), 422, "faucet-entry");
    assert_eq!(asking("b").status, 202, "whoever is no longer refused is granted");
    let log = ana.get("/admin/audit.json").json().to_string();
    for action in ["faucet-deny", "faucet-except", "faucet-undeny"] {
        assert!(log.contains(action), "{action} in {log}");
    }

    // Everybody sees how it does, in bands, within seconds of what an operator did.
    let public = || town.served().get("/faucets.json").json()["faucets"][0].clone();
    assert_eq!((&public()["open"], &public()["band"]), (&true.into(), &"ample".into()));
    let pause = [("network", "simnet"), ("faucet", "drip"), ("enabled", "no"), ("reason", "Odd requests.")];
    assert_eq!(ana.post("/me", "/admin/faucet", &pause).status, 303);
    town.until("the public page knows", || public()["open"] == false);
    let shown = public();
    assert_eq!((&shown["reason"], &shown["grants_per_day"]), (&"Odd requests.".into(), &200.into()));
    town.until("today's grants are told", || public()["grants_today"] == 1);
    assert!(town.served().get("/zh/faucets").text().contains("Odd requests."));
    assert!(town.served().get("/faucets").header("cache-control").unwrap().starts_with("public"));
    assert!(town.served().get("/status").text().contains("/faucets"));
}

#[test]
fn whoever_operates_a_miner_with_power_is_in_its_tier_and_nobody_else() {
    let tier = "\n[[tier]]\nname = \"miner\"\nwhen = \"miner\"\namount = \"5 FIL\"\n[[tier.limit]]\nrule = \"miner-day\"\nscope = \"actor\"\ngrants = 1\nwithin = \"24h\"\n";
    let town = Town::with(57, &format!("{POLICY}{tier}"));
    let operators = {
        let head = town.made.mine().unwrap();
        let tree = StateTree::open(&**town.made.ledger(), &head.first().parent_state_root).unwrap();
        let (miner, _) = tree.power().unwrap().claims(&**town.made.ledger()).unwrap()[0].clone();
        let info = tree.miner(miner).unwrap().unwrap().info(&**town.made.ledger()).unwrap();
        [info.owner, info.worker].map(|address| text(&address))
    };
    let key = town.key(&mut town.somebody(81));
    let amount = |to: &str| {
        let body = serde_json::json!({ "recipient": to });
        town.program(&key, "/faucet/simnet/eligibility.json", &body, "").json()["amount"].clone()
    };
    town.until("miners are known", || amount(&operators[0]) == "5000000000000000000");
    assert_eq!(amount(&operators[1]), "5000000000000000000");
    assert_eq!(amount(&text(&town.made.wallet(2).unwrap().address())), "1000000000000000000");
    assert_eq!(amount(&text(&payee(81))), "1000000000000000000", "whoever is not there operates nothing");
}
