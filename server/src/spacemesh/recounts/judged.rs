//! What judges a report, and what is kept of it: the command line and the server keep by the same.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use apogee_domain::{Epoch, NetworkId, Timestamp};
use apogee_recount::Report;
use apogee_spacemesh::id::LayerId;
use apogee_store::{MAX_RECOUNT, Recount, RecountState, Store, StoreError};

use crate::spacemesh::{Described, NotDescribed};

/// A report, and the text that it was read from: what is kept is the very bytes that were counted.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) report: Report,
    text: String,
}

/// A report that is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    /// What is kept beside it.
    pub(crate) recount: Recount,
    /// Whether it was not there before.
    pub(crate) new: bool,
    /// The first layer on which votes decide and the index has another opinion.
    pub(crate) differs: Option<Epoch>,
}

/// Why a file is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoReport {
    #[error("it cannot be read")]
    File(#[from] std::io::Error),
    #[error("it has more than {MAX_RECOUNT} bytes")]
    TooLarge,
    #[error("it is no report of a recount")]
    Json(#[from] serde_json::Error),
}

/// Why a report is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    #[error("{0}")]
    Refused(&'static str),
    #[error(transparent)]
    Described(#[from] NotDescribed),
    #[error("the database refuses")]
    Store(#[from] StoreError),
}

/// The epoch of a layer.
pub(crate) const fn epoch(layer: LayerId) -> Epoch {
    Epoch::GENESIS.plus(layer.0)
}

impl Written {
    /// That of a file: of [`MAX_RECOUNT`] bytes at most.
    ///
    /// # Errors
    /// [`NoReport`]
    pub(crate) fn read(file: &Path) -> Result<Self, NoReport> {
        let mut text = String::new();
        File::open(file)?.take(MAX_RECOUNT + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_RECOUNT {
            return Err(NoReport::TooLarge);
        }
        Ok(Self { report: Report::from_json(text.as_bytes())?, text })
    }

    /// Put it beside its network, to be decided. A report of the same copy that was kept before stays, and is the one that is told of.
    ///
    /// # Errors
    /// [`NotKept`]: it is of another network or of other parameters, its votes are not all as they were cast, nothing could be decided by it,
    /// or another report of the same copy is there.
    pub(crate) async fn keep(
        &self,
        store: &dyn Store,
        network: &NetworkId,
        described: &Described,
        at: Timestamp,
    ) -> Result<Kept, NotKept> {
        let recount = judge(&self.report, described, at).map_err(NotKept::Refused)?;
        described.same(store, network).await?;
        let mut work = store.begin().await?;
        let new = work.put_recount(network, &recount, &self.text).await?;
        work.commit().await?;
        let before = store.recount_report(network, &recount.input).await?;
        if before.as_deref() != Some(self.text.as_str()) {
            return Err(NotKept::Refused("another report of the same copy was kept before: decide that one"));
        }
        let differs = differing(store, network, &self.report).await?;
        Ok(Kept { recount, new, differs })
    }
}

/// What is kept of a report, open; or why nothing could be decided by it.
fn judge(report: &Report, described: &Described, at: Timestamp) -> Result<Recount, &'static str> {
    decides(report, described)?;
    let (Some(first), Some(last)) = (report.layers.first(), report.layers.last()) else {
        return Err("it is of no layer");
    };
    // The opinion on recent layers is the committee's, not that of votes.
    let verified = report.layers.iter().rfind(|layer| layer.verified && !layer.recent);
    let verified = verified.ok_or("its votes decide on none of its layers: nothing could be decided")?;
    Ok(Recount {
        input: report.input.digest.to_string(),
        first: epoch(first.layer),
        last: epoch(last.layer),
        verified: epoch(verified.layer),
        opinion: verified.opinion.to_string(),
        at,
        state: RecountState::Open,
    })
}

/// Whether a report may be decided by: it is whole, of this network and its parameters, and every vote in it is known to be as it was cast.
fn decides(report: &Report, described: &Described) -> Result<(), &'static str> {
    let settings = described.recount();
    let follows = report.layers.windows(2).all(|pair| match pair {
        [one, next] => one.layer.0.checked_add(1) == Some(next.layer.0) && one.verified >= next.verified,
        _ => true,
    });
    let ends = report.layers.iter().rfind(|layer| layer.verified).map(|layer| layer.layer);
    if report.input.genesis != described.params().genesis {
        return Err("it is of another network");
    }
    if report.config != settings.config || report.first_genesis != settings.first_genesis {
        return Err("it was counted by other parameters than the network's");
    }
    if !follows || ends.is_some_and(|last| last != report.verified) {
        return Err("its layers do not follow on each other");
    }
    if report.checks.is_none() {
        return Err("its ballots were not checked: run it without --unchecked");
    }
    if !report.is_sound() {
        return Err("not every vote is known to be as it was cast");
    }
    Ok(())
}

/// The first layer on which votes decide and the index has another opinion.
async fn differing(
    store: &dyn Store,
    network: &NetworkId,
    report: &Report,
) -> Result<Option<Epoch>, StoreError> {
    for counted in report.layers.iter().filter(|layer| layer.verified && !layer.recent) {
        let indexed = store.epoch(network, epoch(counted.layer)).await?;
        if indexed
            .is_some_and(|indexed| !indexed.key.is_empty() && indexed.key != counted.opinion.to_string())
        {
            return Ok(Some(epoch(counted.layer)));
        }
    }
    Ok(None)
}
