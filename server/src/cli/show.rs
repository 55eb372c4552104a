//! `apogee chain show`

use apogee_domain::Epoch;
use apogee_filecoin::types::Tipset;
use clap::Args;
use serde_json::json;

use super::source::{Chosen, Database};
use super::{Answer, Failure, Format};

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    chosen: Chosen,
    /// Which epoch; by default that of the head
    #[arg(long)]
    at: Option<Epoch>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Show {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let (config, _) = self.database.place()?;
        let chain = self.chosen.one(&config)?.open().await?;
        let head = chain.source.head().await.map_err(Failure::world)?;
        let at = self.at.unwrap_or_else(|| head.epoch());
        if at > head.epoch() {
            return Err(Failure::input(format!(
                "epoch {at} is in the future: the head is epoch {}",
                head.epoch()
            )));
        }
        let found = chain.source.range(head.key(), at, at).await.map_err(Failure::world)?;
        match (found.first(), self.format) {
            (None, Format::Json) => println!("{}", json!({ "epoch": at, "blocks": [] })),
            (None, Format::Csv) => println!("cid,miner,wincount"),
            (None, Format::Table) => println!("Epoch {at} is a null round."),
            (Some(tipset), Format::Table) => table(tipset),
            (Some(tipset), Format::Json) => {
                println!("{}", serde_json::to_string_pretty(&document(tipset)).map_err(Failure::world)?);
            }
            (Some(tipset), Format::Csv) => {
                println!("cid,miner,wincount");
                for (cid, miner, wins) in blocks(tipset) {
                    println!("{cid},{miner},{wins}");
                }
            }
        }
        Ok(Answer::Yes)
    }
}

fn blocks(tipset: &Tipset) -> impl Iterator<Item = (String, String, i64)> + '_ {
    tipset.cids_and_blocks().map(|(cid, block)| {
        let wins = block.election_proof.as_ref().map_or(0, |proof| proof.win_count);
        (cid.to_string(), block.miner.to_string(), wins)
    })
}

fn document(tipset: &Tipset) -> serde_json::Value {
    let first = tipset.first();
    let blocks =
        blocks(tipset).map(|(cid, miner, wins)| json!({ "cid": cid, "miner": miner, "wincount": wins }));
    json!({
        "epoch": tipset.epoch(),
        "timestamp": first.timestamp,
        "parents": tipset.parents().to_string(),
        "state_root": first.parent_state_root.to_string(),
        "weight": first.parent_weight.to_string(),
        "blocks": blocks.collect::<Vec<_>>(),
    })
}

fn table(tipset: &Tipset) {
    let first = tipset.first();
    println!("epoch       {}", tipset.epoch());
    println!("timestamp   {}", first.timestamp);
    println!("parents     {}", tipset.parents());
    println!("state root  {}", first.parent_state_root);
    println!("weight      {}", first.parent_weight);
    for (cid, miner, wins) in blocks(tipset) {
        println!("block       {cid}  {miner}  WinCount {wins}");
    }
}
