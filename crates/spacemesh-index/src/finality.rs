use apogee_domain::{Epoch, Finality};

/// Up to which layer a network is final: what lies deep enough below the head, but no further than votes have been recounted to, where
/// somebody counted; and never less than what was final already.
///
/// `verified` is the newest layer that a recount found final.
#[must_use]
pub(crate) fn final_epoch(
    rule: Finality,
    head: Epoch,
    verified: Option<Epoch>,
    before: Option<Epoch>,
) -> Option<Epoch> {
    let deep = head.height().checked_sub(i64::from(rule.depth)).and_then(Epoch::new);
    let settled = deep.map(|deep| verified.map_or(deep, |verified| deep.min(verified)));
    [settled, before].into_iter().flatten().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: i64) -> Epoch {
        Epoch::new(epoch).unwrap()
    }

    #[test]
    fn depth_and_recount_both_have_to_agree_and_finality_never_goes_back() {
        let rule = Finality { depth: 10, certificates: false };
        assert_eq!(final_epoch(rule, at(9), None, None), None);
        assert_eq!(final_epoch(rule, at(60), None, None), Some(at(50)));
        assert_eq!(final_epoch(rule, at(60), Some(at(45)), None), Some(at(45)));
        assert_eq!(
            final_epoch(rule, at(60), Some(at(59)), None),
            Some(at(50)),
            "not before it is deep enough"
        );
        assert_eq!(final_epoch(rule, at(60), Some(at(45)), Some(at(48))), Some(at(48)));
    }
}
