//! The attempts behind what bots have found: signed records of judged slots.

use std::collections::BTreeMap;

use apogee_dealbot::canonical::Signed;
use apogee_dealbot::entry::{Attempted, Entry, Fact, NoEntry, Settings};
use apogee_domain::{Epoch, NetworkId, ProbeKind};
use apogee_leaderboard::FactsDocument;
use apogee_package::Observation;
use apogee_rules::{Id, InvalidId};
use apogee_store::{Page, Store, StoreError};
use serde_json::json;

/// Entries that are read at once, with their records.
const PAGE: u32 = 500;

/// Why there are no observations.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoObservations {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log holds what is none of it.
    #[error("entry {0} of the log of evidence does not read")]
    Entry(u64, #[source] NoEntry),
    /// There are more than whoever asks has room for.
    #[error("bots made more than {0} attempts: `apogee package export` has room for them")]
    TooMany(usize),
    /// A name has no place in a package.
    #[error("`{0}` cannot stand in a package")]
    Name(String, #[source] InvalidId),
}

/// An attempt of a slot that has no verdict yet, and the key of its bot.
struct Waiting {
    of: Attempted,
    key: [u8; 32],
}

/// A row for each attempt with a record whose slot counts at `at` or before, in a series that these facts have: `most` at most.
pub(crate) async fn observations(
    store: &dyn Store,
    (network, race): (&NetworkId, &str),
    facts: &FactsDocument,
    (at, most): (Epoch, usize),
) -> Result<Vec<Observation>, NoObservations> {
    let (mut rows, mut after, mut settings) = (Vec::new(), 0, None::<Settings>);
    if !facts.series.iter().any(|series| series.name.as_str().starts_with("probe.")) {
        return Ok(rows);
    }
    let mut waiting: BTreeMap<(ProbeKind, String, u64), Vec<Waiting>> = BTreeMap::new();
    loop {
        let page = store.log_entries(network, race, Page { after: Some(after), limit: PAGE }).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        for row in page {
            let entry = Entry::decode(&row.document);
            match entry.map_err(|error| NoObservations::Entry(row.number, error))?.fact {
                Fact::Settings(newer) => settings = Some(*newer),
                Fact::Attempt(of) => {
                    let key = settings.as_ref().and_then(|settings| settings.bot_key(&of.bot));
                    if let Some(key) = key.filter(|_| of.told.is_some()) {
                        let slot = (of.slot.kind, of.slot.miner.clone(), of.slot.number);
                        waiting.entry(slot).or_default().push(Waiting { of, key });
                    }
                }
                Fact::Verdict(verdict) => {
                    let slot = (verdict.slot.kind, verdict.slot.miner.clone(), verdict.slot.number);
                    let attempts = waiting.remove(&slot).unwrap_or_default();
                    let series = format!("probe.{}.{}", slot.0.as_str(), verdict.outcome.as_str());
                    let counts = facts.series.iter().any(|known| known.name.as_str() == series);
                    let known = facts.participants.iter().any(|known| known.id.as_str() == slot.1);
                    if verdict.epoch > at || !counts || !known {
                        continue;
                    }
                    for Waiting { of, key } in attempts {
                        let Some(told) = &of.told else { continue };
                        if rows.len() >= most {
                            return Err(NoObservations::TooMany(most));
                        }
                        let attempt = json!({
                            "attempt": of.attempt,
                            "code": of.code.map(|code| code.as_str()),
                            "outcome": verdict.outcome.as_str(),
                            "record": told.record.0.to_string(),
                            "slot": of.slot.number,
                            "why": verdict.code.map(|code| code.as_str()),
                        });
                        rows.push(Observation {
                            attempt,
                            bot: hex::encode(key),
                            epoch: verdict.epoch,
                            id: id(&format!("{}-{}", of.slot.number, of.attempt))?,
                            participant: id(&of.slot.miner)?,
                            series: id(&series)?,
                            signature: hex::encode(&told.signature.0),
                        });
                    }
                }
                Fact::Late(_) | Fact::Canary(_) | Fact::Rest(_) | Fact::Followed(_) => {}
            }
        }
    }
    rows.sort_by(|a, b| {
        (&a.series, &a.participant, a.epoch, &a.id).cmp(&(&b.series, &b.participant, b.epoch, &b.id))
    });
    Ok(rows)
}

fn id(text: &str) -> Result<Id, NoObservations> {
    text.parse().map_err(|error| NoObservations::Name(text.to_owned(), error))
}

/// Check the signature of every observation: how many there are, or the first that is not signed by its bot.
pub(crate) fn signed(rows: &[Observation]) -> Result<usize, String> {
    for (index, row) in rows.iter().enumerate() {
        let wrong = |what: &str| format!("observations {}: {what}", index.saturating_add(1));
        let record = row.attempt.get("record").and_then(|record| record.as_str());
        let record =
            record.and_then(|record| record.parse().ok()).ok_or_else(|| wrong("it names no record"))?;
        let key = hex::decode(&row.bot).ok().and_then(|key| <[u8; 32]>::try_from(key).ok());
        let key = key.ok_or_else(|| wrong("the bot has no key"))?;
        let signature = hex::decode(&row.signature).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
        let signature = signature.ok_or_else(|| wrong("there is no signature"))?;
        if !Signed::Record.verifies(&record, &key, &signature) {
            return Err(wrong("the record is not signed by the bot"));
        }
    }
    Ok(rows.len())
}
