use std::fs::File;
use std::path::PathBuf;

use clap::Args;

use super::verify::{Unsound, check};
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
        let file = self.file.clone();
        let checking = tokio::task::spawn_blocking(move || check(&file)).await.map_err(Failure::world)?;
        let checked = match checking {
            Ok(checked) => checked,
            Err(Unsound::Wrong(what)) => {
                println!("WRONG {what}");
                return Ok(Answer::No);
            }
            Err(Unsound::Failed(failure)) => return Err(failure),
        };
        let founded = checked.ledger.ok_or_else(|| wrong(&self.file, NotImported::Unfounded))?;
        let (_, place) = self.database.place()?;
        let open = File::open(&self.file).map_err(|cause| wrong(&self.file, cause))?;
        let plain = reader(open).map_err(|cause| wrong(&self.file, cause))?;
        let packed = pack(plain)?;
        let store = place.open().await?;
        import(&*store, &founded, packed, checked.report.root).await?;
        let competition = &founded.competition;
        println!("{} with {} entries, root {}", competition.id(), competition.seq(), checked.report.root);
        Ok(Answer::Yes)
    }
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
