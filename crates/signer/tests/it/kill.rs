//! A signer process that is killed in the middle of its work, again and again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apogee_signer::{Access, Journal, LocalSigner, Policy, SocketSigner, bind, serve};
use apogee_treasury::{Order, Purpose, SignError, Signed, Signer};
use fvm_shared::address::Address;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::desk::{keystore, message, order, payee, read, wallet};

/// Tells the other process its folder.
const FOLDER: &str = "APOGEE_SIGNER_OF_TEST";
const KILLS: u64 = 40;

/// The other process: nothing but a signer.
#[tokio::test]
#[ignore = "the process that the test below starts and kills"]
async fn a_signer_that_will_be_killed() {
    #[expect(clippy::disallowed_methods, reason = "the test below says where")]
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = PathBuf::from(folder);
    let journal = Journal::open(&folder.join("journal"), &"devnet-a".parse().unwrap()).unwrap();
    let policy = Policy::read(&folder.join("policy.toml")).unwrap();
    let clock = apogee_domain::ManualClock::at(apogee_domain::Timestamp::from_seconds(1_800_000_000));
    let signer = LocalSigner::new(policy, journal, Box::new(Arc::new(keystore())), Arc::new(clock));
    let access = Access::default();
    let listener = bind(&folder.join("socket"), &access).unwrap();
    serve(listener, Arc::new(signer), access, std::future::pending()).await.unwrap();
}

struct Process(Child);

impl Process {
    fn start(folder: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "kill::a_signer_that_will_be_killed"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Orders that contradict each other.
fn orders(random: &mut StdRng, from: u64) -> Vec<Order> {
    let mut one = || {
        let (nonce, cap) = (from + random.random_range(0..12), random.random_range(1..5));
        match random.random_range(0..6) {
            0 => order(Purpose::Cancel, nonce, wallet(), 0, cap),
            to => order(Purpose::Pay, nonce, payee(to), random.random_range(1..3), cap),
        }
    };
    (0..2).map(|_| one()).collect()
}

async fn up(signer: &SocketSigner) {
    for _ in 0..1000 {
        if signer.wallets().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the signer does not come up");
}

/// Ask until the process is gone; what it signed.
async fn ask(
    signer: SocketSigner,
    mut random: StdRng,
    from: u64,
    answers: Arc<AtomicU64>,
) -> Vec<(Order, Signed)> {
    let mut all = Vec::new();
    loop {
        let orders = orders(&mut random, from);
        match signer.sign(&wallet().to_string(), 1, &orders).await {
            Ok(signed) => all.extend(orders.into_iter().zip(signed)),
            Err(SignError::Refused { .. }) => continue,
            Err(SignError::Unavailable(_)) => return all,
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_killed_signer_pays_one_payee_one_amount_for_a_nonce() {
    let folder = tempfile::tempdir().unwrap();
    let policy = super::desk::policy(&wallet(), "any")
        .replace("\"2500\"", "\"1000000\"")
        .replace("\"20000000\"", "\"20000000000000\"");
    std::fs::write(folder.path().join("policy.toml"), policy).unwrap();
    let signer = SocketSigner::new(folder.path().join("socket"), Duration::from_secs(5));
    let (mut signed, mut random) = (Vec::new(), StdRng::seed_from_u64(7));
    for round in 0..KILLS {
        let process = Process::start(folder.path());
        up(&signer).await;
        let answers = Arc::new(AtomicU64::new(0));
        // Nonces of the round before come again.
        let asking: Vec<_> = (0..3)
            .map(|_| (StdRng::from_rng(&mut random), Arc::clone(&answers)))
            .map(|(random, answers)| tokio::spawn(ask(signer.clone(), random, round * 6, answers)))
            .collect();
        let enough = random.random_range(1..9);
        while answers.load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(random.random_range(0..5000))).await;
        drop(process);
        for one in asking {
            signed.extend(one.await.unwrap());
        }
    }
    let mut pays: HashMap<u64, (Address, String)> = HashMap::new();
    for (order, signed) in &signed {
        let said = read(signed);
        assert_eq!(said, message(order));
        if order.purpose == Purpose::Pay {
            let pay = (said.to, said.value.to_string());
            assert_eq!(*pays.entry(order.nonce).or_insert_with(|| pay.clone()), pay, "nonce {}", order.nonce);
        }
    }
    assert!(pays.len() > 30 && signed.len() > 150, "{} nonces, {} signatures", pays.len(), signed.len());
    println!("{KILLS} kills, {} signatures for {} nonces", signed.len(), pays.len());

    // Whoever comes after knows all of them, and signs each again.
    let _process = Process::start(folder.path());
    up(&signer).await;
    for (order, signed) in signed.iter().step_by(7) {
        let again = signer.sign(&wallet().to_string(), 1, std::slice::from_ref(order)).await.unwrap();
        assert_eq!(again, std::slice::from_ref(signed));
    }
    for (nonce, (to, _)) in pays.iter().take(50) {
        let other = order(Purpose::Pay, *nonce, *to, 3, 2);
        let refused = signer.sign(&wallet().to_string(), 1, &[other]).await;
        assert_eq!(super::desk::rule(&refused), "nonce-reused");
    }
}
