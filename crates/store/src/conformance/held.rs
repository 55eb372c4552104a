use apogee_domain::{Change, Epoch, NetworkId, SeriesName, Step, Subject, Value};

use super::{POWER, REWARD, add, applied, apply, at, change, cursor, subject};
use crate::{Held, MAX_HELD, Page, Store};

/// Steps between one epoch and another, page by page.
async fn recent(
    store: &dyn Store,
    id: &NetworkId,
    (series, subjects): (&SeriesName, &[Subject]),
    (from, to): (i64, i64),
    limit: u32,
) -> Vec<(Subject, Step)> {
    let (mut after, mut read): (Option<(Subject, Epoch)>, _) = (None, Vec::new());
    loop {
        let page = Page { after, limit };
        let page = store.recent(id, series, subjects, at(from), at(to), page).await.unwrap();
        assert!(page.len() <= limit as usize);
        let Some((last, step)) = page.last() else { break };
        after = Some((last.clone(), step.epoch));
        read.extend(page);
    }
    read
}

/// The same, from all the steps there are.
fn between(
    changes: &[Change],
    series: &SeriesName,
    subjects: &[Subject],
    from: i64,
    to: i64,
) -> Vec<(Subject, Step)> {
    let mut steps = Vec::new();
    for change in
        changes.iter().filter(|change| change.series == *series && subjects.contains(&change.subject))
    {
        let later = |other: &&Change| {
            (&other.series, &other.subject) == (&change.series, &change.subject)
                && other.epoch > change.epoch
                && other.epoch <= at(from)
        };
        let holds = !changes.iter().any(|other| later(&other));
        if change.epoch <= at(to) && (change.epoch > at(from) || holds) {
            steps.push((change.subject.clone(), Step { epoch: change.epoch, value: change.value }));
        }
    }
    steps.sort_by(|(a, left), (b, right)| (a, left.epoch).cmp(&(b, right.epoch)));
    steps
}

pub async fn a_question_about_subjects_is_answered_for_each(store: &dyn Store) {
    let ids = add(store, &["devnet-a", "elsewhere"]).await;
    let (id, elsewhere) = (ids.first().unwrap(), ids.last().unwrap());
    // By bytes "t-1" is before "t01", and that before "t010"; "t_" is last.
    let changes = [
        change(POWER, "t_", 1, Some(1)),
        change(POWER, "t01", 1, None),
        change(REWARD, "t01", 1, Some(3)),
        change(POWER, "t01", 3, Some(u128::MAX)),
        change(POWER, "t010", 3, Some(0)),
        change(POWER, "network", 3, Some(9)),
        change(POWER, "t01", 5, Some(4)),
        change(REWARD, "t02", 6, Some(8)),
        change(POWER, "t-1", 7, Some(5)),
    ];
    apply(store, id, None, &cursor(9, Some(8)), &[applied(9, changes.to_vec())]).await.unwrap();
    let other = [applied(2, vec![change(POWER, "t01", 2, Some(77))])];
    apply(store, elsewhere, None, &cursor(2, None), &other).await.unwrap();

    let names = ["t_", "t01", "t01", "t02", "t-1", "never", "network"];
    let subjects: Vec<Subject> = names.iter().map(|name| subject(name)).collect();
    let unheard = SeriesName::of("never.seen");
    for height in 0..=9 {
        // "t010" is not asked for, and twice asked is once answered.
        let mut expected = Vec::new();
        for series in [&POWER, &REWARD] {
            for (whose, value) in store.board(id, series, at(height)).await.unwrap() {
                if subjects.contains(&whose) {
                    expected.push(Held { subject: whose, series: series.clone(), value });
                }
            }
        }
        expected.sort();
        let series = [POWER, unheard.clone(), REWARD];
        let mut held = store.held(id, &series, &subjects, at(height)).await.unwrap();
        held.sort();
        assert_eq!(held, expected, "at {height}");
        for (from, limit) in (0..=height).flat_map(|from| [1, 2, 10_000].map(|limit| (from, limit))) {
            for series in [POWER, REWARD] {
                let read = recent(store, id, (&series, &subjects), (from, height), limit).await;
                let expected = between(&changes, &series, &subjects, from, height);
                assert_eq!(read, expected, "{series} from {from} to {height} by {limit}");
            }
        }
    }
    let there = store.held(elsewhere, &[POWER], &subjects, at(9)).await.unwrap();
    assert_eq!(there, [Held { subject: subject("t01"), series: POWER, value: Some(Value(77)) }]);
    assert_eq!(store.held(id, &[], &subjects, at(9)).await.unwrap(), []);
    assert_eq!(store.held(id, &[POWER], &[], at(9)).await.unwrap(), []);
    assert_eq!(recent(store, id, (&unheard, &subjects), (0, 9), 10).await, []);
    assert_eq!(recent(store, id, (&POWER, &[]), (0, 9), 10).await, []);
}

pub async fn what_is_asked_of_too_many_subjects_is_cut(store: &dyn Store) {
    let id = add(store, &["devnet-a"]).await.remove(0);
    let names: Vec<String> = (0..=MAX_HELD).map(|number| format!("t0{number:05}")).collect();
    let changes = names.iter().map(|name| change(POWER, name, 0, Some(7))).collect();
    apply(store, &id, None, &cursor(0, None), &[applied(0, changes)]).await.unwrap();
    let subjects: Vec<Subject> = names.iter().map(|name| subject(name)).collect();
    assert_eq!(store.held(&id, &[POWER], &subjects, at(0)).await.unwrap().len(), MAX_HELD);
    assert_eq!(recent(store, &id, (&POWER, &subjects), (0, 0), 10_000).await.len(), MAX_HELD);
}
