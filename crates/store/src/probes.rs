//! Probes of miners: what follows each other changes together, and has a port of its own.

mod attempts;
mod lanes;
mod log;
mod rules;
mod slots;

pub use attempts::*;
pub use lanes::*;
pub use log::*;
pub use rules::*;
pub use slots::*;

/// What is known of probes.
pub trait Probes: ProbeLanes + ProbeAttempts + ProbeSlots + ProbeLog + ProbeRules {}

impl<T: ProbeLanes + ProbeAttempts + ProbeSlots + ProbeLog + ProbeRules> Probes for T {}

/// Changes of what is known of probes.
pub trait ProbesWork:
    ProbeLanesWork + ProbeAttemptsWork + ProbeSlotsWork + ProbeLogWork + ProbeRulesWork
{
}

impl<T> ProbesWork for T where
    T: ProbeLanesWork + ProbeAttemptsWork + ProbeSlotsWork + ProbeLogWork + ProbeRulesWork
{
}
