//! Whether a database holds exactly what its cursor says.

use std::collections::BTreeMap;

use apogee_domain::{Change, Digest, Epoch, Value};
use apogee_store::{EpochRecord, Page, Result, Store};

use super::chain::{self, POWER, REWARD, SUBJECTS, Totals, at};
use super::writer::{cursor, network};

type Rows = BTreeMap<(String, String, Epoch), Option<Value>>;

/// Fold everything again from the keys of the tipsets and compare: `Err` says what is lost or double. Returns how far the network is.
pub(crate) async fn check(store: &crate::Adapter) -> Result<std::result::Result<i64, String>> {
    let Some(cursor) = cursor(store).await? else { return Ok(Ok(-1)) };
    let id = network();
    let tip = cursor.epoch.height();
    let found = epochs(store).await?;
    if found.iter().map(|record| record.epoch.height()).ne(0..=tip) {
        let newest = found.last().map_or(-1, |record| record.epoch.height());
        return Ok(Err(format!("the cursor is at {tip}, {} epochs are there, up to {newest}", found.len())));
    }
    let (mut digest, mut totals, mut rows) = (Digest::default(), Totals::new(), Rows::new());
    let settled = cursor.final_epoch.map_or(-1, Epoch::height);
    for record in &found {
        let height = record.epoch.height();
        let epoch = chain::epoch(digest, height, record.key.clone(), &mut totals);
        if epoch.record != *record {
            return Ok(Err(format!(
                "epoch {height} has the digest {}, not {}",
                record.digest, epoch.record.digest
            )));
        }
        digest = record.digest;
        let kept = if height > settled { epoch.changes.clone() } else { Vec::new() };
        let journal = store.journal(&id, at(height)).await?;
        if journal != kept {
            return Ok(Err(format!("the journal of epoch {height} is {journal:?}")));
        }
        rows.extend(epoch.changes.into_iter().map(row));
    }
    if (cursor.digest, Some(&cursor.key)) != (digest, found.last().map(|record| &record.key)) {
        return Ok(Err(format!("the cursor at {tip} has the digest {}, its rows {digest}", cursor.digest)));
    }
    let stored = steps(store).await?;
    if stored != rows {
        let differs = rows.iter().zip(&stored).find(|(a, b)| a != b);
        return Ok(Err(format!("{} steps instead of {}: {differs:?}", stored.len(), rows.len())));
    }
    let certificates = store.certificates(&id, 0, 10_000).await?;
    if certificates.iter().map(|certificate| certificate.epoch.height()).ne(0..=settled) {
        return Ok(Err(format!("{} certificates at finality {settled}", certificates.len())));
    }
    Ok(Ok(tip))
}

fn row(change: Change) -> ((String, String, Epoch), Option<Value>) {
    ((change.series.as_str().to_owned(), change.subject.into(), change.epoch), change.value)
}

/// Every epoch, oldest first.
pub(crate) async fn epochs(store: &crate::Adapter) -> Result<Vec<EpochRecord>> {
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = store.epochs(&network(), Page { after, limit: 10_000 }).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.epoch);
        all.extend(page);
    }
    all.reverse();
    Ok(all)
}

/// Every step.
async fn steps(store: &crate::Adapter) -> Result<Rows> {
    let mut rows = Rows::new();
    for series in [POWER, REWARD] {
        for subject in SUBJECTS {
            let (mut after, subject) = (None, subject.parse().unwrap());
            loop {
                let page = store.steps(&network(), &series, &subject, Page { after, limit: 10_000 }).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.epoch);
                let key = |epoch| (series.as_str().to_owned(), subject.as_str().to_owned(), epoch);
                rows.extend(page.iter().map(|step| (key(step.epoch), step.value)));
            }
        }
    }
    Ok(rows)
}
