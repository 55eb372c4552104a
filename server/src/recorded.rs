//! Recorded chains, as people name them.

use std::path::{Path, PathBuf};

use apogee_filecoin::car::Limits;
use apogee_filecoin::source::CarSource;
use apogee_indexer::recording::{self, InvalidRecording, Recording};

/// Names of the chain in a recording's folder.
const CHAINS: [&str; 2] = ["chain.car.zst", "chain.car"];

/// An archive, and the folder that describes its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) folder: PathBuf,
    pub(crate) archive: PathBuf,
}

/// Why a path names no recorded chain.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRecorded {
    #[error("{} cannot be used: it is neither the folder of a recording nor an archive", .0.display())]
    Nothing(PathBuf),
    #[error("{} cannot be used: it has no chain.car.zst", .0.display())]
    NoChain(PathBuf),
    #[error("{} cannot be used", .0.display())]
    Recording(PathBuf, #[source] InvalidRecording),
}

impl Recorded {
    /// The chain that a path names: the folder of a recording, or an archive in such a folder.
    pub(crate) fn of(path: &Path) -> Result<Self, NotRecorded> {
        if path.is_dir() {
            let mut chains = CHAINS.iter().map(|name| path.join(name));
            let archive = chains.find(|chain| chain.is_file());
            let archive = archive.ok_or_else(|| NotRecorded::NoChain(path.to_owned()))?;
            return Ok(Self { folder: path.to_owned(), archive });
        }
        if !path.is_file() {
            return Err(NotRecorded::Nothing(path.to_owned()));
        }
        // The folder of a bare name is the one that the program runs in.
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        Ok(Self { folder: folder.to_owned(), archive: path.to_owned() })
    }

    /// Read it. The chain of the folder comes with its forks and certificates; of another archive there is only what is in it.
    pub(crate) fn read(&self) -> Result<Recording, NotRecorded> {
        let failed = |cause| NotRecorded::Recording(self.named().to_owned(), cause);
        let recording = recording::devnet(&self.folder).map_err(failed)?;
        let own = CHAINS.iter().any(|name| same(&self.archive, &self.folder.join(name)));
        let source = if own {
            recording.source
        } else {
            CarSource::open(&[&self.archive], &Limits::DEFAULT).map_err(|cause| failed(cause.into()))?
        };
        Ok(Recording { source, ..recording })
    }

    /// What whoever named it knows it by.
    fn named(&self) -> &Path {
        let own = CHAINS.iter().any(|name| self.archive == self.folder.join(name));
        if own { &self.folder } else { &self.archive }
    }
}

fn same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_named_by_its_folder_or_its_archive() {
        let folder = apogee_testkit::example("devnet-a");
        let chain = Recorded { archive: folder.join("chain.car.zst"), folder: folder.clone() };
        assert_eq!(Recorded::of(&folder).unwrap(), chain);
        assert_eq!(Recorded::of(&chain.archive).unwrap(), chain);
        let fork = Recorded::of(&folder.join("fork-n1.car.zst")).unwrap();
        assert_eq!((&fork.folder, fork.archive.file_name().unwrap()), (&folder, "fork-n1.car.zst".as_ref()));
        let says = |path: &Path| Recorded::of(path).unwrap_err().to_string();
        assert!(says(&folder.join("none")).ends_with("neither the folder of a recording nor an archive"));
        assert!(says(&folder.join("vk")).ends_with("it has no chain.car.zst"));
    }
}
