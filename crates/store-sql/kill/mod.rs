// One text, part of the tests of both adapters: see crates/store-sql/README.md.

mod chain;
mod check;
mod writer;

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use self::writer::{Database, Draws, Order};

/// What tells this program that it is the one to be killed: address, order and seed, a line each.
const ROLE: &str = "APOGEE_KILL_WRITER";

/// A line of the killed process: the database is open, or a step is done.
const STEP: &str = "one step further";

/// The killed process ends by itself after this long, should nobody kill it.
const LIFE: Duration = Duration::from_secs(20);

fn environment(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how long to test, with which seed and in which role")]
    std::env::var(name).ok()
}

/// All kills with `APOGEE_FULL`, a bounded share otherwise.
pub(crate) fn share(full: u32, bounded: u32) -> u32 {
    if environment("APOGEE_FULL").is_some() { full } else { bounded }
}

/// A seed, said so that a failure can be repeated.
fn seed() -> u64 {
    let drawn = RandomState::new().hash_one("seed");
    let seed = environment("APOGEE_SEED").and_then(|text| text.parse().ok()).unwrap_or(drawn);
    println!("APOGEE_SEED={seed}");
    seed
}

/// The role of the process that is killed. Does nothing where this is not that process.
pub(crate) async fn write() {
    let Some(role) = environment(ROLE) else { return };
    let mut lines = role.lines();
    let address = lines.next().unwrap();
    let order = Order::named(lines.next().unwrap()).unwrap();
    let mut draws = Draws(lines.next().unwrap().parse().unwrap());
    let database = Database::open(address).await;
    println!("{STEP}");
    let work = async {
        loop {
            writer::step(&database, order, &mut draws).await.unwrap();
            println!("{STEP}");
        }
    };
    drop(tokio::time::timeout(LIFE, work).await);
}

fn spawn(address: &str, order: Order, seed: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["the_process_that_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(ROLE, format!("{address}\n{}\n{seed}", order.name()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Start the writer, and kill it with SIGKILL at a moment that is drawn: mostly in one of its first steps, sometimes while it opens the database.
fn kill_once(address: &str, order: Order, draws: &mut Draws, meanwhile: impl FnOnce()) {
    let mut child = spawn(address, order, draws.below(u64::MAX));
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let steps = lines.filter(|line| line.as_ref().unwrap().ends_with(STEP));
    let wanted = usize::try_from(draws.below(8)).unwrap();
    assert_eq!(steps.take(wanted).count(), wanted, "the writer ended by itself");
    std::thread::sleep(Duration::from_micros(draws.below(20_000)));
    meanwhile();
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Kill a writer so many times, check after each that nothing is lost and nothing double, and in the end that all is as without any kill.
///
/// `crash` does what else is done to the database at the moment of a kill; `fresh` is the address of an empty one.
pub(crate) async fn survive(address: &str, fresh: &str, kills: u32, mut crash: impl FnMut()) {
    let seed = seed();
    let mut draws = Draws(seed);
    let mut newest = -1;
    for kill in 1..=kills {
        kill_once(address, Order::Together, &mut draws, &mut crash);
        crate::settle(address).await;
        let store = crate::open(address).await.unwrap();
        newest = match check::check(&store).await.unwrap() {
            Ok(tip) => tip,
            Err(wrong) => panic!("after kill {kill} of seed {seed}: {wrong}"),
        };
    }
    // A few lives may all end before their first step.
    assert!(
        kills < 20 || newest >= kills.into(),
        "the writer hardly wrote: {newest} epochs in {kills} lives"
    );
    let store = crate::open(address).await.unwrap();
    let target = newest + 10;
    writer::finish(&store, target).await.unwrap();
    let straight = crate::open(fresh).await.unwrap();
    writer::finish(&straight, target).await.unwrap();
    for (name, store) in [("killed", &store), ("straight", &straight)] {
        assert_eq!(check::check(store).await.unwrap(), Ok(target), "the {name} database");
    }
    assert_eq!(check::epochs(&store).await.unwrap(), check::epochs(&straight).await.unwrap());
    println!("{kills} kills, {target} epochs: nothing lost, nothing double");
}

/// Kill a writer that commits in a wrong order, let it go on for some batches, and check: this must find damage that stays.
async fn is_caught(address: &str, order: Order) {
    let seed = seed();
    let mut draws = Draws(seed);
    // So that every series and subject is there, without which no wrong order can write a row.
    let database = Database::open(address).await;
    writer::finish(&database.store, 20).await.unwrap();
    for _ in 0..2 {
        writer::step(&database, order, &mut draws).await.unwrap();
        let whole = check::check(&database.store).await.unwrap();
        assert!(whole.is_ok(), "without a kill nothing is wrong: {whole:?}");
    }
    drop(database);
    for kill in 1..=60 {
        kill_once(address, order, &mut draws, || ());
        crate::settle(address).await;
        let database = Database::open(address).await;
        for _ in 0..12 {
            writer::step(&database, order, &mut draws).await.unwrap();
        }
        if let Err(wrong) = check::check(&database.store).await.unwrap() {
            println!("{}: caught at kill {kill}: {wrong}", order.name());
            return;
        }
    }
    panic!("60 kills of seed {seed} did not show that {} is wrong", order.name());
}

/// The control: a cursor that is committed before its rows.
pub(crate) async fn a_cursor_first_is_caught(address: &str) {
    is_caught(address, Order::CursorFirst).await;
}

/// The control: rows that are committed before their cursor.
pub(crate) async fn rows_first_are_caught(address: &str) {
    is_caught(address, Order::RowsFirst).await;
}
