//! A miner's sectors by standing, counted and listed over deadlines and partitions.

use cid::Cid;
use fvm_ipld_bitfield::BitField;
use fvm_ipld_blockstore::Blockstore;

use crate::amt::Amt;
use crate::cbor::Cbor;
use crate::node::{read, whole};
use crate::{Fault, Miner, PowerPair, ReadError};

const PARTITIONS: &str = "the partitions of a deadline";
/// Deadlines of a proving period; 48 on every known network.
const MAX_DEADLINES: u64 = 1024;
/// A partition holds at most 2,349 sectors, terminated ones included (`WindowPoStPartitionSectors` of 32 GiB sectors).
const MAX_PARTITION_SECTORS: u64 = 1 << 16;
/// More sectors than any miner can have.
const MAX_SECTORS: u64 = 1 << 32;

/// How many sectors a miner has, over all partitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SectorTotals {
    /// Neither terminated nor expired and removed: `sectors − terminated`.
    pub live: u64,
    /// `live − faulty − unproven`: those that have power (Lotus `Active`).
    pub active: u64,
    /// Faulty, declared or detected, recovering ones included.
    pub faulty: u64,
    /// Faulty ones that are declared recovered and not yet proven.
    pub recovering: u64,
    /// Terminated ones that are still listed in a partition (they go when partitions are compacted).
    pub terminated: u64,
    /// Live ones whose first WindowPoSt is still due.
    pub unproven: u64,
    /// Bytes of the active ones: [`active`](Self::active) × sector size. Equals the raw power of the miner's claim.
    pub active_bytes: u64,
}

/// Sector numbers by standing: of one partition, or the union over all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SectorSets {
    /// Neither terminated nor removed.
    pub live: BitField,
    /// `live − faulty − unproven`: what WinningPoSt challenges from network version 7 on.
    pub active: BitField,
    /// Faulty, recovering ones included.
    pub faulty: BitField,
    /// Faulty and declared recovered.
    pub recovering: BitField,
    /// Terminated.
    pub terminated: BitField,
    /// Live and never proven.
    pub unproven: BitField,
    /// `all − faulty`, terminated and unproven ones included: what WinningPoSt challenges before network version 7.
    pub not_faulty: BitField,
}

struct Partition {
    sectors: BitField,
    unproven: BitField,
    faults: BitField,
    recoveries: BitField,
    terminated: BitField,
}

impl Partition {
    /// Fields: 9 (actors v1, which know no unproven sectors), 11 (v2 on).
    fn read(cursor: &mut Cbor<'_>) -> Result<Self, Fault> {
        let fields = cursor.tuple(&[9, 11])?;
        let sectors = cursor.bit_field()?;
        let (unproven, powers) = if fields == 11 { (cursor.bit_field()?, 4) } else { (BitField::new(), 3) };
        let partition = Self {
            sectors,
            unproven,
            faults: cursor.bit_field()?,
            recoveries: cursor.bit_field()?,
            terminated: cursor.bit_field()?,
        };
        cursor.skip_many(2)?; // expirations, early terminations
        for _ in 0..powers {
            PowerPair::read(cursor)?;
        }
        let Self { sectors, unproven, faults, recoveries, terminated } = &partition;
        for found in [sectors, unproven, faults, recoveries, terminated].map(BitField::len) {
            if found > MAX_PARTITION_SECTORS {
                return Err(Fault::TooMany { found, limit: MAX_PARTITION_SECTORS });
            }
        }
        Ok(partition)
    }

    fn live(&self) -> BitField {
        &self.sectors - &self.terminated
    }

    fn active(&self) -> BitField {
        &(&self.live() - &self.faults) - &self.unproven
    }

    fn sets(&self) -> SectorSets {
        SectorSets {
            live: self.live(),
            active: self.active(),
            faulty: self.faults.clone(),
            recovering: self.recoveries.clone(),
            terminated: self.terminated.clone(),
            unproven: self.unproven.clone(),
            not_faulty: &self.sectors - &self.faults,
        }
    }

    fn total(&self) -> SectorTotals {
        SectorTotals {
            live: self.live().len(),
            active: self.active().len(),
            faulty: self.faults.len(),
            recovering: self.recoveries.len(),
            terminated: self.terminated.len(),
            unproven: self.unproven.len(),
            active_bytes: 0,
        }
    }
}

impl Miner {
    /// Counts its sectors. Reads every deadline and partition, each different node once in a row.
    ///
    /// # Errors
    /// A node is missing or malformed; then nothing is known, for the counts of the rest would be too small.
    pub fn sector_totals<BS: Blockstore>(
        &self,
        store: &BS,
        sector_size: u64,
    ) -> Result<SectorTotals, ReadError> {
        let mut totals = SectorTotals::default();
        self.each_partition(store, &mut |partition| {
            let one = partition.total();
            totals = SectorTotals {
                live: sum(totals.live, one.live)?,
                active: sum(totals.active, one.active)?,
                faulty: sum(totals.faulty, one.faulty)?,
                recovering: sum(totals.recovering, one.recovering)?,
                terminated: sum(totals.terminated, one.terminated)?,
                unproven: sum(totals.unproven, one.unproven)?,
                active_bytes: 0,
            };
            Ok(())
        })?;
        totals.active_bytes = totals.active.checked_mul(sector_size).ok_or(ReadError::Malformed {
            what: "a miner's sectors",
            cid: self.deadlines,
            source: Fault::Invalid("hold more bytes than 64 bits count"),
        })?;
        Ok(totals)
    }

    /// Its sector numbers by standing.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn sector_sets<BS: Blockstore>(&self, store: &BS) -> Result<SectorSets, ReadError> {
        let mut sets = SectorSets::default();
        self.each_partition(store, &mut |partition| {
            let one = partition.sets();
            sets.live |= &one.live;
            sets.active |= &one.active;
            sets.faulty |= &one.faulty;
            sets.recovering |= &one.recovering;
            sets.terminated |= &one.terminated;
            sets.unproven |= &one.unproven;
            sets.not_faulty |= &one.not_faulty;
            Ok(())
        })?;
        Ok(sets)
    }

    /// Sector numbers of each partition of one deadline, by partition; none where there is no such deadline.
    ///
    /// A WindowPoSt of a partition proves `live − (faulty − recovering)` less what its message skips.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn partitions<BS: Blockstore>(
        &self,
        store: &BS,
        deadline: u64,
    ) -> Result<Vec<(u64, SectorSets)>, ReadError> {
        let deadlines = self.deadlines(store)?;
        let Some(deadline) = usize::try_from(deadline).ok().and_then(|index| deadlines.get(index)) else {
            return Ok(Vec::new());
        };
        let mut partitions = Vec::new();
        Amt::new(store, PARTITIONS).for_each(
            &deadline_partitions(store, deadline)?,
            &mut |index, value| {
                partitions.push((index, whole(value, Partition::read)?.sets()));
                Ok(())
            },
        )?;
        Ok(partitions)
    }

    fn deadlines<BS: Blockstore>(&self, store: &BS) -> Result<Vec<Cid>, ReadError> {
        read(store, &self.deadlines, "a miner's deadlines", |cursor| {
            cursor.tuple(&[1])?;
            let count = cursor.list(MAX_DEADLINES)?;
            (0..count).map(|_| cursor.link()).collect()
        })
    }

    fn each_partition<BS: Blockstore>(
        &self,
        store: &BS,
        visit: &mut impl FnMut(&Partition) -> Result<(), Fault>,
    ) -> Result<(), ReadError> {
        let mut empty = None;
        for deadline in self.deadlines(store)? {
            // All deadlines without sectors are one node.
            if empty == Some(deadline) {
                continue;
            }
            let mut found = false;
            Amt::new(store, PARTITIONS).for_each(
                &deadline_partitions(store, &deadline)?,
                &mut |_, value| {
                    found = true;
                    visit(&whole(value, Partition::read)?)
                },
            )?;
            if !found {
                empty = Some(deadline);
            }
        }
        Ok(())
    }
}

/// The partitions of a deadline, whose tuple begins with them in all versions: 7 fields (actors v1, v2), 10 (v3, v4), 11 (v5
/// to v15), 13 (v16 on).
fn deadline_partitions<BS: Blockstore>(store: &BS, deadline: &Cid) -> Result<Cid, ReadError> {
    read(store, deadline, "a deadline", |cursor| {
        let fields = cursor.tuple(&[7, 10, 11, 13])?;
        let partitions = cursor.link()?;
        cursor.skip_many(fields - 1)?;
        Ok(partitions)
    })
}

/// The member of a set that has `index` smaller ones, without listing them: how a WinningPoSt challenge names a sector.
#[must_use]
pub fn nth(set: &BitField, index: u64) -> Option<u64> {
    let mut left = index;
    for range in set.ranges() {
        let length = range.end - range.start;
        if left < length {
            return Some(range.start + left);
        }
        left -= length;
    }
    None
}

fn sum(left: u64, right: u64) -> Result<u64, Fault> {
    left.checked_add(right)
        .filter(|sum| *sum <= MAX_SECTORS)
        .ok_or(Fault::Invalid("counts more sectors than a miner can have"))
}
