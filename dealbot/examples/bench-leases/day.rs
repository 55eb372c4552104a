//! The slots of a day, without a database.

use apogee_dealbot::fault::Code;
use apogee_dealbot::judge::{Attempt, Canaries, Canary, Case, Look, correlated};
use apogee_dealbot::plan::{Bot, Plan};
use apogee_domain::Timestamp;
use apogee_store::Lane;

use super::{DAY, MICROS, MINERS, Outcome, SLOTS, START, cpu, fleet, miners, plan, seconds};

const BOTS: usize = 10;
/// CPU of all slots of a day, microseconds.
const BAR: u64 = 60 * 1_000_000;
/// Attempts among which bots that are at odds with the others are looked for, and by how many the look moves on.
const LOOKED: usize = 10_000;
const ON: usize = 1_000;

/// When each slot is due, until when, and who probes it.
fn schedule(plan: &Plan, miners: &[String]) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for cadence in &plan.cadences {
        for miner in miners {
            let key = plan.key(cadence.kind, miner);
            lanes.extend((0..cadence.slots).map(|slot| plan.lane(&key, slot, 0)));
        }
    }
    lanes
}

fn canaries(bots: &[Bot]) -> Canaries {
    let mut canaries = Canaries::default();
    for (number, bot) in (0..).zip(bots) {
        // Six hours more: attempts of the last slots end on the next day.
        for at in (0..DAY + DAY / 4).step_by(600 * 1_000_000) {
            let at = Timestamp(START.0 + at + number * 7 * MICROS);
            // One in 97 fails.
            canaries.add(&bot.name, Canary { at, good: (at.0 / MICROS / 600 + number) % 97 != 0 });
        }
    }
    canaries
}

/// One to three attempts: nine of ten slots go well at once, some fail, and what may be either way is looked at again.
fn attempts(lane: &Lane, number: usize, bots: &[Bot]) -> Vec<Attempt> {
    let finds: &[Option<Code>] = match number % 20 {
        0 => &[Some(Code::TcpTimeout), Some(Code::TcpTimeout), None],
        1 => &[Some(Code::Http404)],
        2 => &[Some(Code::TcpTimeout), None, None],
        _ => &[None],
    };
    let tries = (1..).zip(finds).zip(bots.iter().cycle().skip(number % BOTS));
    tries
        .map(|((number, finds), bot)| {
            let started = Timestamp(lane.due.0 + i64::from(number) * 60 * MICROS);
            Attempt {
                number,
                worker: bot.name.clone(),
                region: bot.region.clone(),
                started,
                ended: Timestamp(started.0 + 3 * MICROS),
                failure: *finds,
                circumstances: Default::default(),
                set_aside: None,
            }
        })
        .collect()
}

/// What all slots come to: judged after each attempt, before the next canary and behind it. How many judgements, and how many are final.
fn judge(plan: &Plan, slots: &[(&Lane, Vec<Attempt>)], canaries: &Canaries) -> (u64, u64) {
    let policy = plan.policy();
    let (mut made, mut settled) = (0, 0);
    for (lane, attempts) in slots {
        for count in 1..=attempts.len() {
            let known = attempts.get(..count).unwrap_or_default();
            let last = known.last().map_or(lane.due, |attempt| attempt.ended);
            let case = Case {
                due: lane.due,
                deadline: Timestamp(lane.ends.0 + DAY),
                confirm: Timestamp(lane.ends.0 + DAY),
                attempts: known,
                canaries,
                rests: &[],
                policy: &policy,
            };
            std::hint::black_box(case.outcome(last));
            let outcome = case.outcome(Timestamp(last.0 + 900 * MICROS));
            made += 2;
            settled += u64::from(count == attempts.len() && outcome.is_final());
        }
    }
    (made, settled)
}

/// Look for bots that are at odds with the others, as often as rounds would.
fn look(plan: &Plan, slots: &[(&Lane, Vec<Attempt>)]) -> usize {
    let mut looks: Vec<Look<'_>> = slots
        .iter()
        .flat_map(|(lane, attempts)| {
            attempts.iter().map(|attempt| Look {
                miner: &lane.key.miner,
                worker: &attempt.worker,
                at: attempt.started,
                good: attempt.failure.is_none(),
            })
        })
        .collect();
    looks.sort_unstable_by_key(|look| look.at);
    let rule = &plan.measures.correlation;
    looks.windows(LOOKED).step_by(ON).map(|window| correlated(window, rule).len()).sum()
}

pub(crate) fn measure() -> Outcome<bool> {
    let bots = fleet(BOTS);
    let plan = plan(u32::try_from(BOTS)?)?;
    let start = cpu()?;
    let lanes = schedule(&plan, &miners());
    let scheduled = cpu()? - start;
    if lanes.len() as u64 != MINERS * 2 * SLOTS {
        return Err("not every slot is there".into());
    }
    println!("{} slots a day: when and by whom {} of CPU", lanes.len(), seconds(scheduled));

    let canaries = canaries(&bots);
    let slots: Vec<_> = (0..).zip(&lanes).map(|(n, lane)| (lane, attempts(lane, n, &bots))).collect();
    let start = cpu()?;
    let (made, settled) = judge(&plan, &slots, &canaries);
    let judged = cpu()? - start;
    println!("judged {made} times {} of CPU; {settled} are final", seconds(judged));
    let start = cpu()?;
    let odd = look(&plan, &slots);
    let looked = cpu()? - start;
    println!("looking for bots at odds with the others {} of CPU; {odd} looks are", seconds(looked));
    let all = scheduled + judged + looked;
    println!("a day without a database: {} of CPU (limit: {})", seconds(all), seconds(BAR));
    Ok(all < BAR && settled > 0)
}
