use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use apogee_competition::{Broken, Competition, Refusal, Signed, fold};
use apogee_domain::Digest;
use apogee_rules::Id;
use apogee_store::{LedgerEntry, LedgerHead, Page, Store, StoreError};

/// Entries that are read at once.
const PAGE: u32 = 1_000;

/// Folds of earlier entries that are kept.
const FOLDS: usize = 8;

/// A competition as its ledger tells it.
#[derive(Debug)]
pub(crate) struct Held {
    entries: Vec<Arc<Signed>>,
    competition: Arc<Competition>,
    /// The competition after earlier entries, as it was asked for last.
    folds: Mutex<VecDeque<(u64, Arc<Competition>)>>,
}

/// Why there is no competition to look at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoLedger {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The name is none.
    #[error("{0:?} is no name of a competition")]
    Name(String),
    /// An entry is not what it should be.
    #[error("entry {seq} of the ledger of {competition} does not read")]
    Entry {
        competition: Id,
        seq: u64,
        #[source]
        refusal: Box<Refusal>,
    },
    /// An entry does not follow from those before it.
    #[error("the ledger of {competition} does not hold")]
    Broken {
        competition: Id,
        #[source]
        broken: Box<Broken>,
    },
}

impl Held {
    /// A competition without an entry.
    pub(crate) fn empty(id: Id) -> Self {
        Self { entries: Vec::new(), competition: Arc::new(Competition::new(id)), folds: Mutex::default() }
    }

    /// The competition of that name; one without an entry is [`empty`](Self::empty).
    pub(crate) async fn load(store: &dyn Store, id: &str) -> Result<Self, NoLedger> {
        let id: Id = id.parse().map_err(|_| NoLedger::Name(id.to_owned()))?;
        Self::empty(id).grown(store).await
    }

    /// The same with the entries that followed.
    pub(crate) async fn grown(&self, store: &dyn Store) -> Result<Self, NoLedger> {
        let id = self.id().clone();
        let mut entries = self.entries.clone();
        let mut competition = (*self.competition).clone();
        loop {
            let page = Page { after: entries.last().map(|signed| signed.entry.seq), limit: PAGE };
            let found = store.entries(id.as_str(), page).await?;
            for LedgerEntry { seq, document, .. } in &found {
                let refused = |refusal| {
                    let competition = id.clone();
                    NoLedger::Entry { competition, seq: *seq, refusal: Box::new(refusal) }
                };
                let signed = Signed::read(document.as_bytes()).map_err(refused)?;
                competition.append(&signed).map_err(refused)?;
                entries.push(Arc::new(signed));
            }
            if found.len() < PAGE as usize {
                return Ok(Self { entries, competition: Arc::new(competition), folds: Mutex::default() });
            }
        }
    }

    /// Its name.
    pub(crate) fn id(&self) -> &Id {
        self.competition.id()
    }

    /// All entries, by number from 1 on.
    pub(crate) fn entries(&self) -> &[Arc<Signed>] {
        &self.entries
    }

    /// The fold of all entries.
    pub(crate) const fn competition(&self) -> &Arc<Competition> {
        &self.competition
    }

    /// Number and hash of the last entry.
    pub(crate) fn head(&self) -> Option<(u64, Digest)> {
        self.competition.head().map(|(moment, hash)| (moment.seq, hash))
    }

    /// Whether that is where its ledger ends.
    pub(crate) fn is_at(&self, head: &LedgerHead) -> bool {
        self.head() == Some((head.seq, head.hash))
    }

    /// The competition as it was after entry `seq`.
    pub(crate) fn until(&self, seq: u64) -> Result<Arc<Competition>, NoLedger> {
        if seq >= self.competition.seq() {
            return Ok(Arc::clone(&self.competition));
        }
        let folds = || self.folds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = folds().iter().find(|(known, _)| *known == seq) {
            return Ok(Arc::clone(known));
        }
        let first = self.entries.iter().take_while(|signed| signed.entry.seq <= seq);
        let folded = fold(self.id().clone(), first.map(|signed| &**signed));
        let folded = folded.map(Arc::new).map_err(|broken| NoLedger::Broken {
            competition: self.id().clone(),
            broken: Box::new(broken),
        })?;
        let mut folds = folds();
        folds.push_front((seq, Arc::clone(&folded)));
        folds.truncate(FOLDS);
        Ok(folded)
    }
}
