use std::fmt;

/// A section of the file. All are there, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// What the results are of: one row.
    About,
    /// The versions of the rules.
    Rules,
    /// Who was measured.
    Participants,
    /// What was measured, without the steps.
    Series,
    /// The steps of the series.
    Steps,
    /// Storage deals.
    Deals,
    /// Sectors.
    Sectors,
    /// Who competes.
    Entities,
    /// Signed claims and what was accepted of them.
    Claims,
    /// The ledger of decisions.
    Decisions,
    /// What bots attempted.
    Observations,
    /// Where on the chain it comes from.
    Provenance,
    /// The leaves of the standings and their root.
    Results,
}

impl Section {
    /// All sections in the order of the file.
    pub const ALL: [Self; 13] = [
        Self::About,
        Self::Rules,
        Self::Participants,
        Self::Series,
        Self::Steps,
        Self::Deals,
        Self::Sectors,
        Self::Entities,
        Self::Claims,
        Self::Decisions,
        Self::Observations,
        Self::Provenance,
        Self::Results,
    ];

    /// The name in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Rules => "rules",
            Self::Participants => "participants",
            Self::Series => "series",
            Self::Steps => "steps",
            Self::Deals => "deals",
            Self::Sectors => "sectors",
            Self::Entities => "entities",
            Self::Claims => "claims",
            Self::Decisions => "decisions",
            Self::Observations => "observations",
            Self::Provenance => "provenance",
            Self::Results => "results",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
