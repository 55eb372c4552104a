use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use apogee_domain::{Digest, Epoch, NetworkId, SeriesName, series};
use apogee_leaderboard::{Order, Scope, Snapshot};
use apogee_rankings::{By, Column, Found, Key, Limits, NoRanking, Rankings};
use apogee_store::conformance::{add, applied, apply, change, cursor};
use apogee_store::{AppliedEpoch, Cursor, Store};
use apogee_store_sqlite::SqliteStore;
use futures::FutureExt;
use tempfile::TempDir;

const UNITS: SeriesName = series::SPACE_UNITS;
const WEIGHT: SeriesName = series::ATX_WEIGHT;

struct Mesh {
    store: Arc<SqliteStore>,
    rankings: Arc<Rankings>,
    id: NetworkId,
    _folder: TempDir,
}

/// Three participants are many here.
const LIMITS: Limits = Limits { bytes: 1 << 20, count: 100, many: 2, patience: Duration::from_secs(600) };

/// Four participants, one of them unknown, and the network.
fn epoch(height: i64, base: u128) -> AppliedEpoch {
    let units =
        [("ab", Some(base)), ("cd", Some(base + 1)), ("ef", Some(base)), ("gh", None), ("network", Some(1))];
    let weight = [("ab", Some(5)), ("cd", Some(9)), ("gh", Some(7))];
    let units = units.into_iter().map(|(of, value)| change(UNITS, of, height, value));
    applied(
        height,
        units.chain(weight.into_iter().map(|(of, value)| change(WEIGHT, of, height, value))).collect(),
    )
}

impl Mesh {
    async fn new(limits: Limits) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("apogee.db")).await.unwrap());
        let id = add(&*store, &["mesh"]).await.remove(0);
        apply(&*store, &id, None, &cursor(1, None), &[epoch(1, 10)]).await.unwrap();
        let rankings = Arc::new(Rankings::new(Arc::<SqliteStore>::clone(&store), limits));
        Self { store, rankings, id, _folder: folder }
    }

    async fn cursor(&self) -> Cursor {
        self.store.cursor(&self.id).await.unwrap().unwrap()
    }

    /// The key of an epoch at this moment.
    async fn key(&self, series: &SeriesName, height: i64) -> Key {
        let cursor = self.cursor().await;
        let at = Epoch::new(height).unwrap();
        let record = self.store.epoch(&self.id, at).await.unwrap();
        let chain = record.map_or_else(Digest::default, |record| record.digest);
        let (network, genesis) = (self.id.clone(), "bafy".into());
        let scope = Scope { network, genesis, series: series.clone(), since: None, at, chain };
        Key::new(scope, (cursor.epoch, cursor.digest), cursor.final_epoch)
    }

    /// The next epoch.
    async fn grow(&self, height: i64, base: u128) {
        let before = self.cursor().await;
        apply(&*self.store, &self.id, Some(&before), &cursor(height, None), &[epoch(height, base)])
            .await
            .unwrap();
    }

    /// The newest epoch is another one.
    async fn fork(&self, height: i64, base: u128) {
        let before = self.cursor().await;
        let mut work = self.store.begin().await.unwrap();
        work.unwind(&self.id, &before, &cursor(height - 1, None)).await.unwrap();
        work.commit().await.unwrap();
        let (mut other, mut to) = (epoch(height, base), cursor(height, None));
        (other.record.digest, to.digest) = (Digest([0xff; 32]), Digest([0xff; 32]));
        apply(&*self.store, &self.id, Some(&cursor(height - 1, None)), &to, &[other]).await.unwrap();
    }

    /// What the database says now of the epoch of a ranking.
    async fn snapshot(&self, found: &Found) -> Snapshot {
        let scope = found.ranking.scope();
        let mut rows = self.store.board(&self.id, &scope.series, scope.at).await.unwrap();
        rows.retain(|(subject, _)| !subject.is_network());
        Snapshot::new(scope.clone(), &rows)
    }
}

#[tokio::test]
async fn a_ranking_is_made_once_for_all_who_ask_and_by_whoever_stays() {
    let mesh = Mesh::new(LIMITS).await;
    let key = mesh.key(&UNITS, 1).await;
    // The first one goes away before anything is there.
    assert!(mesh.rankings.at(&key).now_or_never().is_none());
    let (one, other) = tokio::join!(mesh.rankings.at(&key), mesh.rankings.at(&key));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(Arc::ptr_eq(&one.ranking, &other.ranking));
    assert_eq!(one.ranking.id(), mesh.snapshot(&one).await.id);
    assert_eq!(one.ranking.len(), 4, "the network is no participant");
    let weight = mesh.rankings.at(&mesh.key(&WEIGHT, 1).await).await.unwrap();
    assert!(Arc::ptr_eq(one.ranking.names(), weight.ranking.names()));
    assert_eq!(weight.ranking.id(), mesh.snapshot(&weight).await.id);
}

#[tokio::test]
async fn an_older_one_is_shown_while_the_new_one_is_made() {
    let mesh = Mesh::new(LIMITS).await;
    mesh.rankings.at(&mesh.key(&UNITS, 1).await).await.unwrap();
    mesh.grow(2, 20).await;
    let newest = mesh.key(&UNITS, 2).await;
    let found = mesh.rankings.near(&newest, false).await.unwrap();
    assert_eq!(found.ranking.scope().at, Epoch::new(1).unwrap());
    assert_eq!(found.older.unwrap().epoch, Epoch::new(1).unwrap());
    // Being looked at was reason enough to make the new one.
    for _ in 0..500 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let found = mesh.rankings.near(&newest, false).await.unwrap();
        if found.older.is_none() {
            assert_eq!(found.key, newest);
            assert_eq!(found.ranking.id(), mesh.snapshot(&found).await.id);
            return;
        }
    }
    panic!("the new ranking never came");
}

#[tokio::test]
async fn an_epoch_that_was_replaced_is_not_shown() {
    let mesh = Mesh::new(LIMITS).await;
    mesh.grow(2, 20).await;
    let before = mesh.rankings.at(&mesh.key(&UNITS, 2).await).await.unwrap();
    let stale = mesh.key(&UNITS, 2).await;
    mesh.fork(2, 30).await;
    mesh.grow(3, 40).await;
    let found = mesh.rankings.near(&mesh.key(&UNITS, 3).await, false).await.unwrap();
    assert_eq!((found.older, found.ranking.scope().at), (None, Epoch::new(3).unwrap()));
    let again = mesh.rankings.near(&mesh.key(&UNITS, 2).await, true).await.unwrap();
    assert_ne!(again.ranking.id(), before.ranking.id());
    assert_eq!(again.ranking.id(), mesh.snapshot(&again).await.id);
    // Whoever asks for what is no longer there gets nothing that looks like it.
    let gone = Key::new(
        Scope { chain: Digest([3; 32]), ..stale.scope().clone() },
        (Epoch::MAX, Digest::default()),
        None,
    );
    let refused = mesh.rankings.at(&gone).await.unwrap_err();
    assert!(matches!(refused, NoRanking::Replaced), "{refused}");
}

#[tokio::test]
async fn what_comes_late_is_in_the_ranking_of_the_next_moment() {
    let mesh = Mesh::new(LIMITS).await;
    let first = mesh.rankings.at(&mesh.key(&WEIGHT, 1).await).await.unwrap();
    let before = mesh.cursor().await;
    // The next epoch tells what the one before did.
    let late = applied(2, vec![change(WEIGHT, "ef", 1, Some(100))]);
    apply(&*mesh.store, &mesh.id, Some(&before), &cursor(2, None), &[late]).await.unwrap();
    let shown = mesh.rankings.near(&mesh.key(&WEIGHT, 1).await, true).await.unwrap();
    assert!(
        shown.older.is_some() && shown.ranking.id() == first.ranking.id(),
        "it is of a moment ago, and says so"
    );
    let second = mesh.rankings.at(&mesh.key(&WEIGHT, 1).await).await.unwrap();
    assert_ne!(first.ranking.id(), second.ranking.id());
    assert_eq!(second.ranking.id(), mesh.snapshot(&second).await.id);
}

#[tokio::test]
async fn few_participants_are_always_those_of_the_newest_epoch() {
    let mesh = Mesh::new(Limits { many: 4, ..LIMITS }).await;
    mesh.rankings.at(&mesh.key(&UNITS, 1).await).await.unwrap();
    mesh.grow(2, 20).await;
    let found = mesh.rankings.near(&mesh.key(&UNITS, 2).await, false).await.unwrap();
    assert_eq!((found.older, found.ranking.scope().at), (None, Epoch::new(2).unwrap()));
}

#[tokio::test]
async fn rows_are_put_in_order_by_another_series_and_that_is_kept() {
    let mesh = Mesh::new(LIMITS).await;
    let found = mesh.rankings.at(&mesh.key(&UNITS, 1).await).await.unwrap();
    let names = |order: Option<&Order>| {
        let picked = found.ranking.pick(order, None, 0, 9);
        let name = |position: &usize| found.ranking.row(*position).unwrap().standing.subject.to_string();
        picked.positions.iter().map(name).collect::<Vec<_>>()
    };
    for (column, descending, expected) in [
        (Column::Series(UNITS), true, ["cd", "ab", "ef", "gh"]),
        (Column::Series(UNITS), false, ["ab", "ef", "cd", "gh"]),
        (Column::Series(WEIGHT), true, ["cd", "gh", "ab", "ef"]),
        (Column::Series(WEIGHT), false, ["ef", "ab", "gh", "cd"]),
        (Column::Name, true, ["gh", "ef", "cd", "ab"]),
    ] {
        let by = By { column, descending };
        let order = mesh.rankings.order(&found, &by).await.unwrap();
        assert_eq!(names(order.as_deref()), expected, "{by:?}");
        let again = mesh.rankings.order(&found, &by).await.unwrap();
        match (order, again) {
            (Some(order), Some(again)) => assert!(Arc::ptr_eq(&order, &again), "{by:?}"),
            (order, again) => assert_eq!(order, again),
        }
    }
}

#[tokio::test]
async fn whoever_follows_the_network_makes_what_was_looked_at() {
    let mesh = Mesh::new(LIMITS).await;
    mesh.rankings.renew_all(&mesh.key(&UNITS, 1).await).await;
    mesh.rankings.at(&mesh.key(&WEIGHT, 1).await).await.unwrap();
    assert!(mesh.rankings.near(&mesh.key(&WEIGHT, 1).await, false).await.unwrap().older.is_none());
    mesh.grow(2, 20).await;
    mesh.rankings.renew_all(&mesh.key(&UNITS, 2).await).await;
    for series in [UNITS, WEIGHT] {
        let key = mesh.key(&series, 2).await;
        let found = mesh.rankings.near(&key, false).await.unwrap();
        assert_eq!((found.older, found.key), (None, key), "{series}");
    }
}

#[tokio::test]
async fn of_past_epochs_two_are_made_and_the_newest_is_next() {
    let mesh = Mesh::new(LIMITS).await;
    for height in 2..=10 {
        mesh.grow(height, 10).await;
    }
    let mut keys = Vec::new();
    for height in 1..=8 {
        keys.push(mesh.key(&UNITS, height).await);
    }
    let (ninth, newest) = (mesh.key(&UNITS, 9).await, mesh.key(&UNITS, 10).await);
    let made = AtomicUsize::new(0);
    let mut past = futures::future::join_all(keys.iter().map(async |key| {
        let found = mesh.rankings.at(key).await;
        made.fetch_add(found.is_ok().into(), Ordering::SeqCst);
        found
    }));
    assert!((&mut past).now_or_never().is_none(), "they ask first");
    let others = async {
        let at_once = mesh.rankings.at(&ninth).now_or_never();
        assert!(matches!(at_once, Some(Err(NoRanking::Crowded))), "the ninth waits: {at_once:?}");
        let found = mesh.rankings.at(&newest).await;
        (found, made.load(Ordering::SeqCst))
    };
    let ((found, before), past) = futures::join!(others, past);
    assert_eq!(found.unwrap().key, newest);
    assert!(before <= 1, "who asks for the newest epoch came after {before} others");
    let (made, refused): (Vec<_>, Vec<_>) = past.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (2, 6));
    assert!(refused.iter().all(|refused| matches!(refused, Err(NoRanking::Crowded))));
    assert!(mesh.rankings.at(&ninth).await.is_ok(), "there is room again");
}

#[tokio::test]
async fn few_wait_for_past_epochs_and_their_orders() {
    let mesh = Mesh::new(LIMITS).await;
    mesh.grow(2, 20).await;
    mesh.grow(3, 30).await;
    let (kept, wanted) = (mesh.key(&UNITS, 1).await, mesh.key(&UNITS, 2).await);
    let kept = mesh.rankings.at(&kept).await.unwrap();
    let newest = mesh.rankings.at(&mesh.key(&UNITS, 3).await).await.unwrap();
    let by = By { column: Column::Name, descending: false };
    let mut visitors: Vec<_> = (0..8).map(|_| Box::pin(mesh.rankings.at(&wanted))).collect();
    for (number, visitor) in visitors.iter_mut().enumerate() {
        let answer = visitor.now_or_never();
        let crowded = matches!(answer, Some(Err(NoRanking::Crowded)));
        assert!(if number < 4 { answer.is_none() } else { crowded }, "{number}: {answer:?}");
    }
    let order = |found| mesh.rankings.order(found, &by).now_or_never();
    assert!(matches!(order(&kept), Some(Err(NoRanking::Crowded))));
    assert!(!matches!(order(&newest), Some(Err(_))));
    visitors.truncate(4);
    assert!(futures::future::join_all(visitors).await.iter().all(Result::is_ok));
    assert!(mesh.rankings.order(&kept, &by).await.is_ok());
}

#[tokio::test]
async fn too_many_who_wait_are_refused_on_their_network_and_an_error_is_not_kept() {
    let mesh = Mesh::new(LIMITS).await;
    let scope = mesh.key(&UNITS, 1).await.scope().clone();
    // What no epoch of the chain is.
    let gone = |network: &str, newest: Epoch, chain: u8| {
        let (network, chain) = (network.parse().unwrap(), Digest([chain; 32]));
        Key::new(Scope { network, chain, ..scope.clone() }, (newest, Digest::default()), None)
    };
    let begin = |key: &Key| mesh.rankings.at(key).now_or_never().map(|made| made.map(|_| ()).unwrap_err());
    // Nothing is made before somebody waits.
    for (newest, most) in [(Epoch::MAX, 2), (scope.at, 32)] {
        for chain in 0..most {
            let made = begin(&gone("mesh", newest, chain));
            assert!(made.is_none(), "{chain} of {most}: {made:?}");
        }
        assert!(matches!(begin(&gone("mesh", newest, most)), Some(NoRanking::Crowded)));
        assert!(begin(&gone("other", newest, 0)).is_none(), "one network keeps another one waiting");
    }
    let refused = mesh.rankings.at(&gone("mesh", scope.at, 31)).await.unwrap_err();
    assert!(matches!(refused, NoRanking::Replaced), "{refused}");
    assert!(mesh.rankings.at(&mesh.key(&UNITS, 1).await).await.is_ok());
}
