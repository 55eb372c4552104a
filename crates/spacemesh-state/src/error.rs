use std::path::PathBuf;

use apogee_spacemesh::id::{AtxId, BlockId, GenesisId, LayerId};
use apogee_spacemesh::reward::SplitError;
use apogee_spacemesh::scale::ScaleError;

use crate::schema::VERSIONS;

/// A file that is not read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is not there, or not ours to read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("{} is no file", .0.display())]
    NoFile(PathBuf),
    /// Other bytes.
    #[error("{} is no SQLite database", .0.display())]
    NoDatabase(PathBuf),
    /// A log of changes lies beside the file.
    #[error("{} lies beside the file: a node uses it; make a copy with `VACUUM INTO` and read that", .0.display())]
    Journal(PathBuf),
    /// The header says that there is a log.
    #[error(
        "{} has a write-ahead log, which may hold what the file lacks; make a copy with `VACUUM INTO` and read that",
        .0.display()
    )]
    WriteAhead(PathBuf),
    /// The copy was cut off, or goes on.
    #[error("{} has {found} bytes, where its header says {expected}: it was not copied whole", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// A schema of another version.
    #[error("the schema has version {0}, and {VERSIONS:?} are known")]
    Version(u32),
    /// A schema that is not that of its version.
    #[error("the schema lacks the column {column} of the table {table}")]
    Schema {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Ballots of another network.
    #[error(
        "none of {ballots} ballots is signed for the genesis id {genesis}: the file is of another network"
    )]
    Genesis {
        /// The network that was asked for.
        genesis: GenesisId,
        /// How many were looked at.
        ballots: usize,
    },
    /// The database cannot be used.
    #[error("the database cannot be opened")]
    Sqlite(#[from] rusqlite::Error),
    /// What was read to check it is wrong.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A query that has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database is damaged.
    #[error("the table {table} cannot be read")]
    Sqlite {
        /// The table.
        table: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A value that cannot be.
    #[error("{table}.{column} is {why}")]
    Cell {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Bytes that cannot be.
    #[error("{table}.{column} cannot be decoded")]
    Bytes {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Where and why not.
        #[source]
        source: ScaleError,
    },
    /// More rows than were allowed.
    #[error("the table {table} has more than {most} rows there; ask for fewer layers")]
    Rows {
        /// The table.
        table: &'static str,
        /// How many are allowed.
        most: usize,
    },
    /// More bytes than were allowed.
    #[error("the table {table} has more than {most} bytes there; ask for fewer layers")]
    Size {
        /// The table.
        table: &'static str,
        /// How many are allowed.
        most: usize,
    },
    /// All that was read together went on too long.
    #[error("the steps that reading may take were used up in the table {table}")]
    Steps {
        /// The table.
        table: &'static str,
    },
}

/// Rewards that cannot be worked out.
#[derive(Debug, thiserror::Error)]
pub enum RecomputeError {
    /// A row cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The block that was executed is not there.
    #[error("block {block} of layer {layer} is not in the file")]
    Block {
        /// The layer.
        layer: LayerId,
        /// The block.
        block: BlockId,
    },
    /// An activation that is paid is not there.
    #[error("activation {atx}, which layer {layer} pays, is not in the file")]
    Activation {
        /// The layer.
        layer: LayerId,
        /// The activation.
        atx: AtxId,
    },
    /// A block was executed before anything is paid.
    #[error(
        "layer {layer} has a block, and the first that pays is {first}: this is not that network's genesis"
    )]
    BeforeGenesis {
        /// The layer.
        layer: LayerId,
        /// The first effective genesis.
        first: LayerId,
    },
    /// What the layer pays cannot be split.
    #[error("what layer {layer} pays cannot be split")]
    Split {
        /// The layer.
        layer: LayerId,
        /// Why not.
        #[source]
        source: SplitError,
    },
    /// More fees than there are coins.
    #[error("the fees of layer {0} do not fit 64 bits")]
    Fees(LayerId),
}
