use apogee_market::Rejection::{
    self, Backpressure, ClientFunds, Filter, Maintenance, Params, RateLimit, SameDeal, ServerError, Unknown,
};
use proptest::prelude::*;

/// What Boost, Curio and the filter of Lotus say, with values filled in.
const SAID: &[(&str, Rejection)] = &[
    ("server error: tag funds", ServerError),
    ("server error: provider has insufficient funds to accept deal", ServerError),
    ("server error: provider has no space left for storage deals", ServerError),
    ("server error: deal filter error", ServerError),
    ("server error: storage deal filter: getting sealing status", ServerError),
    ("failed validation: server error: getting chain head", ServerError),
    ("failed validation: server error: getting verified datacap", ServerError),
    ("internal server error: failed to check cid gravity", ServerError),
    ("internal server error: validating deal against allow list", ServerError),
    ("internal server error: failed to apply backpressure", ServerError),
    ("store deal: could not commit the transaction", ServerError),
    ("deal rejected due to backpressure. Please retry in some time.", Backpressure),
    (
        "deal rejected as maximum allowed deals per hour limit has been reached for the client, please retry in some time",
        RateLimit,
    ),
    (
        "deal rejected as cumulative size of deals in past 1 hour has reached the maximum allowed for the client, please retry in some time",
        RateLimit,
    ),
    ("client not allowed by provider", Filter),
    ("CIDGravity: client is unknown to the provider", Filter),
    ("client is not on the allowlist", Filter),
    ("deal rejected as piece size is greater than the maximum allowed by the pricing filter", Filter),
    ("failed validation: storage price per epoch less than asking price: 5 < 9", Params),
    ("failed validation: deal start epoch 100 has already elapsed (current epoch: 101)", Params),
    ("failed validation: deal duration out of bounds (min, max, provided): 518400, 1555200, 1", Params),
    ("failed validation: invalid deal end epoch 9: cannot be more than 5 past current epoch 3", Params),
    ("failed validation: proposal end 3 before proposal start 4", Params),
    ("failed validation: proposed provider collateral 3 below minimum 4", Params),
    ("failed validation: proposed provider collateral 9 above maximum 8", Params),
    ("failed validation: deal label can be at most 256 bytes, is 300", Params),
    ("failed validation: invalid signature", Params),
    ("failed validation: server error: validating signature", Params),
    ("failed validation: incorrect provider for deal; proposal.Provider: f01; provider.Address: f02", Params),
    ("failed validation: proposal PieceCID had wrong prefix", Params),
    ("failed validation: proposal piece size is invalid: padded piece size must be a power of 2", Params),
    ("failed validation: piece size less than minimum required size: 128 < 256", Params),
    ("failed validation: piece size more than maximum allowed size: 512 > 256", Params),
    ("deal proposal piece size 256 doesn't match padded piece size 512", Params),
    ("libp2p URLs are not supported by this provider", Params),
    ("server error: get deal transfer host: cannot parse params for unrecognized transfer type ''", Params),
    ("cannot seal a sector before 2020-09-01 00:00:00", Params),
    (
        "failed validation: client available funds in escrow 5 not enough to meet storage cost for deal 9",
        ClientFunds,
    ),
    ("failed validation: client is not a verified client", ClientFunds),
    ("failed validation: verified deal DataCap 1 too small for proposed piece size 2", ClientFunds),
    ("offline deals are not allowed on this provider", Maintenance),
    ("online deals are not allowed on this provider", Maintenance),
    ("miner is not considering online storage deals", Maintenance),
    ("deal proposal is identical to deal 1f0b (proposed at 2026-01-01 00:00:00)", SameDeal),
    ("deal has the same uuid as deal 1f0b (proposed at 2026-01-01 00:00:00)", SameDeal),
    ("store deal: market deal with the same proposalCID bafy already exists: 1", SameDeal),
    ("store deal: store deal success: updated 0 rows instead of 1", SameDeal),
    ("", Unknown),
    ("no", Unknown),
    ("getting signed proposal cid: something", Unknown),
];

#[test]
fn every_known_message_means_one_row() {
    for (message, meaning) in SAID {
        assert_eq!(Rejection::of(message), *meaning, "{message}");
        assert_eq!(Rejection::of(&format!("  {} ", message.to_uppercase())), *meaning, "{message}");
    }
}

#[test]
fn the_rows_have_the_codes_of_the_table() {
    let codes: Vec<&str> = SAID.iter().map(|(_, meaning)| meaning.code()).collect();
    for code in [
        "REJECT_SERVER_ERROR",
        "REJECT_BACKPRESSURE",
        "REJECT_RATE_LIMIT",
        "REJECT_FILTER",
        "REJECT_PARAMS",
        "REJECT_CLIENT_FUNDS",
        "REJECT_MAINTENANCE",
        "UNCLASSIFIED",
    ] {
        assert!(codes.contains(&code), "{code}");
    }
}

proptest! {
    #[test]
    fn no_message_is_too_strange(message in any::<String>()) {
        let _ = Rejection::of(&message);
    }

    /// What stands behind the first kibibyte is not looked at, wherever a character is cut.
    #[test]
    fn only_the_beginning_is_looked_at(padding in 1_024_usize..1_100) {
        let message = format!("{}backpressure", "ü".repeat(padding));
        prop_assert_eq!(Rejection::of(&message), Unknown);
    }
}
