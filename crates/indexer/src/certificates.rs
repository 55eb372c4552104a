//! Finality certificates: verified in the order of their instances against the indexed chain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apogee_domain::{Epoch, Network};
use apogee_filecoin::crypto::f3::CertificateChain;
use apogee_filecoin::source::{Source, SourceError};
use apogee_filecoin::types::{FinalityCertificate, Tipset, TipsetKey, json};
use apogee_filecoin::verify::{CertificateReport, CertificateVerifier, NetworkParams, power_table};
use apogee_store::{CertificateRecord, CheckRecord, Cursor, EpochKind, Page, Store, StoreError};

use crate::pipeline::key;
use crate::{IndexError, checks};

/// Certificates that are checked at once.
const BATCH: usize = 128;
/// Epochs that are read from the database at once.
const SPAN: u32 = 256;
/// Null rounds in a row, at most, between the epoch of the first power table and the tipset before it.
const NULLS: i64 = 900;

/// Where the certificates stand.
#[derive(Debug)]
pub(crate) struct Certificates {
    verifier: CertificateVerifier,
    /// A wrong one came: those after it cannot be checked.
    broken: bool,
}

/// Certificates that passed, and how the checks went.
#[derive(Debug)]
pub(crate) struct Certified {
    pub(crate) records: Vec<CertificateRecord>,
    /// The newest epoch they make final.
    pub(crate) epoch: Option<Epoch>,
    pub(crate) checks: Vec<CheckRecord>,
}

impl Certified {
    /// Why they cannot be taken, where one of them is wrong.
    pub(crate) fn refusal(&self, source_name: &str) -> Option<IndexError> {
        let failed = self.checks.iter().find(|record| record.failed > 0)?;
        Some(IndexError::Certificate {
            source_name: source_name.to_owned(),
            detail: failed.failures.first().cloned().unwrap_or_default(),
        })
    }

    /// Those before the wrong one, which are right.
    pub(crate) fn right(mut self) -> Self {
        for record in &mut self.checks {
            record.failed = 0;
            record.failures.clear();
            record.not_made.clear();
        }
        self.checks.retain(|record| record.passed > 0);
        self
    }
}

impl Certificates {
    /// Start from the power table in state, and go past the certificates in the database. `None` where the network has none, where the chain
    /// has not come to the first table, or where that cannot be read.
    pub(crate) async fn open(
        store: &dyn Store,
        source: &dyn Source,
        (network, params): (&Network, &Arc<NetworkParams>),
        head: &Tipset,
    ) -> Result<Option<Self>, IndexError> {
        let Some(f3) = params.f3.as_ref().filter(|_| network.finality.certificates) else { return Ok(None) };
        let Some(first) = Epoch::new(f3.first_table_epoch()).filter(|first| *first <= head.epoch()) else {
            return Ok(None);
        };
        let before = match source.range(head.key(), first.minus(NULLS), first).await {
            // A snapshot that begins later.
            Err(SourceError::Missing { what, .. }) => {
                tracing::warn!(what, "certificates are not checked: their first power table is not at hand");
                return Ok(None);
            }
            range => range?,
        };
        let Some(tipset) = before.last().cloned() else { return Ok(None) };
        let (blocks, rules) = (source.blocks(), Arc::clone(params));
        let table = tokio::task::spawn_blocking(move || power_table(&blocks, &rules, &tipset)).await;
        let table = match table.map_err(IndexError::Worker)? {
            Ok(table) => table,
            Err(detail) => {
                tracing::warn!(detail, "certificates are not checked: their first power table is unknown");
                return Ok(None);
            }
        };
        if let Some(pinned) = f3.initial_power_table.filter(|pinned| *pinned != table.cid()) {
            tracing::error!(%pinned, found = %table.cid(), "certificates are not checked: the first power table is another");
            return Ok(None);
        }
        let mut chain = CertificateChain::new(f3.network_name.clone(), f3.initial_instance, table);
        loop {
            let stored = store.certificates(&network.id, chain.next_instance(), 1000).await?;
            if stored.is_empty() {
                return Ok(Some(Self { verifier: CertificateVerifier::new(chain), broken: false }));
            }
            for record in stored {
                // Its signature was checked before it was written.
                let certificate = decode(&record)?;
                chain.advance(&certificate).map_err(|error| damaged(&record, &error.to_string()))?;
            }
        }
    }

    /// Check the next certificates about epochs up to the cursor. `None` when there are no more.
    pub(crate) async fn next(
        &mut self,
        store: &dyn Store,
        source: &dyn Source,
        network: &Network,
        cursor: &Cursor,
        seed: [u8; 32],
    ) -> Result<Option<Certified>, IndexError> {
        if self.broken {
            return Ok(None);
        }
        let mut due = source.certificates(self.verifier.chain().next_instance(), BATCH).await?;
        due.truncate(BATCH);
        let indexed = |one: &FinalityCertificate| {
            one.finalized().is_some_and(|tipset| tipset.epoch <= cursor.epoch.height())
        };
        let ready = due.iter().take_while(|one| indexed(one)).count();
        due.truncate(ready);
        if due.is_empty() {
            return Ok(None);
        }
        let chain = indexed_keys(store, network, &due).await?;
        let pending = self.verifier.prepare(&due, |epoch| chain.get(&epoch).cloned());
        let mut verifier = self.verifier.clone();
        let (verifier, reports) = tokio::task::spawn_blocking(move || {
            let reports = verifier.settle(pending, &seed);
            (verifier, reports)
        })
        .await
        .map_err(IndexError::Worker)?;
        self.verifier = verifier;
        Ok(Some(self.certified(&due, &reports)))
    }

    fn certified(&mut self, due: &[FinalityCertificate], reports: &[CertificateReport]) -> Certified {
        let mut certified = Certified { records: Vec::new(), epoch: None, checks: Vec::new() };
        for (certificate, report) in due.iter().zip(reports) {
            checks::add(&mut certified.checks, &[checks::record(&report.outcome)]);
            let finalized = certificate.finalized().filter(|_| report.outcome.passed > 0);
            let Some((tipset, epoch)) =
                finalized.and_then(|tipset| Some((tipset, Epoch::new(tipset.epoch)?)))
            else {
                self.broken = true;
                tracing::error!(instance = certificate.instance, outcome = ?report.outcome, "a certificate is wrong");
                break;
            };
            certified.records.push(CertificateRecord {
                instance: certificate.instance,
                epoch,
                key: tipset.key.to_string(),
                document: serde_json::to_string(&json::Certificate::from(certificate)).unwrap_or_default(),
            });
            certified.epoch = certified.epoch.max(Some(epoch));
        }
        certified
    }
}

/// What the database has at the epochs that certificates name: a key, or `None` for a null round.
async fn indexed_keys(
    store: &dyn Store,
    network: &Network,
    certificates: &[FinalityCertificate],
) -> Result<BTreeMap<i64, Option<TipsetKey>>, IndexError> {
    let named = certificates.iter().flat_map(|certificate| &certificate.ec_chain);
    let mut named: BTreeSet<Epoch> = named.filter_map(|tipset| Epoch::new(tipset.epoch)).collect();
    let mut keys = BTreeMap::new();
    while let Some(first) = named.pop_first() {
        // Neighbours are read together.
        let mut last = first;
        while let Some(next) = named.first().filter(|next| **next < first.plus(SPAN)) {
            last = *next;
            named.pop_first();
        }
        let page = Page { after: Some(last.plus(1)), limit: SPAN };
        for row in store.epochs(&network.id, page).await?.iter().take_while(|row| row.epoch >= first) {
            let found = if row.kind == EpochKind::Null { None } else { Some(key(&row.key)?) };
            keys.insert(row.epoch.height(), found);
        }
    }
    Ok(keys)
}

fn decode(record: &CertificateRecord) -> Result<FinalityCertificate, IndexError> {
    let json: json::Certificate =
        serde_json::from_str(&record.document).map_err(|error| damaged(record, &error.to_string()))?;
    FinalityCertificate::try_from(json).map_err(|error| damaged(record, &error.to_string()))
}

fn damaged(record: &CertificateRecord, detail: &str) -> IndexError {
    let detail = format!("certificate {}: {detail}", record.instance);
    IndexError::Store(StoreError::Damaged { table: "certificates", detail })
}
