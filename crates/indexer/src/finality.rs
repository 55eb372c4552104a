use apogee_domain::{Epoch, Finality};

/// Up to which epoch a chain is final: what a verified certificate says or what the depth below the head says, whichever is later, and
/// never less than what was final already.
///
/// `certified` is the newest epoch on this chain that a verified certificate makes final.
#[must_use]
pub(crate) fn final_epoch(
    rule: Finality,
    head: Epoch,
    certified: Option<Epoch>,
    before: Option<Epoch>,
) -> Option<Epoch> {
    let deep = head.height().checked_sub(i64::from(rule.depth)).and_then(Epoch::new);
    let certified = certified.filter(|_| rule.certificates).map(|epoch| epoch.min(head));
    [deep, certified, before].into_iter().flatten().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: i64) -> Epoch {
        Epoch::new(epoch).unwrap()
    }

    #[test]
    fn the_later_of_depth_and_certificate_counts_and_finality_never_goes_back() {
        let rule = |depth, certificates| Finality { depth, certificates };
        assert_eq!(final_epoch(rule(900, true), at(899), None, None), None);
        assert_eq!(final_epoch(rule(900, true), at(901), None, None), Some(at(1)));
        assert_eq!(final_epoch(rule(900, true), at(901), Some(at(890)), None), Some(at(890)));
        assert_eq!(final_epoch(rule(900, false), at(901), Some(at(890)), None), Some(at(1)));
        assert_eq!(final_epoch(rule(10, true), at(901), Some(at(800)), None), Some(at(891)));
        assert_eq!(
            final_epoch(rule(900, true), at(901), Some(at(999)), None),
            Some(at(901)),
            "no further than the head"
        );
        assert_eq!(final_epoch(rule(900, true), at(901), None, Some(at(700))), Some(at(700)));
    }
}
