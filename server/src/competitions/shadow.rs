use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use apogee_domain::Digest;
use serde::Deserialize;
use serde_json::json;

use super::stood::Stood;

/// The second implementation as it comes with the program: whatever lies in the folder where somebody works is not run in its place.
const FILES: [(&str, &str); 3] = [
    ("apogee_shadow.py", include_str!("../../../shadow/apogee_shadow.py")),
    ("shadow_read.py", include_str!("../../../shadow/shadow_read.py")),
    ("shadow_stand.py", include_str!("../../../shadow/shadow_stand.py")),
];

/// The second implementation of `docs/rules.md`, which shares no code with this one; or another one in a file.
#[derive(Clone, Debug)]
pub(crate) enum Shadow {
    /// The one that comes with the program.
    Ours,
    /// One that somebody names.
    File(PathBuf),
}

/// Why the second implementation says nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoShadow {
    /// There is no place to run it.
    #[error("the second implementation could not be laid out")]
    Place(#[source] std::io::Error),
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
    /// The one at `file`, else our own.
    pub(crate) fn of(file: Option<&Path>) -> Self {
        file.map_or(Self::Ours, |file| Self::File(file.to_owned()))
    }

    /// The root that it computes for the same standings.
    pub(crate) fn root(&self, stood: &Stood) -> Result<Digest, NoShadow> {
        let case = json!({
            "facts": stood.measured, "entities": stood.entities.list(), "rules": stood.rules(),
            "decisions": stood.decisions.list(), "at": stood.competition.reads(stood.triple.at), "seq": stood.triple.seq,
        });
        let folder = tempfile::tempdir().map_err(NoShadow::Place)?;
        let file = match self {
            Self::File(file) => file.clone(),
            Self::Ours => {
                for (name, text) in FILES {
                    std::fs::write(folder.path().join(name), text).map_err(NoShadow::Place)?;
                }
                folder.path().join("apogee_shadow.py")
            }
        };
        let failed = |cause| NoShadow::Run(file.clone(), cause);
        let mut child = Command::new("python3")
            // No packages of the machine, no settings of the user: nothing but the file and Python's own library.
            .args(["-B", "-E", "-s", "-S"])
            .arg(&file)
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
        Err(NoShadow::Said(file, last))
    }
}
