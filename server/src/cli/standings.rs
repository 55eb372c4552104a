//! `apogee standings`

use std::collections::BTreeMap;

use apogee_domain::series::{self, Reading, SeriesSpec};
use apogee_domain::{Epoch, NetworkId, SeriesName, Subject, Value};
use apogee_leaderboard::{Scope, Snapshot};
use apogee_store::Store;
use clap::Args;

use super::source::{Database, epoch, known};
use super::{Answer, Failure, Format};

#[derive(Debug, Args)]
pub(super) struct Standings {
    #[command(flatten)]
    database: Database,
    /// Which network; by default the only one
    #[arg(long, value_name = "NAME")]
    network: Option<NetworkId>,
    /// Which series
    #[arg(long, value_name = "SERIES", default_value = "power.raw", value_parser = spec)]
    series: &'static SeriesSpec,
    /// At which epoch, written e:51204; by default the newest indexed one
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    at: Option<Epoch>,
    /// What was gained after that epoch, of a series that only grows
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    since: Option<Epoch>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn spec(name: &str) -> Result<&'static SeriesSpec, String> {
    let ranked = || series::ALL.iter().filter(|spec| spec.per_participant);
    ranked().find(|spec| spec.name == name).ok_or_else(|| {
        let names: Vec<_> = ranked().map(|spec| spec.name).collect();
        format!("there is no such series; there are {}", names.join(", "))
    })
}

impl Standings {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        if self.since.is_some() && self.series.reading == Reading::Level {
            return Err(Failure::input(format!(
                "--since is for series that only grow; {} is a level",
                self.series.name
            )));
        }
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        let network = match &self.network {
            Some(id) => known(&store, id).await?,
            None => {
                let mut networks = store.networks().await.map_err(Failure::world)?;
                match (networks.pop(), networks.is_empty()) {
                    (Some(network), true) => network,
                    (None, _) => return Err(Failure::input("no network is indexed in this database")),
                    _ => {
                        return Err(Failure::input(
                            "the database has several networks: choose one with --network",
                        ));
                    }
                }
            }
        };
        let cursor = store.cursor(&network.id).await.map_err(Failure::world)?;
        let cursor = cursor.ok_or_else(|| Failure::input(format!("{} is not indexed yet", network.id)))?;
        let at = self.at.unwrap_or(cursor.epoch);
        if at > cursor.epoch {
            return Err(Failure::input(format!(
                "epoch {at} is in the future: {} is indexed up to epoch {}",
                network.id, cursor.epoch
            )));
        }
        if self.since.is_some_and(|since| since > at) {
            return Err(Failure::input(format!("--since is after epoch {at}")));
        }
        let record = store.epoch(&network.id, at).await.map_err(Failure::world)?;
        let record =
            record.ok_or_else(|| Failure::input(format!("epoch {at} of {} is not indexed", network.id)))?;
        let name = SeriesName::of(self.series.name);
        let rows = rows(&*store, &network.id, &name, self.since, at).await?;
        let scope = Scope {
            network: network.id,
            genesis: network.genesis,
            series: name,
            since: self.since,
            at,
            chain: record.digest,
        };
        print(&Snapshot::new(scope, &rows), self.format)?;
        Ok(Answer::Yes)
    }
}

/// Values at an epoch, or what was gained since another one. Who had no step by then had nothing.
async fn rows(
    store: &dyn Store,
    network: &NetworkId,
    series: &SeriesName,
    since: Option<Epoch>,
    at: Epoch,
) -> Result<Vec<(Subject, Option<Value>)>, Failure> {
    let mut rows = store.board(network, series, at).await.map_err(Failure::world)?;
    rows.retain(|(subject, _)| !subject.is_network());
    if let Some(since) = since {
        let before = store.board(network, series, since).await.map_err(Failure::world)?;
        let before: BTreeMap<Subject, Option<Value>> = before.into_iter().collect();
        for (subject, value) in &mut rows {
            let before = before.get(subject).copied().unwrap_or(Some(Value::ZERO));
            *value = value.zip(before).and_then(|(now, before)| now.checked_sub(before));
        }
    }
    Ok(rows)
}

fn print(snapshot: &Snapshot, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(snapshot).map_err(Failure::world)?),
        Format::Csv => {
            println!("rank,participant,value");
            for row in &snapshot.rows {
                let rank = row.standing.rank.map(|rank| rank.to_string()).unwrap_or_default();
                let value = row.standing.value.map(|value| value.to_string()).unwrap_or_default();
                println!("{rank},{},{value}", row.standing.subject);
            }
        }
        Format::Table => {
            let Scope { network, series, since, at, .. } = &snapshot.scope;
            let window = since.map(|since| format!(" since epoch {since}")).unwrap_or_default();
            println!("{network}, {series} at epoch {at}{window}\n");
            println!("{:>6}  {:<16}{:>40}", "rank", "participant", "value");
            for row in &snapshot.rows {
                let value = row.standing.value.map_or_else(|| "–".to_owned(), |value| value.to_string());
                let (rank, subject) = (row.standing.label().to_string(), row.standing.subject.to_string());
                println!("{rank:>6}  {subject:<16}{value:>40}");
            }
            println!("\nsnapshot {}", snapshot.id);
        }
    }
    Ok(())
}
