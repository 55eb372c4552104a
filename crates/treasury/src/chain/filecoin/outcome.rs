//! What nodes' refusals mean. Lotus says it in words alone.

use apogee_filecoin::rpc::{Fault, Meaning, RpcError};

use crate::chain::{ChainError, Outcome, PrepareError};

/// What became of a message that was not simply taken.
pub(super) fn refused(error: &RpcError) -> Outcome {
    let Fault::Rpc { message, meaning, .. } = &error.fault else {
        // No answer, or none that can be understood. The message may be in the pool.
        return Outcome::Unknown(error.fault.to_string());
    };
    match meaning {
        Meaning::NonceTooLow => Outcome::NonceTooLow,
        Meaning::FeeTooLow => Outcome::FeeTooLow,
        Meaning::AlreadyInPool => Outcome::Known,
        Meaning::Other => of_words(message),
        // It was not even looked at.
        _ => Outcome::Unknown(message.clone()),
    }
}

fn of_words(message: &str) -> Outcome {
    let says = |words: &str| message.contains(words);
    if says("nonce gap") {
        Outcome::Gap
    } else if says("too many pending") || says("mempool full") {
        Outcome::Full
    } else if says("gas fee cap too low") || says("GasFeeCap") || says("GasPremium") {
        Outcome::FeeTooLow
    } else if says("message not valid")
        || says("invalid signature")
        || says("too big")
        || says("not enough funds")
    {
        Outcome::Rejected(message.to_owned())
    } else {
        // Words that nobody has seen: it may have been taken all the same.
        Outcome::Unknown(message.to_owned())
    }
}

/// Why there is no estimate. Of a proposal, what fails is the multisig's doing, not the payee's.
pub(super) fn unprepared(error: RpcError, proposes: bool) -> PrepareError {
    let Fault::Rpc { message, .. } = &error.fault else {
        return PrepareError::Chain(ChainError::Unavailable(Box::new(error)));
    };
    let says = |words: &str| message.contains(words);
    let poor = says("SysErrInsufficientFunds") || says("not enough funds");
    if poor || proposes && says("ErrInsufficientFunds") {
        PrepareError::Funds(message.clone())
    } else if says("exit=[") && !says("SysErrOutOfGas") && !says("SysErrSenderStateInvalid") {
        let kind = if proposes { PrepareError::Multisig } else { PrepareError::Recipient };
        kind(message.clone())
    } else {
        PrepareError::Chain(ChainError::Unavailable(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(fault: Fault) -> RpcError {
        RpcError { endpoint: "node".into(), method: "MpoolPush", fault }
    }

    fn said(message: &str) -> RpcError {
        error(Fault::Rpc { code: 1, message: message.into(), meaning: Meaning::of(1, message) })
    }

    #[test]
    fn lotus_words_say_what_became_of_a_message() {
        for (words, outcome) in [
            ("minimum expected nonce is 5, got 3: message nonce too low", Outcome::NonceTooLow),
            (
                "message from t1a with nonce 3 already in mpool: message with nonce already exists",
                Outcome::Known,
            ),
            (
                "message from t1a with nonce 3 already in mpool, increase GasPremium to 2 from 1 to trigger replace by fee: replace by fee has too low GasPremium",
                Outcome::FeeTooLow,
            ),
            ("failed to add locked: nonce 9 is too far from 3: unfulfilled nonce gap", Outcome::Gap),
            ("failed to add locked: too many pending messages", Outcome::Full),
            ("message not valid for block inclusion: gas fee cap too low", Outcome::FeeTooLow),
        ] {
            assert_eq!(refused(&said(words)), outcome, "{words}");
        }
        let unfunded = refused(&said("the sender has 1 and the gas may cost 2: not enough funds"));
        assert!(matches!(unfunded, Outcome::Rejected(_)), "{unfunded:?}");
    }

    #[test]
    fn what_is_not_understood_is_unknown() {
        for error in [
            error(Fault::Timeout),
            error(Fault::Status(502)),
            error(Fault::Malformed("x".into())),
            said("database is locked"),
            said("missing permission to invoke 'MpoolPush' (need 'write')"),
        ] {
            assert!(matches!(refused(&error), Outcome::Unknown(_)), "{error}");
        }
    }

    #[test]
    fn a_recipient_is_at_fault_only_when_the_chain_says_so() {
        let funds = unprepared(
            said("message execution failed (exit=[SysErrInsufficientFunds(6)], vm error=[x])"),
            false,
        );
        assert!(matches!(funds, PrepareError::Funds(_)));
        let recipient = unprepared(
            said("message execution failed (exit=[SysErrInvalidReceiver(5)], vm error=[x])"),
            false,
        );
        assert!(matches!(recipient, PrepareError::Recipient(_)));
        for other in [said("gas estimation failed: sender t1a not found on chain"), error(Fault::Timeout)] {
            assert!(matches!(unprepared(other, false), PrepareError::Chain(_)));
        }
        let of_multisig = |words| unprepared(said(words), true);
        let stranger = of_multisig("message execution failed (exit=[ErrForbidden(18)], vm error=[x])");
        assert!(matches!(stranger, PrepareError::Multisig(_)));
        let poor = of_multisig("message execution failed (exit=[ErrInsufficientFunds(19)], vm error=[x])");
        assert!(matches!(poor, PrepareError::Funds(_)));
    }
}
