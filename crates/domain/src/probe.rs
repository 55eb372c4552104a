/// What bots probe of a miner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProbeKind {
    /// A deal is proposed, and followed.
    Storage,
    /// Data of a deal is read back.
    Retrieval,
}

impl ProbeKind {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Storage, Self::Retrieval];

    /// As it is stored and said to programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Retrieval => "retrieval",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}
