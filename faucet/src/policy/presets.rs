//! Policies that come with the program.

/// What holds unless a network says otherwise.
pub const DEFAULT: &str = include_str!("../../policies/default.toml");
/// What holds on Spacemesh unless a network says otherwise.
pub const SPACEMESH: &str = include_str!("../../policies/spacemesh.toml");
/// Space Race 1 from 20 August 2020 on.
pub const SR1_AUGUST: &str = include_str!("../../policies/sr1-2020-08-20.toml");
/// Space Race 1 from 8 September 2020 on.
pub const SR1_SEPTEMBER: &str = include_str!("../../policies/sr1-2020-09-08.toml");
/// The faucet that comes with Lotus.
pub const LOTUS_FOUNTAIN: &str = include_str!("../../policies/lotus-fountain.toml");
