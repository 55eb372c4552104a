use std::io::BufRead;

use apogee_domain::Digest;
use apogee_rules::canonical;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::lines::{Found, read_line};
use crate::order::{self, Key};
use crate::{Defect, FORMAT, LINE_LIMIT, Part, ROW_LIMIT, ReadError, Section, What};

/// A row that stands where it should, with a hash that is its own, in canonical form.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its section.
    pub section: Section,
    /// Its number in the section, from 1 on.
    pub number: u64,
    /// The SHA-256 of its canonical JSON.
    pub hash: Digest,
    /// What it says.
    pub value: Value,
}

/// Reads a file row by row and stops at the first defect.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: Vec<u8>,
    hash: Sha256,
    sections: std::slice::Iter<'static, Section>,
    section: Part,
    rows: u64,
    number: u64,
    total: u64,
    last: Option<Key>,
    root: Option<Digest>,
}

impl<R: BufRead> Reader<R> {
    /// Read the first line.
    ///
    /// # Errors
    /// Where the file cannot be read or is not of this format.
    pub fn new(input: R) -> Result<Self, ReadError> {
        let mut reader = Self {
            input,
            line: Vec::new(),
            hash: Sha256::new(),
            sections: Section::ALL.iter(),
            section: Part::Format,
            rows: 0,
            number: 0,
            total: 0,
            last: None,
            root: None,
        };
        reader.line()?;
        reader.require(reader.line == FORMAT.as_bytes(), What::Format)?;
        reader.absorb();
        Ok(reader)
    }

    /// The next row, `None` after the last one: then the file is whole and [`root`](Self::root) is its own.
    ///
    /// # Errors
    /// Where the file cannot be read, or at its first defect. What comes after a defect is not to be read.
    pub fn next_row(&mut self) -> Result<Option<Row>, ReadError> {
        loop {
            match self.section {
                Part::Section(section) if self.number < self.rows => return self.row(section).map(Some),
                Part::Root => return Ok(None),
                _ => match self.sections.next() {
                    Some(section) => self.open(*section)?,
                    None => self.finish()?,
                },
            }
        }
    }

    /// The hash of the file, once all rows are read.
    #[must_use]
    pub const fn root(&self) -> Option<Digest> {
        self.root
    }

    fn open(&mut self, section: Section) -> Result<(), ReadError> {
        self.section = Part::Section(section);
        (self.number, self.rows, self.last) = (0, 0, None);
        self.line()?;
        let rows = std::str::from_utf8(&self.line)
            .ok()
            .and_then(|line| line.strip_prefix("section "))
            .and_then(|line| line.strip_prefix(section.name()))
            .and_then(|line| line.strip_prefix(' '))
            .and_then(count)
            .ok_or_else(|| self.defect(What::Opening(section)))?;
        self.require(section != Section::About || rows == 1, What::Count(rows))?;
        self.total = self.total.saturating_add(rows);
        self.require(self.total <= ROW_LIMIT, What::TooMany)?;
        self.rows = rows;
        self.absorb();
        Ok(())
    }

    fn row(&mut self, section: Section) -> Result<Row, ReadError> {
        self.number += 1;
        self.line()?;
        let (said, json) = self
            .line
            .split_at_checked(65)
            .and_then(|(hash, json)| Some((std::str::from_utf8(hash).ok()?.strip_suffix(' ')?, json)))
            .and_then(|(hash, json)| Some((hash.parse::<Digest>().ok()?, json)))
            .ok_or_else(|| self.defect(What::Row))?;
        let hash = canonical::sha256(json);
        self.require(said == hash, What::Hash(hash))?;
        let value =
            canonical::read(json, LINE_LIMIT).map_err(|error| self.defect(What::Json(error.to_string())))?;
        let mut last = self.last.take();
        order::check(section, &value, &mut last).map_err(|what| self.defect(what))?;
        self.last = last;
        self.absorb();
        Ok(Row { section, number: self.number, hash, value })
    }

    fn finish(&mut self) -> Result<(), ReadError> {
        self.section = Part::Root;
        self.number = 0;
        let root = Digest(self.hash.clone().finalize().into());
        self.line()?;
        let said = std::str::from_utf8(&self.line)
            .ok()
            .and_then(|line| line.strip_prefix("root "))
            .and_then(|hash| hash.parse::<Digest>().ok())
            .ok_or_else(|| self.defect(What::RootLine))?;
        self.require(said == root, What::Root(root))?;
        let end = matches!(read_line(&mut self.input, &mut self.line, LINE_LIMIT)?, Found::End);
        self.require(end, What::Trailing)?;
        self.root = Some(root);
        Ok(())
    }

    /// The next line into the buffer; it has to be there.
    fn line(&mut self) -> Result<(), ReadError> {
        let what = match read_line(&mut self.input, &mut self.line, LINE_LIMIT)? {
            Found::Line => return Ok(()),
            Found::End => What::Missing,
            Found::Cut => What::Cut,
            Found::TooLong => What::TooLong,
        };
        Err(self.defect(what).into())
    }

    /// Take the line into the root.
    fn absorb(&mut self) {
        self.hash.update(&self.line);
        self.hash.update(b"\n");
    }

    const fn defect(&self, what: What) -> Defect {
        Defect { part: self.section, row: self.number, what }
    }

    fn require(&self, good: bool, what: What) -> Result<(), Defect> {
        if good { Ok(()) } else { Err(self.defect(what)) }
    }
}

/// Decimal digits without leading zeros.
fn count(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
