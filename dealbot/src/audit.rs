//! Judging once more: whoever has the log comes to the same, or learns where not.
//!
//! Everything is read once, in the order of the log. Each block hashes to its name, each batch follows the one before and is signed by the controller, each
//! record is signed by its bot, and each verdict is what `judge` says of the entries that were known when it was made. What is wrong with the log itself ends
//! the reading; verdicts that are not what they should be are collected.

mod defect;
mod facts;
mod slots;

use std::collections::BTreeMap;
use std::io::Read;

use apogee_domain::{Digest, Epoch, Timestamp};
use apogee_store::SlotOutcome;

use self::defect::MOST;
pub use self::defect::{Defect, Place, What};
use self::facts::Facts;
use self::slots::Slots;
use crate::archive::{Block, Blocks};
use crate::canonical::{Link, Signed};
use crate::entry::{Attempted, Entry, Fact, Settings, Told};
use crate::log::{self, Batch, Head, Seal};
use crate::record::{CANARY, Record};
use crate::schedule::{BEACON_WITHIN, Beacon, Kind, Seed};

/// Most verdicts that are named where they are not what they should be; the others are counted.
const NAMED: usize = 100;

/// What may be asked of a log beside that it holds.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The seed, once it is told: then every moment is derived again.
    pub seed: Option<Seed>,
    /// The key that signs it, where that is known from elsewhere.
    pub key: Option<[u8; 32]>,
}

/// What slots come to: by kind, miner and outcome, how many count at which epoch.
pub type Counts = BTreeMap<(Kind, String, SlotOutcome), BTreeMap<Epoch, u64>>;

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// The network.
    pub network: String,
    /// The competition.
    pub race: String,
    /// The key that signs the log.
    pub key: [u8; 32],
    /// What was said of the seed.
    pub commitment: Digest,
    /// When that was written down.
    pub committed: Timestamp,
    /// The beacon that the seed is bound to, as far as it is known.
    pub beacon: Option<Beacon>,
    /// How far the log goes.
    pub head: Option<Head>,
    /// The chain's height at its end.
    pub epoch: Epoch,
    /// Entries.
    pub entries: u64,
    /// Records of bots whose signatures are good.
    pub records: u64,
    /// Leases that ran out.
    pub lapses: u64,
    /// Verdicts that were made again.
    pub verdicts: u64,
    /// Of them, those that others than the evidence decide: the chain, as far as the controller read it.
    pub by_chain: u64,
    /// Slots that were tried, or lie between others, and have no verdict yet.
    pub open: u64,
    /// Whether every moment was derived from the seed.
    pub derived: bool,
    /// What slots come to.
    pub counts: Counts,
    /// Verdicts that are not what they should be: the first hundred.
    pub defects: Vec<Defect>,
    /// How many there are in all.
    pub wrong: u64,
}

/// A log that is read.
#[derive(Debug)]
pub struct Audit {
    asked: Asked,
    settings: Option<Settings>,
    facts: Facts,
    slots: Slots,
    report: Report,
}

impl Audit {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(asked: Asked) -> Self {
        let report = Report::default();
        Self { asked, settings: None, facts: Facts::default(), slots: Slots::default(), report }
    }

    /// Read a file: the first one, or the one that goes on from those before.
    ///
    /// # Errors
    /// The first thing that is wrong with the log itself.
    pub fn read(&mut self, input: impl Read) -> Result<(), Defect> {
        let mut place = Place { batch: self.next_batch(), entry: 0 };
        self.file(input, &mut place).map_err(|what| Defect { place, what })
    }

    fn next_batch(&self) -> u64 {
        self.report.head.map_or(1, |head| head.seq.saturating_add(1))
    }

    fn file(&mut self, input: impl Read, place: &mut Place) -> Result<(), What> {
        let mut blocks = Blocks::open(input)?;
        let mut last = None;
        while let Some(block) = blocks.next().transpose()? {
            *place = Place { batch: self.next_batch(), entry: 0 };
            let batch = Batch::decode(&block.bytes)?;
            let head = log::follow(self.report.head.as_ref(), &batch)?;
            let seal = next(&mut blocks, "the seal of a batch")?;
            let seal = Seal::decode(&seal.bytes).map_err(|_| What::Seal)?;
            for (number, link) in (batch.first..).zip(&batch.entries) {
                place.entry = number;
                self.entry(number, *link, &mut blocks, *place)?;
            }
            place.entry = 0;
            // The first batch says by which key.
            let key = self.settings.as_ref().and_then(Settings::log_key).ok_or(What::NoSettings)?;
            if !seal.verifies(&block.cid, &key) {
                return Err(What::Seal);
            }
            self.report.head = Some(head);
            self.report.epoch = batch.epoch;
            last = Some(block.cid);
        }
        if last == Some(blocks.root()) { Ok(()) } else { Err(What::Root) }
    }

    fn entry<R: Read>(
        &mut self,
        number: u64,
        link: Link,
        blocks: &mut Blocks<R>,
        place: Place,
    ) -> Result<(), What> {
        if number > MOST {
            return Err(What::TooMany);
        }
        let entry = Entry::decode(&named(blocks, link, "an entry")?.bytes)?;
        if entry.number != number {
            return Err(What::Number(entry.number));
        }
        let record = match entry.told() {
            Some(told) => Some(Record::decode(&named(blocks, told.record, "a record")?.bytes)?),
            None => None,
        };
        self.report.entries = number;
        if let Fact::Settings(settings) = entry.fact {
            return self.settings(*settings, entry.at);
        }
        let settings = self.settings.as_ref().ok_or(What::NoSettings)?;
        if let (Some(told), Some(record)) = (entry.told(), &record) {
            signed(settings, &entry.fact, told, record)?;
            self.report.records = self.report.records.saturating_add(1);
        }
        let counts = matches!(entry.fact, Fact::Attempt(_) | Fact::Followed(_) | Fact::Verdict(_));
        if counts && settings.beacon_epoch.is_some() && settings.beacon.is_none() {
            return Err(What::NoBeacon);
        }
        match entry.fact {
            Fact::Settings(_) => Ok(()),
            Fact::Attempt(of) => {
                self.report.lapses = self.report.lapses.saturating_add(u64::from(of.told.is_none()));
                self.slots.tried(number, &of, record.as_ref())?;
                self.facts.tried(number, &of);
                Ok(())
            }
            Fact::Late(_) => Ok(()),
            Fact::Canary(of) => self.facts.canary(number, of),
            Fact::Rest(of) => self.facts.rest(number, of),
            Fact::Followed(of) => {
                let found = self.slots.followed(&of, entry.at, &mut self.facts);
                self.wrong(place, found)
            }
            Fact::Verdict(of) => {
                self.report.verdicts = self.report.verdicts.saturating_add(1);
                self.report.by_chain = self.report.by_chain.saturating_add(u64::from(of.deal.is_some()));
                let found = self.slots.judged(number, &of, entry.at, &mut self.facts);
                let key = (of.slot.kind, of.slot.miner, of.outcome);
                let count = self.report.counts.entry(key).or_default().entry(of.epoch).or_default();
                *count = count.saturating_add(1);
                self.wrong(place, found)
            }
        }
    }

    /// A verdict that does not follow is noted, and the log is read on.
    fn wrong(&mut self, place: Place, found: Result<(), What>) -> Result<(), What> {
        let what = match found {
            Ok(()) => return Ok(()),
            Err(what @ What::Slot { .. }) => what,
            Err(what) => return Err(what),
        };
        self.report.wrong = self.report.wrong.saturating_add(1);
        if self.report.defects.len() < NAMED {
            self.report.defects.push(Defect { place, what });
        }
        Ok(())
    }

    /// The race begins or goes on by these settings.
    fn settings(&mut self, settings: Settings, at: Timestamp) -> Result<(), What> {
        let key = settings.log_key().ok_or(What::Changed("key of the log"))?;
        if let Some(before) = &self.settings {
            let stays = [
                ("network", before.network == settings.network),
                ("competition", before.race == settings.race),
                ("document", before.document == settings.document),
                ("commitment", before.commitment == settings.commitment),
                ("beacon's epoch", before.beacon_epoch == settings.beacon_epoch),
                ("beacon", before.beacon.is_none() || before.beacon == settings.beacon),
                ("key of the log", before.log == settings.log),
                ("slots", before.cadences == settings.cadences),
            ];
            if let Some((what, _)) = stays.into_iter().find(|(_, same)| !same) {
                return Err(What::Changed(what));
            }
        } else {
            if settings.beacon.is_some() {
                return Err(What::EarlyBeacon);
            }
            if self.asked.key.is_some_and(|asked| asked != key) {
                return Err(What::OtherKey);
            }
            if self.asked.seed.as_ref().is_some_and(|seed| seed.commitment() != settings.commitment) {
                return Err(What::Seed);
            }
            self.report.network.clone_from(&settings.network);
            self.report.race.clone_from(&settings.race);
            self.report.commitment = settings.commitment;
            self.report.committed = at;
            self.report.key = key;
            self.report.derived = self.asked.seed.is_some();
        }
        if let Some(beacon) = &settings.beacon {
            let within = |least: Epoch| (least..least.plus(BEACON_WITHIN)).contains(&beacon.epoch);
            if !settings.beacon_epoch.is_some_and(within) {
                return Err(What::Changed("beacon's epoch"));
            }
            self.report.beacon = Some(beacon.clone());
        }
        // Without the seed no moment is derived, and nothing else rests on it.
        let seed = self.asked.seed.clone();
        let plan = settings.plan(seed.clone().unwrap_or_else(|| Seed::new([0; 32])));
        let plan = plan.map_err(|_| What::Changed("network"))?;
        self.slots.by(plan, seed.is_some());
        self.settings = Some(settings);
        Ok(())
    }

    /// What was found in all files.
    ///
    /// # Errors
    /// Where there is no log.
    pub fn end(self) -> Result<Report, Defect> {
        let mut report = self.report;
        if report.head.is_none() {
            let place = Place { batch: 1, entry: 0 };
            return Err(Defect { place, what: What::Ends("the first batch") });
        }
        report.open = self.slots.open();
        Ok(report)
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.wrong == 0
    }
}

fn next<R: Read>(blocks: &mut Blocks<R>, what: &'static str) -> Result<Block, What> {
    blocks.next().transpose()?.ok_or(What::Ends(what))
}

/// The next block, which has to be this one.
fn named<R: Read>(blocks: &mut Blocks<R>, link: Link, what: &'static str) -> Result<Block, What> {
    let block = next(blocks, what)?;
    if block.cid == link.0 { Ok(block) } else { Err(What::Order(link.0)) }
}

/// Whether a record is signed by the bot that the entry names, and says what the entry does.
fn signed(settings: &Settings, fact: &Fact, told: &Told, record: &Record) -> Result<(), What> {
    let (bot, kind) = match fact {
        Fact::Attempt(of) => (&of.bot, Signed::Record),
        Fact::Late(of) => (&of.bot, Signed::Record),
        Fact::Canary(of) => (&of.bot, Signed::Canary),
        Fact::Settings(_) | Fact::Rest(_) | Fact::Followed(_) | Fact::Verdict(_) => return Ok(()),
    };
    let key = settings.bot_key(bot).ok_or_else(|| What::Stranger(bot.clone()))?;
    let signature = told.signature.0.as_slice().try_into();
    if !signature.is_ok_and(|signature| kind.verifies(&told.record.0, &key, signature)) {
        return Err(What::Unsigned(bot.clone()));
    }
    let race = if kind == Signed::Canary { CANARY } else { &settings.race };
    let mut same = vec![("race", record.race == race), ("bot", record.bot == *bot)];
    match fact {
        Fact::Attempt(Attempted { slot, attempt, fence, region, code, .. }) => same.extend([
            ("slot", record.slot == *slot),
            ("attempt", record.attempt == *attempt),
            ("lease", record.fence == *fence),
            ("region", record.region == *region),
            ("end", record.failure == *code),
        ]),
        Fact::Late(of) => same.extend([
            ("slot", record.slot == of.slot),
            ("attempt", record.attempt == of.attempt),
            ("lease", record.fence == of.fence),
        ]),
        Fact::Canary(of) => {
            same.extend([("time", record.ended == of.ended), ("end", record.failure == of.code)]);
        }
        Fact::Settings(_) | Fact::Rest(_) | Fact::Followed(_) | Fact::Verdict(_) => {}
    }
    same.into_iter().find(|(_, same)| !same).map_or(Ok(()), |(what, _)| Err(What::Other(what)))
}
