//! The named checks of an epoch.
//!
//! [`Verifier::prepare`] makes the cheap checks of one tipset and collects its signatures; [`settle`] checks the
//! signatures of many tipsets at once and hands back one [`EpochReport`] for each. Every check is *made* (passed or failed) or
//! *not made* with a [`Reason`]; nothing is skipped in silence. State is read, not re-executed: state and receipt roots stand
//! on finality.
//!
//! ```no_run
//! # use apogee_filecoin::{source::Blocks, types::Tipset, verify::NetworkParams};
//! # fn run(blocks: std::sync::Arc<dyn Blocks>, params: NetworkParams, chain: Vec<Tipset>, seed: [u8; 32]) {
//! use apogee_filecoin::verify::{Verifier, settle};
//!
//! let params = std::sync::Arc::new(params);
//! let mut verifier = Verifier::new(blocks, params.clone());
//! let pending = chain.iter().map(|tipset| verifier.prepare(tipset)).collect();
//! for report in settle(&params, pending, &seed) {
//!     println!("{}: {} failures", report.epoch, report.failed());
//! }
//! # }
//! ```

mod base_fee;
mod beacon;
mod certificates;
mod check;
mod election;
mod header;
mod history;
mod messages;
mod params;
mod senders;
mod state;
mod store;
mod verifier;
#[cfg_attr(not(feature = "snark"), path = "no_winning_post.rs")]
mod winning_post;

pub use base_fee::{from_premiums as base_fee_from_premiums, from_utilization as base_fee_from_utilization};
pub use certificates::{CertificateReport, CertificateVerifier, PendingCertificate, power_table};
pub use check::{Check, CheckOutcome, EpochReport, Failure, NotMade, Reason};
pub use params::{BeaconSchedule, F3Params, NetworkParams};
pub use verifier::{Pending, Verifier, settle};

#[cfg(feature = "snark")]
pub use apogee_filecoin_proofs::{Trust, VerifyingKeys};
