//! What a smesher may expect of its slots: "some layers pay nothing, is that as it should be?"
//!
//! Each slot of an epoch falls into one of its layers, each as likely as the other and without regard to other slots (go-spacemesh
//! `proposals/util.go`: a draw modulo the layers of an epoch). So `n` slots leave `k` of `L` layers without any with the
//! probability `(1 − k/L)^n`, and `L · (1 − (1 − 1/L)^n)` layers of an epoch may be expected to have one.
//!
//! Integers only. The power is worked out in 128 bits behind the point, cut off after each product, which takes off less than
//! `2n · 2⁻¹²⁸`; that much is put back before a result is rounded half up. Results are those of exact arithmetic, but that what is
//! less than `2⁻³⁰` of the last place below a half counts as a half.

use std::num::NonZeroU32;

use serde::Serialize;

/// Parts that a probability is told in.
pub const CERTAIN: u32 = 1_000_000_000;

/// What a smesher with so many slots in an epoch may expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Odds {
    /// How likely it has no slot in a given layer, in 10⁻⁹.
    pub none_in_a_layer: u32,
    /// How likely it has no slot in any of the given number of layers of one epoch, in 10⁻⁹.
    pub none_in_layers: u32,
    /// In how many layers of an epoch it may expect a slot, in 10⁻⁹ of a layer.
    pub expected_layers: u64,
    /// How far nothing in all of those layers is as it should be.
    pub nothing: Nothing,
}

/// How far it is as it should be that layers brought a smesher nothing. By what chance alone does: that a smesher was offline or is known to be
/// malfeasant is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nothing {
    /// No slot is assigned: nothing is due.
    NotDue,
    /// More likely than not.
    Expected,
    /// Less likely than not, but more than one in twenty.
    Ordinary,
    /// One in twenty at most, and more than one in a thousand.
    Unusual,
    /// One in a thousand at most: look for another cause.
    Alarming,
}

impl Odds {
    /// Those of `slots` in an epoch of `length` layers, about `layers` of them. More layers than the epoch has are all of it.
    #[must_use]
    pub fn of(slots: u32, length: NonZeroU32, layers: u32) -> Self {
        let none_in_layers = parts(none(slots, length, layers), slots);
        Self {
            none_in_a_layer: parts(none(slots, length, 1), slots),
            none_in_layers,
            expected_layers: expected_layers(slots, length),
            nothing: Nothing::of(slots, none_in_layers),
        }
    }
}

impl Nothing {
    fn of(slots: u32, likely: u32) -> Self {
        match likely {
            _ if slots == 0 => Self::NotDue,
            500_000_000.. => Self::Expected,
            50_000_001.. => Self::Ordinary,
            1_000_001.. => Self::Unusual,
            _ => Self::Alarming,
        }
    }
}

/// In how many layers of an epoch of `length` layers `slots` may be expected to fall, in 10⁻⁹ of a layer, rounded half up. At most
/// `length` layers.
#[must_use]
pub fn expected_layers(slots: u32, length: NonZeroU32) -> u64 {
    let layers = u128::from(length.get()) * u128::from(CERTAIN);
    match none(slots, length, 1) {
        None => 0,
        Some(0) => u64::try_from(layers).unwrap_or(u64::MAX),
        // What was cut off makes this larger, if anything. Two to the power of 128, less a number that is not zero.
        Some(none) => scaled((!none).saturating_add(1), layers),
    }
}

/// A probability in parts of 10⁹.
fn parts(none: Option<u128>, slots: u32) -> u32 {
    let Some(none) = none else { return CERTAIN };
    let whole = none.saturating_add(u128::from(slots) * 2);
    u32::try_from(scaled(whole, CERTAIN.into())).unwrap_or(CERTAIN)
}

/// How likely none of `slots` falls into `layers` of `length`, in 2⁻¹²⁸, at most `2 · slots` too little; `None` where it is certain.
fn none(slots: u32, length: NonZeroU32, layers: u32) -> Option<u128> {
    if slots == 0 || layers == 0 {
        return None;
    }
    let length = u128::from(length.get());
    let rest = length.saturating_sub(layers.into());
    // Two digits of 64 bits, as in a division by hand: what remains is less than the length, of 32 bits.
    let (high, carried) = ((rest << 64) / length, (rest << 64) % length);
    let mut square = (high << 64) | ((carried << 64) / length);
    let mut power: Option<u128> = None;
    let mut left = slots;
    loop {
        if left & 1 == 1 {
            power = Some(power.map_or(square, |power| product(power, square)));
        }
        left >>= 1;
        if left == 0 {
            return power;
        }
        square = product(square, square);
    }
}

/// The product of two fractions in 2⁻¹²⁸, cut off.
const fn product(a: u128, b: u128) -> u128 {
    const LOW: u128 = u64::MAX as u128;
    let ((a1, a0), (b1, b0)) = ((a >> 64, a & LOW), (b >> 64, b & LOW));
    let (low, left, right) = (a0 * b0, a0 * b1, a1 * b0);
    // Three numbers of 64 bits, which fit.
    let middle = (low >> 64) + (left & LOW) + (right & LOW);
    // The whole product is below 2²⁵⁶.
    a1 * b1 + (left >> 64) + (right >> 64) + (middle >> 64)
}

/// A fraction in 2⁻¹²⁸ of `whole`, which has at most 62 bits, rounded half up.
fn scaled(fraction: u128, whole: u128) -> u64 {
    let (high, low) = (fraction >> 64, fraction & u128::from(u64::MAX));
    let in_64 = high * whole + ((low * whole) >> 64);
    u64::try_from((in_64 + (1 << 63)) >> 64).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    fn length(layers: u32) -> NonZeroU32 {
        NonZeroU32::new(layers).unwrap()
    }

    /// `(whole · above) / below`, rounded half up.
    fn rounded(whole: u64, above: &BigUint, below: &BigUint) -> u64 {
        let twice: BigUint = (above * whole * 2_u32 + below) / (below * 2_u32);
        twice.try_into().unwrap()
    }

    /// The same by fractions of whole numbers.
    fn exact(slots: u32, layers_of_epoch: u32, layers: u32) -> (u32, u64) {
        let below = BigUint::from(layers_of_epoch).pow(slots);
        let none = BigUint::from(layers_of_epoch.saturating_sub(layers)).pow(slots);
        let none_in_one = BigUint::from(layers_of_epoch - 1).pow(slots);
        let some = &below - none_in_one;
        (
            rounded(u64::from(CERTAIN), &none, &below) as u32,
            rounded(u64::from(layers_of_epoch) * u64::from(CERTAIN), &some, &below),
        )
    }

    #[test]
    fn one_slot_is_one_layer_of_the_epoch() {
        let odds = Odds::of(1, length(4032), 1);
        assert_eq!((odds.none_in_a_layer, odds.none_in_layers), (999_751_984, 999_751_984));
        assert_eq!((odds.expected_layers, odds.nothing), (1_000_000_000, Nothing::Expected));
        assert_eq!(Odds::of(1, length(4032), 4032).none_in_layers, 0);
        assert_eq!(Odds::of(1, length(4032), 4032).nothing, Nothing::Alarming);
    }

    #[test]
    fn nothing_is_due_without_slots_and_everything_where_an_epoch_is_one_layer() {
        let odds = Odds::of(0, length(16), 16);
        assert_eq!((odds.none_in_layers, odds.expected_layers, odds.nothing), (CERTAIN, 0, Nothing::NotDue));
        let odds = Odds::of(3, length(1), 1);
        assert_eq!((odds.none_in_a_layer, odds.expected_layers), (0, 1_000_000_000));
        assert_eq!(Odds::of(3, length(16), 0).none_in_layers, CERTAIN);
        assert_eq!(Odds::of(3, length(16), u32::MAX).none_in_layers, 0);
    }

    #[test]
    fn halves_are_rounded_up_even_where_the_fraction_has_no_end_in_binary() {
        // (19/20)^5 = 0.773 780 937 5 and 2^-10 = 0.000 976 562 5.
        assert_eq!(Odds::of(5, length(20), 1).none_in_a_layer, 773_780_938);
        assert_eq!(Odds::of(10, length(1024), 512).none_in_layers, 976_563);
    }

    #[test]
    fn the_largest_inputs_stay_in_their_bounds() {
        let odds = Odds::of(u32::MAX, length(u32::MAX), 1);
        // (1 - 1/m)^m for m = 2^32 - 1 is 1/e less 4.3e-11 of it.
        assert_eq!(odds.none_in_a_layer, 367_879_441);
        // m (1 - (1 - 1/m)^m) by 60 digits of an independent decimal library.
        assert_eq!(odds.expected_layers, 2_714_937_126_849_718_461);
        assert_eq!(Odds::of(u32::MAX, length(2), 1).expected_layers, 2 * u64::from(CERTAIN));
    }

    proptest! {
        #[test]
        fn all_is_as_by_exact_fractions(slots in 1..400_u32, epoch in 1..20_000_u32, layers in 0..20_000_u32) {
            let odds = Odds::of(slots, length(epoch), layers);
            prop_assert_eq!((odds.none_in_layers, odds.expected_layers), exact(slots, epoch, layers));
        }

        #[test]
        fn small_epochs_too(slots in 1..60_u32, epoch in 1..65_u32, layers in 0..70_u32) {
            let odds = Odds::of(slots, length(epoch), layers);
            prop_assert_eq!((odds.none_in_layers, odds.expected_layers), exact(slots, epoch, layers));
        }

        #[test]
        fn more_slots_are_never_less_to_expect(slots in 0..u32::MAX, epoch in 1..u32::MAX) {
            prop_assert!(expected_layers(slots, length(epoch)) <= expected_layers(slots + 1, length(epoch)));
        }
    }
}
