//! `apogee chain verify`

mod report;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

use apogee_domain::Epoch;
use apogee_filecoin::crypto::f3::CertificateChain;
use apogee_filecoin::types::Tipset;
use apogee_filecoin::verify::{CertificateVerifier, Pending, Verifier, power_table, settle};
use clap::{Args, ValueEnum};

use self::report::Report;
use self::target::Target;
use super::{Answer, Failure, Format};
use crate::edge;

/// Epochs whose signatures are checked together.
const BATCH: u32 = 64;

/// Certificates that are read at a time.
const CERTIFICATES: usize = 256;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Archive of the chain (CARv1 or CARv2, plain or behind zstd), or the folder of a recording
    #[arg(long, value_name = "PATH", required_unless_present_any = ["recording", "rpc"])]
    car: Option<PathBuf>,
    /// Folder that describes the network (drand.json, net.json, f3manifest.json); by default that of the archive
    #[arg(long, value_name = "DIR", conflicts_with_all = ["network", "rpc"])]
    recording: Option<PathBuf>,
    /// Address of a node, such as `http://127.0.0.1:1234/rpc/v1`
    #[arg(long, value_name = "URL", requires = "rules", conflicts_with_all = ["car", "network"])]
    rpc: Option<String>,
    /// Rules of the node's network: mainnet, calibration, or a file
    #[arg(long, value_name = "RULES", requires = "rpc")]
    rules: Option<String>,
    /// File with a token that may read from the node
    #[arg(long, value_name = "FILE", requires = "rpc")]
    token_file: Option<PathBuf>,
    /// The rules of a public network
    #[arg(long)]
    network: Option<PublicNetwork>,
    /// Folder of verifying keys for WinningPoSt; by default `vk` in the recording
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// First epoch to check
    #[arg(long, default_value = "0")]
    from: Epoch,
    /// Last epoch to check; by default the head
    #[arg(long)]
    to: Option<Epoch>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PublicNetwork {
    Mainnet,
    Calibration,
}

impl Verify {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let target = Target::find(&self).await?;
        let head = target.source.head().await.map_err(|error| target.failure(error))?;
        let to = self.to.unwrap_or(head.epoch());
        if to > head.epoch() {
            let head = head.epoch();
            return Err(Failure::input(format!("--to is epoch {to}, but the chain ends at epoch {head}")));
        }
        if self.from > to {
            return Err(Failure::input(format!("--from is epoch {}, after the last epoch {to}", self.from)));
        }
        let mut report = Report::new(target.source.name(), self.from, to);
        check(&target, &head, self.from, to, &mut report).await?;
        certificates(&target, &head, self.from, to, &mut report).await?;
        match self.format {
            Format::Table => print!("{report}"),
            Format::Json => println!("{}", serde_json::to_string_pretty(&report).map_err(Failure::world)?),
            Format::Csv => print!("{}", report.csv()),
        }
        Ok(if report.failed == 0 { Answer::Yes } else { Answer::No })
    }
}

/// Check the tipsets of a range, in batches.
async fn check(
    target: &Target,
    head: &Tipset,
    from: Epoch,
    to: Epoch,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut verifier = target.verifier();
    let mut from = from;
    while from <= to {
        let until = from.plus(BATCH - 1).min(to);
        let tipsets = target.source.range(head.key(), from, until).await;
        let tipsets = tipsets.map_err(|error| target.failure(error))?;
        report.saw(&tipsets);
        let (params, seed) = (Arc::clone(&target.params), edge::entropy()?);
        // State is read on the way, from a node perhaps: that waits, and may not wait on the runtime's own threads.
        let batch = move || {
            let pending: Vec<Pending> = tipsets.iter().map(|tipset| verifier.prepare(tipset)).collect();
            (settle(&params, pending, &seed), verifier)
        };
        let (reports, used): (_, Verifier) =
            tokio::task::spawn_blocking(batch).await.map_err(Failure::world)?;
        report.add(&reports);
        verifier = used;
        from = until.plus(1);
    }
    Ok(())
}

/// Check the certificates that make epochs of the range final, from the first instance on.
async fn certificates(
    target: &Target,
    head: &Tipset,
    from: Epoch,
    to: Epoch,
    report: &mut Report,
) -> Result<(), Failure> {
    let Some(f3) = &target.params.f3 else { return Ok(()) };
    let mut instance = f3.initial_instance;
    let mut recorded = target.source.certificates(instance, CERTIFICATES).await.map_err(Failure::world)?;
    if recorded.is_empty() {
        return Ok(());
    }
    let first_epoch = Epoch::new(f3.first_table_epoch()).unwrap_or_default();
    if target.remote && from > first_epoch {
        // Every certificate stands on those before it: from a node that would be the whole chain.
        eprintln!(
            "apogee: certificates are not checked: their chain begins at epoch {first_epoch}, before --from"
        );
        return Ok(());
    }
    let chain = target.source.range(head.key(), first_epoch, to).await;
    let chain: Vec<Tipset> = chain.map_err(|error| target.failure(error))?;
    let first = chain.first().filter(|tipset| tipset.epoch() == first_epoch).cloned().ok_or_else(|| {
        Failure::input(format!("epoch {first_epoch}, whose state has the first F3 power table, is not there"))
    })?;
    let (blocks, params) = (target.source.blocks(), Arc::clone(&target.params));
    let table = tokio::task::spawn_blocking(move || power_table(&blocks, &params, &first));
    let table = table.await.map_err(Failure::world)?.map_err(Failure::input)?;
    let mut verifier =
        CertificateVerifier::new(CertificateChain::new(f3.network_name.clone(), f3.initial_instance, table));
    let on_chain = |epoch: i64| {
        let mut around = chain.iter().skip_while(|tipset| tipset.epoch().height() < epoch);
        around.next().map(|tipset| (tipset.epoch().height() == epoch).then(|| tipset.key().clone()))
    };
    while !recorded.is_empty() {
        let pending = verifier.prepare(&recorded, on_chain);
        let mut beyond = false;
        for certificate in verifier.settle(pending, &edge::entropy()?) {
            beyond |= certificate.epoch > to.height();
            if (from.height()..=to.height()).contains(&certificate.epoch) {
                report.add_outcome(Epoch::new(certificate.epoch), &certificate.outcome);
            }
        }
        if beyond {
            break;
        }
        instance = instance.saturating_add(u64::try_from(recorded.len()).unwrap_or(u64::MAX));
        recorded = target.source.certificates(instance, CERTIFICATES).await.map_err(Failure::world)?;
    }
    Ok(())
}

impl Target {
    fn verifier(&self) -> Verifier {
        let verifier = Verifier::new(self.source.blocks(), Arc::clone(&self.params));
        #[cfg(feature = "snark")]
        if let Some(keys) = &self.keys {
            return verifier.with_keys(Arc::clone(keys));
        }
        verifier
    }
}
