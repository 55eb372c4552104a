use apogee_domain::Timestamp;

use super::{Record, VERSION};

/// How much of everything a record may hold. All together is shorter than [`LONGEST`](crate::canonical::LONGEST).
pub mod most {
    /// Names of races, miners, bots, regions and software, bytes.
    pub const NAME: usize = 128;
    /// Stages.
    pub const STAGES: usize = 64;
    /// A failure in words, bytes.
    pub const DETAIL: usize = 4_096;
    /// Errors of a chain.
    pub const ERRORS: usize = 16;
    /// One error, bytes.
    pub const ERROR: usize = 1_024;
    /// A URL or multiaddress, bytes.
    pub const TARGET: usize = 2_048;
    /// Addresses of a name.
    pub const RESOLVED: usize = 32;
    /// How a peer calls itself, bytes.
    pub const AGENT: usize = 256;
    /// Protocols of a peer.
    pub const PROTOCOLS: usize = 128;
    /// The name of a protocol, bytes.
    pub const PROTOCOL: usize = 256;
    /// Headers of an answer.
    pub const HEADERS: usize = 16;
    /// The name of a header, bytes.
    pub const HEADER: usize = 64;
    /// The value of a header, bytes.
    pub const VALUE: usize = 1_024;
    /// The beginning of an answer, bytes.
    pub const BODY: usize = 512;
    /// The id of a deal, bytes.
    pub const DEAL: usize = 64;
    /// Canaries.
    pub const CANARIES: usize = 8;
}

/// What a record says that it may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutOfBounds {
    /// It is of another version.
    #[error("version {0} is not known")]
    Version(u64),
    /// A text or list is too long.
    #[error("`{field}` has {found}; at most {most} may be")]
    TooMuch {
        /// Which.
        field: &'static str,
        /// Bytes or entries.
        found: usize,
        /// Bytes or entries.
        most: usize,
    },
    /// A name is missing.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// What ended before it began, or outside the attempt.
    #[error("the times of `{0}` cannot be")]
    Times(&'static str),
    /// No answer of HTTP has this status.
    #[error("{0} is no status")]
    Status(u16),
}

/// The beginning of a text that fits into so many bytes.
#[must_use]
pub fn clip(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

fn within(field: &'static str, found: usize, most: usize) -> Result<(), OutOfBounds> {
    if found > most { Err(OutOfBounds::TooMuch { field, found, most }) } else { Ok(()) }
}

fn named(field: &'static str, name: &str) -> Result<(), OutOfBounds> {
    if name.is_empty() { Err(OutOfBounds::Empty(field)) } else { within(field, name.len(), most::NAME) }
}

impl Record {
    /// Whether everything in it is within bounds.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn check(&self) -> Result<(), OutOfBounds> {
        if self.version != VERSION {
            return Err(OutOfBounds::Version(self.version));
        }
        let names = [
            ("race", &self.race),
            ("slot.miner", &self.slot.miner),
            ("bot", &self.bot),
            ("region", &self.region),
            ("software", &self.software),
        ];
        names.into_iter().try_for_each(|(field, name)| named(field, name))?;
        self.check_times()?;
        within("detail", self.detail.len(), most::DETAIL)?;
        within("errors", self.errors.len(), most::ERRORS)?;
        self.errors.iter().try_for_each(|error| within("errors[]", error.len(), most::ERROR))?;
        self.check_other_side()?;
        if let Some(deal) = &self.deal {
            within("deal.id", deal.id.len(), most::DEAL)?;
        }
        within("canaries", self.canaries.len(), most::CANARIES)
    }

    fn check_times(&self) -> Result<(), OutOfBounds> {
        if self.started < Timestamp(0) || self.ended < self.started {
            return Err(OutOfBounds::Times("started"));
        }
        within("stages", self.stages.len(), most::STAGES)?;
        let mut before = self.started;
        for stage in &self.stages {
            // Stages may overlap, but none began before the one above it.
            if stage.started < before || stage.ended < stage.started || stage.ended > self.ended {
                return Err(OutOfBounds::Times("stages[]"));
            }
            before = stage.started;
        }
        Ok(())
    }

    /// What is taken from somebody else's answers.
    fn check_other_side(&self) -> Result<(), OutOfBounds> {
        within("target", self.target.len(), most::TARGET)?;
        within("resolved", self.resolved.len(), most::RESOLVED)?;
        within("agent", self.agent.as_ref().map_or(0, String::len), most::AGENT)?;
        within("protocols", self.protocols.len(), most::PROTOCOLS)?;
        self.protocols.iter().try_for_each(|name| within("protocols[]", name.len(), most::PROTOCOL))?;
        let Some(answer) = &self.answer else { return Ok(()) };
        if !(100..600).contains(&answer.status) {
            return Err(OutOfBounds::Status(answer.status));
        }
        within("answer.headers", answer.headers.len(), most::HEADERS)?;
        for (name, value) in &answer.headers {
            within("answer.headers[]", name.len(), most::HEADER)?;
            within("answer.headers[]", value.len(), most::VALUE)?;
        }
        within("answer.body", answer.body.0.len(), most::BODY)
    }
}
