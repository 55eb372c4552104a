use apogee_outbound::{Target, TargetError};

use crate::ulid::Ulid;

/// What is asked of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Take this deal.
    Deal,
    /// How far is this deal?
    Status(Ulid),
}

impl Endpoint {
    /// The method, as it is signed.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Deal => "POST",
            Self::Status(_) => "GET",
        }
    }

    /// The path, as it is signed, of a market at `base`: below `/market/mk20` of that.
    #[must_use]
    pub fn path(self, base: &Target) -> String {
        let prefix = base.path().split('?').next().unwrap_or_default().trim_end_matches('/');
        match self {
            Self::Deal => format!("{prefix}/market/mk20/deal"),
            Self::Status(deal) => format!("{prefix}/market/mk20/status/{deal}"),
        }
    }

    pub(crate) fn target(self, base: &Target) -> Result<Target, TargetError> {
        base.with_path(&self.path(base))
    }
}
