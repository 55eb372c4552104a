use apogee_dealbot::verdict::{Bar, Sample, Tally, Verdict};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BAR: Bar = Bar { rate: 800_000, least: 100, coverage: 800_000 };

fn sample(successes: u64, failures: u64) -> Sample {
    Sample { successes, failures }
}

#[test]
fn the_table_of_the_rule_comes_out() {
    // How many of n have to go well so that the lower bound is at least 80 %.
    for (n, needed) in [(20, 19), (50, 45), (100, 87), (200, 170), (500, 415), (1_000, 821)] {
        let first = (0..=n).find(|good| sample(*good, n - good).at_least(800_000));
        assert_eq!(first, Some(needed), "{n}");
    }
}

#[test]
fn bounds_are_those_of_the_formula() {
    // 194 of 200: 94.30 % (computed in the usual way elsewhere).
    assert_eq!(sample(194, 6).lower() / 100, 9_430);
    for (good, bad) in [(0, 1), (1, 0), (3, 7), (80, 20), (170, 30), (999, 1), (123_456, 7_890)] {
        let one = sample(good, bad);
        #[expect(clippy::cast_precision_loss, reason = "a second way to compute it")]
        let (lower, upper) = {
            let (s, n, z) = (good as f64, (good + bad) as f64, 1.6449_f64);
            let middle = z.mul_add(z / 2.0, s);
            let spread = z * (s * (n - s) / n + z * z / 4.0).sqrt();
            ((middle - spread) / (n + z * z) * 1e6, (middle + spread) / (n + z * z) * 1e6)
        };
        let near = |found: u32, wanted: f64| (f64::from(found) - wanted).abs() <= 1.001;
        assert!(near(one.lower(), lower), "{one:?}: {} {lower}", one.lower());
        assert!(near(one.upper(), upper), "{one:?}: {} {upper}", one.upper());
    }
}

#[test]
fn nothing_is_known_of_an_empty_sample() {
    let none = sample(0, 0);
    assert_eq!((none.lower(), none.upper()), (0, 1_000_000));
    assert!(!none.at_least(0) && !none.below(1_000_000));
    let bar = Bar { least: 0, ..BAR };
    assert_eq!(Tally::default().verdict(bar), Verdict::Insufficient);
}

#[test]
fn what_is_excluded_moves_no_rate_but_may_leave_too_little() {
    let mut tally = Tally { sample: sample(180, 10), ..Tally::default() };
    assert_eq!(tally.verdict(BAR), Verdict::Pass);
    tally.excluded.insert("worker-lost".to_owned(), 47);
    assert_eq!((tally.verdict(BAR), tally.planned()), (Verdict::Pass, 237));
    tally.excluded.insert("chain-stall".to_owned(), 1);
    assert_eq!(tally.verdict(BAR), Verdict::Insufficient, "below 80 % of 238");
}

#[test]
fn few_slots_say_nothing_and_many_may_leave_it_open() {
    let verdict = |good, bad| Tally { sample: sample(good, bad), ..Tally::default() }.verdict(BAR);
    assert_eq!(verdict(99, 0), Verdict::Insufficient);
    assert_eq!(verdict(100, 0), Verdict::Pass);
    assert_eq!(verdict(80, 20), Verdict::Undecided);
    assert_eq!(verdict(70, 30), Verdict::Fail);
}

#[test]
fn too_much_that_nobody_understands_blocks_a_verdict() {
    let verdict = |unknown| {
        let excluded = [("UNCLASSIFIED".to_owned(), unknown), ("WORKER_LOST".to_owned(), 5)].into();
        Tally { sample: sample(100, 0), excluded }.verdict(BAR)
    };
    // Two of 107 are less than one in fifty, three of 108 more.
    assert_eq!(verdict(2), Verdict::Pass);
    assert_eq!(verdict(3), Verdict::Blocked);
    let few = Tally { sample: sample(5, 0), excluded: [("UNCLASSIFIED".to_owned(), 3)].into() };
    assert_eq!(few.verdict(BAR), Verdict::Insufficient);
}

#[test]
fn miners_of_an_entity_are_one_tally() {
    let mut sum = Tally { sample: sample(50, 1), excluded: [("a".to_owned(), 2)].into() };
    sum.add(&Tally { sample: sample(50, 2), excluded: [("a".to_owned(), 1), ("b".to_owned(), 4)].into() });
    assert_eq!(sum.sample, sample(100, 3));
    assert_eq!(sum.excluded, [("a".to_owned(), 3), ("b".to_owned(), 4)].into());
    assert_eq!(sum.planned(), 110);
}

#[test]
fn whoever_is_at_the_bar_is_wrongly_judged_no_more_often_than_was_said() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    for (rate, wrong) in [(799_999, Verdict::Pass), (800_000, Verdict::Fail)] {
        let wrongly = (0..1_000)
            .filter(|_| {
                let successes = (0..500).filter(|_| random.random_range(0..1_000_000) < rate).count() as u64;
                Tally { sample: sample(successes, 500 - successes), ..Tally::default() }.verdict(BAR) == wrong
            })
            .count();
        // 50 are expected; three standard deviations are 21.
        assert!(wrongly <= 71, "{wrongly} of 1,000 races are {wrong:?}");
    }
}
