use std::fmt;

use sha2::{Digest as _, Sha256};

/// Marks forms as made by this run of the server: a page of another site does not know the mark.
#[derive(Clone)]
pub(crate) struct Guard([u8; 32]);

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl Guard {
    /// With a key that nobody can foresee.
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The mark of a form.
    pub(crate) fn mark(&self, form: &str) -> String {
        self.digest(form).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a form has its mark.
    pub(crate) fn knows(&self, form: &str, mark: &str) -> bool {
        // Hashed once more, so that how long a comparison takes tells nothing.
        self.digest(&self.mark(form)) == self.digest(mark)
    }

    fn digest(&self, text: &str) -> [u8; 32] {
        let inner = Sha256::digest(text);
        Sha256::new().chain_update(self.0).chain_update(inner).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_form_and_one_run() {
        let (one, other) = (Guard::new([1; 32]), Guard::new([2; 32]));
        assert!(one.knows("claim sr1", &one.mark("claim sr1")));
        assert!(!one.knows("claim sr2", &one.mark("claim sr1")));
        assert!(!one.knows("claim sr1", &other.mark("claim sr1")));
        assert!(!one.knows("claim sr1", ""));
    }
}
