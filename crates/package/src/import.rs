use std::io::BufRead;

use apogee_domain::series::{Reading, Unit};
use apogee_domain::{Digest, Epoch};
use apogee_leaderboard::{
    Deal, Entity, FactsDocument, Participant, Sector, SeriesDocument, Source, StepDocument, Steps,
};
use apogee_rules::{Id, RuleSet};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::export::STEPS;
use crate::{
    About, Claim, Contents, Defect, LedgerRow, Observation, Part, Provenance, ReadError, Reader, Row,
    Section, What,
};

/// What a file holds, without regard to whether its parts fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// All but the results.
    pub contents: Contents,
    /// The hashes of the rows of the results.
    pub results: Vec<Digest>,
    /// The hash of the file.
    pub root: Digest,
}

/// Read a package. Exporting its contents gives the same bytes again, if they fit together.
///
/// # Errors
/// Where the file cannot be read, or at its first defect.
pub fn import(input: impl BufRead) -> Result<Imported, ReadError> {
    let mut reader = Reader::new(input)?;
    let mut rows = Rows::default();
    while let Some(row) = reader.next_row()? {
        let (section, number) = (row.section, row.number);
        rows.take(row).map_err(|what| Defect { part: Part::Section(section), row: number, what })?;
    }
    // A reader that has come to its end has a root, and has seen a row that says what all this is about.
    let missing = Defect { part: Part::Root, row: 0, what: What::Missing };
    let (Some(root), Some(about)) = (reader.root(), rows.about) else { return Err(missing.into()) };
    let network = about.network.clone();
    let Rows {
        rules, participants, series, deals, sectors, entities, claims, decisions, observations, ..
    } = rows;
    let facts = FactsDocument { deals, network, participants, sectors, series };
    let provenance = rows.provenance;
    let contents = Contents { about, rules, facts, entities, claims, decisions, observations, provenance };
    Ok(Imported { contents, results: rows.results, root })
}

#[derive(Default)]
struct Rows {
    about: Option<About>,
    rules: Vec<RuleSet>,
    participants: Vec<Participant>,
    series: Vec<SeriesDocument>,
    deals: Vec<Deal>,
    sectors: Vec<Sector>,
    entities: Vec<Entity>,
    claims: Vec<Claim>,
    decisions: Vec<LedgerRow>,
    observations: Vec<Observation>,
    provenance: Vec<Provenance>,
    results: Vec<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesRow {
    name: Id,
    reading: Reading,
    source: Source,
    unit: Unit,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepsRow {
    participant: Id,
    series: Id,
    steps: Vec<StepDocument>,
}

impl Rows {
    fn take(&mut self, row: Row) -> Result<(), What> {
        let Row { section, hash, value, .. } = row;
        match section {
            Section::About => self.about = Some(read(value)?),
            Section::Rules => {
                let rules =
                    RuleSet::from_value(&value).map_err(|problems| What::Document(problems.to_string()))?;
                self.rules.push(rules);
            }
            Section::Participants => self.participants.push(read(value)?),
            Section::Series => {
                let SeriesRow { name, reading, source, unit } = read(value)?;
                self.series.push(SeriesDocument { name, reading, source, steps: Steps::default(), unit });
            }
            Section::Steps => self.steps(read(value)?)?,
            Section::Deals => {
                let deal: Deal = read(value)?;
                self.known(&deal.participant)?;
                self.deals.push(deal);
            }
            Section::Sectors => {
                let sector: Sector = read(value)?;
                self.known(&sector.participant)?;
                self.sectors.push(sector);
            }
            Section::Entities => self.entities.push(read(value)?),
            Section::Claims => self.claims.push(read(value)?),
            Section::Decisions => self.decisions.push(read(value)?),
            Section::Observations => self.observations.push(read(value)?),
            Section::Provenance => self.provenance.push(read(value)?),
            Section::Results => self.results.push(hash),
        }
        Ok(())
    }

    /// Whether somebody is a participant.
    fn known(&self, participant: &Id) -> Result<(), What> {
        let place = self.participants.binary_search_by(|other| other.id.cmp(participant));
        place.map(drop).map_err(|_| What::Stranger)
    }

    /// Rows come by series and participant, so that a row goes on with the last one or begins after it.
    fn steps(&mut self, row: StepsRow) -> Result<(), What> {
        self.known(&row.participant)?;
        if row.steps.len() > STEPS {
            return Err(What::Steps);
        }
        let place = self.series.binary_search_by(|series| series.name.cmp(&row.series));
        let series = place.ok().and_then(|place| self.series.get_mut(place));
        let steps = &mut series.ok_or(What::NoSeries)?.steps.0;
        match steps.last_mut() {
            Some((participant, before)) if *participant == row.participant => {
                let last: Option<Epoch> = before.last().map(|(epoch, _)| *epoch);
                if before.len() % STEPS != 0 || row.steps.first().map(|(epoch, _)| *epoch) <= last {
                    return Err(What::Steps);
                }
                before.extend(row.steps);
            }
            _ => steps.push((row.participant, row.steps)),
        }
        Ok(())
    }
}

/// Read a row strictly: what it means, written again, is the row.
fn read<T: DeserializeOwned + Serialize>(value: Value) -> Result<T, What> {
    let unfit = |error: serde_json::Error| What::Document(error.to_string());
    let read = T::deserialize(&value).map_err(unfit)?;
    if serde_json::to_value(&read).map_err(unfit)? == value {
        Ok(read)
    } else {
        Err(What::Document("it is written differently than it has to be".to_owned()))
    }
}
