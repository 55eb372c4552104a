//! An epoch of a large network at once, in columns: who has how much space, which slots, which rewards, and what could be expected of them.
//!
//! For a million smeshers and more, of whom nobody looks at a row each. Nothing is checked and nothing is stored; slots are estimated from
//! the weight of all activations.

use apogee_spacemesh::id::{EpochId, LayerId, SmesherId};
use apogee_spacemesh_state::{Counted, Paid, ReadError, State};

use crate::Params;
use crate::odds::expected_layers;
use crate::views::rewards::{of_epoch, share};

/// An epoch by smesher, in the order of their ids. All columns are of one length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    /// Whoever has an activation in the epoch or was paid in it.
    pub smeshers: Vec<SmesherId>,
    /// Units of space.
    pub units: Vec<u32>,
    /// Weights of activations.
    pub weight: Vec<u64>,
    /// Slots in the epoch, estimated.
    pub slots: Vec<u32>,
    /// Layers that paid.
    pub layers: Vec<u32>,
    /// Parts of subsidies, in smidge.
    pub subsidy: Vec<u64>,
    /// Parts of fees, in smidge.
    pub fees: Vec<u64>,
    /// Layers that could be expected to pay, in 10⁻⁹.
    pub expected_layers: Vec<u64>,
    /// Parts of subsidies that could be expected, in 10⁻¹⁸ of a coin.
    pub expected_reward: Vec<u128>,
}

/// Why there is no roll-up.
#[derive(Debug, thiserror::Error)]
pub enum RollupError {
    /// The copy cannot be read, or has more rows than may be held.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Sums that no network comes to.
    #[error("the sums of epoch {0} do not fit, or rewards are less than their parts")]
    Overflow(EpochId),
}

impl Rollup {
    /// That of `epoch`, of at most `most` activations and as many rewards: each takes 48 bytes while it is read, and a smesher 92 after that.
    ///
    /// # Errors
    /// See [`RollupError`].
    pub fn read(state: &State, params: &Params, epoch: EpochId, most: usize) -> Result<Self, RollupError> {
        let overflow = || RollupError::Overflow(epoch);
        let first = params.epochs().first(epoch).ok_or_else(overflow)?;
        let last = first.0.checked_add(params.epochs().layers.get() - 1).map(LayerId).ok_or_else(overflow)?;
        let (mut active, mut paid): (Vec<Counted>, Vec<Paid>) = (Vec::new(), Vec::new());
        if let Some(published) = epoch.0.checked_sub(1).map(EpochId) {
            state.sweep_activations(published, |one| push(&mut active, one, "atxs", most))?;
        }
        state.sweep_rewards(&(first..=last), |one| push(&mut paid, one, "rewards", most))?;
        // The lowest of several activations of one smesher, as for series.
        active.sort_unstable_by_key(|one| (one.smesher, one.units, one.weight));
        active.dedup_by_key(|one| one.smesher);
        paid.sort_unstable_by_key(|one| one.smesher);

        let mut columns = Self::with_capacity(active.len());
        let mut rewards = paid.as_slice();
        for one in &active {
            columns.paid_before(Some(one.smesher), &mut rewards).ok_or_else(overflow)?;
            columns.row(one.smesher, (one.units, one.weight), &mut rewards).ok_or_else(overflow)?;
        }
        columns.paid_before(None, &mut rewards).ok_or_else(overflow)?;
        drop((active, paid));
        columns.expect(params, epoch);
        Ok(columns)
    }

    fn with_capacity(rows: usize) -> Self {
        let mut columns = Self::default();
        columns.smeshers.reserve_exact(rows);
        columns.units.reserve_exact(rows);
        columns.weight.reserve_exact(rows);
        columns.layers.reserve_exact(rows);
        columns.subsidy.reserve_exact(rows);
        columns.fees.reserve_exact(rows);
        columns
    }

    /// Rows of those who were paid, come before `smesher` and have no activation.
    fn paid_before(&mut self, smesher: Option<SmesherId>, rewards: &mut &[Paid]) -> Option<()> {
        while let Some(next) =
            rewards.first().filter(|next| smesher.is_none_or(|smesher| next.smesher < smesher))
        {
            self.row(next.smesher, (0, 0), rewards)?;
        }
        Some(())
    }

    /// A row, with the rewards of that smesher, which come next. `None` where they do not fit.
    fn row(&mut self, smesher: SmesherId, (units, weight): (u32, u64), rewards: &mut &[Paid]) -> Option<()> {
        let (mut layers, mut subsidy, mut fees) = (0_u32, 0_u64, 0_u64);
        while let Some((next, rest)) = rewards.split_first().filter(|(next, _)| next.smesher == smesher) {
            layers = layers.checked_add(u32::from(next.total > 0))?;
            subsidy = subsidy.checked_add(next.subsidy)?;
            fees = fees.checked_add(next.total.checked_sub(next.subsidy)?)?;
            *rewards = rest;
        }
        self.smeshers.push(smesher);
        self.units.push(units);
        self.weight.push(weight);
        self.layers.push(layers);
        self.subsidy.push(subsidy);
        self.fees.push(fees);
        Some(())
    }

    /// What depends on everybody's weight.
    fn expect(&mut self, params: &Params, epoch: EpochId) {
        let all: u128 = self.weight.iter().map(|weight| u128::from(*weight)).sum();
        let total = u64::try_from(all).unwrap_or(u64::MAX);
        let subsidies = of_epoch(params, epoch).unwrap_or(0);
        let length = params.epochs().layers;
        // Who has no activation has no slot; and where nothing weighs anything, nothing is due.
        let slots = |(weight, units): (&u64, &u32)| {
            let slots = params.committee.slots(*weight, total).filter(|_| *weight > 0 || *units > 0);
            slots.map_or(0, |slots| u32::try_from(slots).unwrap_or(u32::MAX))
        };
        self.slots = self.weight.iter().zip(&self.units).map(slots).collect();
        self.expected_layers = self.slots.iter().map(|slots| expected_layers(*slots, length)).collect();
        let share = |weight: &u64| share(subsidies, *weight, all).unwrap_or(0);
        self.expected_reward = self.weight.iter().map(share).collect();
    }
}

fn push<T>(rows: &mut Vec<T>, row: T, table: &'static str, most: usize) -> Result<(), ReadError> {
    if rows.len() >= most {
        return Err(ReadError::Rows { table, most });
    }
    rows.push(row);
    Ok(())
}
