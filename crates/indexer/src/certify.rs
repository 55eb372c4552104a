//! Moving finality on by certificates.

use apogee_filecoin::types::Tipset;
use apogee_store::Cursor;

use crate::certificates::{Certificates, Certified};
use crate::{Doubt, IndexError, Indexer, checks, finality};

impl Indexer {
    /// Check the certificates about what is indexed, and move finality on.
    pub(crate) async fn certify(
        &mut self,
        cursor: Option<Cursor>,
        head: &Tipset,
    ) -> Result<Option<Cursor>, IndexError> {
        let Some(mut cursor) = cursor else { return Ok(None) };
        let mut certificates = match self.certificates.take() {
            Some(certificates) => certificates,
            None => {
                let rules = (&self.network, &self.params);
                match Certificates::open(&*self.store, &*self.source, rules, head).await? {
                    Some(certificates) => certificates,
                    None => return Ok(Some(cursor)),
                }
            }
        };
        let (store, source) = (&*self.store, &*self.source);
        let mut ready = None;
        loop {
            let seed = (self.options.entropy)();
            let next = certificates.next(store, source, &self.network, &cursor, seed);
            let (written, certified) = tokio::join!(self.write_certified(ready.take()), next);
            written?;
            let Some(mut certified) = certified? else { break };
            let strict = self.options.doubt == Doubt::Stop;
            let refusal = certified.refusal(source.name()).filter(|_| strict);
            if refusal.is_some() {
                certified = certified.right();
            }
            let mut to = cursor.clone();
            to.final_epoch = finality::final_epoch(
                self.network.finality,
                cursor.epoch,
                certified.epoch,
                cursor.final_epoch,
            );
            checks::add(&mut to.checks, &certified.checks);
            ready = Some((std::mem::replace(&mut cursor, to.clone()), to, certified));
            if let Some(error) = refusal {
                self.write_certified(ready).await?;
                return Err(error);
            }
        }
        self.certificates = Some(certificates);
        Ok(Some(cursor))
    }

    async fn write_certified(&self, batch: Option<(Cursor, Cursor, Certified)>) -> Result<(), IndexError> {
        let Some((from, to, certified)) = batch else { return Ok(()) };
        if certified.records.is_empty() && to == from {
            return Ok(());
        }
        let mut work = self.store.begin().await?;
        work.put_certificates(&self.network.id, &certified.records).await?;
        work.apply(&self.network.id, Some(&from), &to, &[]).await?;
        work.commit().await?;
        Ok(())
    }
}
