//! A database in memory: what the ports promise, and failures on request.

mod unkept;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use apogee_domain::{Change, Digest, Epoch, Network, NetworkId, SeriesName, Step, Subject, Value};
use apogee_store::{
    AppliedEpoch, Archive, ArchiveHead, CertificateRecord, ChangeRecord, Cursor, EpochRecord, Held,
    LedgerEntry, LedgerHead, Page, Result, Store, StoreError, Work,
};
use async_trait::async_trait;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) networks: BTreeMap<String, Network>,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) epochs: BTreeMap<Epoch, EpochRecord>,
    pub(crate) steps: BTreeMap<(SeriesName, Subject, Epoch), Option<Value>>,
    /// What each step replaced, by the applied epoch.
    journal: BTreeMap<Epoch, Vec<Replaced>>,
    pub(crate) certificates: BTreeMap<u64, CertificateRecord>,
}

/// A step, and the one that it replaced.
type Replaced = (Change, Option<Option<Value>>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) rows: Arc<Mutex<Rows>>,
    /// Calls that still succeed; below zero all do.
    left: Arc<AtomicI64>,
    /// Commits until one is made whose answer is lost; below zero none is.
    answers: Arc<AtomicI64>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let memory = Self::default();
        memory.fail_after(-1);
        memory.lose_answer(-1);
        memory
    }

    /// Let this many calls succeed, then fail one; `-1`: fail none.
    pub(crate) fn fail_after(&self, calls: i64) {
        self.left.store(calls, Ordering::SeqCst);
    }

    /// Make this many commits, then one that is answered with an error all the same; `-1`: none.
    pub(crate) fn lose_answer(&self, commits: i64) {
        self.answers.store(commits, Ordering::SeqCst);
    }

    /// Another database with the same rows.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        *copy.rows.lock().unwrap() = self.all();
        copy
    }

    fn call(&self) -> Result<()> {
        let left = self.left.load(Ordering::SeqCst);
        if left < 0 {
            return Ok(());
        }
        self.left.store(left - 1, Ordering::SeqCst);
        if left == 0 { Err(StoreError::Unavailable("switched off".into())) } else { Ok(()) }
    }

    pub(crate) fn all(&self) -> Rows {
        self.rows.lock().unwrap().clone()
    }

    /// The value of a series at an epoch.
    pub(crate) fn at(&self, series: &SeriesName, subject: &str, epoch: i64) -> Option<u128> {
        let (subject, epoch) = (subject.parse::<Subject>().unwrap(), Epoch::new(epoch).unwrap());
        let rows = self.rows.lock().unwrap();
        let from = (series.clone(), subject.clone(), Epoch::GENESIS);
        let step = rows.steps.range(from..=(series.clone(), subject, epoch)).next_back();
        step.and_then(|(_, value)| *value).map(|value| value.0)
    }
}

struct Unit {
    memory: Memory,
    rows: Rows,
}

#[async_trait]
impl Store for Memory {
    async fn begin(&self) -> Result<Box<dyn Work>> {
        self.call()?;
        Ok(Box::new(Unit { memory: self.clone(), rows: self.all() }))
    }
    async fn networks(&self) -> Result<Vec<Network>> {
        Ok(self.all().networks.into_values().collect())
    }
    async fn cursor(&self, _: &NetworkId) -> Result<Option<Cursor>> {
        self.call()?;
        Ok(self.all().cursor)
    }
    async fn epoch(&self, _: &NetworkId, epoch: Epoch) -> Result<Option<EpochRecord>> {
        self.call()?;
        Ok(self.all().epochs.get(&epoch).cloned())
    }
    async fn epochs(&self, _: &NetworkId, page: Page<Epoch>) -> Result<Vec<EpochRecord>> {
        self.call()?;
        let below = |epoch: &Epoch| page.after.is_none_or(|after| *epoch < after);
        let rows = self.all().epochs.into_iter().rev().filter(|(epoch, _)| below(epoch));
        Ok(rows.map(|(_, record)| record).take(page.limit as usize).collect())
    }
    async fn board(
        &self,
        _: &NetworkId,
        series: &SeriesName,
        at: Epoch,
    ) -> Result<Vec<(Subject, Option<Value>)>> {
        self.call()?;
        let mut board = BTreeMap::new();
        for ((name, subject, epoch), value) in self.all().steps {
            if name == *series && epoch <= at {
                board.insert(subject, value);
            }
        }
        Ok(board.into_iter().collect())
    }
    async fn subject(&self, _: &NetworkId, subject: &Subject, at: Epoch) -> Result<Vec<(SeriesName, Step)>> {
        let mut found = BTreeMap::new();
        for ((name, whose, epoch), value) in self.all().steps {
            if whose == *subject && epoch <= at {
                found.insert(name, Step { epoch, value });
            }
        }
        Ok(found.into_iter().collect())
    }
    async fn held(
        &self,
        network: &NetworkId,
        series: &[SeriesName],
        subjects: &[Subject],
        at: Epoch,
    ) -> Result<Vec<Held>> {
        let mut held = Vec::new();
        for series in series {
            let board = self.board(network, series, at).await?;
            let asked = board.into_iter().filter(|(subject, _)| subjects.contains(subject));
            held.extend(asked.map(|(subject, value)| Held { subject, series: series.clone(), value }));
        }
        Ok(held)
    }
    async fn recent(
        &self,
        _: &NetworkId,
        series: &SeriesName,
        subjects: &[Subject],
        from: Epoch,
        to: Epoch,
        page: Page<(Subject, Epoch)>,
    ) -> Result<Vec<(Subject, Step)>> {
        self.call()?;
        let steps = self.all().steps;
        let begins = |subject: &Subject| {
            let first = (series.clone(), subject.clone(), Epoch::GENESIS);
            let held = steps.range(first..=(series.clone(), subject.clone(), from)).next_back();
            held.map_or(from, |((_, _, epoch), _)| *epoch)
        };
        let asked = steps.iter().filter(|((name, subject, epoch), _)| {
            let after = page.after.as_ref().is_none_or(|(s, e)| (s, e) < (subject, epoch));
            name == series && subjects.contains(subject) && after && *epoch >= begins(subject) && *epoch <= to
        });
        let asked = asked
            .map(|((_, subject, epoch), value)| (subject.clone(), Step { epoch: *epoch, value: *value }));
        Ok(asked.take(page.limit as usize).collect())
    }
    async fn steps(
        &self,
        _: &NetworkId,
        series: &SeriesName,
        subject: &Subject,
        page: Page<Epoch>,
    ) -> Result<Vec<Step>> {
        let steps = self.all().steps.into_iter();
        let steps = steps.filter(|((name, whose, epoch), _)| {
            name == series && whose == subject && page.after.is_none_or(|after| *epoch > after)
        });
        Ok(steps.map(|((_, _, epoch), value)| Step { epoch, value }).take(page.limit as usize).collect())
    }
    async fn history(
        &self,
        _: &NetworkId,
        series: &SeriesName,
        from: Epoch,
        page: Page<(Subject, Epoch)>,
    ) -> Result<Vec<(Subject, Step)>> {
        let steps = self.all().steps.into_iter();
        let steps = steps.filter(|((name, subject, epoch), _)| {
            let after = page.after.as_ref().is_none_or(|(s, e)| (s, e) < (subject, epoch));
            name == series && *epoch >= from && after
        });
        let steps = steps.map(|((_, subject, epoch), value)| (subject, Step { epoch, value }));
        Ok(steps.take(page.limit as usize).collect())
    }
    async fn changes(
        &self,
        _: &NetworkId,
        at: Epoch,
        page: Page<(SeriesName, Subject)>,
    ) -> Result<Vec<ChangeRecord>> {
        let steps = self.all().steps;
        let after = |series: &SeriesName, subject: &Subject| {
            page.after.as_ref().is_none_or(|(s, u)| (s, u) < (series, subject))
        };
        let begun =
            steps.iter().filter(|((series, subject, epoch), _)| *epoch == at && after(series, subject));
        let changes = begun.map(|((series, subject, epoch), value)| {
            let first = (series.clone(), subject.clone(), Epoch::GENESIS);
            let before = steps.range(first..(series.clone(), subject.clone(), at)).next_back();
            let change =
                Change { series: series.clone(), subject: subject.clone(), epoch: *epoch, value: *value };
            ChangeRecord { change, before: before.and_then(|(_, value)| *value) }
        });
        Ok(changes.take(page.limit as usize).collect())
    }
    async fn journal(&self, _: &NetworkId, applied: Epoch) -> Result<Vec<Change>> {
        let rows = self.all();
        let mut changes: Vec<_> =
            rows.journal.get(&applied).into_iter().flatten().map(|(change, _)| change.clone()).collect();
        changes.sort();
        Ok(changes)
    }
    async fn certificates(&self, _: &NetworkId, instance: u64, limit: u32) -> Result<Vec<CertificateRecord>> {
        self.call()?;
        Ok(self
            .all()
            .certificates
            .range(instance..)
            .map(|(_, one)| one.clone())
            .take(limit as usize)
            .collect())
    }
    async fn objects(&self, _: &NetworkId, _: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }
    async fn competitions(&self) -> Result<Vec<LedgerHead>> {
        Ok(Vec::new())
    }
    async fn entries(&self, _: &str, _: Page<u64>) -> Result<Vec<LedgerEntry>> {
        Ok(Vec::new())
    }
    async fn archives(&self) -> Result<Vec<ArchiveHead>> {
        Ok(Vec::new())
    }
    async fn archive(&self, _: &str) -> Result<Option<Archive>> {
        Ok(None)
    }
    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Unit {
    fn expect(&self, from: Option<&Cursor>) -> Result<()> {
        if self.rows.cursor.as_ref() == from {
            return Ok(());
        }
        let (found, expected) = (format!("{:?}", self.rows.cursor), format!("{from:?}"));
        Err(StoreError::Conflict { what: "the cursor", found, expected })
    }
}

#[async_trait]
impl Work for Unit {
    async fn put_network(&mut self, network: &Network) -> Result<()> {
        self.memory.call()?;
        self.rows.networks.insert(network.id.to_string(), network.clone());
        Ok(())
    }
    async fn apply(
        &mut self,
        _: &NetworkId,
        from: Option<&Cursor>,
        to: &Cursor,
        epochs: &[AppliedEpoch],
    ) -> Result<()> {
        self.memory.call()?;
        self.expect(from)?;
        let mut last = from.map(|cursor| cursor.epoch);
        for applied in epochs {
            assert!(last.is_none_or(|last| last < applied.record.epoch), "epochs ascend");
            last = Some(applied.record.epoch);
            self.rows.epochs.insert(applied.record.epoch, applied.record.clone());
            let mut undo = Vec::new();
            for change in &applied.changes {
                let key = (change.series.clone(), change.subject.clone(), change.epoch);
                undo.push((change.clone(), self.rows.steps.insert(key, change.value)));
            }
            self.rows.journal.insert(applied.record.epoch, undo);
        }
        if let Some(final_epoch) = to.final_epoch {
            self.rows.journal.retain(|epoch, _| *epoch > final_epoch);
        }
        self.rows.cursor = Some(to.clone());
        Ok(())
    }
    async fn unwind(&mut self, _: &NetworkId, from: &Cursor, to: &Cursor) -> Result<u64> {
        self.memory.call()?;
        self.expect(Some(from))?;
        let mut taken = 0;
        let gone: Vec<Epoch> = self.rows.epochs.keys().copied().filter(|epoch| *epoch > to.epoch).collect();
        for epoch in gone.into_iter().rev() {
            let Some(undo) = self.rows.journal.remove(&epoch) else {
                return Err(StoreError::TooDeep { to: to.epoch, kept: epoch });
            };
            self.rows.epochs.remove(&epoch);
            for (change, before) in undo.into_iter().rev() {
                taken += 1;
                let key = (change.series, change.subject, change.epoch);
                match before {
                    Some(value) => self.rows.steps.insert(key, value),
                    None => self.rows.steps.remove(&key),
                };
            }
        }
        self.rows.cursor = Some(to.clone());
        Ok(taken)
    }
    async fn put_certificates(&mut self, _: &NetworkId, certificates: &[CertificateRecord]) -> Result<()> {
        self.memory.call()?;
        for one in certificates {
            self.rows.certificates.entry(one.instance).or_insert_with(|| one.clone());
        }
        Ok(())
    }
    async fn put_objects(&mut self, _: &NetworkId, _: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
        Ok(())
    }
    async fn clear(&mut self, _: &NetworkId) -> Result<()> {
        self.rows = Rows { networks: self.rows.networks.clone(), ..Rows::default() };
        Ok(())
    }
    async fn append(&mut self, _: &str, _: Option<(u64, Digest)>, _: &LedgerEntry) -> Result<()> {
        Err(StoreError::Unavailable("no ledgers are kept here".into()))
    }
    async fn put_archive(&mut self, _: &str, _: &Archive) -> Result<()> {
        Err(StoreError::Unavailable("no archives are kept here".into()))
    }
    async fn commit(self: Box<Self>) -> Result<()> {
        self.memory.call()?;
        *self.memory.rows.lock().unwrap() = self.rows;
        match self.memory.answers.fetch_sub(1, Ordering::SeqCst) {
            0 => Err(StoreError::Unavailable("the connection broke".into())),
            _ => Ok(()),
        }
    }
}
