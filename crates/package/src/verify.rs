use std::fmt;
use std::io::BufRead;

use apogee_domain::Digest;
use apogee_rules::canonical;
use serde::Serialize;

use crate::results::{self, Take};
use crate::{About, Defect, Imported, Part, ReadError, Section, What, fit, import};

/// What was found about a package that is whole, fits together and has the results that it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The hash of the file.
    pub root: Digest,
    /// What the results are of.
    pub about: About,
    /// The root of the standings that were computed again.
    pub standings: Digest,
    /// How many rows of results were compared.
    pub results: u64,
    /// Epochs with provenance, of which none was looked at.
    pub provenance: u64,
    /// Observations, of which no signature was looked at.
    pub observations: u64,
}

/// Check a package without anything else (steps 1 to 3 of `docs/package.md`).
///
/// # Errors
/// Where the file cannot be read, or at its first defect.
pub fn verify(input: impl BufRead) -> Result<Report, ReadError> {
    let Imported { contents, results, root } = import(input)?;
    let standings = results::standings(&fit::fit(&contents)?)?;
    let mut comparison = Comparison { said: results.iter(), row: 0 };
    results::each(&standings, &mut comparison)?;
    comparison.end()?;
    Ok(Report {
        root,
        standings: standings.root,
        results: results.len() as u64,
        provenance: contents.provenance.len() as u64,
        observations: contents.observations.len() as u64,
        about: contents.about,
    })
}

/// Compares the rows of standings with those of the file.
struct Comparison<'a> {
    said: std::slice::Iter<'a, Digest>,
    row: u64,
}

impl Comparison<'_> {
    const fn defect(&self, what: What) -> Defect {
        Defect { part: Part::Section(Section::Results), row: self.row, what }
    }

    fn end(mut self) -> Result<(), Defect> {
        self.row += 1;
        if self.said.next().is_none() { Ok(()) } else { Err(self.defect(What::Superfluous)) }
    }
}

impl Take<Defect> for Comparison<'_> {
    fn take(&mut self, row: &impl Serialize) -> Result<(), Defect> {
        self.row += 1;
        let json = canonical::text(row).map_err(|why| self.defect(What::Json(why.to_string())))?;
        if self.said.next() == Some(&canonical::sha256(json.as_bytes())) {
            return Ok(());
        }
        Err(self.defect(What::Differs(json.chars().take(400).collect())))
    }
}

/// What was checked and what was not, a line for each level.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { root, about, standings, results, provenance, observations } = self;
        writeln!(f, "OK root={root}")?;
        writeln!(
            f,
            "L0 made: standings of {} at epoch {} computed again, {results} rows agree, root {standings}",
            about.competition, about.at
        )?;
        writeln!(f, "L1 not made: {provenance} epochs of provenance wait for a node or an archive")?;
        match observations {
            0 => writeln!(f, "L2 nothing to check: there are no observations")?,
            _ => writeln!(f, "L2 not made: the signatures of {observations} observations")?,
        }
        write!(f, "L3 not made: no witness has signed the root")
    }
}
