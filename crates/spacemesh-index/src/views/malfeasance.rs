//! Who broke the rules, from when on.

use apogee_domain::Subject;
use apogee_domain::series::MALFEASANCE;
use apogee_spacemesh::id::LayerId;

use super::At;

/// Whoever was known to be malfeasant in the layer or before it. Nobody ceases to be.
pub(crate) fn levels(at: &mut At<'_>, known: &[(LayerId, Subject)]) {
    for (_, subject) in known.iter().take_while(|(from, _)| *from <= at.facts.name.layer) {
        at.set(MALFEASANCE, subject, Some(1));
    }
}
