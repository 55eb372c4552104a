//! The settings of a race are those that it began with.

use apogee_domain::Timestamp;
use apogee_store::StoreError;
use serde_json::{Value, json};

use super::{Desk, DeskError};
use crate::entry::{Fact, Settings};
use crate::schedule::Beacon;

/// Most differences that are named.
const NAMED: usize = 10;

/// Why a race does not go on.
#[derive(Debug, thiserror::Error)]
pub enum Changed {
    /// Its settings are others.
    #[error("these settings of {race} are not those that it began with: {}", differ.join(", "))]
    Settings {
        /// The competition.
        race: String,
        /// Which, and what they were: the first ten.
        differ: Vec<String>,
    },
    /// Its seed is another.
    #[error("the seed of {race} is not the one that was committed to, {committed}")]
    Seed {
        /// The competition.
        race: String,
        /// What was committed to.
        committed: String,
    },
    /// That could not be found out.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl Desk<'_> {
    /// Begin, or go on, with these settings. Of their document, a JSON object, and the commitment to the seed what is written first stands.
    ///
    /// # Errors
    /// Where the race began with others, and the database's.
    pub async fn pin(&self, settings: &Settings, now: Timestamp) -> Result<(), Changed> {
        let (document, commitment) = (settings.document.as_str(), settings.commitment.to_string());
        let race = || self.plan.race.clone();
        let desk = |error| Changed::Desk(DeskError::Store(error));
        let mut work = self.store.begin().await.map_err(desk)?;
        let pinned = work
            .pin_race(&self.plan.network, &self.plan.race, document, &commitment, now)
            .await
            .map_err(desk)?;
        if pinned.commitment != commitment {
            return Err(Changed::Seed { race: race(), committed: pinned.commitment });
        }
        let differ = differences(&pinned.document, document);
        if !differ.is_empty() {
            return Err(Changed::Settings { race: race(), differ });
        }
        // A beacon that is known stays, whatever another look at the chain finds.
        if let Some(beacon) = &settings.beacon {
            let said = json!(beacon).to_string();
            let name = bound(&self.plan.race);
            let kept =
                work.pin_race(&self.plan.network, &name, &said, &commitment, now).await.map_err(desk)?;
            if kept.document != said {
                let differ =
                    vec![format!("beacon (was {}, is {})", brief_text(&kept.document), brief_text(&said))];
                return Err(Changed::Settings { race: race(), differ });
            }
        }
        let fact = Fact::Settings(Box::new(settings.clone()));
        self.note(&mut *work, now, fact).await?;
        work.commit().await.map_err(desk)
    }

    /// The beacon that the race was bound to; `None` before it was.
    ///
    /// # Errors
    /// The database's, and where what it holds is no beacon.
    pub async fn pinned_beacon(&self) -> Result<Option<Beacon>, DeskError> {
        let pinned = self.store.pinned_race(&self.plan.network, &bound(&self.plan.race)).await?;
        let Some(pinned) = pinned else { return Ok(None) };
        let damaged = |error: serde_json::Error| {
            DeskError::Store(StoreError::Damaged { table: "probe_races", detail: error.to_string() })
        };
        serde_json::from_str(&pinned.document).map(Some).map_err(damaged)
    }
}

/// What the beacon of a race is kept under: no race is called so.
fn bound(race: &str) -> String {
    format!("{race}/beacon")
}

/// What differs between two documents, as `name (was this, is that)`.
fn differences(was: &str, is: &str) -> Vec<String> {
    if was == is {
        return Vec::new();
    }
    let mut found = Vec::new();
    match (serde_json::from_str(was), serde_json::from_str(is)) {
        (Ok(was), Ok(is)) => compare("", Some(&was), Some(&is), &mut found),
        _ => found.push("all of them".to_owned()),
    }
    found.truncate(NAMED);
    found
}

fn compare(name: &str, was: Option<&Value>, is: Option<&Value>, found: &mut Vec<String>) {
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (was, is) {
        let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        for (key, value) in before {
            compare(&inner(key), Some(value), after.get(key), found);
        }
        for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
            compare(&inner(key), None, Some(value), found);
        }
        return;
    }
    if was != is {
        let said = |value: Option<&Value>| value.map_or_else(|| "absent".to_owned(), brief);
        let name = if name.is_empty() { "all of them" } else { name };
        found.push(format!("{name} (was {}, is {})", said(was), said(is)));
    }
}

/// A value, short enough for a line.
fn brief(value: &Value) -> String {
    brief_text(&value.to_string())
}

fn brief_text(text: &str) -> String {
    const LONGEST: usize = 80;
    let shown = crate::record::clip(text, LONGEST);
    if shown.len() < text.len() { format!("{shown}…") } else { text.to_owned() }
}
