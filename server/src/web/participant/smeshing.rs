//! What a smesher may expect: its slots in the epoch of a layer, what came of them, and whether nothing is as it should be.

use std::num::NonZeroU32;

use apogee_domain::series::{
    EPOCH_LAYERS, EXPECTED_LAYERS, MALFEASANCE, REWARD_LAYERS, SLOTS_ASSIGNED, SLOTS_FILLED,
};
use apogee_domain::{Epoch, SeriesName, Step, Subject, Value};
use apogee_spacemesh_index::odds::{Nothing, Odds};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::App;
use crate::web::problem::Problem;
use crate::web::scene::Scene;

/// A smesher's slots in the epoch of a layer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Smeshing {
    /// The layer from which on it is known to be malfeasant; `null` where it is not.
    #[schema(value_type = Option<i64>)]
    pub(super) malfeasant_since: Option<Epoch>,
    /// The epoch's number.
    pub(super) epoch: i64,
    /// Its first layer, and how many it has.
    #[schema(value_type = i64)]
    pub(super) first_layer: Epoch,
    pub(super) layers: u32,
    /// Slots assigned for it; `null` where they are unknown.
    pub(super) slots: Option<u32>,
    /// Slots filled up to this layer; `null` where ballots are unknown.
    pub(super) filled: Option<u64>,
    /// Layers that paid up to this one, and how many may be expected of the whole epoch, 10⁻⁹ of a layer.
    pub(super) paid: Option<u64>,
    #[schema(value_type = Option<String>)]
    pub(super) expected_layers: Option<Value>,
    /// Layers without a reward up to this one, in this epoch.
    pub(super) without: u32,
    /// How likely that is by chance, of the slots that are not filled yet; `null` where they are unknown.
    pub(super) odds: Option<Luck>,
}

/// How likely nothing is, by chance alone.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Luck {
    /// In a given layer, 10⁻⁹.
    pub(super) none_in_a_layer: u32,
    /// In all of the layers without a reward, 10⁻⁹.
    pub(super) none_so_far: u32,
    /// `not-due`, `expected`, `ordinary`, `unusual` or `alarming`.
    #[schema(value_type = String)]
    pub(super) nothing: Nothing,
}

/// Values of a subject at a layer.
struct Held(Vec<(SeriesName, Step)>);

impl Held {
    fn value(&self, series: &SeriesName) -> Option<Value> {
        match self.0.iter().find(|(name, _)| name == series) {
            Some((_, step)) => step.value,
            None => Some(Value::ZERO),
        }
    }

    /// What was added since.
    fn since(&self, before: &Self, series: &SeriesName) -> Option<u128> {
        self.value(series)?.0.checked_sub(before.value(series)?.0)
    }
}

impl App {
    /// `None` where it is unknown how long an epoch is.
    pub(super) async fn smeshing(
        &self,
        scene: &Scene,
        subject: &Subject,
    ) -> Result<Option<Smeshing>, Problem> {
        let (network, at) = (scene.network(), scene.epoch());
        let layers = self.value(scene, &EPOCH_LAYERS, &Subject::network()).await?;
        let layers = layers.and_then(|layers| u32::try_from(layers.0).ok()).and_then(NonZeroU32::new);
        let Some(layers) = layers else { return Ok(None) };
        let epoch = at.height() / i64::from(layers.get());
        let first = at.minus(at.height() % i64::from(layers.get()));
        let now = Held(self.store.subject(network, subject, at).await?);
        let before = match first > Epoch::GENESIS {
            true => Held(self.store.subject(network, subject, first.minus(1)).await?),
            false => Held(Vec::new()),
        };
        let count = |series| now.since(&before, &series).and_then(|count| u64::try_from(count).ok());
        let slots = count(SLOTS_ASSIGNED).and_then(|slots| u32::try_from(slots).ok());
        // The step of the newest layer that paid.
        let paid = now.0.iter().find(|(name, _)| *name == REWARD_LAYERS).map(|(_, step)| step.epoch);
        let since = paid.map_or(first, |paid| paid.plus(1)).max(first);
        let without = u32::try_from(at.since(since).saturating_add(1)).unwrap_or(0);
        let (filled, rewarded) = (count(SLOTS_FILLED), count(REWARD_LAYERS));
        // A slot that was filled brings nothing more. Where ballots are unknown, nothing can be said once something was paid.
        let due = match (slots, filled) {
            (Some(slots), Some(filled)) => {
                Some(slots.saturating_sub(u32::try_from(filled).unwrap_or(u32::MAX)))
            }
            (Some(slots), None) => Some(slots).filter(|_| rewarded == Some(0)),
            (None, _) => None,
        };
        let odds = due.map(|due| {
            let odds = Odds::of(due, layers, without);
            Luck {
                none_in_a_layer: odds.none_in_a_layer,
                none_so_far: odds.none_in_layers,
                nothing: odds.nothing,
            }
        });
        let malfeasant = now.0.iter().find(|(name, _)| *name == MALFEASANCE).map(|(_, step)| step);
        let malfeasant = malfeasant.filter(|step| step.value.is_some_and(|value| value > Value::ZERO));
        Ok(Some(Smeshing {
            malfeasant_since: malfeasant.map(|step| step.epoch),
            epoch,
            first_layer: first,
            layers: layers.get(),
            slots,
            filled,
            paid: rewarded,
            expected_layers: now.since(&before, &EXPECTED_LAYERS).map(Value),
            without,
            odds,
        }))
    }
}
