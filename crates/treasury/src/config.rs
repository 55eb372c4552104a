use std::time::Duration;

use apogee_domain::Atto;

/// By which measures a wallet pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Epochs below the head at which a message is final and booked.
    pub depth: u32,
    /// Epochs that no fork reaches: only so far below the head a payment whose message failed may get another nonce.
    pub requeue_depth: u32,
    /// Epochs below the booked one whose marks are kept, to find where a fork began; `requeue_depth` at the least.
    pub memory: u32,
    /// Nonces at most that are not final.
    pub window: u32,
    /// What always stays in the wallet, the smallest unit.
    pub reserve: Atto,
    /// The most that the gas of one message may cost, the smallest unit.
    pub max_fee: Atto,
    /// What may be signed on a UTC day, the smallest unit.
    pub value_per_day: Atto,
    /// What the gas of it may cost on a UTC day, the smallest unit.
    pub fees_per_day: Atto,
    /// What a replacement offers, percent of what it replaces.
    pub bump_percent: u32,
    /// How long the next message waits until it is replaced.
    pub replace_after: Duration,
    /// How long until a message is sent again.
    pub rebroadcast_after: Duration,
    /// How long a process that is gone keeps others from its wallet.
    pub lease: Duration,
    /// How old a head may be for nonces to be taken.
    pub stale_after: Duration,
}

impl Config {
    /// For small grants on Filecoin: final 30 epochs deep, at most 0.1 FIL for the gas of a message, 1,000 FIL and 10 FIL of gas a day.
    #[must_use]
    pub const fn drips() -> Self {
        const FIL: u128 = 1_000_000_000_000_000_000;
        Self {
            depth: 30,
            requeue_depth: 900,
            memory: 2_000,
            window: 100,
            reserve: Atto(FIL),
            max_fee: Atto(FIL / 10),
            value_per_day: Atto(1_000 * FIL),
            fees_per_day: Atto(10 * FIL),
            bump_percent: 125,
            replace_after: Duration::from_secs(600),
            rebroadcast_after: Duration::from_secs(150),
            lease: Duration::from_secs(120),
            stale_after: Duration::from_secs(600),
        }
    }

    /// For refunds and prizes on Filecoin: as [`drips`](Self::drips), and final at 900 epochs, the chain's own finality.
    #[must_use]
    pub const fn large() -> Self {
        Self { depth: 900, memory: 4_000, ..Self::drips() }
    }
}
