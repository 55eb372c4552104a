use apogee_domain::series::Reading;
use apogee_domain::{Digest, Epoch};
use apogee_rules::{Id, Problem, Quantity};
use serde::{Deserialize, Serialize};

use crate::document::{self, epoch, interval, number, present, problem, repeated};
use crate::series::{Series, SeriesDocument, Step};

/// Somebody on the chain who earns (`docs/rules.md` §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// Its name on the chain.
    pub id: Id,
    /// Where it is, as far as is known.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub region: Option<Id>,
    /// Epoch at which it was first seen on chain.
    pub seen: Epoch,
}

/// A storage deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deal {
    /// Padded size of the piece.
    pub bytes: Quantity,
    /// Deal number.
    pub id: u64,
    /// The client.
    pub participant: Id,
    /// What is stored.
    pub piece: Id,
    /// Who stores it.
    pub provider: Id,
    /// Epoch at which its sector was sealed.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Epoch>,
    /// Start epoch of the proposal.
    pub start: Epoch,
}

/// A sector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sector {
    /// Its size.
    pub bytes: Quantity,
    /// When it was faulty, in order and apart; the last may go on.
    pub faults: Vec<(Epoch, Option<Epoch>)>,
    /// Epoch from which it is active.
    pub from: Epoch,
    /// Sector number.
    pub number: u64,
    /// Whose it is.
    pub participant: Id,
    /// Epoch at which it was terminated or expired.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub until: Option<Epoch>,
}

/// What was measured, as a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactsDocument {
    /// Deals, in any order.
    pub deals: Vec<Deal>,
    /// The network.
    pub network: Id,
    /// Participants, in any order.
    pub participants: Vec<Participant>,
    /// Sectors, in any order.
    pub sectors: Vec<Sector>,
    /// Series, in any order.
    pub series: Vec<SeriesDocument>,
}

/// What was measured: checked, in order and with the indices that reading needs.
#[derive(Clone, Debug)]
pub struct Facts {
    pub(crate) network: Id,
    pub(crate) participants: Vec<Participant>,
    pub(crate) series: Vec<Series>,
    pub(crate) deals: Vec<Deal>,
    pub(crate) sectors: Vec<Sector>,
    /// For each participant the deals in which it is the client, as a range of `deal_order`.
    deal_ends: Vec<u32>,
    deal_order: Vec<u32>,
    sector_ends: Vec<u32>,
    hash: Digest,
}

impl Facts {
    /// Read facts from JSON.
    ///
    /// # Errors
    /// The first problem: where it is and what is wrong there.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        Self::new(document::read(bytes)?)
    }

    /// Check and index facts.
    ///
    /// # Errors
    /// The first problem: where it is and what is wrong there.
    pub fn new(mut document: FactsDocument) -> Result<Self, Problem> {
        sort(&mut document);
        check(&document)?;
        let hash = document::hash(&document)?;
        let FactsDocument { deals, network, participants, sectors, series } = document;
        let series =
            series.into_iter().map(|series| index(&participants, series)).collect::<Result<_, _>>()?;

        let mut deal_order: Vec<u32> = (0..).take(deals.len()).collect();
        deal_order.sort_by_key(|deal| deals.get(*deal as usize).map(|deal| &deal.participant));
        let clients =
            deal_order.iter().filter_map(|deal| deals.get(*deal as usize)).map(|deal| &deal.participant);
        let deal_ends = ends(&participants, clients, "deals")?;
        let sector_ends = ends(&participants, sectors.iter().map(|sector| &sector.participant), "sectors")?;
        Ok(Self { network, participants, series, deals, sectors, deal_ends, deal_order, sector_ends, hash })
    }

    /// Hash of the sorted document.
    #[must_use]
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    pub(crate) fn participant(&self, id: &str) -> Option<u32> {
        let index = self.participants.binary_search_by(|other| other.id.as_str().cmp(id)).ok()?;
        u32::try_from(index).ok()
    }

    pub(crate) fn series(&self, name: &str) -> Option<usize> {
        self.series.binary_search_by(|series| series.name.as_str().cmp(name)).ok()
    }

    /// Deals of a client, by number.
    pub(crate) fn deals_of(&self, participant: u32) -> impl Iterator<Item = &Deal> {
        slice(&self.deal_order, &self.deal_ends, participant)
            .iter()
            .filter_map(|deal| self.deals.get(*deal as usize))
    }

    pub(crate) fn sectors_of(&self, participant: u32) -> &[Sector] {
        slice(&self.sectors, &self.sector_ends, participant)
    }
}

fn slice<'a, T>(items: &'a [T], ends: &[u32], participant: u32) -> &'a [T] {
    let index = participant as usize;
    let end = ends.get(index).map_or(0, |end| *end as usize);
    let start = index.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| *end as usize);
    items.get(start..end).unwrap_or_default()
}

/// For each participant where its items end; `owners` in order.
fn ends<'a>(
    participants: &[Participant],
    owners: impl Iterator<Item = &'a Id>,
    what: &str,
) -> Result<Vec<u32>, Problem> {
    let mut owners = owners.peekable();
    let mut count = 0;
    let ends = participants
        .iter()
        .map(|participant| {
            while owners.next_if(|owner| **owner == participant.id).is_some() {
                count += 1;
            }
            count
        })
        .collect();
    match owners.next() {
        Some(stranger) => Err(problem(what, format_args!("{stranger} is not among the participants"))),
        None => Ok(ends),
    }
}

fn sort(document: &mut FactsDocument) {
    document.participants.sort_by(|a, b| a.id.cmp(&b.id));
    document.series.sort_by(|a, b| a.name.cmp(&b.name));
    document.deals.sort_by_key(|deal| deal.id);
    document.sectors.sort_by(|a, b| (&a.participant, a.number).cmp(&(&b.participant, b.number)));
    for series in &mut document.series {
        series.steps.0.sort_by(|a, b| a.0.cmp(&b.0));
    }
}

fn check(document: &FactsDocument) -> Result<(), Problem> {
    let twice = |what: &str, name: &dyn std::fmt::Display| {
        Err(problem(what, format_args!("{name} stands there more than once")))
    };
    document::length(&document.participants, "participants")?;
    document::length(&document.deals, "deals")?;
    document::length(&document.sectors, "sectors")?;
    if let Some(participant) = repeated(&document.participants, |participant| participant.id.clone()) {
        return twice("participants", &participant.id);
    }
    if let Some(series) = repeated(&document.series, |series| series.name.clone()) {
        return twice("series", &series.name);
    }
    if let Some(deal) = repeated(&document.deals, |deal| deal.id) {
        return twice("deals", &deal.id);
    }
    if let Some(sector) = repeated(&document.sectors, |sector| (sector.participant.clone(), sector.number)) {
        return twice("sectors", &format_args!("{} of {}", sector.number, sector.participant));
    }
    for participant in &document.participants {
        epoch(participant.seen, || format!("participants.{}.seen", participant.id))?;
    }
    for deal in &document.deals {
        let path = || format!("deals.{}", deal.id);
        number(deal.id, path)?;
        epoch(deal.start, path)?;
        deal.sealed.map_or(Ok(0), |sealed| epoch(sealed, path))?;
    }
    document.sectors.iter().try_for_each(check_sector)
}

fn check_sector(sector: &Sector) -> Result<(), Problem> {
    let path = || format!("sectors.{}.{}", sector.participant, sector.number);
    number(sector.number, path)?;
    interval(sector.from, sector.until, path)?;
    let mut before = -1;
    for (from, until) in &sector.faults {
        let (first, end) = interval(*from, *until, path)?;
        if first <= before {
            return Err(problem(
                path(),
                format_args!("the fault at {first} does not come after the one before"),
            ));
        }
        before = end;
    }
    Ok(())
}

fn index(participants: &[Participant], document: SeriesDocument) -> Result<Series, Problem> {
    let path = |participant: &Id| format!("series.{}.steps.{participant}", document.name);
    if let Some((participant, _)) = repeated(&document.steps.0, |(participant, _)| participant.clone()) {
        return Err(problem(path(participant), "it stands there more than once"));
    }
    let mut series = Series::new(&document);
    let mut rows = document.steps.0.iter().peekable();
    let mut total = 0_usize;
    for participant in participants {
        let Some((_, steps)) = rows.next_if(|(id, _)| *id == participant.id) else {
            series.push([]);
            continue;
        };
        let mut read = Vec::with_capacity(steps.len());
        let mut highest = Quantity::ZERO;
        for (at, value) in steps {
            let at = epoch(*at, || path(&participant.id))?;
            if read.last().is_some_and(|before: &Step| before.epoch() >= at) {
                return Err(problem(path(&participant.id), format_args!("epoch {at} does not ascend")));
            }
            if document.reading == Reading::Cumulative && value.is_some_and(|value| value < highest) {
                return Err(problem(path(&participant.id), format_args!("it falls at epoch {at}")));
            }
            highest = value.unwrap_or(highest);
            read.push(Step::new(at, value.map(|value| value.0)));
        }
        total = total.saturating_add(read.len());
        if total >= document::LONGEST_LIST {
            return Err(problem(path(&participant.id), "the series has too many steps"));
        }
        series.push(read);
    }
    match rows.next() {
        Some((stranger, _)) => Err(problem(path(stranger), "it is not among the participants")),
        None => Ok(series),
    }
}
