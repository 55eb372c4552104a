//! Pages and indexing of a server, alone and with a recount of a large copy beside them, in turns: prints the 99th percentile of pages and the time of an
//! import, and exits with 1 where the recount changes either by more than a tenth.
//!
//! `cargo build --release && cargo run --release -p apogee-recount --example bench-beside`
//!
//! The recount is a process of the lowest priority, as a server starts it, on 4,032 layers of 50 ballots. Pages are boards at layers and lengths that were not
//! asked for before, two hundred a second.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use apogee_recount::{Interrupt, Recount};
use apogee_spacemesh::id::GenesisId;
use apogee_spacemesh_state::State;

use crate::made::{Failure, LAST, made, settings};

#[path = "../tests/shared/made.rs"]
mod made;

const LAYERS: u32 = 4_032;
const BALLOTS: u32 = 50;
const ROUNDS: u32 = 9;
/// Pages of a round, and how long until the next one is asked for.
const PAGES: u32 = 600;
const PACE: Duration = Duration::from_millis(5);
/// Imports of a round.
const IMPORTS: u32 = 4;
/// The most that a recount may change, in thousandths.
const MOST: u128 = 1_100;

/// A process that ends with what holds it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [word, copy, genesis] if word == "count" => count(Path::new(copy), genesis).map(|()| true),
        _ => bench(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

/// Again and again, until it is ended.
fn count(copy: &Path, genesis: &str) -> Result<(), Failure> {
    let genesis: GenesisId = genesis.parse()?;
    let reading = apogee_spacemesh_state::Limits { kilosteps: u64::MAX, ..Default::default() };
    loop {
        let state = State::open(copy, &genesis, reading)?;
        let mut recount =
            Recount::begin(&state, settings(LAYERS + LAST), Interrupt::new(|| false), &mut |_| ())?;
        while recount.step(&mut |_| ())? {}
        recount.report()?.ok_or("no report")?;
    }
}

struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
    example: PathBuf,
}

impl Place {
    fn import(&self, store: &str) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let output = Command::new(&self.program)
            .current_dir(self.folder.path())
            .args(["spacemesh", "import"])
            .arg(self.example.join("state_a.sql"))
            .arg("--described")
            .arg(self.example.join("network.toml"))
            .args(["--network", "devnet-208", "--store", &format!("sqlite:{store}")])
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(begun.elapsed())
    }

    fn serve(&self) -> Result<(Running, String), Failure> {
        std::fs::write(self.folder.path().join("apogee.toml"), "store = \"sqlite:served.sqlite\"\n")?;
        let mut command = Command::new(&self.program);
        command.current_dir(self.folder.path()).args(["serve", "--config", "apogee.toml"]);
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Running(command.spawn()?);
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        Ok((server, address))
    }
}

/// The 99th percentile of pages, microseconds.
fn pages(address: &str, asked: &mut u32) -> Result<u128, Failure> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut times = Vec::new();
    let begun = Instant::now();
    for page in 0..PAGES {
        let due = PACE * page;
        if let Some(wait) = due.checked_sub(begun.elapsed()) {
            std::thread::sleep(wait);
        }
        // Sixty layers, and as many lengths as there are rounds of them.
        let (layer, limit) = (35 + *asked % 60, 1 + *asked / 60);
        *asked += 1;
        let at = Instant::now();
        write!(
            stream,
            "GET /n/devnet-208/board?at=e:{layer}&limit={limit} HTTP/1.1\r\nhost: a\r\naccept: text/html\r\n\r\n"
        )?;
        answer(&mut reader)?;
        times.push(at.elapsed().as_micros());
    }
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().ok_or_else(|| "no pages".into())
}

fn answer(reader: &mut BufReader<TcpStream>) -> Result<(), Failure> {
    let (mut line, mut length) = (String::new(), None);
    reader.read_line(&mut line)?;
    if !line.contains(" 200 ") {
        return Err(line.into());
    }
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let text = line.trim().to_ascii_lowercase();
        if text.is_empty() {
            break;
        }
        if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let mut body = vec![0; length.ok_or("an answer without a length")?];
    Ok(reader.read_exact(&mut body)?)
}

fn median(mut values: Vec<u128>) -> u128 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn bench() -> Result<bool, Failure> {
    let here = std::env::current_exe()?;
    let program = here.ancestors().nth(2).ok_or("no folder of programs")?.join("apogee");
    if !program.is_file() {
        return Err("build the program first: cargo build --release".into());
    }
    let folder = tempfile::tempdir()?;
    let (copy, genesis) = made(folder.path(), LAYERS, BALLOTS)?.ok_or("no recording")?;
    let place = Place { folder, program, example: apogee_testkit::example("spacemesh-devnet") };
    place.import("served.sqlite")?;
    let (_server, address) = place.serve()?;
    let mut asked = 0;
    pages(&address, &mut asked)?;
    let (mut shown, mut indexed) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..ROUNDS * 2 {
        let beside = round % 2 == 1;
        let counting = if beside {
            let mut command = Command::new("nice");
            command.args(["-n", "19"]).arg(&here).arg("count").arg(&copy).arg(genesis.to_string());
            Some(Running(command.spawn()?))
        } else {
            None
        };
        // It is at work.
        std::thread::sleep(Duration::from_millis(500));
        let p99 = pages(&address, &mut asked)?;
        let mut imports = Vec::new();
        for import in 0..IMPORTS {
            imports.push(place.import(&format!("round-{round}-{import}.sqlite"))?.as_micros());
        }
        drop(counting);
        for (all, one) in [(&mut shown, p99), (&mut indexed, median(imports))] {
            if let Some(of) = all.get_mut(usize::from(beside)) {
                of.push(one);
            }
        }
    }
    let mut holds = true;
    for (what, [alone, beside]) in [("page p99", shown), ("import", indexed)] {
        let (alone, beside) = (median(alone), median(beside));
        let ratio = beside.saturating_mul(1_000).checked_div(alone).unwrap_or(u128::MAX);
        println!("{what}: {alone} µs alone, {beside} µs beside a recount: {ratio} thousandths");
        holds &= ratio <= MOST;
    }
    Ok(holds)
}
