//! Calls of multisigs (builtin-actors `actors/multisig/src/types.rs`; the same in every version).

use fvm_ipld_encoding::tuple::*;
use fvm_ipld_encoding::{RawBytes, strict_bytes};
use fvm_shared::METHOD_SEND;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Message, Receipt};

/// The method that proposes a transaction, and approves it.
pub const PROPOSE: u64 = 2;
/// The method that approves one. With enough approvals it is executed.
pub const APPROVE: u64 = 3;
/// The method that takes one back.
pub const CANCEL: u64 = 4;

/// Parameters of [`PROPOSE`]: what the multisig is to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Proposal {
    /// To whom.
    pub to: Address,
    /// How much, attoFIL.
    pub value: TokenAmount,
    /// Method; 0 sends money alone.
    pub method: u64,
    /// Its parameters.
    pub params: RawBytes,
}

/// What [`PROPOSE`] returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Proposed {
    /// Number of the transaction among all that there ever were.
    pub number: i64,
    /// Whether one approval is enough, and it was executed at once.
    pub applied: bool,
    /// What it ended with; without meaning unless it was applied.
    pub code: ExitCode,
    /// What it returned, in the same way.
    pub ret: RawBytes,
}

/// Parameters of [`APPROVE`] and [`CANCEL`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct ProposalRef {
    /// Number of the transaction.
    pub number: i64,
    /// BLAKE2b-256 of what was proposed and by whom, so that it holds for nothing else; or empty.
    #[serde(with = "strict_bytes")]
    pub hash: Vec<u8>,
}

/// What [`APPROVE`] returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Approved {
    /// Whether that was enough, and the transaction was executed.
    pub applied: bool,
    /// What it ended with; without meaning unless it was applied.
    pub code: ExitCode,
    /// What it returned, in the same way.
    pub ret: RawBytes,
}

impl Proposal {
    /// That `value` is to be sent to `to`.
    #[must_use]
    pub fn transfer(to: Address, value: TokenAmount) -> Self {
        Self { to, value, method: METHOD_SEND, params: RawBytes::default() }
    }

    /// Whether money alone is to be sent.
    #[must_use]
    pub fn is_transfer(&self) -> bool {
        self.method == METHOD_SEND && self.params.is_empty()
    }

    /// Its bytes as parameters. Numbers and bytes in memory have no way to fail.
    #[must_use]
    pub fn encoded(&self) -> RawBytes {
        RawBytes::serialize(self).unwrap_or_default()
    }
}

/// How a message ended a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Enough had approved it: it was executed, and ended so.
    Executed(ExitCode),
    /// Who proposed took it back.
    Cancelled,
}

impl End {
    /// How this message to its multisig, with this receipt, ended proposal `number`; `None` where it did not.
    #[must_use]
    pub fn of(number: i64, message: &Message, receipt: &Receipt) -> Option<Self> {
        if !receipt.exit_code.is_success() {
            return None;
        }
        let named = || read::<ProposalRef>(&message.params).is_some_and(|params| params.number == number);
        match message.method_num {
            PROPOSE => {
                let returned = read::<Proposed>(&receipt.return_data)?;
                (returned.number == number && returned.applied).then_some(Self::Executed(returned.code))
            }
            APPROVE if named() => {
                let returned = read::<Approved>(&receipt.return_data)?;
                returned.applied.then_some(Self::Executed(returned.code))
            }
            CANCEL if named() => Some(Self::Cancelled),
            _ => None,
        }
    }
}

/// Parameters or a return value; `None` for anything else.
#[must_use]
pub fn read<T: DeserializeOwned>(bytes: &RawBytes) -> Option<T> {
    fvm_ipld_encoding::from_slice(bytes).ok()
}

/// Parameters or a return value in the one form in which they are written; `None` for anything else.
#[must_use]
pub fn read_exactly<T: Serialize + DeserializeOwned>(bytes: &RawBytes) -> Option<T> {
    let value: T = read(bytes)?;
    fvm_ipld_encoding::to_vec(&value).is_ok_and(|again| again == **bytes).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_read_in_its_one_form_only() {
        let proposal = Proposal::transfer(Address::new_id(1001), TokenAmount::from_atto(258));
        let bytes = proposal.encoded();
        // To f01001, 258 atto with its sign before it, method 0, no parameters.
        assert_eq!(*bytes, [0x84, 0x43, 0x00, 0xe9, 0x07, 0x43, 0x00, 0x01, 0x02, 0x00, 0x40]);
        assert_eq!(read_exactly(&bytes), Some(proposal.clone()));
        let longer = RawBytes::new([&bytes[..], &[0]].concat());
        assert_eq!(read_exactly::<Proposal>(&longer), None);
        let wide =
            RawBytes::new(vec![0x84, 0x43, 0x00, 0xe9, 0x07, 0x43, 0x00, 0x01, 0x02, 0x18, 0x00, 0x40]);
        assert_eq!(read_exactly::<Proposal>(&wide), None);
        assert_eq!(read_exactly::<Proposal>(&RawBytes::new(vec![0x9b; 9])), None);
        assert!(!Proposal { params: RawBytes::new(vec![1]), ..proposal.clone() }.is_transfer());
        assert!(!Proposal { method: 2, ..proposal }.is_transfer());
    }
}
