//! Work that somebody may end.

use std::fmt;
use std::sync::Arc;

/// Asked while votes are counted whether to end that: it says yes by `true`.
#[derive(Clone)]
pub struct Interrupt(Arc<dyn Fn() -> bool + Send + Sync>);

impl Interrupt {
    /// Steps between two questions: one takes at most some 60 ns, so that four milliseconds pass.
    pub(crate) const STEPS: u64 = 1 << 16;

    /// Ask this, which should take next to no time.
    #[must_use]
    pub fn new(asked: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(asked))
    }

    /// Whether to end.
    #[must_use]
    pub fn asks(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupt")
    }
}
