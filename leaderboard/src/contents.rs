//! Metrics of deals and sectors, once those that count are known.

use std::collections::{HashMap, HashSet};

use apogee_rules::{DealMeasure, Id, Ratio};

use crate::facts::{Deal, Sector};
use crate::measure::{Fraction, Measure};
use crate::metric::{Read, add};

pub(crate) fn measure_deals(deals: &[&Deal], measure: DealMeasure) -> Read<Measure> {
    let count = |number: usize| Ok(Measure::Whole(number as u128));
    let bytes = || deals.iter().map(|deal| deal.bytes.0).try_fold(0, add);
    match measure {
        DealMeasure::Bytes => bytes().map(Measure::Whole),
        DealMeasure::Deals => count(deals.len()),
        DealMeasure::Pieces => count(deals.iter().map(|deal| &deal.piece).collect::<HashSet<_>>().len()),
        DealMeasure::Providers => {
            count(deals.iter().map(|deal| &deal.provider).collect::<HashSet<_>>().len())
        }
        DealMeasure::Replicas => {
            let mut replicas: HashMap<&Id, usize> = HashMap::new();
            deals.iter().for_each(|deal| *replicas.entry(&deal.piece).or_default() += 1);
            count(replicas.into_values().max().unwrap_or(0))
        }
        DealMeasure::ProviderShare => {
            let all = bytes()?;
            let mut providers: HashMap<&Id, u128> = HashMap::new();
            for deal in deals {
                let sum = providers.entry(&deal.provider).or_default();
                *sum = add(*sum, deal.bytes.0)?;
            }
            let most = providers.into_values().max().unwrap_or(0);
            let share = Ratio::new(most, all);
            Ok(share.map_or(Measure::Unknown, |share| Measure::Ratio(Box::new(Fraction::Small(share)))))
        }
    }
}

/// Active at an epoch, and never faulty for too long before it.
pub(crate) fn is_live(sector: &Sector, at: i64, longest_fault: u128) -> bool {
    let lost = sector.faults.iter().any(|(from, until)| {
        let from = from.height();
        let end = until.map_or(at + 1, |until| until.height().min(at + 1));
        from <= at && u128::try_from(end - from).is_ok_and(|length| length >= longest_fault)
    });
    sector.from.height() <= at && sector.until.is_none_or(|until| until.height() > at) && !lost
}
