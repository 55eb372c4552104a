use std::fs::File;
use std::path::{Path, PathBuf};

use apogee_competition::Founded;
use apogee_store::Store;
use clap::Args;

use super::verify::{Checked, Unsound, check};
use crate::cli::competition::documents::wrong;
use crate::cli::source::Database;
use crate::cli::{Answer, Failure, chain_of};
use crate::competitions::{NotImported, import, pack, reader};

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// A package, packed with zstd or not
    file: PathBuf,
    #[command(flatten)]
    database: Database,
}

impl Import {
    /// Exits 1 at the first row that is not what it should be.
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let checked = match checked(&self.file).await? {
            Ok(checked) => checked,
            Err(what) => {
                println!("WRONG {what}");
                return Ok(Answer::No);
            }
        };
        let root = checked.report.root;
        let founded = put(&*place.open().await?, &self.file, checked).await?;
        println!("{} with {} entries, root {root}", founded.competition.id(), founded.competition.seq());
        Ok(Answer::Yes)
    }
}

/// Check a package, and put it into a database where no competition of that name is.
pub(in crate::cli) async fn import_once(store: &dyn Store, file: &Path) -> Result<(), Failure> {
    let checked = checked(file).await?.map_err(|what| wrong(file, what))?;
    let id = checked.contents.about.competition.to_string();
    let heads = store.competitions().await.map_err(Failure::world)?;
    if heads.iter().all(|head| head.competition != id) {
        put(store, file, checked).await?;
    }
    Ok(())
}

/// A package that is what it should be, or what is not.
async fn checked(file: &Path) -> Result<Result<Checked, String>, Failure> {
    let file = file.to_owned();
    let checking = tokio::task::spawn_blocking(move || check(&file)).await.map_err(Failure::world)?;
    match checking {
        Ok(checked) => Ok(Ok(checked)),
        Err(Unsound::Wrong(what)) => Ok(Err(what)),
        Err(Unsound::Failed(failure)) => Err(failure),
    }
}

async fn put(store: &dyn Store, file: &Path, checked: Checked) -> Result<Founded, Failure> {
    let founded = checked.ledger.ok_or_else(|| wrong(file, NotImported::Unfounded))?;
    let open = File::open(file).map_err(|cause| wrong(file, cause))?;
    let packed = pack(reader(open).map_err(|cause| wrong(file, cause))?)?;
    import(store, &founded, packed, checked.report.root).await?;
    Ok(founded)
}

impl From<NotImported> for Failure {
    fn from(error: NotImported) -> Self {
        match error {
            NotImported::Store(error) if !matches!(error, apogee_store::StoreError::TooLarge { .. }) => {
                Self::world(error)
            }
            error => Self::input(chain_of(&error)),
        }
    }
}
