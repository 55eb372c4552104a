//! Whether another grant fits into a window or a bucket, and from when on.

use apogee_domain::{Atto, Timestamp};
use apogee_store::Charge;

use super::{Bucket, Counts, Limit, Pace, Span};

/// How a limit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    pub(super) counts: Counts,
    pub(super) have: u128,
    pub(super) limit: u128,
    pub(super) within: Option<Span>,
    pub(super) fits: bool,
    pub(super) resets: Option<Timestamp>,
}

/// A charge counts up to and without the moment that lies the window's length after it.
fn counting(limit: &Limit, charges: &[Charge], now: Timestamp) -> usize {
    let counts = |charge: &&Charge| limit.within.is_none_or(|within| within.after(charge.at) > now);
    charges.iter().take_while(counts).count()
}

/// When the charge at this place, from the newest, stops counting.
fn leaves(limit: &Limit, charges: &[Charge], place: usize) -> Option<Timestamp> {
    Some(limit.within?.after(charges.get(place)?.at))
}

/// How many grants there were, newest first.
pub(super) fn grants(limit: &Limit, charges: &[Charge], now: Timestamp) -> Fit {
    let (most, had) = (usize::try_from(limit.grants).unwrap_or(usize::MAX), counting(limit, charges, now));
    let fits = had < most;
    // One fewer than allowed may be left: then everything from this place on has to go.
    let resets = most.checked_sub(1).filter(|_| !fits).and_then(|place| leaves(limit, charges, place));
    Fit { counts: Counts::Grants, have: had as u128, limit: most as u128, within: limit.within, fits, resets }
}

/// How much money there was, where that is limited.
pub(super) fn money(limit: &Limit, charges: &[Charge], now: Timestamp, amount: Atto) -> Option<Fit> {
    let most = limit.amount?.atto.0;
    let counted = charges.get(..counting(limit, charges, now)).unwrap_or_default();
    let had = counted.iter().fold(0_u128, |sum, charge| sum.saturating_add(charge.amount.0));
    let room = most.checked_sub(amount.0);
    let fits = room.is_some_and(|room| had <= room);
    let resets = room.filter(|_| !fits).and_then(|room| {
        let mut sum = 0_u128;
        let stays = |charge: &&Charge| {
            sum = sum.saturating_add(charge.amount.0);
            sum <= room
        };
        leaves(limit, counted, counted.iter().take_while(stays).count())
    });
    Some(Fit { counts: Counts::Atto, have: had, limit: most, within: limit.within, fits, resets })
}

/// Whether the bucket has a token.
pub(super) fn bucket(bucket: &Bucket, charges: &[Charge], now: Timestamp) -> Fit {
    let remembered = charges.iter().take_while(|charge| Bucket::LOOK_BACK.after(charge.at) > now);
    let remembered: Vec<_> = remembered.collect();
    let full_at = remembered
        .iter()
        .rev()
        .fold(Timestamp(i64::MIN), |full_at, charge| bucket.refill.after(full_at.max(charge.at)));
    tokens(bucket.burst, bucket.refill, full_at, now)
}

/// Whether the pace has a token.
pub(super) fn pace(pace: &Pace, full_at: Timestamp, now: Timestamp) -> Fit {
    tokens(pace.burst, pace.refill, full_at, now)
}

/// A bucket that is full at `full_at` has lost one token for each whole or begun refill until then.
fn tokens(burst: u32, refill: Span, full_at: Timestamp, now: Timestamp) -> Fit {
    let missing = i128::from(full_at.0).saturating_sub(i128::from(now.0)).max(0);
    let taken = u128::try_from(missing).unwrap_or(0).div_ceil(u128::try_from(refill.micros()).unwrap_or(1));
    let ahead = i64::from(burst).saturating_sub(1).saturating_mul(refill.micros());
    let from = Timestamp(full_at.0.saturating_sub(ahead));
    let fits = from <= now;
    Fit {
        counts: Counts::Grants,
        have: taken,
        limit: u128::from(burst),
        within: Some(refill),
        fits,
        resets: Some(from).filter(|_| !fits),
    }
}
