use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use apogee_domain::Digest;
use serde::Deserialize;
use serde_json::json;

use super::stood::Stood;

/// Where the second implementation lies beside the program, or where the program is called.
const PLACES: [&str; 2] = ["shadow/apogee_shadow.py", "apogee_shadow.py"];

/// The second implementation of `docs/rules.md`, which shares no code with this one.
#[derive(Clone, Debug)]
pub(crate) struct Shadow(PathBuf);

/// Why the second implementation says nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoShadow {
    /// It is not there.
    #[error("the second implementation is not beside the program: name it with --shadow")]
    Absent,
    /// It could not be run.
    #[error("{file} could not be run with python3", file = .0.display())]
    Run(PathBuf, #[source] std::io::Error),
    /// It failed, or said something else than standings.
    #[error("{file} computed no standings: {said}", file = .0.display(), said = .1)]
    Said(PathBuf, String),
}

#[derive(Deserialize)]
struct Root {
    root: Digest,
}

impl Shadow {
    /// The one at `file`, else the one beside the program or in the folder in which it runs.
    pub(crate) fn find(file: Option<&Path>) -> Result<Self, NoShadow> {
        if let Some(file) = file {
            return Ok(Self(file.to_owned()));
        }
        let beside = std::env::current_exe().ok().and_then(|program| program.parent().map(Path::to_owned));
        let folders = beside.into_iter().chain([PathBuf::from(".")]);
        let mut files = folders.flat_map(|folder| PLACES.map(|place| folder.join(place)));
        files.find(|file| file.is_file()).map(Self).ok_or(NoShadow::Absent)
    }

    /// The root that it computes for the same standings.
    pub(crate) fn root(&self, stood: &Stood) -> Result<Digest, NoShadow> {
        let case = json!({
            "facts": stood.measured, "entities": stood.entities.list(), "rules": stood.rules(),
            "decisions": stood.decisions.list(), "at": stood.competition.reads(stood.triple.at), "seq": stood.triple.seq,
        });
        let failed = |cause| NoShadow::Run(self.0.clone(), cause);
        let mut child = Command::new("python3")
            .arg("-B")
            .arg(&self.0)
            .arg("stand")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // It reads its case whole before it says anything; where it ends early, its own words say why.
        if let Some(mut input) = child.stdin.take() {
            let _ = writeln!(input, "{case}");
        }
        let output = child.wait_with_output().map_err(failed)?;
        if let Ok(Root { root }) = serde_json::from_slice(&output.stdout)
            && output.status.success()
        {
            return Ok(root);
        }
        let said =
            String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
        let last = said.lines().last().unwrap_or("nothing").chars().take(300).collect::<String>();
        Err(NoShadow::Said(self.0.clone(), last))
    }
}
