//! A throw-away PostgreSQL: a cluster in a temporary folder, on a socket in that folder.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fs, io};

/// How long the server may take to start: initialising is over by then, and a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the server for as long as its standard input is open. So it ends with the test process, however that ends. A line means that the
/// server has been killed, and is to be started again.
const KEEPER: &str = r#"
    programs=$1 folder=$2
    shift 2
    start() {
        "$programs/postgres" -D "$folder" -k "$folder" -c listen_addresses= -c logging_collector=off "$@" >>"$folder/log" 2>&1 &
        server=$!
    }
    start "$@"
    while read -r _; do
        wait "$server" 2>/dev/null
        start "$@"
    done
    kill -INT "$server"
    wait "$server"
    rm -rf "$folder"
"#;

/// A server of our own. It stops, and its folder goes, when this is dropped or the process ends.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    folder: PathBuf,
    keeper: Child,
    databases: AtomicU32,
}

impl Server {
    /// Initialise a cluster and start it. `None` where PostgreSQL is not installed, which is said on standard error.
    ///
    /// As root, the server runs as the user `postgres`: it refuses to be root.
    ///
    /// # Errors
    /// Where a program of PostgreSQL fails; what it said is part of the error.
    pub fn start() -> io::Result<Option<Self>> {
        Self::start_with(&[])
    }

    /// The same with settings that differ from those it comes with: `shared_buffers=1GB`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(settings: &[&str]) -> io::Result<Option<Self>> {
        let Some(programs) = programs() else {
            eprintln!("SKIPPED: PostgreSQL is not installed; `cargo xtask setup` installs it");
            return Ok(None);
        };
        let folder = tempfile::Builder::new().prefix("apogee-pg-").tempdir()?.keep();
        let user = user()?;
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(&folder, Some(uid), Some(gid))?;
        }
        let started = initialise(&programs, &folder, user).and_then(|()| {
            let mut keeper = Command::new("sh");
            keeper.args(["-c", KEEPER, "sh"]).arg(&programs).arg(&folder).stdin(Stdio::piped());
            keeper.args(settings.iter().flat_map(|setting| ["-c", setting]));
            as_user(&mut keeper, user).spawn()
        });
        let keeper = started.inspect_err(|_| drop(fs::remove_dir_all(&folder)))?;
        let server = Self { programs, folder, keeper, databases: AtomicU32::new(0) };
        server.wait(None)?;
        Ok(Some(server))
    }

    /// Wait for a server that is not the process `before`.
    fn wait(&self, before: Option<&str>) -> io::Result<()> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            // The first line of this file is the process, the last one the state of the server.
            let state = self.postmaster();
            let new = before.is_none_or(|before| state.lines().next() != Some(before));
            if new && state.lines().last().is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(io::Error::other(format!("PostgreSQL does not start: {log}")))
    }

    fn postmaster(&self) -> String {
        fs::read_to_string(self.folder.join("postmaster.pid")).unwrap_or_default()
    }

    /// Kill every process of the server with SIGKILL, and start it again: it recovers from its log.
    ///
    /// # Errors
    /// Where it cannot be killed, or does not start again.
    pub fn crash(&mut self) -> io::Result<()> {
        let state = self.postmaster();
        let process = state.lines().next().unwrap_or_default();
        let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
        // A child may have ended by itself in between: what counts is that the first one, the postmaster, is hit.
        Command::new("kill").args(["-KILL", process]).args(children.split_whitespace()).output()?;
        if let Some(keeper) = &mut self.keeper.stdin {
            keeper.write_all(b"\n")?;
        }
        self.wait(Some(process))
    }

    /// The address of a new, empty database.
    ///
    /// # Errors
    /// Where the server does not create it.
    pub fn database(&self) -> io::Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut create = Command::new(self.programs.join("createdb"));
        succeeded(create.arg("-h").arg(&self.folder).args(["-U", "apogee", &name]).output()?)?;
        Ok(format!("postgres://apogee@localhost/{name}?host={}", self.folder.display()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Closing its standard input tells the keeper to stop the server.
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}

/// The address of a new, empty database on a server that all tests of this process share. `None` where PostgreSQL is not installed, which is
/// said on standard error.
///
/// # Panics
/// Where PostgreSQL is installed and does not start.
#[must_use]
pub fn database() -> Option<String> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| Server::start().unwrap_or_else(|e| panic!("{e}"))).as_ref()?;
    Some(server.database().unwrap_or_else(|e| panic!("{e}")))
}

/// The folder that holds PostgreSQL's programs: in the path, or where Debian keeps them.
fn programs() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the path is where programs are looked for")]
    let path = std::env::var("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    let complete =
        |folder: &PathBuf| ["initdb", "postgres", "createdb"].iter().all(|name| folder.join(name).is_file());
    debian.into_iter().rev().chain(std::env::split_paths(&path)).find(complete)
}

/// Whose the server shall be: `postgres`, when we are root.
fn user() -> io::Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let mut fields =
        users.lines().find_map(|line| line.strip_prefix("postgres:")).unwrap_or("").split(':').skip(1);
    let mut number = || fields.next().and_then(|field| field.parse().ok());
    match (number(), number()) {
        (Some(uid), Some(gid)) => Ok(Some((uid, gid))),
        _ => Err(io::Error::other("root cannot run PostgreSQL, and there is no user named postgres")),
    }
}

fn as_user(command: &mut Command, user: Option<(u32, u32)>) -> &mut Command {
    match user {
        Some((uid, gid)) => command.uid(uid).gid(gid).current_dir("/"),
        None => command,
    }
}

fn initialise(programs: &Path, folder: &Path, user: Option<(u32, u32)>) -> io::Result<()> {
    let mut initdb = Command::new(programs.join("initdb"));
    initdb.arg("-D").arg(folder).args([
        "-U",
        "apogee",
        "--auth=trust",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C",
    ]);
    succeeded(as_user(&mut initdb, user).output()?)
}

fn succeeded(output: Output) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("a program of PostgreSQL failed: {said}")))
}
