//! Space, weight and streaks, by the activations that count in a layer's epoch.

use apogee_domain::Subject;
use apogee_domain::series::{ATX_STREAK, ATX_WEIGHT, EPOCH_LAYERS, MALFEASANCE, SPACE_TIME, SPACE_UNITS};

use super::At;

/// Levels of everybody, and of those whose activation ended. Whoever is known late counts from the layer on at which that is known.
pub(crate) fn levels(at: &mut At<'_>) {
    let (mut units, mut weight) = (0_u128, 0_u128);
    let layers = u128::from(at.params.epochs().layers.get());
    for (subject, activation) in at.activations {
        units = units.saturating_add(activation.units.into());
        weight = weight.saturating_add(activation.weight.into());
        at.set(SPACE_UNITS, subject, Some(activation.units.into()));
        at.set(ATX_WEIGHT, subject, Some(activation.weight.into()));
        let streak = at.before.sum(&ATX_STREAK, subject);
        at.set(ATX_STREAK, subject, streak.map(|epochs| epochs.saturating_add(1)));
        // Nothing is known against whoever comes first: that is a value, which rules can hold a bar against.
        if at.fold.get(&MALFEASANCE, subject).is_none() {
            at.set(MALFEASANCE, subject, Some(0));
        }
        at.in_epoch(SPACE_TIME, subject, u128::from(activation.units).checked_mul(layers));
    }
    let mut gone = at.fold.holders(&SPACE_UNITS);
    gone.extend(at.fold.holders(&ATX_WEIGHT));
    gone.extend(at.fold.holders(&ATX_STREAK));
    for subject in gone.iter().filter(|subject| !at.activations.contains_key(*subject)) {
        for series in [SPACE_UNITS, ATX_WEIGHT, ATX_STREAK] {
            at.set(series, subject, Some(0));
        }
    }
    at.set(SPACE_UNITS, &Subject::network(), Some(units));
    at.set(ATX_WEIGHT, &Subject::network(), Some(weight));
    at.in_epoch(SPACE_TIME, &Subject::network(), units.checked_mul(layers));
    at.set(EPOCH_LAYERS, &Subject::network(), Some(layers));
}
