use apogee_domain::{Digest, Epoch, SeriesName};
use apogee_leaderboard::Scope;

/// Which ranking.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub(crate) scope: Scope,
    /// Digest of everything that was indexed when it was asked for; `None` where what comes later does not change it.
    pub(crate) seen: Option<Digest>,
    /// Whether there was a newer epoch.
    pub(crate) is_past: bool,
}

impl Key {
    /// The ranking of that scope, asked for when everything up to `indexed` was there, and up to `settled` final.
    ///
    /// Steps of an epoch may come with a later one. So a ranking is for good once its epoch is final and not the newest; before, it is that of the moment.
    #[must_use]
    pub fn new(scope: Scope, indexed: (Epoch, Digest), settled: Option<Epoch>) -> Self {
        let (newest, digest) = indexed;
        let is_whole = scope.at < newest && settled.is_some_and(|last| scope.at <= last);
        Self { is_past: scope.at < newest, scope, seen: (!is_whole).then_some(digest) }
    }

    /// The ranking by another series, of the same moment.
    #[must_use]
    pub fn by(&self, series: &SeriesName) -> Self {
        Self { scope: Scope { series: series.clone(), ..self.scope.clone() }, ..*self }
    }

    /// What it is about.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether another one is of the same network.
    pub(crate) fn is_neighbour(&self, other: &Self) -> bool {
        (&self.scope.network, &self.scope.genesis) == (&other.scope.network, &other.scope.genesis)
    }

    /// Whether another one is of the same numbers, of whatever moment.
    pub(crate) fn is_sibling(&self, other: &Self) -> bool {
        self.is_neighbour(other)
            && (&self.scope.series, self.scope.since) == (&other.scope.series, other.scope.since)
    }
}

/// What rows are put in order by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// A column.
    pub column: Column,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// A column of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// Names of participants.
    Name,
    /// What they have of a series.
    Series(SeriesName),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_final_and_not_the_newest_is_the_same_whatever_comes_later() {
        let at = |height| Epoch::new(height).unwrap();
        let key = |of, newest, settled: Option<i64>, digest| {
            let scope = Scope {
                network: "devnet-a".parse().unwrap(),
                genesis: "bafy".into(),
                series: apogee_domain::series::SPACE_UNITS,
                since: None,
                at: at(of),
                chain: Digest([1; 32]),
            };
            Key::new(scope, (at(newest), Digest([digest; 32])), settled.map(at))
        };
        for (of, newest, settled, same) in [
            (5, 9, Some(5), true),
            (5, 9, Some(8), true),
            (5, 9, Some(4), false),
            (5, 9, None, false),
            (5, 5, Some(5), false),
        ] {
            assert_eq!(
                key(of, newest, settled, 2) == key(of, newest, settled, 3),
                same,
                "{of} {newest} {settled:?}"
            );
        }
    }
}
