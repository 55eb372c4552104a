//! `apogee spacemesh odds`

use std::num::NonZeroU32;

use apogee_spacemesh_index::odds::{Nothing, Odds};
use clap::Args;

use crate::cli::{Answer, Failure, Format};

#[derive(Debug, Args)]
pub(crate) struct Chances {
    /// Slots of an epoch: a smesher's page says how many it has
    #[arg(long, value_name = "SLOTS")]
    slots: u32,
    /// Layers of an epoch
    #[arg(long, default_value = "4032", value_name = "LAYERS")]
    epoch: NonZeroU32,
    /// Layers of one epoch that brought nothing
    #[arg(long, default_value_t = 1, value_name = "LAYERS")]
    layers: u32,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Chances {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let odds = Odds::of(self.slots, self.epoch, self.layers);
        match self.format {
            Format::Json => println!("{}", serde_json::to_string_pretty(&odds).map_err(Failure::world)?),
            Format::Csv => {
                println!("none_in_a_layer,none_in_layers,expected_layers");
                println!("{},{},{}", odds.none_in_a_layer, odds.none_in_layers, odds.expected_layers);
            }
            Format::Table => {
                let nano = |parts: u64| format!("{}.{:09}", parts / 1_000_000_000, parts % 1_000_000_000);
                println!("no slot in a given layer      {}", nano(odds.none_in_a_layer.into()));
                println!(
                    "no slot in {:<18} {}",
                    format!("{} layers", self.layers),
                    nano(odds.none_in_layers.into())
                );
                println!("layers of an epoch with one   {}", nano(odds.expected_layers));
                println!("{}", words(odds.nothing));
            }
        }
        Ok(Answer::Yes)
    }
}

const fn words(nothing: Nothing) -> &'static str {
    match nothing {
        Nothing::NotDue => "No slot is assigned: nothing is due.",
        Nothing::Expected => "That those layers brought nothing is as it should be.",
        Nothing::Ordinary => "That those layers brought nothing happens.",
        Nothing::Unusual => {
            "That those layers brought nothing is rare: look whether proposals arrive in time."
        }
        Nothing::Alarming => {
            "Chance alone hardly does that: look at the node, its clock, and whether the identity runs twice."
        }
    }
}
