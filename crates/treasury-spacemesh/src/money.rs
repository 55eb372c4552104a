//! The chain counts in smidge, everything else here in atto: an SMH is 10⁹ of the former and 10¹⁸ of the latter.

use apogee_domain::Atto;

/// Atto in a smidge.
pub const SMIDGE: u128 = 1_000_000_000;

/// So many smidge.
#[must_use]
pub const fn atto(smidge: u64) -> Atto {
    // Below 2⁹⁴.
    Atto((smidge as u128).saturating_mul(SMIDGE))
}

/// An amount in smidge; `None` for what is no whole number of them, or more than the chain can hold. Nothing is rounded.
#[must_use]
pub fn smidge(amount: Atto) -> Option<u64> {
    let whole = amount.0.checked_rem(SMIDGE) == Some(0);
    u64::try_from(amount.0.checked_div(SMIDGE)?).ok().filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_smidge_are_some() {
        assert_eq!(smidge(Atto::ZERO), Some(0));
        assert_eq!(smidge(Atto(SMIDGE)), Some(1));
        assert_eq!((smidge(Atto(SMIDGE - 1)), smidge(Atto(SMIDGE + 1))), (None, None));
        assert_eq!(smidge(atto(u64::MAX)), Some(u64::MAX));
        assert_eq!((smidge(Atto(atto(u64::MAX).0 + SMIDGE)), smidge(Atto(u128::MAX))), (None, None));
    }
}
