//! The four kinds of account that a network begins with.
//!
//! Source: go-spacemesh `genvm/templates`.

use crate::address::Address;
use crate::id::{LayerId, PublicKey};
use crate::scale::{Reader, Scale, ScaleError, write_compact, write_list};

/// No account has more keys.
const MOST_KEYS: u32 = 10;

/// A kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Template {
    /// One key.
    Wallet = 1,
    /// So many of several keys.
    Multisig = 2,
    /// The same, which can also drain a vault.
    Vesting = 3,
    /// Coins that come free over time, for its owner alone.
    Vault = 4,
}

/// So many of several keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// How many have to sign.
    pub required: u8,
    /// The keys.
    pub keys: Vec<PublicKey>,
}

/// How a vault comes free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Who may drain it.
    pub owner: Address,
    /// What it holds, in smidge.
    pub total: u64,
    /// What is free from the first layer on, in smidge.
    pub initial: u64,
    /// The first layer.
    pub start: LayerId,
    /// The layer in which all is free.
    pub end: LayerId,
}

/// What an account is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spawn {
    /// A wallet.
    Wallet(PublicKey),
    /// A multisig.
    Multisig(Keys),
    /// A vesting account.
    Vesting(Keys),
    /// A vault.
    Vault(Terms),
}

/// What a node keeps of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// What it was made of.
    pub spawn: Spawn,
    /// What has been drained, of a vault, in smidge.
    pub drained: u64,
}

/// Whose signatures an account takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signers<'a> {
    /// One.
    One(&'a PublicKey),
    /// So many of several.
    Several(&'a Keys),
    /// Nobody's: a vault is drained by its owner.
    Nobody,
}

impl Template {
    /// Its address.
    #[must_use]
    pub const fn address(self) -> Address {
        Address::numbered(self as u8)
    }

    /// The template at `address`.
    #[must_use]
    pub fn at(address: &Address) -> Option<Self> {
        let all = [Self::Wallet, Self::Multisig, Self::Vesting, Self::Vault];
        all.into_iter().find(|template| template.address() == *address)
    }
}

impl Spawn {
    /// Its kind.
    #[must_use]
    pub const fn template(&self) -> Template {
        match self {
            Self::Wallet(_) => Template::Wallet,
            Self::Multisig(_) => Template::Multisig,
            Self::Vesting(_) => Template::Vesting,
            Self::Vault(_) => Template::Vault,
        }
    }

    /// The address of the account.
    #[must_use]
    pub fn address(&self) -> Address {
        let mut arguments = Vec::new();
        self.write_arguments(&mut arguments);
        Address::of(self.template().address(), &arguments)
    }

    /// Whose signatures the account takes.
    #[must_use]
    pub const fn signers(&self) -> Signers<'_> {
        match self {
            Self::Wallet(key) => Signers::One(key),
            Self::Multisig(keys) | Self::Vesting(keys) => Signers::Several(keys),
            Self::Vault(_) => Signers::Nobody,
        }
    }

    pub(crate) fn write_arguments(&self, out: &mut Vec<u8>) {
        match self {
            Self::Wallet(key) => key.write(out),
            Self::Multisig(keys) | Self::Vesting(keys) => keys.write(out),
            Self::Vault(terms) => terms.write(out),
        }
    }

    pub(crate) fn read_arguments(template: Template, input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(match template {
            Template::Wallet => Self::Wallet(PublicKey::read(input)?),
            Template::Multisig => Self::Multisig(Keys::read(input)?),
            Template::Vesting => Self::Vesting(Keys::read(input)?),
            Template::Vault => Self::Vault(Terms::read(input)?),
        })
    }
}

impl AccountState {
    /// From the bytes that a node keeps of an account of `template`.
    ///
    /// # Errors
    /// See [`ScaleError`].
    pub fn decode(template: Template, bytes: &[u8]) -> Result<Self, ScaleError> {
        let mut input = Reader::new(bytes);
        let spawn = Spawn::read_arguments(template, &mut input)?;
        let drained = if template == Template::Vault { input.compact64()? } else { 0 };
        input.finish()?;
        Ok(Self { spawn, drained })
    }

    /// The bytes that a node keeps.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.spawn.write_arguments(&mut out);
        if let Spawn::Vault(_) = self.spawn {
            write_compact(self.drained, &mut out);
        }
        out
    }
}

impl Scale for Template {
    fn write(&self, out: &mut Vec<u8>) {
        self.address().write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        let at = input.at();
        Self::at(&Address::read(input)?).ok_or(ScaleError::Value { at, what: "template of a new network" })
    }
}

impl Scale for Keys {
    fn write(&self, out: &mut Vec<u8>) {
        write_compact(u64::from(self.required), out);
        write_list(&self.keys, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self { required: input.compact8()?, keys: input.list(MOST_KEYS)? })
    }
}

impl Scale for Terms {
    fn write(&self, out: &mut Vec<u8>) {
        self.owner.write(out);
        write_compact(self.total, out);
        write_compact(self.initial, out);
        self.start.write(out);
        self.end.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self {
            owner: Address::read(input)?,
            total: input.compact64()?,
            initial: input.compact64()?,
            start: LayerId::read(input)?,
            end: LayerId::read(input)?,
        })
    }
}
