//! `apogee db`

mod dump;

use std::path::PathBuf;

use apogee_store_sqlite::SqliteStore;
use clap::{Args, Subcommand};

use super::source::Database;
use super::{Answer, Failure};
use crate::store::Place;

#[derive(Debug, Subcommand)]
pub(super) enum Db {
    /// Make the database, or bring its schema up to date.
    Migrate(Database),
    /// Ask the database whether it is well, and how far each network is indexed.
    ///
    /// Exits 1 when it is not.
    Check(Database),
    /// Copy the database into a new file, also while it is written.
    ///
    /// The copy of an SQLite database is one itself. A PostgreSQL database is copied by its own program `pg_dump`, which has to be installed;
    /// `pg_restore --dbname DATABASE FILE` puts such a copy into an empty database.
    Backup(Backup),
}

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    database: Database,
    /// The file to make
    file: PathBuf,
}

impl Db {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Migrate(database) => {
                let (_, place) = database.place()?;
                place.open().await?;
                println!("The schema of {place} is up to date.");
                Ok(Answer::Yes)
            }
            Self::Check(database) => check(&database).await,
            Self::Backup(backup) => backup.run().await,
        }
    }
}

async fn check(database: &Database) -> Result<Answer, Failure> {
    let (_, place) = database.place()?;
    let store = place.existing().await?;
    if let Err(error) = store.check().await {
        println!("{place}: {}", super::chain_of(&error));
        return Ok(Answer::No);
    }
    println!("{place} answers.");
    for network in store.networks().await.map_err(Failure::world)? {
        match store.cursor(&network.id).await.map_err(Failure::world)? {
            None => println!("{}: not indexed yet", network.id),
            Some(cursor) => println!("{}: epoch {}, digest {}", network.id, cursor.epoch, cursor.digest),
        }
    }
    Ok(Answer::Yes)
}

impl Backup {
    async fn run(self) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let file = self.file.display();
        if self.file.exists() {
            return Err(Failure::input(format!("{file} exists already")));
        }
        match &place {
            Place::Sqlite(from) => {
                place.existing().await?;
                let store = SqliteStore::open(from).await.map_err(Failure::world)?;
                store.backup(&self.file).await.map_err(Failure::world)?;
                println!("{file} is a copy of {place}.");
            }
            Place::Postgres(url) => {
                dump::dump(url, &self.file).map_err(Failure::world)?;
                println!("{file} is a copy of {place}: pg_restore puts it into an empty database.");
            }
        }
        Ok(Answer::Yes)
    }
}
