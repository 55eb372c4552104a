use std::io::{self, Write};

use apogee_domain::Digest;
use apogee_rules::canonical;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::order::{self, Key};
use crate::{Defect, FORMAT, LINE_LIMIT, Part, ROW_LIMIT, Section, What};

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// What was to be written would be a defect.
    #[error(transparent)]
    Defect(#[from] Defect),
    /// The rows of a section, or the sections, are not those that were announced.
    #[error("{0}: {1}")]
    Shape(Section, &'static str),
    /// It cannot be written.
    #[error("the package cannot be written")]
    Io(#[from] io::Error),
}

/// Writes a file row by row. What it writes, [`Reader`](crate::Reader) reads without a defect.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    hash: Sha256,
    sections: std::slice::Iter<'static, Section>,
    section: Section,
    left: u64,
    number: u64,
    total: u64,
    last: Option<Key>,
}

impl<W: Write> Writer<W> {
    /// Write the first line.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn new(out: W) -> Result<Self, WriteError> {
        let mut writer = Self {
            out,
            hash: Sha256::new(),
            sections: Section::ALL.iter(),
            section: Section::About,
            left: 0,
            number: 0,
            total: 0,
            last: None,
        };
        writer.line(FORMAT)?;
        Ok(writer)
    }

    /// Open the next section, which will have so many rows.
    ///
    /// # Errors
    /// Where another section is due, rows of the one before are missing, or there are too many rows.
    pub fn section(&mut self, section: Section, rows: u64) -> Result<(), WriteError> {
        if self.left > 0 {
            return Err(WriteError::Shape(self.section, "rows are missing"));
        }
        if self.sections.next() != Some(&section) {
            return Err(WriteError::Shape(section, "another section is due"));
        }
        (self.section, self.left, self.number, self.last) = (section, rows, 0, None);
        if section == Section::About && rows != 1 {
            return Err(self.defect(What::Count(rows)).into());
        }
        self.total = self.total.saturating_add(rows);
        if self.total > ROW_LIMIT {
            return Err(self.defect(What::TooMany).into());
        }
        self.line(&format!("section {section} {rows}"))
    }

    /// Write a row of the section that is open.
    ///
    /// # Errors
    /// Where the section has all its rows, or the row is out of order, too long, or has no canonical form.
    pub fn row(&mut self, row: &impl Serialize) -> Result<Digest, WriteError> {
        self.left = self.left.checked_sub(1).ok_or(WriteError::Shape(self.section, "it has all its rows"))?;
        self.number += 1;
        let unfit = |error: &dyn std::error::Error| self.defect(What::Json(error.to_string()));
        let value = serde_json::to_value(row).map_err(|error| unfit(&error))?;
        let json = canonical::text(&value).map_err(|error| unfit(&error))?;
        let mut last = self.last.take();
        order::check(self.section, &value, &mut last).map_err(|what| self.defect(what))?;
        self.last = last;
        let hash = canonical::sha256(json.as_bytes());
        let line = format!("{hash} {json}");
        if line.len() > LINE_LIMIT {
            return Err(self.defect(What::TooLong).into());
        }
        self.line(&line)?;
        Ok(hash)
    }

    /// Write the last line. Returns the root, by which the file is published, approved and cited.
    ///
    /// # Errors
    /// Where rows or sections are missing.
    pub fn finish(mut self) -> Result<Digest, WriteError> {
        if self.left > 0 {
            return Err(WriteError::Shape(self.section, "rows are missing"));
        }
        if let Some(missing) = self.sections.next() {
            return Err(WriteError::Shape(*missing, "the section is missing"));
        }
        let root = Digest(self.hash.finalize().into());
        writeln!(self.out, "root {root}")?;
        self.out.flush()?;
        Ok(root)
    }

    fn line(&mut self, line: &str) -> Result<(), WriteError> {
        for bytes in [line.as_bytes(), b"\n"] {
            self.hash.update(bytes);
            self.out.write_all(bytes)?;
        }
        Ok(())
    }

    const fn defect(&self, what: What) -> Defect {
        Defect { part: Part::Section(self.section), row: self.number, what }
    }
}
