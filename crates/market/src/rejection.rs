use std::fmt;

/// Why a provider did not take a deal, by what it says: the rows of the propose stage.
///
/// The words are those of Boost (`storagemarket/deal_acceptance.go`, `provider_loop.go`), Curio (`market/mk12/mk12.go`) and the
/// filter that Boost has from Lotus. Whose fault it is, is decided elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rejection {
    /// The provider's own software, funds or disk.
    ServerError,
    /// The provider has too much to do.
    Backpressure,
    /// The client has proposed too much of late.
    RateLimit,
    /// The provider does not want this client, or this deal.
    Filter,
    /// The proposal itself is not in order.
    Params,
    /// The client's escrow or `DataCap` does not cover the deal.
    ClientFunds,
    /// The provider takes no such deals at present.
    Maintenance,
    /// The provider has this deal already: it was proposed before, and taken.
    SameDeal,
    /// Nothing known.
    Unknown,
}

/// Bytes of a message that are looked at.
const LOOKED_AT: usize = 1 << 10;

/// Who says one of these words, means this; the first that is found counts.
const WORDS: &[(Rejection, &[&str])] = &[
    (
        Rejection::SameDeal,
        &[
            "deal proposal is identical to deal",
            "deal has the same uuid as deal",
            "market deal with the same proposalcid",
            // Curio: the UUID was there, and nothing was inserted.
            "store deal success: updated 0 rows",
        ],
    ),
    // Boost says `server error` of what it could not read in the client's own words.
    (Rejection::Params, &["server error: validating signature", "server error: get deal transfer host"]),
    (
        Rejection::ServerError,
        &[
            "server error:",
            "internal server error",
            "provider has insufficient funds",
            "no space left",
            "could not commit the transaction",
            "miner error",
        ],
    ),
    (Rejection::Backpressure, &["backpressure"]),
    (
        Rejection::RateLimit,
        &["deals per hour", "cumulative size of deals in past 1 hour", "too many requests", "rate limit"],
    ),
    (
        Rejection::ClientFunds,
        &[
            "client available funds in escrow",
            "clientmarketbalance.available too small",
            "not a verified client",
            "client not verified",
            "datacap",
        ],
    ),
    (
        Rejection::Maintenance,
        &[
            "offline deals are not allowed",
            "online deals are not allowed",
            "not considering online storage deals",
            "not considering offline storage deals",
            "maintenance",
        ],
    ),
    (
        Rejection::Filter,
        &[
            "not allowed by provider",
            "allowlist",
            "allow list",
            "blocklist",
            "denylist",
            "cidgravity",
            "cid gravity",
            "pricing filter",
            "deal filter",
            "not considering verified storage deals",
            "not considering unverified storage deals",
        ],
    ),
    (
        Rejection::Params,
        &[
            "storage price per epoch less than asking price",
            "has already elapsed",
            "duration out of bounds",
            "invalid deal end epoch",
            "before proposal start",
            "cannot seal a sector before",
            "start epoch is too far in the future",
            "provider collateral",
            "deal label",
            "invalid signature",
            "could not verify signature",
            "signature verification failed",
            "incorrect provider for deal",
            "piececid",
            "piece size is invalid",
            "piece size less than minimum",
            "piece size more than maximum",
            "doesn't match padded piece size",
            "transport params",
            "libp2p urls are not supported",
            "unrecognized transfer type",
        ],
    ),
];

impl Rejection {
    /// What this message means.
    #[must_use]
    pub fn of(message: &str) -> Self {
        let end = (0..=LOOKED_AT.min(message.len())).rev().find(|&end| message.is_char_boundary(end));
        let message = message.get(..end.unwrap_or_default()).unwrap_or_default().to_lowercase();
        WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|word| message.contains(word)))
            .map_or(Self::Unknown, |(meaning, _)| *meaning)
    }

    /// The code under which it is recorded. A deal that the provider has already is one that was not to be proposed again.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ServerError => "REJECT_SERVER_ERROR",
            Self::Backpressure => "REJECT_BACKPRESSURE",
            Self::RateLimit => "REJECT_RATE_LIMIT",
            Self::Filter => "REJECT_FILTER",
            Self::Params | Self::SameDeal => "REJECT_PARAMS",
            Self::ClientFunds => "REJECT_CLIENT_FUNDS",
            Self::Maintenance => "REJECT_MAINTENANCE",
            Self::Unknown => "UNCLASSIFIED",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
