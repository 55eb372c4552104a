use apogee_spacemesh::id::LayerId;

/// How far a recount is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it does.
    pub phase: Phase,
    /// The layer that is next.
    pub layer: LayerId,
    /// The last one of this phase.
    pub of: LayerId,
}

/// What a recount does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It looks at everything that is to be counted, and checks ballots.
    Survey,
    /// It takes ballots and blocks of layers up to the last one of a stage.
    Read,
    /// It counts their votes.
    Count,
}
