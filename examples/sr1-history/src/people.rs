//! Who competes: 300 invented miners and the entities they form.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use apogee_competition::claim::{Chain, Holder, MinerKeys, Participant};
use apogee_domain::{Digest, Epoch, Timestamp};
use apogee_rules::Id;

use crate::draw::between;
use crate::keys::Wallet;
use crate::time::{begins, moment};

/// Sectors of 32 GiB in a tebibyte.
const SECTORS: u64 = 32;
/// The first of their numbers; no miner of the race had one as large.
const FIRST: usize = 990_001;

/// A region of the race, and what is invented for it.
struct Region {
    /// None for those of whom nothing is known.
    name: Option<&'static str>,
    /// How many miners, and how many of them claim nothing.
    miners: (usize, usize),
    /// Raw power at the end.
    tebibytes: u64,
    /// Entities of several miners: the place among all, and how many.
    groups: &'static [(usize, usize)],
}

const REGIONS: [Region; 7] = [
    Region {
        name: Some("AS"),
        miners: (140, 18),
        tebibytes: 180_224,
        groups: &[(1, 16), (3, 5), (8, 3), (15, 3), (30, 2), (45, 2)],
    },
    Region { name: Some("EU"), miners: (60, 8), tebibytes: 24_576, groups: &[(2, 3), (9, 2)] },
    Region { name: Some("NA"), miners: (55, 7), tebibytes: 21_504, groups: &[(1, 3), (6, 2)] },
    Region { name: Some("SA"), miners: (22, 2), tebibytes: 2_458, groups: &[(2, 2)] },
    Region { name: Some("OC"), miners: (13, 1), tebibytes: 360, groups: &[] },
    Region { name: Some("AF"), miners: (8, 1), tebibytes: 72, groups: &[] },
    Region { name: None, miners: (2, 0), tebibytes: 90, groups: &[] },
];

/// What becomes of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing special.
    Plain,
    /// 63 of 82 storage deals succeed, and it appeals after the end.
    SixtyThree,
    /// Too few retrievals succeed.
    Retrieval,
    /// No bot ever reaches it.
    Unasked,
    /// A member never upgrades a sector.
    NoUpgrade,
    /// New on the chain after the first deadline: registers late, as it may.
    Late,
    /// Registers late, though it was there before.
    LateOld,
    /// Registers late with two miners.
    LateTwo,
    /// Registers after every deadline.
    TooLate,
    /// Is found to stand elsewhere than it says.
    Elsewhere,
    /// Two miners with 90 of 100 and 5 of 10 deals.
    Pooled,
    /// Would fall below the bar by what failed while a bot was down.
    Outage,
    /// A bot's own faults were counted against it.
    Adjusted,
    /// Nobody knows where it stands, until it shows.
    Found,
    /// Nobody knows where it stands.
    Nowhere,
}

/// What becomes of the entity at a place of a region; the others are plain.
const fn fate(region: Option<&str>, place: usize) -> Fate {
    let Some(region) = region else {
        return if place == 0 { Fate::Found } else { Fate::Nowhere };
    };
    match (region.as_bytes(), place) {
        (b"NA", 12) => Fate::SixtyThree,
        (b"NA", 6) => Fate::Pooled,
        (b"EU", 5) | (b"AS", 25 | 71) | (b"SA", 9) => Fate::Retrieval,
        (b"AS", 33 | 90) | (b"EU", 21) => Fate::Unasked,
        (b"AS", 15 | 40) | (b"SA", 6) => Fate::NoUpgrade,
        (b"AS", 50 | 61) | (b"EU", 33) | (b"NA", 30) | (b"SA", 12) => Fate::Late,
        (b"OC", 4) => Fate::LateOld,
        (b"EU", 9) => Fate::LateTwo,
        (b"EU", 30) => Fate::TooLate,
        (b"AS", 5) => Fate::Elsewhere,
        (b"AS", 17) => Fate::Outage,
        (b"EU", 7) => Fate::Adjusted,
        _ => Fate::Plain,
    }
}

/// Successful and failed deals.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

/// An invented miner.
#[derive(Clone)]
pub(crate) struct Miner {
    pub(crate) id: Id,
    pub(crate) region: Option<Id>,
    /// First seen on the chain.
    pub(crate) seen: Epoch,
    /// Sectors at the end.
    pub(crate) sectors: u64,
    pub(crate) storage: Deals,
    pub(crate) retrieval: Deals,
    pub(crate) upgrades: bool,
    pub(crate) owner: Wallet,
    pub(crate) worker: Wallet,
}

/// An invented entity.
#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) region: Option<Id>,
    /// Places among the miners, the leader first.
    pub(crate) members: Vec<usize>,
    pub(crate) fate: Fate,
    /// When it claims.
    pub(crate) claims: Timestamp,
}

/// Everybody.
#[derive(Clone, Default)]
pub(crate) struct People {
    pub(crate) miners: Vec<Miner>,
    pub(crate) teams: Vec<Team>,
    places: BTreeMap<Id, usize>,
}

impl People {
    /// Invent them.
    pub(crate) fn new() -> Result<Self> {
        let mut people = Self::default();
        for region in &REGIONS {
            people.settle(region)?;
        }
        people.tie();
        people.places = people.miners.iter().map(|miner| miner.id.clone()).zip(0..).collect();
        Ok(people)
    }

    pub(crate) fn miner(&self, id: &Id) -> Option<&Miner> {
        self.places.get(id).and_then(|place| self.miners.get(*place))
    }

    /// The members of an entity, the leader first.
    pub(crate) fn members<'a>(&'a self, team: &'a Team) -> impl Iterator<Item = &'a Miner> {
        team.members.iter().filter_map(|place| self.miners.get(*place))
    }

    /// The entities with a fate.
    pub(crate) fn with(&self, fate: Fate) -> impl Iterator<Item = &Team> {
        self.teams.iter().filter(move |team| team.fate == fate)
    }

    /// The miners and entities of a region, the largest first.
    fn settle(&mut self, region: &Region) -> Result<()> {
        let (miners, silent) = region.miners;
        let grouped: usize = region.groups.iter().map(|(_, size)| size - 1).sum();
        let slots = miners - grouped;
        let every = slots.checked_div(silent).unwrap_or(usize::MAX);
        let size = |place| region.groups.iter().find(|(at, _)| *at == place).map_or(1, |(_, size)| *size);
        let label = region.name.unwrap_or("none");
        let weight = |slot: usize| {
            let steep = 1_000_000 / (slot as u64 + 5);
            steep * between(&format!("weight {label} {slot}"), 92, 108)
        };
        let all: u64 = (0..slots).map(weight).sum();
        let mut place = 0;
        for slot in 0..slots {
            let sectors = region.tebibytes * SECTORS * weight(slot) / all.max(1);
            // Those who claim nothing stand between the others, and none of them first.
            if slot % every == every - 1 {
                self.miner_of(region, (Fate::Plain, 0, false), sectors)?;
                continue;
            }
            let (fate, members) = (fate(region.name, place), size(place));
            let first = self.miners.len();
            let share = |member: usize| sectors * (members + 7 - member) as u64;
            let shares: u64 = (0..members).map(|member| (members + 7 - member) as u64).sum();
            for member in 0..members {
                let last = member + 1 == members;
                self.miner_of(region, (fate, member, last), share(member) / shares.max(1))?;
            }
            let number = self.teams.len() + 1;
            let seen = self.miners.get(first).map_or(Epoch::GENESIS, |miner| miner.seen);
            self.teams.push(Team {
                id: format!("invented-{number:03}").parse()?,
                name: format!("Invented {number:03}"),
                region: region.name.map(str::parse).transpose()?,
                members: (first..first + members).collect(),
                fate,
                claims: claims(fate, number, seen),
            });
            place += 1;
        }
        Ok(())
    }

    /// A miner with the fate of its entity: which member it is, and whether the last one.
    fn miner_of(
        &mut self,
        region: &Region,
        (fate, member, last): (Fate, usize, bool),
        sectors: u64,
    ) -> Result<()> {
        let number = FIRST + self.miners.len();
        let draw = |what: &str, low, high| between(&format!("{what} of {number}"), low, high);
        let (stored, fetched) = (draw("stored", 120, 420), draw("fetched", 80, 300));
        let storage = Deals { passed: stored, failed: draw("unstored", 0, stored / 7) };
        let retrieval = Deals { passed: fetched, failed: draw("unfetched", 0, fetched / 6) };
        let deals = |passed, failed| Deals { passed, failed };
        let (storage, retrieval) = match (fate, member) {
            (Fate::SixtyThree, _) => (deals(63, 19), retrieval),
            (Fate::Retrieval, _) => (storage, deals(41, 19)),
            (Fate::Unasked, _) => (Deals::default(), Deals::default()),
            (Fate::Pooled, 0) => (deals(90, 10), deals(88, 12)),
            (Fate::Pooled, _) => (deals(5, 5), deals(8, 2)),
            (Fate::Outage, _) => (deals(100, 20), retrieval),
            (Fate::Adjusted, _) => (deals(79, 21), retrieval),
            _ => (storage, retrieval),
        };
        let seen = match fate {
            Fate::Late => draw("seen", 20_200, 24_000),
            // Old enough to be seen before it registers on the morning of 2 September.
            Fate::LateTwo => draw("seen", 20_200, 22_000),
            Fate::LateOld => draw("seen", 5_000, 9_000),
            _ => draw("seen", 240, 11_000),
        };
        self.miners.push(Miner {
            id: format!("t0{number}").parse()?,
            region: region.name.map(str::parse).transpose()?,
            seen: Epoch::new(i64::try_from(seen)?).context("an epoch")?,
            sectors,
            storage,
            retrieval,
            upgrades: fate != Fate::NoUpgrade || !last,
            owner: Wallet::of(&format!("owner of {number}"))?,
            worker: Wallet::of(&format!("worker of {number}"))?,
        });
        Ok(())
    }

    /// Let the 50th and the 51st of Asia have the same power: the last place there is won by an id.
    fn tie(&mut self) {
        let size = |people: &Self, team: &Team| people.members(team).map(|miner| miner.sectors).sum::<u64>();
        let mut asian: Vec<(u64, usize, usize)> = self
            .teams
            .iter()
            .filter(|team| team.region.as_ref().is_some_and(|region| region.as_str() == "AS"))
            .filter(|team| matches!(team.fate, Fate::Plain | Fate::Late | Fate::Outage))
            .filter_map(|team| Some((size(self, team), *team.members.first()?, team.members.len())))
            .collect();
        asian.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(&[(sectors, _, 1), (_, place, 1)]) = asian.get(49..51)
            && let Some(miner) = self.miners.get_mut(place)
        {
            miner.sectors = sectors;
        }
    }
}

/// When an entity claims: after its miner is seen, and mostly in time.
fn claims(fate: Fate, number: usize, seen: Epoch) -> Timestamp {
    let draw = |low, high| between(&format!("claim {number}"), low, high) as i64;
    match fate {
        Fate::Late => moment(9, 3 + draw(0, 6), draw(2, 21), draw(0, 59)),
        Fate::LateOld => moment(9, 5, 9, 40),
        Fate::LateTwo => moment(9, 2, 9, 20),
        Fate::TooLate => moment(9, 12, 7, 5),
        _ => begins((seen.height() + draw(200, 8_500)).min(20_100)),
    }
}

/// What verified state would say of them.
impl Chain for People {
    fn participant(&self, id: &Id, at: Epoch) -> Option<Participant> {
        let miner = self.miner(id).filter(|miner| miner.seen <= at)?;
        Some(Participant { seen: miner.seen, region: miner.region.clone() })
    }

    fn keys(&self, miner: &Id, _: Epoch) -> Option<MinerKeys> {
        let Miner { owner, worker, .. } = self.miner(miner)?;
        let key = |wallet: &Wallet| Holder::Key(wallet.address.clone());
        Some(MinerKeys { owner: key(owner), worker: key(worker), former: Vec::new() })
    }

    fn approves(&self, _: &str, _: &str, _: &Digest, _: Epoch) -> bool {
        false
    }
}
