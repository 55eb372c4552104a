/// What Curio answers a deal with: its `DealCode`, which is the status of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DealCode {
    /// 400: the deal is not in order.
    BadProposal,
    /// 401: the client is not let in.
    Unauthorized,
    /// 404: there is no such deal.
    NotFound,
    /// 422: data is not taken from there.
    UnsupportedSource,
    /// 423: it knows no such product.
    UnsupportedProduct,
    /// 424: the product is switched off.
    ProductNotEnabled,
    /// 425: what is asked of the product is not in order.
    ProductValidation,
    /// 426: the market, which is a contract or a filter, does not want the deal.
    RejectedByMarket,
    /// 429: it has too much to do, or was asked too often.
    Overloaded,
    /// 430: the source is not in order.
    MalformedSource,
    /// 440: the market is switched off.
    MarketNotEnabled,
    /// 441: the deal is too short.
    DurationTooShort,
    /// 500: something broke inside it; or it has a deal of that name already.
    ServerError,
    /// 503: it is being worked on; or it took longer than its own ten seconds.
    Maintenance,
}

impl DealCode {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::BadProposal,
        Self::Unauthorized,
        Self::NotFound,
        Self::UnsupportedSource,
        Self::UnsupportedProduct,
        Self::ProductNotEnabled,
        Self::ProductValidation,
        Self::RejectedByMarket,
        Self::Overloaded,
        Self::MalformedSource,
        Self::MarketNotEnabled,
        Self::DurationTooShort,
        Self::ServerError,
        Self::Maintenance,
    ];

    /// The status that stands for it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadProposal => 400,
            Self::Unauthorized => 401,
            Self::NotFound => 404,
            Self::UnsupportedSource => 422,
            Self::UnsupportedProduct => 423,
            Self::ProductNotEnabled => 424,
            Self::ProductValidation => 425,
            Self::RejectedByMarket => 426,
            Self::Overloaded => 429,
            Self::MalformedSource => 430,
            Self::MarketNotEnabled => 440,
            Self::DurationTooShort => 441,
            Self::ServerError => 500,
            Self::Maintenance => 503,
        }
    }

    /// What a status stands for.
    #[must_use]
    pub fn of(status: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.status() == status)
    }

    /// Whether Curio gives this status without `Reason:` as well: before a deal is looked at, when its time is over, and for statuses.
    pub(crate) const fn is_given_plainly(self) -> bool {
        matches!(
            self,
            Self::BadProposal | Self::NotFound | Self::Overloaded | Self::ServerError | Self::Maintenance
        )
    }
}
