use apogee_domain::{Epoch, NetworkId, SeriesName, Step, Subject, Value};

use super::{POWER, REWARD, add, all, applied, apply, at, change, cursor, subject};
use crate::{Page, Store};

/// The steps of a series from an epoch on, page by page.
async fn paged(
    store: &dyn Store,
    id: &NetworkId,
    series: &SeriesName,
    from: i64,
    limit: u32,
) -> Vec<(Subject, Step)> {
    let (mut after, mut read): (Option<(Subject, Epoch)>, _) = (None, Vec::new());
    loop {
        let page = store.history(id, series, at(from), Page { after, limit }).await.unwrap();
        assert!(page.len() <= limit as usize);
        let Some((last, step)) = page.last() else { break };
        after = Some((last.clone(), step.epoch));
        read.extend(page);
    }
    read
}

fn steps(expected: &[(&str, i64, Option<u128>)]) -> Vec<(Subject, Step)> {
    let step = |&(of, height, value): &(&str, i64, Option<u128>)| {
        (subject(of), Step { epoch: at(height), value: value.map(Value) })
    };
    expected.iter().map(step).collect()
}

pub async fn a_history_has_the_steps_of_every_subject_from_an_epoch_on(store: &dyn Store) {
    let ids = add(store, &["devnet-a", "elsewhere"]).await;
    let (id, elsewhere) = (ids.first().unwrap(), ids.last().unwrap());
    // By bytes "t-1" is before "t01", and that before "t010"; "t_" is last. Of t02 there is another series only.
    let epochs = [
        applied(1, vec![change(POWER, "t_", 1, Some(1)), change(POWER, "t01", 1, None)]),
        applied(2, vec![change(POWER, "t01", 2, Some(u128::MAX)), change(REWARD, "t02", 2, Some(8))]),
        applied(3, vec![change(POWER, "t010", 3, Some(0)), change(POWER, "network", 3, Some(9))]),
        applied(5, vec![change(POWER, "t01", 4, Some(4)), change(POWER, "t-1", 5, Some(5))]),
    ];
    apply(store, id, None, &cursor(5, Some(4)), &epochs).await.unwrap();
    let other = [applied(2, vec![change(POWER, "t01", 2, Some(77))])];
    apply(store, elsewhere, None, &cursor(2, None), &other).await.unwrap();

    let whole = steps(&[
        ("network", 3, Some(9)),
        ("t-1", 5, Some(5)),
        ("t01", 1, None),
        ("t01", 2, Some(u128::MAX)),
        ("t01", 4, Some(4)),
        ("t010", 3, Some(0)),
        ("t_", 1, Some(1)),
    ]);
    assert_eq!(store.history(id, &POWER, Epoch::GENESIS, all()).await.unwrap(), whole);
    for (from, limit) in (0..=6).flat_map(|from| [1, 2, 3, 10_000].map(|limit| (from, limit))) {
        let since: Vec<_> = whole.iter().filter(|(_, step)| step.epoch >= at(from)).cloned().collect();
        assert_eq!(paged(store, id, &POWER, from, limit).await, since, "from {from} by {limit}");
    }
    assert_eq!(paged(store, id, &REWARD, 0, 10).await, steps(&[("t02", 2, Some(8))]));
    assert_eq!(paged(store, elsewhere, &POWER, 0, 10).await, steps(&[("t01", 2, Some(77))]));
    assert_eq!(store.history(id, &SeriesName::of("never.seen"), at(0), all()).await.unwrap(), []);
    assert_eq!(store.history(id, &POWER, Epoch::MAX, all()).await.unwrap(), []);
}

pub async fn a_page_of_a_history_begins_anywhere(store: &dyn Store) {
    let id = add(store, &["devnet-a"]).await.remove(0);
    let changes = ["t01", "t03"].iter().flat_map(|of| (0..5).map(|at| change(POWER, of, at, Some(7))));
    apply(store, &id, None, &cursor(9, None), &[applied(9, changes.collect())]).await.unwrap();
    let page = async |of: &str, after: Epoch, from| {
        let page = Page { after: Some((subject(of), after)), limit: 2 };
        let steps = store.history(&id, &POWER, at(from), page).await.unwrap();
        steps.into_iter().map(|(of, step)| (of.to_string(), step.epoch.height())).collect::<Vec<_>>()
    };
    let rows = |rows: &[(&str, i64)]| rows.iter().map(|&(of, at)| (of.to_owned(), at)).collect::<Vec<_>>();
    assert_eq!(page("t01", at(2), 0).await, rows(&[("t01", 3), ("t01", 4)]));
    assert_eq!(page("t01", at(3), 0).await, rows(&[("t01", 4), ("t03", 0)]));
    // After a subject that has no step, or an epoch at which nothing begins, or one before the first that is wanted.
    assert_eq!(page("t02", at(3), 0).await, rows(&[("t03", 0), ("t03", 1)]));
    assert_eq!(page("t01", Epoch::MAX, 3).await, rows(&[("t03", 3), ("t03", 4)]));
    assert_eq!(page("t01", at(1), 4).await, rows(&[("t01", 4), ("t03", 4)]));
    assert_eq!(page("t03", at(4), 0).await, rows(&[]));
}
