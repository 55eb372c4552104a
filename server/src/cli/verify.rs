//! `apogee chain verify`

mod report;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

use apogee_domain::Epoch;
use apogee_filecoin::crypto::f3::CertificateChain;
use apogee_filecoin::source::Source;
use apogee_filecoin::types::Tipset;
use apogee_filecoin::verify::{CertificateVerifier, EpochReport, Pending, Verifier, power_table, settle};
use clap::{Args, ValueEnum};

use self::report::Report;
use self::target::Target;
use super::{Answer, Failure, Format};
use crate::edge;

/// Tipsets whose signatures are checked together.
const BATCH: usize = 64;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Archive of the chain: CARv1 or CARv2, plain or behind zstd
    #[arg(long, value_name = "FILE", required_unless_present = "recording")]
    car: Option<PathBuf>,
    /// Folder that describes the network (drand.json, net.json, f3manifest.json); by default that of the archive
    #[arg(long, value_name = "DIR", conflicts_with = "network")]
    recording: Option<PathBuf>,
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
        let target = Target::find(&self)?;
        let head = target.source.head().await.map_err(Failure::input)?.epoch();
        let to = self.to.unwrap_or(head);
        if to > head {
            return Err(Failure::input(format!("--to is epoch {to}, but the chain ends at epoch {head}")));
        }
        if self.from > to {
            return Err(Failure::input(format!("--from is epoch {}, after the last epoch {to}", self.from)));
        }
        let chain: Vec<Tipset> = target
            .source
            .chain()
            .filter(|tipset| (self.from..=to).contains(&tipset.epoch()))
            .cloned()
            .collect();
        let mut report = Report::new(target.source.name(), self.from, to, &chain);
        for tipsets in verify(&target, &chain)? {
            report.add(&tipsets);
        }
        certificates(&target, self.from, to, &mut report).await?;
        match self.format {
            Format::Table => print!("{report}"),
            Format::Json => println!("{}", serde_json::to_string_pretty(&report).map_err(Failure::world)?),
        }
        Ok(if report.failed == 0 { Answer::Yes } else { Answer::No })
    }
}

/// Check these tipsets of the chain, in batches.
fn verify<'a>(
    target: &'a Target,
    chain: &'a [Tipset],
) -> Result<impl Iterator<Item = Vec<EpochReport>> + 'a, Failure> {
    let mut verifier = target.verifier();
    let seed = edge::entropy()?;
    let prepared = move |tipsets: &[Tipset]| {
        let pending: Vec<Pending> = tipsets.iter().map(|tipset| verifier.prepare(tipset)).collect();
        settle(&target.params, pending, &seed)
    };
    Ok(chain.chunks(BATCH).map(prepared))
}

/// Check the certificates that make epochs of the range final, from the first instance on.
async fn certificates(target: &Target, from: Epoch, to: Epoch, report: &mut Report) -> Result<(), Failure> {
    let Some(f3) = &target.params.f3 else { return Ok(()) };
    let recorded =
        target.source.certificates(f3.initial_instance, usize::MAX).await.map_err(Failure::world)?;
    if recorded.is_empty() {
        return Ok(());
    }
    let on_chain = |epoch: i64| {
        let mut around = target.source.chain().skip_while(|tipset| tipset.epoch().height() < epoch);
        around.next().map(|tipset| (tipset.epoch().height() == epoch).then(|| tipset.key().clone()))
    };
    let first = target.source.chain().find(|tipset| tipset.epoch().height() == f3.first_table_epoch());
    let first = first.ok_or_else(|| {
        Failure::input(format!(
            "epoch {}, whose state has the first F3 power table, is not there",
            f3.first_table_epoch()
        ))
    })?;
    let blocks = target.source.blocks();
    let table = power_table(&blocks, &target.params, first).map_err(Failure::input)?;
    let chain = CertificateChain::new(f3.network_name.clone(), f3.initial_instance, table);
    let mut verifier = CertificateVerifier::new(chain);
    let pending = verifier.prepare(&recorded, on_chain);
    for certificate in verifier.settle(pending, &edge::entropy()?) {
        if (from.height()..=to.height()).contains(&certificate.epoch) {
            report.add_outcome(Epoch::new(certificate.epoch), &certificate.outcome);
        }
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
