use std::io::Write;

use apogee_domain::Digest;
use serde::Serialize;
use serde_json::json;

use crate::results::{self, Take};
use crate::{Contents, Section, WriteError, Writer, facts_until, fit};

/// Steps in a row; what is left goes into further rows.
pub(crate) const STEPS: usize = 10_000;

/// Write a package: the same contents are the same bytes. Returns its root.
///
/// Facts are taken as [`facts_until`] leaves them; claims stay in their order, everything else is sorted.
///
/// # Errors
/// Where the contents do not fit together or have no standings, or the package cannot be written.
pub fn export(contents: Contents, out: impl Write) -> Result<Digest, WriteError> {
    let Contents { about, rules, facts, entities, claims, decisions, observations, provenance } = contents;
    let facts = facts_until(facts, &rules, about.at);
    let mut contents =
        Contents { about, rules, facts, entities, claims, decisions, observations, provenance };
    sort(&mut contents);
    let standings = results::standings(&fit::fit(&contents)?)?;

    let mut writer = Writer::new(out)?;
    rows(&mut writer, Section::About, std::slice::from_ref(&contents.about))?;
    rows(&mut writer, Section::Rules, &contents.rules)?;
    rows(&mut writer, Section::Participants, &contents.facts.participants)?;
    let series = &contents.facts.series;
    writer.section(Section::Series, series.len() as u64)?;
    for series in series {
        let (name, reading, source, unit) = (&series.name, series.reading, series.source, series.unit);
        writer.row(&json!({"name": name, "reading": reading, "source": source, "unit": unit}))?;
    }
    let steps =
        || series.iter().flat_map(|series| series.steps.0.iter().map(move |steps| (&series.name, steps)));
    writer.section(Section::Steps, steps().map(|(_, (_, steps))| steps.chunks(STEPS).len() as u64).sum())?;
    for (series, (participant, steps)) in steps() {
        for steps in steps.chunks(STEPS) {
            writer.row(&json!({"participant": participant, "series": series, "steps": steps}))?;
        }
    }
    rows(&mut writer, Section::Deals, &contents.facts.deals)?;
    rows(&mut writer, Section::Sectors, &contents.facts.sectors)?;
    rows(&mut writer, Section::Entities, &contents.entities)?;
    rows(&mut writer, Section::Claims, &contents.claims)?;
    rows(&mut writer, Section::Decisions, &contents.decisions)?;
    rows(&mut writer, Section::Observations, &contents.observations)?;
    rows(&mut writer, Section::Provenance, &contents.provenance)?;
    writer.section(Section::Results, results::count(&standings))?;
    results::each(&standings, &mut writer)?;
    writer.finish()
}

/// The order of sections, and of lists within rows (docs/rules.md §12); facts are in order.
fn sort(contents: &mut Contents) {
    contents.rules.sort_by_key(|rules| rules.version.number);
    contents.entities.sort_by(|a, b| a.id.cmp(&b.id));
    for entity in &mut contents.entities {
        entity.attested.sort_by(|a, b| (&a.what, a.from).cmp(&(&b.what, b.from)));
        entity.members.sort_by(|a, b| (a.from, &a.participant).cmp(&(b.from, &b.participant)));
        entity.tracks.sort();
    }
    contents.decisions.sort_by_key(|decision| decision.seq);
    contents.observations.sort_by(|a, b| {
        (&a.series, &a.participant, a.epoch, &a.id).cmp(&(&b.series, &b.participant, b.epoch, &b.id))
    });
    contents.provenance.sort_by_key(|provenance| provenance.epoch);
}

fn rows<W: Write>(
    writer: &mut Writer<W>,
    section: Section,
    rows: &[impl Serialize],
) -> Result<(), WriteError> {
    writer.section(section, rows.len() as u64)?;
    rows.iter().try_for_each(|row| writer.row(row).map(drop))
}

impl<W: Write> Take<WriteError> for Writer<W> {
    fn take(&mut self, row: &impl Serialize) -> Result<(), WriteError> {
        self.row(row).map(drop)
    }
}
