use std::collections::HashMap;

use apogee_rules::{Id, Ratio, SectorMeasure};
use num_bigint::{BigInt, BigUint, Sign};

use crate::Facts;
use crate::contents::{is_live, measure_deals};
use crate::effects::Adjustment;
use crate::facts::Deal;
use crate::measure::{Fraction, Measure, Rate};
use crate::plan::{Epochs, Kind, Plans};
use crate::series::At;

/// Whose metrics are taken: an entity, or one of its members alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'g> {
    pub(crate) region: Option<&'g Id>,
    /// The members at the epoch that is read, in order.
    pub(crate) members: &'g [u32],
    /// Whose windows count, and when; by participant, then epoch.
    pub(crate) parts: &'g [Part],
}

/// A participant counts in `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    pub(crate) participant: u32,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// A value of 2¹²⁸ or more: there are no standings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLarge;

pub(crate) type Read<T> = Result<T, TooLarge>;

/// Takes metrics from facts as decisions have changed them.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) plans: Plans<'a>,
    pub(crate) adjusted: HashMap<usize, HashMap<u32, Vec<Adjustment>>>,
}

pub(crate) fn add(left: u128, right: u128) -> Read<u128> {
    left.checked_add(right).ok_or(TooLarge)
}

/// A sum that one unknown part makes unknown, however large the others are.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    total: u128,
    unknown: bool,
    too_large: bool,
}

impl Sum {
    fn add(&mut self, part: Option<u128>) {
        let Some(part) = part else {
            self.unknown = true;
            return;
        };
        let (total, over) = self.total.overflowing_add(part);
        self.total = total;
        self.too_large |= over;
    }

    fn finish(self) -> Read<Option<u128>> {
        match self {
            Self { unknown: true, .. } => Ok(None),
            Self { too_large: true, .. } => Err(TooLarge),
            Self { total, .. } => Ok(Some(total)),
        }
    }
}

impl Meter<'_> {
    /// All metrics of a group, in the order of the rules; with the place of the one that is too large.
    pub(crate) fn measure(&self, group: Group<'_>) -> Result<Vec<Measure>, usize> {
        let mut values = vec![Measure::Unknown; self.plans.list.len()];
        for place in &self.plans.order {
            let Some(plan) = self.plans.list.get(*place) else { continue };
            let epochs = plan.epochs(group.region);
            let value = self.take(&plan.kind, epochs, group, &values).map_err(|TooLarge| *place)?;
            if let Some(slot) = values.get_mut(*place) {
                *slot = value;
            }
        }
        Ok(values)
    }

    fn take(&self, kind: &Kind, epochs: &Epochs, group: Group<'_>, values: &[Measure]) -> Read<Measure> {
        let whole = |value: Option<u128>| value.map_or(Measure::Unknown, Measure::Whole);
        let value = |place: &usize| values.get(*place);
        match kind {
            Kind::Level { series } => Ok(whole(self.level(*series, epochs.last, group.members)?)),
            Kind::Window { series, span } => {
                let mut sum = Sum::default();
                for part in group.parts {
                    self.gain(&mut sum, *series, epochs, *span, *part)?;
                }
                sum.finish().map(whole)
            }
            Kind::Rate { passed, failed, mean, span } => {
                let rate = self.rate([*passed, *failed], *mean, epochs, *span, group.parts)?;
                Ok(Measure::Rate(rate.map(Box::new)))
            }
            Kind::Deals { measure, start_after, most_replicas, own } => {
                let Some(at) = epochs.last else { return Ok(Measure::Unknown) };
                let deals = self.deals(group.members, at, *start_after, *most_replicas, *own);
                measure_deals(&deals, *measure)
            }
            Kind::Sectors { measure, longest_fault } => {
                let Some(at) = epochs.last else { return Ok(Measure::Unknown) };
                let sectors = group.members.iter().flat_map(|member| self.facts.sectors_of(*member));
                sectors
                    .filter(|sector| is_live(sector, at, *longest_fault))
                    .map(|sector| match measure {
                        SectorMeasure::Bytes => sector.bytes.0,
                        SectorMeasure::Count => 1,
                    })
                    .try_fold(0, add)
                    .map(Measure::Whole)
            }
            Kind::Sum { of } => {
                let parts: Option<Vec<u128>> = of.iter().map(|part| value(part)?.whole()).collect();
                let sum = parts.map(|parts| parts.into_iter().try_fold(0, add)).transpose()?;
                Ok(whole(sum))
            }
            Kind::Scaled { metric, by } => {
                let metric = value(metric).and_then(Measure::whole);
                let by = value(by).and_then(Measure::fraction);
                let Some((metric, by)) = metric.zip(by) else { return Ok(Measure::Unknown) };
                let (numerator, denominator) = by.parts();
                let product: BigUint = numerator * metric / denominator;
                u128::try_from(product).map(Measure::Whole).map_err(|_| TooLarge)
            }
        }
    }

    /// The value of a series, as decisions have adjusted it.
    fn at(&self, series: usize, participant: u32, epoch: i64) -> Read<At> {
        let at = self.facts.series.get(series).map_or(At::Absent, |series| series.at(participant, epoch));
        let At::Value(value) = at else { return Ok(at) };
        let Some(adjustments) = self.adjusted.get(&series).and_then(|of| of.get(&participant)) else {
            return Ok(at);
        };
        let mut adjusted = BigInt::from(value);
        for adjustment in adjustments.iter().filter(|adjustment| adjustment.from <= epoch) {
            let sign = if adjustment.negative { -1 } else { 1 };
            adjusted += BigInt::from(adjustment.amount) * sign;
        }
        if adjusted.sign() == Sign::Minus {
            return Ok(At::Value(0));
        }
        u128::try_from(adjusted).map(At::Value).map_err(|_| TooLarge)
    }

    fn level(&self, series: usize, at: Option<i64>, members: &[u32]) -> Read<Option<u128>> {
        let Some(at) = at else { return Ok(None) };
        let (mut sum, mut absent) = (Sum::default(), true);
        for member in members {
            match self.at(series, *member, at)? {
                At::Absent => continue,
                At::Unknown => sum.add(None),
                At::Value(value) => sum.add(Some(value)),
            }
            absent = false;
        }
        if absent { Ok(None) } else { sum.finish() }
    }

    /// Add what a series gained in the kept epochs of a window.
    fn gain(&self, sum: &mut Sum, series: usize, epochs: &Epochs, span: (i64, i64), part: Part) -> Read<()> {
        let (from, until) = (span.0.max(part.from), span.1.min(part.until));
        for (first, end) in epochs.kept.runs(from, until) {
            let number = |at| match at {
                At::Absent => Some(0),
                At::Unknown => None,
                At::Value(value) => Some(value),
            };
            let before = number(self.at(series, part.participant, first - 1)?);
            let after = number(self.at(series, part.participant, end - 1)?);
            sum.add(before.zip(after).map(|(before, after)| after.saturating_sub(before)));
        }
        Ok(())
    }

    fn rate(
        &self,
        series: [usize; 2],
        mean: bool,
        epochs: &Epochs,
        span: (i64, i64),
        parts: &[Part],
    ) -> Read<Option<Rate>> {
        let mut all = Sum::default();
        let mut passed = 0_u128;
        let mut rates = Vec::new();
        for member in parts.chunk_by(|left, right| left.participant == right.participant) {
            let mut counts = [Sum::default(); 2];
            for part in member {
                for (count, series) in counts.iter_mut().zip(series) {
                    self.gain(count, series, epochs, span, *part)?;
                }
            }
            // Where a part or the sum of all is too large, so is the number of samples.
            counts.iter().for_each(|count| {
                all.add((!count.unknown).then_some(count.total));
                all.too_large |= count.too_large;
            });
            let [good, bad] = counts.map(|count| count.total);
            passed = passed.wrapping_add(good);
            if mean && (good, bad) != (0, 0) {
                rates.push((BigUint::from(good), BigUint::from(good) + bad));
            }
        }
        let Some(samples) = all.finish()? else { return Ok(None) };
        let value = if mean { average(rates) } else { Ratio::new(passed, samples).map(Fraction::Small) };
        Ok(Some(Rate { value, samples }))
    }

    /// The deals that count, by number.
    fn deals(
        &self,
        members: &[u32],
        at: i64,
        start_after: Option<i64>,
        most_replicas: Option<u64>,
        own: bool,
    ) -> Vec<&Deal> {
        let is_member = |provider: &Id| {
            let place = self.facts.participant(provider.as_str());
            place.is_some_and(|place| members.binary_search(&place).is_ok())
        };
        let mut deals: Vec<&Deal> = members
            .iter()
            .flat_map(|member| self.facts.deals_of(*member))
            .filter(|deal| deal.sealed.is_some_and(|sealed| sealed.height() <= at))
            .filter(|deal| start_after.is_none_or(|after| deal.start.height() > after))
            .filter(|deal| own || !is_member(&deal.provider))
            .collect();
        deals.sort_unstable_by_key(|deal| deal.id);
        if let Some(most) = most_replicas {
            let mut replicas: HashMap<&Id, u64> = HashMap::new();
            deals.retain(|deal| {
                let count = replicas.entry(&deal.piece).or_default();
                let counts = *count < most;
                *count += u64::from(counts);
                counts
            });
        }
        deals
    }
}

/// The arithmetic mean. Added up in pairs, so that numbers grow late.
fn average(rates: Vec<(BigUint, BigUint)>) -> Option<Fraction> {
    let count = rates.len();
    let mut sums = rates;
    while sums.len() > 1 {
        sums = sums
            .chunks(2)
            .filter_map(|pair| match pair {
                [(a, b), (c, d)] if b == d => Some((a + c, b.clone())),
                [(a, b), (c, d)] => Some((a * d + c * b, b * d)),
                other => other.first().cloned(),
            })
            .collect();
    }
    let (numerator, denominator) = sums.pop()?;
    Fraction::new(numerator, denominator * count)
}
