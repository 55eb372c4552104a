//! A recount from file to file: what a process of its own does.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use apogee_spacemesh::id::GenesisId;
use apogee_spacemesh_state::{OpenError, State};
use apogee_tortoise::Interrupt;

use crate::error::RecountError;
use crate::progress::Progress;
use crate::recount::{Checkpoint, Recount};
use crate::report::Report;
use crate::settings::Settings;

/// Bytes of a checkpoint: a network of ten years has fewer.
const MOST_CHECKPOINT: u64 = 256 << 20;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Job {
    /// The copy of a node's database.
    pub copy: PathBuf,
    /// The network.
    pub genesis: GenesisId,
    /// What reading the copy may take.
    pub reading: apogee_spacemesh_state::Limits,
    /// What is counted, and what that may take.
    pub settings: Settings,
    /// Where the report goes. It is there whole or not at all.
    pub out: PathBuf,
    /// Where to keep what is needed to go on after an end in between.
    pub checkpoint: Option<PathBuf>,
}

/// What was done.
#[derive(Debug)]
pub struct Outcome {
    /// What was written.
    pub report: Report,
    /// Stages that an earlier run had counted.
    pub resumed: usize,
    /// Why a checkpoint that was there was not gone on from.
    pub passed_over: Option<RecountError>,
}

/// A job that was not done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The copy is not read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The recount came to no end.
    #[error(transparent)]
    Recount(#[from] RecountError),
    /// A file cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Job {
    /// Do it. A checkpoint that is there is gone on from if it is one of this job; it is removed at the end.
    ///
    /// # Errors
    /// See [`JobError`].
    pub fn run(
        &self,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, JobError> {
        let state = State::open(&self.copy, &self.genesis, self.reading)?;
        let mut recount = Recount::begin(&state, self.settings.clone(), interrupt.clone(), progress)?;
        let (mut resumed, mut passed_over) = (0, None);
        if let Some(bytes) = self.kept()? {
            let gone_on = Checkpoint::from_json(&bytes).and_then(|checkpoint| {
                resumed = checkpoint.stages();
                recount.resume(checkpoint)
            });
            if let Err(why) = gone_on {
                (resumed, passed_over) = (0, Some(why));
            }
        }
        while recount.step(progress)? {
            if let Some(path) = &self.checkpoint {
                put(path, &recount.checkpoint().to_json())?;
            }
        }
        let report = recount.report()?.ok_or(RecountError::Checkpoint("stages are missing"))?;
        put(&self.out, &report.to_json())?;
        if let Some(path) = &self.checkpoint {
            // The report is there; one that is left over does no harm.
            let _ = std::fs::remove_file(path);
        }
        Ok(Outcome { report, resumed, passed_over })
    }

    fn kept(&self) -> Result<Option<Vec<u8>>, JobError> {
        let Some(path) = &self.checkpoint else { return Ok(None) };
        let failed = |source| JobError::File { path: path.clone(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        let mut bytes = Vec::new();
        file.take(MOST_CHECKPOINT).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Some(bytes))
    }
}

/// Write a file so that it is there whole or as it was.
fn put(path: &Path, bytes: &[u8]) -> Result<(), JobError> {
    let failed = |source| JobError::File { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
