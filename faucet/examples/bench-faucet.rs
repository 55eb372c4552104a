//! Prints how many requests a faucet accepts in a second, for good, against bare insertions of the same rows. Exits with 1 when a limit does not hold.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apogee_domain::{Atto, Digest, ManualClock, NetworkId, Timestamp};
use apogee_faucet::policy::{Applicant, Policy, prefixes};
use apogee_faucet::{Answer, Desk, Notation, Request};
use apogee_store::{Faucet, Grant, Payment, PaymentState, Store, Wallet, WalletMode};
use apogee_store_postgres::PostgresStore;
use apogee_store_sqlite::SqliteStore;
use apogee_testkit::postgres::Server;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const CLIENTS: usize = 8;
const EACH: usize = 500;
const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// Accepted in a second, at least.
const RATE: u128 = 500;
/// 99 of 100 answers come within this.
const PATIENCE: Duration = Duration::from_millis(250);

/// Every rule that counts, none of which refuses here.
const POLICY: &str = "
version = 1
amount = \"1 FIL\"
[account]
kinds = [\"user\"]
min_age = \"30d\"
[[limit]]
rule = \"identity-day\"
scope = \"identity\"
grants = 1
within = \"24h\"
[[limit]]
rule = \"identity-ever\"
scope = \"identity\"
grants = 3
[[limit]]
rule = \"recipient-day\"
scope = \"actor\"
grants = 1
within = \"24h\"
[[limit]]
rule = \"address-day\"
scope = \"v4-address\"
grants = 3
within = \"24h\"
[[limit]]
rule = \"neighbours-day\"
scope = \"v4-network\"
grants = 20
within = \"24h\"
[budget]
grants_per_day = 1000000
amount_per_day = \"1000000 FIL\"
[budget.pace]
burst = 1000000
refill = \"1ms\"
[wallet]
floor = \"0 FIL\"
low = 1
";

fn network() -> Result<NetworkId, Failure> {
    Ok("devnet-a".parse()?)
}

fn request(number: usize) -> Result<Request, Failure> {
    let number = u32::try_from(number)?;
    // Sixteen neighbours ask.
    let [_, b, c, _] = (number / 16 * 256).to_be_bytes();
    let d = u8::try_from(number % 16)?;
    let applicant = Applicant {
        identity: format!("github:{number}"),
        provider: "github".to_owned(),
        account_kind: "user".to_owned(),
        account_created: Some(Timestamp(0)),
        actor: format!("t0{number}"),
        miner: false,
        recipient_balance: Some(Atto(0)),
        prefixes: prefixes([10, b, c, d].into()).to_vec(),
        code: None,
    };
    let payee = format!("t0{number}");
    Ok(Request {
        applicant,
        given: payee.clone(),
        payee,
        key: format!("key-{number}"),
        body: Digest([7; 32]),
    })
}

async fn prepare(store: &dyn Store, policy: &Policy) -> Result<(), Failure> {
    let mut work = store.begin().await?;
    let wallet = Wallet {
        network: network()?,
        name: "hot".to_owned(),
        address: "t1hot".to_owned(),
        next_nonce: 0,
        mode: WalletMode::Open,
        reason: String::new(),
        proposes_for: None,
    };
    work.put_wallet(&wallet).await?;
    for name in ["drip", "bare"] {
        let faucet = Faucet {
            network: network()?,
            name: name.to_owned(),
            wallet: "hot".to_owned(),
            enabled: true,
            reason: String::new(),
            changed_by: "bench".to_owned(),
            changed_at: NOW,
            policy_version: policy.version,
            policy_digest: policy.digest(),
            day: 0,
            day_grants: 0,
            day_amount: Atto(0),
            full_at: Timestamp(0),
        };
        work.put_faucet(&faucet, POLICY).await?;
    }
    work.commit().await?;
    Ok(())
}

/// The rows that an accepted request comes to, in a unit of work of their own.
async fn insert(store: &dyn Store, template: &Grant, number: usize) -> Result<(), Failure> {
    let grant = Grant {
        id: format!("bare-{number:031}"),
        faucet: "bare".to_owned(),
        identity: format!("github:{number}"),
        key: format!("key-{number}"),
        ..template.clone()
    };
    let mut work = store.begin().await?;
    work.add_grants(&grant.network, "bare", std::slice::from_ref(&grant)).await?;
    let payment = Payment {
        network: grant.network.clone(),
        id: grant.payment(),
        wallet: "hot".to_owned(),
        payee: grant.actor.clone(),
        amount: grant.amount,
        state: PaymentState::Accepted,
        reason: String::new(),
        created: grant.created,
    };
    work.put_payment(&payment).await?;
    Ok(work.commit().await?)
}

/// Let all clients work, each on its own numbers. How many a second, and how long one took, sorted.
async fn run<F, R>(task: F) -> Result<(u128, Vec<Duration>), Failure>
where
    F: Fn(usize) -> R + Clone + Send + 'static,
    R: Future<Output = Result<(), Failure>> + Send,
{
    let start = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let task = task.clone();
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(EACH);
                for number in 0..EACH {
                    let start = Instant::now();
                    task(client * EACH + number).await?;
                    times.push(start.elapsed());
                }
                Ok::<_, Failure>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await??);
    }
    times.sort_unstable();
    Ok((times.len() as u128 * 1_000_000 / start.elapsed().as_micros().max(1), times))
}

async fn measure(name: &str, store: Arc<dyn Store>, bars: bool) -> Result<bool, Failure> {
    let policy = Policy::read(POLICY)?;
    prepare(store.as_ref(), &policy).await?;
    let clock = Arc::new(ManualClock::at(NOW));
    let place = (network()?, "drip".to_owned(), Notation::Filecoin('t'));
    let desk = Desk::new(Arc::clone(&store), clock, Box::new(ChaCha8Rng::seed_from_u64(1)), place, policy);
    desk.set_funds(Some(Atto(u128::MAX)));
    let Answer::Granted(template) = desk.accept(request(CLIENTS * EACH)?).await? else {
        return Err("the first request is refused".into());
    };
    // Half of the bare insertions before and half behind, so that neither has the warmer machine.
    let bare = |from: usize| {
        let (store, template) = (Arc::clone(&store), template.clone());
        move |number| {
            let (store, template) = (Arc::clone(&store), template.clone());
            async move { insert(store.as_ref(), &template, from + number).await }
        }
    };
    let (before, _) = run(bare(0)).await?;
    let (accepted, times) = run(move |number| {
        let desk = Arc::clone(&desk);
        async move {
            match desk.accept(request(number)?).await? {
                Answer::Granted(_) => Ok(()),
                other => Err(format!("not granted: {other:?}").into()),
            }
        }
    })
    .await?;
    let (behind, _) = run(bare(CLIENTS * EACH)).await?;
    let bare = before.midpoint(behind);
    let at = |hundredths: usize| times.get(times.len() * hundredths / 100).copied().unwrap_or_default();
    let mut text = String::new();
    write!(
        text,
        "{name}: {accepted} requests accepted a second by {CLIENTS} clients; median {:.1?}",
        at(50)
    )?;
    write!(text, ", 99 of 100 within {:.1?}; bare insertions of the same rows: {bare} a second", at(99))?;
    println!("{text}; {} % of that", accepted * 100 / bare.max(1));
    Ok(!bars || (accepted >= RATE && accepted * 2 >= bare && at(99) < PATIENCE))
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let Some(server) = Server::start_with(&["shared_buffers=1GB"])? else { return Ok(ExitCode::FAILURE) };
    let mut good = true;
    for run in 1..=3 {
        let store = Arc::new(PostgresStore::connect(&server.database()?).await?);
        good &= measure(&format!("PostgreSQL, run {run}"), store, true).await?;
    }
    let folder = tempfile::tempdir()?;
    let store = Arc::new(SqliteStore::open(&folder.path().join("apogee.sqlite")).await?);
    measure("SQLite", store, false).await?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
