use std::fmt;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::error::ExitCode;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::load::{LoadError, array};

/// How a receipt is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptForm {
    /// A tuple of 3, before network version 18.
    WithoutEvents,
    /// A tuple of 4, with the root of the events or null.
    WithEvents,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Form on the wire; decides whether [`events_root`](Self::events_root) is written.
    pub form: ReceiptForm,
    /// 0 when it worked.
    pub exit_code: ExitCode,
    /// What the method returned.
    pub return_data: RawBytes,
    /// Gas used.
    pub gas_used: u64,
    /// Array of the events it emitted, if any.
    pub events_root: Option<Cid>,
}

impl Receipt {
    /// Most receipts of a tipset that are read: far more than blocks of 10,000 messages can hold in 10 billion gas each.
    pub const LIMIT: usize = 150_000;

    /// Read the receipts below `root`, a header's `parent_message_receipts`, in the order of the parent tipset's messages.
    ///
    /// # Errors
    /// A missing block, blocks that are no receipts, more than [`Self::LIMIT`].
    pub fn load_all<S: Blockstore + ?Sized>(store: &S, root: &Cid) -> Result<Vec<Self>, LoadError> {
        array(store, root, "array of receipts", Self::LIMIT)
    }
}

impl Serialize for Receipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.form {
            ReceiptForm::WithoutEvents => {
                (self.exit_code, &self.return_data, self.gas_used).serialize(serializer)
            }
            ReceiptForm::WithEvents => {
                (self.exit_code, &self.return_data, self.gas_used, self.events_root).serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Receipt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tuple;
        impl<'de> Visitor<'de> for Tuple {
            type Value = Receipt;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a receipt: a tuple of 3 or 4")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Receipt, A::Error> {
                let short = |len| A::Error::invalid_length(len, &"3 or 4 fields");
                let exit_code = seq.next_element()?.ok_or_else(|| short(0))?;
                let return_data = seq.next_element()?.ok_or_else(|| short(1))?;
                let gas_used = seq.next_element()?.ok_or_else(|| short(2))?;
                let events: Option<Option<Cid>> = seq.next_element()?;
                Ok(Receipt {
                    form: if events.is_some() { ReceiptForm::WithEvents } else { ReceiptForm::WithoutEvents },
                    exit_code,
                    return_data,
                    gas_used,
                    events_root: events.flatten(),
                })
            }
        }
        deserializer.deserialize_seq(Tuple)
    }
}
