//! The steps in a database by the epochs that brought them, also where the journal is gone.

use std::collections::BTreeMap;

use apogee_domain::{Epoch, NetworkId, NetworkKind, SeriesName, Subject, Value, series};
use apogee_store::{Page, Store};

use crate::views::execution;

/// Steps that are read at once.
const PAGE: u32 = 10_000;

/// Steps by epoch, series and subject.
pub(crate) type Rows = BTreeMap<(Epoch, SeriesName, Subject), Option<Value>>;

/// The steps that applying the epochs `start..=end` brought, where `end` has a tipset. `before` is the epoch of the tipset before `start`, whose
/// execution the first of them told; `None` where the index begins with `start`, which then brought what there is before it, too.
pub(crate) async fn steps(
    store: &dyn Store,
    network: &NetworkId,
    (start, end): (Epoch, Epoch),
    before: Option<Epoch>,
) -> apogee_store::Result<Rows> {
    let mut rows = Rows::new();
    for spec in series::of(NetworkKind::Filecoin) {
        let name = SeriesName::of(spec.name);
        let (low, high) = match (execution::has(&name), before) {
            (true, Some(before)) => (before.height(), end.height() - 1),
            (true, None) => (0, end.height() - 1),
            (false, Some(_)) => (start.height(), end.height()),
            (false, None) => (0, end.height()),
        };
        let Some(high) = Epoch::new(high) else { continue };
        for (subject, _) in store.board(network, &name, high).await? {
            let mut after = Epoch::new(low - 1);
            loop {
                let steps = store.steps(network, &name, &subject, Page { after, limit: PAGE }).await?;
                let more = steps.last().map(|last| last.epoch).filter(|last| *last < high);
                let within = steps.into_iter().take_while(|step| step.epoch <= high);
                rows.extend(within.map(|step| ((step.epoch, name.clone(), subject.clone()), step.value)));
                match more {
                    Some(last) => after = Some(last),
                    None => break,
                }
            }
        }
    }
    Ok(rows)
}
