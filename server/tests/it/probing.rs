//! Bots, server and gateways as they are run: processes that are killed at any moment, miners that are honest or not.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use apogee_domain::{NetworkId, ProbeKind};
use apogee_simprovider::gateway::{Fault, Gateway, Library};
use apogee_store::{Page, ProbeAttempts, ProbeLanes, ProbeSlots, SlotOutcome};
use apogee_store_sqlite::SqliteStore;
use cid::Cid;
use multihash_codetable::{Code, MultihashDigest};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::served::copy;

const BYTES: usize = 200_000;

pub(crate) fn apogee() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.env("APOGEE_LOG__FILTER", "warn");
    command
}

pub(crate) fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = apogee().current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A process that is killed when it is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }

    /// Ask it to end, and wait.
    pub(crate) fn end(&mut self, patience: Duration) -> bool {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if self.0.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

struct World {
    folder: TempDir,
    database: PathBuf,
    port: u16,
    canary: String,
}

impl World {
    fn server(&self) -> Process {
        let listen = format!("127.0.0.1:{}", self.port);
        let arguments = ["serve", "--config", "apogee.toml", "--listen", &listen];
        Process(
            apogee().current_dir(self.folder.path()).args(arguments).stdout(Stdio::null()).spawn().unwrap(),
        )
    }

    fn bot(&self, name: &str) -> Process {
        let controller = format!("http://127.0.0.1:{}", self.port);
        let key = format!("{name}.key");
        let arguments = [
            "dealbot",
            "run",
            "--controller",
            &controller,
            "--name",
            name,
            "--region",
            "eu",
            "--key",
            &key,
            "--outbox",
            name,
            "--canary",
            &self.canary,
            "--allow-private",
        ];
        Process(
            apogee().current_dir(self.folder.path()).args(arguments).stdout(Stdio::null()).spawn().unwrap(),
        )
    }

    /// Results that wait in the outbox of a bot.
    fn waiting(&self, name: &str) -> usize {
        let mut folders = vec![self.folder.path().join(name)];
        let mut found = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name().to_str().is_some_and(|name| name.starts_with("bafy")) {
                    found += 1;
                }
            }
        }
        found
    }
}

/// Three miners, the organiser's own provider, and a server that probes them from now on.
async fn world() -> (World, Vec<Gateway>) {
    let bytes: Vec<u8> = (0..BYTES).map(|index| u8::try_from(index % 251).unwrap()).collect();
    let root = Cid::new_v1(0x55, Code::Sha2_256.digest(&bytes));
    let mut gateways = Vec::new();
    for fault in [None, Some(Fault::Status(404)), Some(Fault::FlippedBit), None] {
        let mut library = Library::default();
        library.put_block(root, bytes.clone());
        let gateway = Gateway::start(library).await.unwrap();
        gateway.fault(fault);
        gateways.push(gateway);
    }
    let folder = tempfile::tempdir().unwrap();
    let database = copy(folder.path());
    let keys: Vec<String> = ["ada", "bob"]
        .iter()
        .map(|name| said(folder.path(), &["dealbot", "new", &format!("{name}.key")]))
        .collect();
    said(folder.path(), &["dealbot", "seed", "sprint.seed"]);
    said(folder.path(), &["dealbot", "log-key", "sprint.log-key"]);
    let settings = format!(
        r#"
        store = "sqlite:{}"
        [bots.ada]
        key = "{}"
        region = "eu"
        [bots.bob]
        key = "{}"
        region = "eu"
        [probes.sprint]
        network = "devnet-a"
        seed = "sprint.seed"
        log_key = "sprint.log-key"
        start = "2026-01-01T00:00:00Z"
        retrieval_seconds = 10
        retrieval_slots = 1000000000
        lease_seconds = 4
        canary_seconds = 4
        allow_private = true
        [probes.sprint.gateways]
        t01000 = "{}"
        t01001 = "{}"
        t01002 = "{}"
        [[probes.sprint.data]]
        root = "{root}"
        size = {BYTES}
        "#,
        database.display(),
        keys[0],
        keys[1],
        gateways[0].url(),
        gateways[1].url(),
        gateways[2].url(),
    );
    std::fs::write(folder.path().join("apogee.toml"), settings).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let canary = format!("{},{root},{BYTES}", gateways[3].url());
    (World { folder, database, port, canary }, gateways)
}

/// How often processes are killed.
pub(crate) fn kills(few: u32, all: u32) -> u32 {
    #[expect(clippy::disallowed_methods, reason = "tests are told by the environment how long they may take")]
    let full = std::env::var("APOGEE_FULL").is_ok();
    if full { all } else { few }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_bots_and_server_are_killed_no_slot_counts_twice_and_no_result_is_lost() {
    let (world, gateways) = world().await;
    let mut server = world.server();
    let mut bots = [world.bot("ada"), world.bot("bob")];
    let mut dice = ChaCha8Rng::seed_from_u64(6);
    for _ in 0..kills(8, 200) {
        tokio::time::sleep(Duration::from_millis(dice.random_range(300..4_000))).await;
        match dice.random_range(0..3) {
            0 => {
                server.kill();
                tokio::time::sleep(Duration::from_millis(dice.random_range(0..1_000))).await;
                server = world.server();
            }
            one => {
                let (place, name) = [(0, "ada"), (1, "bob")][one - 1];
                bots[place].kill();
                bots[place] = world.bot(name);
            }
        }
    }
    let store = SqliteStore::open(&world.database).await.unwrap();
    let network: NetworkId = "devnet-a".parse().unwrap();
    // Now that nobody is killed, every miner is judged by what it is.
    let patience = Instant::now();
    loop {
        let mut found: BTreeMap<(String, SlotOutcome), u64> = BTreeMap::new();
        for row in store.slot_counts(&network, "sprint", Page { after: None, limit: 10_000 }).await.unwrap() {
            let count = found.entry((row.miner, row.outcome)).or_default();
            *count = (*count).max(row.count);
        }
        let of = |miner: &str, outcome| found.get(&(miner.to_owned(), outcome)).copied().unwrap_or(0);
        if of("t01000", SlotOutcome::Ok) > 1
            && of("t01001", SlotOutcome::Fail) > 1
            && of("t01002", SlotOutcome::Fail) > 1
        {
            break;
        }
        assert!(patience.elapsed() < Duration::from_secs(240), "{found:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    for bot in &mut bots {
        assert!(bot.end(Duration::from_secs(90)), "a bot ends when it is asked to");
    }
    for name in ["ada", "bob"] {
        assert_eq!(world.waiting(name), 0, "what {name} found is told");
    }
    assert!(server.end(Duration::from_secs(30)));

    let (mut told, mut made) = (0, 0);
    for lane in store.lanes(&network, "sprint", Page { after: None, limit: 10 }).await.unwrap() {
        assert_eq!(lane.key.kind, ProbeKind::Retrieval);
        let slots = store.slots(&lane.key, Page { after: None, limit: 10_000 }).await.unwrap();
        assert!(slots.windows(2).all(|two| two[0].slot == two[1].slot + 1), "slots follow each other");
        for slot in &slots {
            let Some(verdict) = &slot.verdict else { continue };
            match (lane.key.miner.as_str(), verdict.outcome) {
                (_, SlotOutcome::Excluded) | ("t01000", SlotOutcome::Ok) => {}
                ("t01001", SlotOutcome::Fail) => assert_eq!(verdict.code, "HTTP_404"),
                ("t01002", SlotOutcome::Fail) => assert_eq!(verdict.code, "HASH_MISMATCH"),
                (miner, outcome) => panic!("{miner}: {outcome:?} {}", verdict.code),
            }
        }
        let attempts = store.probe_attempts(&lane.key, Page { after: None, limit: 10_000 }).await.unwrap();
        for attempt in &attempts {
            let expected =
                ["", "HTTP_404", "HASH_MISMATCH"][usize::from(lane.key.miner.as_bytes()[5] - b'0')];
            let lost = attempt.code == "LEASE_EXPIRED";
            assert!(lost || attempt.code == expected, "{attempt:?}");
            told += usize::from(attempt.evidence.is_some()) + usize::from(attempt.late.is_some());
            made += 1;
        }
        assert!(attempts.windows(2).all(|two| two[0].fence > two[1].fence && two[0].leased >= two[1].ended));
    }
    assert!(told >= 6 && made >= told, "{told} of {made}");
    drop(gateways);
}
