//! Transactions of the templates that a network begins with.
//!
//! Source: go-spacemesh `genvm/vm.go` for the order of parts, `genvm/templates` for arguments and signatures. What a
//! transaction says can be read without the state of its principal: payments are written alike by every template that
//! can pay, and the length of the signatures tells one from several.

use crate::address::Address;
use crate::id::{GenesisId, TransactionId};
use crate::scale::{Reader, Scale, ScaleError, decode, encode, write_compact};
use crate::signature::{self, SIGNATURE_BYTES, SignatureError};
use crate::template::{Signers, Spawn, Template};

/// No node takes a longer transaction.
pub const MOST_BYTES: usize = 1_024;

/// The one version there is.
const VERSION: u8 = 0;
const SPAWN: u8 = 0;
const SPEND: u8 = 16;
const DRAIN: u8 = 17;

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// What is signed.
    pub body: Body,
    /// By whom.
    pub signatures: Signatures,
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The account that acts and pays.
    pub principal: Address,
    /// What it does.
    pub call: Call,
    /// Which of its transactions this is; gaps are allowed.
    pub nonce: u64,
    /// What it pays for a unit of gas, in smidge.
    pub gas_price: u64,
}

/// What an account can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Make an account: itself, or another.
    Spawn(Spawn),
    /// Pay.
    Spend(Payment),
    /// Pay from a vault that it owns.
    Drain {
        /// The vault.
        vault: Address,
        /// What is paid.
        payment: Payment,
    },
}

/// Coins that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// To whom.
    pub destination: Address,
    /// How much, in smidge.
    pub amount: u64,
}

/// The end of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// A wallet's.
    One([u8; SIGNATURE_BYTES]),
    /// Those of an account with several keys.
    Several(Vec<Part>),
}

/// A signature by one of several keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which key, from zero.
    pub key: u8,
    /// The signature.
    pub signature: [u8; SIGNATURE_BYTES],
}

/// The signatures are not those that the account takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// One signature where several keys sign, or the other way round.
    #[error("the account takes signatures of another kind")]
    Kind,
    /// Too many or too few.
    #[error("the account takes {required} signatures, not {found}")]
    Count {
        /// How many it takes.
        required: u8,
        /// How many there are.
        found: usize,
    },
    /// Keys that are out of order, named twice, or not there.
    #[error("key {0} is not there, or not after the one before")]
    Key(u8),
    /// A signature that does not verify.
    #[error("a signature does not verify")]
    Signature(#[from] SignatureError),
}

impl Transaction {
    /// From its bytes.
    ///
    /// # Errors
    /// See [`ScaleError`]. A node would also take an integer with leading zero bytes, which nobody writes; it is
    /// refused here.
    pub fn decode(bytes: &[u8]) -> Result<Self, ScaleError> {
        if bytes.len() > MOST_BYTES {
            return Err(ScaleError::Value { at: 0, what: "transaction of at most 1,024 bytes" });
        }
        decode(bytes)
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> TransactionId {
        TransactionId::of(&encode(self))
    }

    /// Check the signatures on the network of `genesis`.
    ///
    /// # Errors
    /// See [`NotSigned`].
    pub fn verify(&self, genesis: &GenesisId, signers: Signers<'_>) -> Result<(), NotSigned> {
        let message = self.body.signed_bytes(genesis);
        match (signers, &self.signatures) {
            (Signers::One(key), Signatures::One(signature)) => {
                Ok(signature::verify(&key.0, &message, signature)?)
            }
            (Signers::Several(keys), Signatures::Several(parts)) => {
                if parts.len() != usize::from(keys.required) {
                    return Err(NotSigned::Count { required: keys.required, found: parts.len() });
                }
                let mut before = None;
                for part in parts {
                    let key = keys.keys.get(usize::from(part.key)).filter(|_| before < Some(part.key));
                    let key = key.ok_or(NotSigned::Key(part.key))?;
                    signature::verify(&key.0, &message, &part.signature)?;
                    before = Some(part.key);
                }
                Ok(())
            }
            _ => Err(NotSigned::Kind),
        }
    }
}

impl Body {
    /// What is signed: the network and these bytes, with no domain between.
    #[must_use]
    pub fn signed_bytes(&self, genesis: &GenesisId) -> Vec<u8> {
        let mut message = genesis.0.to_vec();
        self.write(&mut message);
        message
    }

    /// What the principal is made of, where the transaction makes it.
    #[must_use]
    pub fn self_spawn(&self) -> Option<&Spawn> {
        match &self.call {
            Call::Spawn(spawn) if spawn.address() == self.principal => Some(spawn),
            _ => None,
        }
    }
}

impl Scale for Transaction {
    fn write(&self, out: &mut Vec<u8>) {
        self.body.write(out);
        match &self.signatures {
            Signatures::One(signature) => signature.write(out),
            Signatures::Several(parts) => parts.iter().for_each(|part| part.write(out)),
        }
    }

    /// Takes all that is left.
    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        let body = Body::read(input)?;
        if input.rest().len() == SIGNATURE_BYTES {
            return Ok(Self { body, signatures: Signatures::One(input.array()?) });
        }
        let at = input.at();
        let mut parts = Vec::new();
        while !input.rest().is_empty() {
            parts.push(Part::read(input)?);
        }
        if parts.is_empty() {
            return Err(ScaleError::Value { at, what: "signature" });
        }
        Ok(Self { body, signatures: Signatures::Several(parts) })
    }
}

impl Scale for Body {
    fn write(&self, out: &mut Vec<u8>) {
        let method = match &self.call {
            Call::Spawn(_) => SPAWN,
            Call::Spend(_) => SPEND,
            Call::Drain { .. } => DRAIN,
        };
        write_compact(u64::from(VERSION), out);
        self.principal.write(out);
        write_compact(u64::from(method), out);
        if let Call::Spawn(spawn) = &self.call {
            spawn.template().write(out);
        }
        write_compact(self.nonce, out);
        write_compact(self.gas_price, out);
        match &self.call {
            Call::Spawn(spawn) => spawn.write_arguments(out),
            Call::Spend(payment) => payment.write(out),
            Call::Drain { vault, payment } => {
                vault.write(out);
                payment.write(out);
            }
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        if input.compact8()? != VERSION {
            return Err(ScaleError::Value { at: 0, what: "version of a transaction" });
        }
        let principal = Address::read(input)?;
        let at = input.at();
        let method = input.compact8()?;
        let template = if method == SPAWN { Some(Template::read(input)?) } else { None };
        let (nonce, gas_price) = (input.compact64()?, input.compact64()?);
        let call = match (method, template) {
            (_, Some(template)) => Call::Spawn(Spawn::read_arguments(template, input)?),
            (SPEND, None) => Call::Spend(Payment::read(input)?),
            (DRAIN, None) => Call::Drain { vault: Address::read(input)?, payment: Payment::read(input)? },
            _ => return Err(ScaleError::Value { at, what: "method of an account" }),
        };
        Ok(Self { principal, call, nonce, gas_price })
    }
}

impl Scale for Payment {
    fn write(&self, out: &mut Vec<u8>) {
        self.destination.write(out);
        write_compact(self.amount, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self { destination: Address::read(input)?, amount: input.compact64()? })
    }
}

impl Scale for Part {
    fn write(&self, out: &mut Vec<u8>) {
        write_compact(u64::from(self.key), out);
        self.signature.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self { key: input.compact8()?, signature: input.array()? })
    }
}
