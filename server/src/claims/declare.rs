//! When a declaration of maintenance holds.

use apogee_competition::claim::{Envelope, Holder, MinerKeys, Role, Verify, WalletSignature};
use apogee_dealbot::desk::{Desk, DeskError};
use apogee_dealbot::plan::Plan;
use apogee_domain::{Network, Timestamp};
use apogee_store::{MAINTENANCE, ProbeRest, Store, StoreError};

use super::keys::{NoState, keys};
use super::rest::{Malformed, Rest};
use super::wallets::Wallets;
use crate::competitions::World;

/// How long before it begins maintenance has to be declared, microseconds: nobody declares that what just failed was meant to.
pub(crate) const AHEAD: i64 = 10 * MINUTE;
/// How far ahead it may be declared.
const FAR: i64 = 30 * DAY;
/// How old a statement may be.
const OLD: i64 = DAY;
/// How many declarations of a miner may begin in one day.
const MOST: usize = 8;
/// How far clocks may differ.
const SKEW: i64 = MINUTE;
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 86_400_000_000;

/// Why maintenance is not declared; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDeclared {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("it is of another competition or network")]
    Elsewhere,
    #[error("{0} is not probed in this competition")]
    NotProbed(String),
    #[error("it was said too long ago, or not yet")]
    Stale,
    #[error("it begins too soon: {0} is the earliest")]
    TooSoon(Timestamp),
    #[error("it is more than thirty days ahead")]
    TooFar,
    #[error("it ends before it begins")]
    Backwards,
    #[error("{day} has {left} of {budget} minutes left")]
    Budget { day: String, left: i64, budget: u32 },
    #[error("maintenance that begins then is declared already, with another end")]
    Taken,
    #[error("{MOST} declarations begin on {0} already")]
    Many(String),
    #[error("the signature is none that a wallet prints")]
    NoSignature,
    #[error("no verified state names the key of the {0}")]
    KeyUnknown(Role),
    #[error("the signature is not that of the {0}’s key {1}")]
    BadSignature(Role, String),
    #[error(transparent)]
    State(#[from] NoState),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// Where and by which measures something is declared.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) world: &'a World,
    pub(crate) network: &'a Network,
    pub(crate) plan: &'a Plan,
    /// Minutes a day.
    pub(crate) budget: u32,
}

/// Maintenance that a miner has declared, of a day or more.
pub(crate) async fn declared(
    store: &dyn Store,
    plan: &Plan,
    miner: &str,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<ProbeRest>, StoreError> {
    let mut rests = store.rests(&plan.network, &plan.race, from, to).await?;
    rests.retain(|rest| rest.why == MAINTENANCE && rest.miner == miner);
    Ok(rests)
}

/// Minutes that a miner has left of the day that a moment is in.
pub(crate) fn left(rests: &[ProbeRest], at: Timestamp, budget: u32) -> i64 {
    let spans: Vec<_> = rests.iter().map(|rest| (rest.from.0, rest.to.0)).collect();
    i64::from(budget).saturating_sub(used(&spans, day(at.0)).div_euclid(MINUTE)).max(0)
}

/// Declare maintenance, or find that just this is declared already.
pub(crate) async fn declare(
    ground: Ground<'_>,
    statement: &str,
    signature: &str,
) -> Result<Rest, NotDeclared> {
    let Ground { store, world, network, plan, budget } = ground;
    let rest: Rest = statement.parse()?;
    if rest.network != plan.network || rest.race.as_str() != plan.race {
        return Err(NotDeclared::Elsewhere);
    }
    let miner = rest.miner.as_str();
    let mut probed = false;
    for cadence in &plan.cadences {
        // Whether there is one is all that is asked of it.
        probed |= store.lane(&plan.key(cadence.kind, miner)).await?.is_some();
    }
    if !probed {
        return Err(NotDeclared::NotProbed(miner.to_owned()));
    }
    let (first, last) = (day(rest.from.0), day(rest.to.0).saturating_add(DAY));
    let rests = declared(store, plan, miner, (Timestamp(first), Timestamp(last))).await?;
    if rests.iter().any(|known| known.statement == statement) {
        return Ok(rest);
    }
    admissible(&rest, &rests, world.now, budget)?;
    let read: WalletSignature = signature.parse().map_err(|_| NotDeclared::NoSignature)?;
    let key = match (&world.source, store.cursor(&plan.network).await?) {
        (Some(source), Some(cursor)) => keys(store, network, source, &rest.miner, cursor.epoch).await?,
        _ => None,
    };
    let key = key.and_then(|keys| holder(keys, rest.role)).ok_or(NotDeclared::KeyUnknown(rest.role))?;
    let good = |envelope: Envelope| Wallets.verifies(&key, &read, &envelope.wrap(statement.as_bytes()));
    if !good(Envelope::Frc0102) && !good(Envelope::Raw) {
        return Err(NotDeclared::BadSignature(rest.role, key));
    }
    let row = ProbeRest {
        miner: miner.to_owned(),
        from: rest.from,
        to: rest.to,
        why: MAINTENANCE.to_owned(),
        said: rest.said,
        statement: statement.to_owned(),
        signature: signature.to_owned(),
        entry: 0,
    };
    // Somebody may be faster.
    if (Desk { store, plan }).rest(&row, world.now).await? { Ok(rest) } else { Err(NotDeclared::Taken) }
}

/// The key of a role; that of a multisig there is none.
fn holder(keys: MinerKeys, role: Role) -> Option<String> {
    let holder = match role {
        Role::Owner => keys.owner,
        Role::Worker => keys.worker,
    };
    match holder {
        Holder::Key(key) => Some(key),
        Holder::Multisig(_) | Holder::Unknown => None,
    }
}

/// Whether a declaration may be made now, beside those that there are.
fn admissible(rest: &Rest, rests: &[ProbeRest], now: Timestamp, budget: u32) -> Result<(), NotDeclared> {
    let age = now.0.saturating_sub(rest.said.0);
    if !(-SKEW..=OLD).contains(&age) {
        return Err(NotDeclared::Stale);
    }
    if rest.from.0.saturating_sub(now.0) < AHEAD {
        // Whole minutes are easily written.
        let earliest =
            now.0.saturating_add(AHEAD).div_euclid(MINUTE).saturating_add(1).saturating_mul(MINUTE);
        return Err(NotDeclared::TooSoon(Timestamp(earliest)));
    }
    if rest.from.0.max(rest.to.0).saturating_sub(now.0) > FAR {
        return Err(NotDeclared::TooFar);
    }
    if rest.to <= rest.from {
        return Err(NotDeclared::Backwards);
    }
    if rests.iter().any(|known| known.from == rest.from) {
        return Err(NotDeclared::Taken);
    }
    let first = day(rest.from.0);
    if rests.iter().filter(|known| day(known.from.0) == first).count() >= MOST {
        return Err(NotDeclared::Many(date(first)));
    }
    let mut spans: Vec<_> = rests.iter().map(|known| (known.from.0, known.to.0)).collect();
    let limit = i64::from(budget).saturating_mul(MINUTE);
    let mut at = day(rest.from.0);
    let before = spans.clone();
    spans.push((rest.from.0, rest.to.0));
    while at < rest.to.0 {
        if used(&spans, at) > limit {
            let left = limit.saturating_sub(used(&before, at)).max(0).div_euclid(MINUTE);
            return Err(NotDeclared::Budget { day: date(at), left, budget });
        }
        at = at.saturating_add(DAY);
    }
    Ok(())
}

/// The day of a moment, as people write it.
fn date(at: i64) -> String {
    Timestamp(at).to_string().chars().take(10).collect()
}

/// Where the day of a moment begins, in UTC.
const fn day(at: i64) -> i64 {
    at.div_euclid(DAY).saturating_mul(DAY)
}

/// How much of a day lies in any of these.
fn used(spans: &[(i64, i64)], day: i64) -> i64 {
    let end = day.saturating_add(DAY);
    let mut inside: Vec<_> = spans.iter().map(|(from, to)| ((*from).max(day), (*to).min(end))).collect();
    inside.retain(|(from, to)| from < to);
    inside.sort_unstable();
    let (mut sum, mut until) = (0_i64, day);
    for (from, to) in inside {
        sum = sum.saturating_add(to.saturating_sub(from.max(until)).max(0));
        until = until.max(to);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(20_000 * DAY + 8 * 60 * MINUTE);

    fn rest(from: i64, minutes: i64) -> Rest {
        Rest {
            network: "simnet".parse().unwrap(),
            race: "sprint".parse().unwrap(),
            miner: "t01001".parse().unwrap(),
            role: Role::Owner,
            from: Timestamp(NOW.0 + from * MINUTE),
            to: Timestamp(NOW.0 + (from + minutes) * MINUTE),
            said: NOW,
            nonce: "00".into(),
        }
    }

    fn known(from: i64, minutes: i64) -> ProbeRest {
        let of = rest(from, minutes);
        ProbeRest {
            miner: "t01001".into(),
            from: of.from,
            to: of.to,
            why: MAINTENANCE.into(),
            said: NOW,
            statement: String::new(),
            signature: String::new(),
            entry: 0,
        }
    }

    #[test]
    fn every_refusal_has_one_reason() {
        let try_it = |rest: &Rest, rests: &[ProbeRest]| {
            admissible(rest, rests, NOW, 40).map_err(|refused| refused.to_string())
        };
        assert_eq!(try_it(&rest(10, 40), &[]), Ok(()));
        let refused = |rest: Rest, rests: &[ProbeRest]| try_it(&rest, rests).unwrap_err();
        assert!(refused(rest(9, 5), &[]).contains("too soon"));
        assert!(refused(rest(10, 0), &[]).contains("before it begins"));
        assert!(refused(rest(10, -5), &[]).contains("before it begins"));
        assert!(refused(rest(31 * 24 * 60, 5), &[]).contains("thirty days"));
        assert!(refused(rest(10, 41), &[]).contains("40 of 40 minutes left"));
        assert!(refused(rest(60, 11), &[known(10, 30)]).contains("10 of 40 minutes left"));
        assert!(refused(rest(10, 5), &[known(10, 6)]).contains("another end"));
        let short: Vec<_> = (0..8).map(|number| known(20 + number, 1)).collect();
        assert!(refused(rest(10, 5), &short).contains("8 declarations"));
        assert_eq!(try_it(&rest(10, 5), &short[1..]), Ok(()));
        assert!(
            refused(Rest { said: Timestamp(NOW.0 - DAY - 1), ..rest(10, 5) }, &[]).contains("too long ago")
        );
        assert!(
            refused(Rest { said: Timestamp(NOW.0 + 2 * MINUTE), ..rest(10, 5) }, &[]).contains("not yet")
        );
    }

    #[test]
    fn each_day_has_its_own_budget_and_what_overlaps_counts_once() {
        let may = |rest: &Rest, rests: &[ProbeRest]| admissible(rest, rests, NOW, 40).is_ok();
        // Sixteen hours until midnight: forty minutes on each side of it.
        let midnight = 16 * 60;
        assert!(may(&rest(midnight - 40, 80), &[]));
        assert!(!may(&rest(midnight - 41, 80), &[]));
        assert!(!may(&rest(midnight - 40, 81), &[]));
        assert!(may(&rest(20, 30), &[known(10, 30)]), "ten minutes are declared twice");
        assert!(!may(&rest(20, 31), &[known(10, 30)]));
        assert_eq!(left(&[known(10, 30), known(20, 25)], NOW, 40), 5);
        assert_eq!(left(&[known(10, 60)], NOW, 40), 0);
    }
}
