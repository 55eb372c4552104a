//! The log, as it leaves: a piece at a time, so that it may be of any length.

use apogee_store::{Page, ProbeBatch, ProbeEntry};
use cid::Cid;
use serde::Serialize;

use super::{Desk, DeskError};
use crate::archive::{header, section};
use crate::canonical::{self, Bytes, Link};
use crate::entry::Entry;
use crate::log::{Batch, Seal};
use crate::record::Record;

/// Entries of a piece. Each has a record at most.
const PAGE: u32 = 16;

/// In which form a log leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A CAR: [`archive`](crate::archive).
    Car,
    /// JSON, a line for each entry, with the number of its batch and the record that it names.
    Lines,
}

/// A line of [`Form::Lines`].
#[derive(Serialize)]
struct Line<'a> {
    batch: u64,
    cid: String,
    entry: &'a Entry,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Record>,
}

/// Batches that leave.
#[derive(Debug)]
pub struct Download {
    form: Form,
    /// The next batch, and the last one.
    next: u64,
    last: u64,
    /// The name of the last one, until it is said.
    root: Option<Cid>,
    /// The batch that leaves, and behind which entry it goes on.
    batch: Option<(ProbeBatch, u64)>,
}

impl Download {
    /// The batches from one (the first is number 1) to another, which is there.
    ///
    /// # Errors
    /// Where that batch does not read.
    pub fn new(form: Form, from: u64, last: &ProbeBatch) -> Result<Self, DeskError> {
        let root = Batch::decode(&last.document)?.cid();
        Ok(Self { form, next: from.max(1), last: last.seq, root: Some(root), batch: None })
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The database's, and where what it holds is no log.
    pub async fn next(&mut self, desk: &Desk<'_>) -> Result<Option<Vec<u8>>, DeskError> {
        if let Some(root) = self.root.take()
            && self.form == Form::Car
        {
            return Ok(Some(header(root)));
        }
        let (network, race) = (&desk.plan.network, desk.plan.race.as_str());
        loop {
            let Some((batch, after)) = self.batch.take() else {
                if self.next > self.last {
                    return Ok(None);
                }
                let page = Page { after: self.next.checked_sub(1), limit: 1 };
                let found = desk.store.batches(network, race, page).await?.pop();
                let batch = found.filter(|batch| batch.seq == self.next).ok_or(DeskError::Gap(self.next))?;
                self.next = self.next.saturating_add(1);
                let first = Batch::decode(&batch.document)?.first;
                let piece = self.opened(&batch);
                self.batch = Some((batch, first.saturating_sub(1)));
                match piece {
                    Some(piece) => return Ok(Some(piece)),
                    None => continue,
                }
            };
            let left = batch.last.saturating_sub(after);
            if left == 0 {
                continue;
            }
            let limit = PAGE.min(u32::try_from(left).unwrap_or(PAGE));
            let entries = desk.store.log_entries(network, race, Page { after: Some(after), limit }).await?;
            let Some(last) = entries.last() else { return Err(DeskError::Gap(after.saturating_add(1))) };
            let after = last.number;
            let pieces: Result<Vec<Vec<u8>>, DeskError> =
                entries.iter().map(|entry| self.piece(batch.seq, entry)).collect();
            self.batch = Some((batch, after));
            return Ok(Some(pieces?.concat()));
        }
    }

    /// What stands before the entries of a batch.
    fn opened(&self, batch: &ProbeBatch) -> Option<Vec<u8>> {
        if self.form == Form::Lines {
            return None;
        }
        let name = Link(canonical::name(&batch.document));
        let seal = Seal { batch: name, signature: Bytes(batch.signature.clone()) };
        Some([section(&batch.document), section(&seal.encode())].concat())
    }

    fn piece(&self, batch: u64, row: &ProbeEntry) -> Result<Vec<u8>, DeskError> {
        let entry = Entry::decode(&row.document).map_err(|_| DeskError::Gap(row.number))?;
        let record = entry.told().map(|_| row.record.as_deref().ok_or(DeskError::Gap(row.number)));
        let record = record.transpose()?;
        if self.form == Form::Car {
            return Ok([section(&row.document), record.map(section).unwrap_or_default()].concat());
        }
        let record = record.map(Record::decode).transpose().map_err(|_| DeskError::Gap(row.number))?;
        let line = Line { batch, cid: canonical::name(&row.document).to_string(), entry: &entry, record };
        let mut line = serde_json::to_vec(&line).unwrap_or_else(|_| unreachable!("it has text for keys"));
        line.push(b'\n');
        Ok(line)
    }
}
