//! The process of its own that counts.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use apogee_domain::Epoch;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::folder::Folder;
use crate::config;

/// How much longer than its processor time a recount may take: it stands back for everything else.
const PATIENCE: u32 = 4;
/// Bytes that are kept of what it says.
const WORDS: usize = 2_048;

/// A process that is about to be started.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    /// The file that says what the network is.
    pub(super) described: PathBuf,
    pub(super) folder: Folder,
    pub(super) limits: config::Recount,
    /// This program.
    pub(super) program: PathBuf,
}

/// Why a process came to no report.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotCounted {
    #[error("it cannot be started, or watched")]
    Process(#[from] io::Error),
    #[error("it took more than {0} seconds")]
    TooLong(u64),
    #[error("signal {0} ended it")]
    Ended(i32),
    #[error("{0}: {1}")]
    Failed(ExitStatus, String),
}

impl Counter {
    /// Count until there is a report, from layer `from` or earlier. A process that is there already for the same folder would be in the way:
    /// whoever asks sees to it that there is one.
    pub(super) async fn count(&self, from: Epoch) -> Result<(), NotCounted> {
        let mut child = self.command(from).spawn()?;
        // Its standard input stays open as long as this process lives, and no longer: then it ends as well.
        let open = child.stdin.take();
        let most = u64::from(self.limits.seconds.saturating_mul(PATIENCE));
        let ended = tokio::time::timeout(Duration::from_secs(most), ended(&mut child)).await;
        drop(open);
        let Ok(ended) = ended else {
            child.kill().await?;
            return Err(NotCounted::TooLong(most));
        };
        let (status, said) = ended?;
        match (status.signal(), status.code()) {
            // 1: votes decide otherwise than the node.
            (None, Some(0 | 1)) if self.folder.report().is_file() => Ok(()),
            (Some(signal), _) => Err(NotCounted::Ended(signal)),
            _ => Err(NotCounted::Failed(status, said)),
        }
    }

    fn command(&self, from: Epoch) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["spacemesh", "recount", "run", "--beside"])
            .arg(self.folder.copy())
            .arg("--described")
            .arg(&self.described)
            .arg("--out")
            .arg(self.folder.report())
            .arg("--checkpoint")
            .arg(self.folder.checkpoint())
            .args(["--from", &from.to_string()])
            .args(["--memory", &self.limits.memory_mib.to_string()])
            .args(["--seconds", &self.limits.seconds.to_string()]);
        // Of what this process was told, it needs nothing.
        command.env_clear().current_dir(self.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

/// How it ended, and what it said last.
async fn ended(child: &mut Child) -> io::Result<(ExitStatus, String)> {
    let words = child.stderr.take();
    let said = async {
        match words {
            Some(words) => tail(words).await,
            None => Ok(String::new()),
        }
    };
    let (status, said) = tokio::join!(child.wait(), said);
    Ok((status?, said?))
}

/// The last of what comes, until there is no more.
async fn tail(mut words: impl AsyncRead + Unpin) -> io::Result<String> {
    let (mut kept, mut buffer) = (Vec::new(), [0; WORDS]);
    loop {
        let read = words.read(&mut buffer).await?;
        if read == 0 {
            return Ok(String::from_utf8_lossy(&kept).trim().to_owned());
        }
        kept.extend_from_slice(buffer.get(..read).unwrap_or_default());
        kept.drain(..kept.len().saturating_sub(WORDS));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::*;

    /// A shell in place of this program: it reads its script from the first word that it is given, a file in its folder.
    fn counter(place: &Path, script: &str, seconds: u32) -> Counter {
        let folder = Folder::new(place.join("folder"));
        std::fs::create_dir_all(folder.path()).unwrap();
        std::fs::write(folder.path().join("spacemesh"), script).unwrap();
        let limits = config::Recount { seconds, ..config::Recount::default() };
        Counter { described: "n.toml".into(), folder, limits, program: "/bin/sh".into() }
    }

    async fn count(script: &str, seconds: u32) -> Result<(), NotCounted> {
        let place = tempfile::tempdir().unwrap();
        counter(place.path(), script, seconds).count(Epoch::GENESIS).await
    }

    #[tokio::test]
    async fn it_is_told_what_it_may_take_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let counter = counter(place.path(), "echo \"$@\" > report.json; env >> report.json; exit 1", 7);
        counter.count(Epoch::GENESIS.plus(32)).await.unwrap();
        let told = std::fs::read_to_string(counter.folder.report()).unwrap();
        for part in ["recount run --beside", "--from 32", "--memory 4096", "--seconds 7"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!told.contains("HOME=") && !told.contains("CARGO"), "{told}");
    }

    #[tokio::test]
    async fn how_it_failed_is_told() {
        let said = count("echo so it is >&2; exit 2", 7).await.unwrap_err();
        assert!(matches!(&said, NotCounted::Failed(_, words) if words == "so it is"), "{said}");
        let said = count("exit 0", 7).await.unwrap_err();
        assert!(matches!(said, NotCounted::Failed(..)), "without a report: {said}");
        let said = count("kill -KILL $$", 7).await.unwrap_err();
        assert!(matches!(said, NotCounted::Ended(9)), "{said}");
        let said = count("i=0; while [ $i -lt 20000 ]; do echo $i >&2; i=$((i+1)); done; exit 3", 60).await;
        let NotCounted::Failed(_, words) = said.unwrap_err() else { panic!() };
        assert!(words.ends_with("19999") && words.len() <= WORDS, "{}", words.len());
    }

    /// Whether a process is there and not only waited for.
    fn lives(process: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }

    #[tokio::test]
    async fn it_does_not_go_on_for_ever_nor_without_whoever_waits_for_it() {
        let said = count("exec sleep 60", 1).await.unwrap_err();
        assert!(matches!(said, NotCounted::TooLong(4)), "{said}");
        let place = tempfile::tempdir().unwrap();
        let (number, ended) = (place.path().join("number"), place.path().join("ended"));
        // It would end by itself, were its standard input closed.
        let counter = counter(place.path(), "echo $$ > ../number; cat; echo > ../ended; exec sleep 60", 60);
        let counting = tokio::spawn(async move { counter.count(Epoch::GENESIS).await });
        let begun = Instant::now();
        while !number.exists() && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let process = std::fs::read_to_string(&number).unwrap().trim().to_owned();
        assert!(lives(&process) && !ended.exists());
        counting.abort();
        assert!(counting.await.unwrap_err().is_cancelled());
        while lives(&process) && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!lives(&process));
    }
}
