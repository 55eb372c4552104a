//! `apogee config`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Answer, Failure};
use crate::config::Config;
use crate::networks;
use crate::spacemesh::Followed;
use crate::store::Place;

#[derive(Debug, Subcommand)]
pub(super) enum Configure {
    /// Check a file of settings, and the files that it names. Nothing is opened or asked.
    Check(File),
    /// Print what holds: the shipped settings, over them the file, over them the environment. Secrets are left out.
    Print(File),
}

#[derive(Debug, Args)]
pub(super) struct File {
    /// Settings; without a file the shipped ones
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Configure {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let (Self::Check(File { config: file }) | Self::Print(File { config: file })) = &self;
        let config = Config::load(file.as_deref()).map_err(Failure::input)?;
        match self {
            Self::Print(_) => print!("{}", config.shown()),
            Self::Check(_) => {
                Place::of(&config.store)?;
                for (id, settings) in &config.networks {
                    if Followed::of(id, settings).map_err(Failure::input)?.is_none() {
                        networks::check(id, settings)?;
                    }
                }
                println!("The settings are good: {} networks.", config.networks.len());
            }
        }
        Ok(Answer::Yes)
    }
}
