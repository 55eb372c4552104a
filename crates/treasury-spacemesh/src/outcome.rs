//! What nodes' answers to a transaction mean.
//!
//! Source: go-spacemesh `txs/handler.go`, `txs/cache.go`, `api/grpcserver/v2beta1/transaction_service.go`.

use apogee_spacemesh_gateway::SubmitOutcome;
use apogee_treasury::chain::{ChainError, Outcome};

pub(crate) fn of(outcome: SubmitOutcome) -> Outcome {
    match outcome {
        SubmitOutcome::Accepted => Outcome::Accepted,
        SubmitOutcome::Known => Outcome::Known,
        SubmitOutcome::Rejected(why) => of_words(why),
        SubmitOutcome::NotSynced => Outcome::Unknown("the node is not in sync".into()),
        SubmitOutcome::Unknown(error) => Outcome::Unknown(error.to_string()),
    }
}

fn of_words(why: String) -> Outcome {
    let says = |words: &str| why.contains(words);
    if says("bad nonce") {
        Outcome::NonceTooLow
    } else if says(crate::chain::NOT_SPAWNED) {
        // What makes the account comes before everything else that it does, and a fork may have undone it.
        Outcome::Gap
    } else if says("too many nonce") || says("no room") {
        Outcome::Full
    } else if says("zero gas price") {
        Outcome::FeeTooLow
    } else if says("failed to verify") || says("malformed") || says("tx size") {
        Outcome::Rejected(why)
    } else {
        // Words that nobody has seen: it may have been taken all the same.
        Outcome::Unknown(why)
    }
}

/// It may have been taken or not.
pub(crate) fn unread(error: ChainError) -> Outcome {
    Outcome::Unknown(match error {
        ChainError::Unavailable(cause) => cause.to_string(),
        wrong @ ChainError::Wrong { .. } => wrong.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_they_mean() {
        let said =
            |words: &str| of(SubmitOutcome::Rejected(format!("Failed to verify transaction: {words}")));
        assert_eq!(said("bad nonce"), Outcome::NonceTooLow);
        assert_eq!(said("failed to parse tx: 07 (err: account is not spawned)"), Outcome::Gap);
        assert_eq!(said("account has too many nonce pending"), Outcome::Full);
        assert_eq!(said("failed to parse tx: zero gas price 07"), Outcome::FeeTooLow);
        assert!(matches!(said("failed to verify tx: 07"), Outcome::Rejected(_)));
        assert!(matches!(said("malformed tx: 07"), Outcome::Rejected(_)));
        assert!(matches!(said("the moon is full"), Outcome::Unknown(_)));
        assert!(matches!(of(SubmitOutcome::NotSynced), Outcome::Unknown(_)));
        assert_eq!(
            (of(SubmitOutcome::Accepted), of(SubmitOutcome::Known)),
            (Outcome::Accepted, Outcome::Known)
        );
    }
}
