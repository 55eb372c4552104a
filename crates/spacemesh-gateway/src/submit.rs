//! Transactions handed over.

use apogee_spacemesh::id::TransactionId;

use crate::error::{Code, Fault, GatewayError};
use crate::gateway::Gateway;
use crate::item::Item;
use crate::request::{Method, Request, posted};
use crate::transaction::good;

const SUBMIT: Method = posted("TransactionService/SubmitTransaction");
/// How a node refuses what it has already, executed or not.
const EXISTS: &str = "tx already exists";

/// What came of handing a transaction over. Whatever it is, the same bytes can be handed over again: only the chain
/// tells whether they were executed.
#[derive(Debug)]
pub enum SubmitOutcome {
    /// The node has it now, and passes it on. It may yet never be executed: a node also takes one whose nonce another
    /// one has, or that its principal cannot pay, and forgets what it took when it loses its data.
    Accepted,
    /// The node has had it before.
    Known,
    /// The node does not take it, and says why. Another node, or the same one later, may.
    Rejected(String),
    /// The node is behind, and takes none.
    NotSynced,
    /// It may have been taken or not: no answer, or one that says neither.
    Unknown(GatewayError),
}

impl Gateway {
    /// Hand over a signed transaction, once.
    pub async fn submit(&self, raw: &[u8]) -> SubmitOutcome {
        let answer = self.ask(SUBMIT, &Request::default().bytes("transaction", raw)).await;
        let taken = answer.and_then(|answer| {
            let item = Item::answer(&answer);
            good(&item)?;
            if TransactionId(item.array("txId")?) == TransactionId::of(raw) {
                Ok(())
            } else {
                Err(item.wrong("txId", "another one than that of the bytes"))
            }
        });
        match taken {
            Ok(()) => SubmitOutcome::Accepted,
            Err(Fault::Refused { code: Code::Invalid, message }) if message.contains(EXISTS) => {
                SubmitOutcome::Known
            }
            Err(Fault::Refused { code: Code::Invalid, message }) => SubmitOutcome::Rejected(message),
            Err(Fault::Refused { code: Code::NotSynced, .. }) => SubmitOutcome::NotSynced,
            Err(fault) => SubmitOutcome::Unknown(self.error(SUBMIT, fault)),
        }
    }
}
