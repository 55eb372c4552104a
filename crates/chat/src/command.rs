//! What can be said.

use std::fmt;

/// The most bytes of a text that is looked at.
pub const LONGEST: usize = 4_096;

/// Letters of the longest address: that of a delegated one is shorter.
const LONGEST_ADDRESS: usize = 150;
/// Letters of the longest name of a transaction.
const LONGEST_NAME: usize = 120;

/// Something that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// How the faucet does, and the node behind it.
    Status,
    /// What became of a transaction.
    Transaction(TransactionName),
    /// What an account has.
    Balance(AddressText),
    /// A grant to this address.
    Tap(AddressText),
    /// What can be said.
    Help,
}

/// What may be an address: letters and digits of ASCII. Whether the network has it is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AddressText(String);

/// What may be the name of a transaction: a hash in hexadecimal digits, without `0x` and in small letters, or a CID.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TransactionName(String);

/// Why a text is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCommand {
    /// It is neither a command nor an address nor the name of a transaction.
    #[error("this is neither a command nor an address nor the name of a transaction")]
    Unknown,
    /// What stands where an address should be is none.
    #[error("this is no address")]
    Address,
    /// What stands where the name of a transaction should be is none.
    #[error("this is no name of a transaction")]
    Transaction,
}

impl AddressText {
    /// From a text: `stest1…`, `t1…`, `0x…`.
    ///
    /// # Errors
    /// [`NoCommand::Address`] for what is an address on no network.
    pub fn read(text: &str) -> Result<Self, NoCommand> {
        let text = text.trim();
        let known = is_bech32(text) || is_filecoin(text) || is_ethereum(text);
        if known && text.len() <= LONGEST_ADDRESS {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoCommand::Address)
        }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TransactionName {
    /// From a text: 64 hexadecimal digits, with `0x` before them or without, or a CID of base 32.
    ///
    /// # Errors
    /// [`NoCommand::Transaction`] for anything else.
    pub fn read(text: &str) -> Result<Self, NoCommand> {
        let text = text.trim();
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        if digits.len() == 64 && is_hexadecimal(digits) {
            return Ok(Self(digits.to_ascii_lowercase()));
        }
        let base32 = |byte: u8| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
        let cid = text.starts_with("bafy") && text.bytes().all(base32);
        if cid && (50..=LONGEST_NAME).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoCommand::Transaction)
        }
    }

    /// In its one writing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AddressText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TransactionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bech32 as Spacemesh writes its accounts, by its letters alone.
fn is_bech32(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    // One case or the other, never both.
    if text != lower && text != text.to_ascii_uppercase() {
        return false;
    }
    let Some((prefix, data)) = lower.rsplit_once('1') else { return false };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() && !matches!(byte, b'1' | b'b' | b'i' | b'o');
    !prefix.is_empty()
        && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
        && data.len() >= 20
        && data.bytes().all(letter)
}

/// `t1…`, `f01000`.
fn is_filecoin(text: &str) -> bool {
    let mut bytes = text.bytes();
    let begins = matches!(bytes.next(), Some(b'f' | b't')) && matches!(bytes.next(), Some(b'0'..=b'4'));
    begins && bytes.len() > 0 && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_ethereum(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    digits.is_some_and(|digits| digits.len() == 40 && is_hexadecimal(digits))
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Command {
    /// Of a text as people paste it: an address, the name of a transaction, `status`, `$balance stest1…`. A bare address asks for a grant to it.
    ///
    /// The words are those of the taps of Spacemesh's testnets, with or without `$` or `/` before them.
    ///
    /// # Errors
    /// [`NoCommand`].
    pub fn read(text: &str) -> Result<Self, NoCommand> {
        if text.len() > LONGEST {
            return Err(NoCommand::Unknown);
        }
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or_default();
        let (second, more) = (words.next(), words.next().is_some());
        if more {
            return Err(NoCommand::Unknown);
        }
        let word = first.strip_prefix(['$', '/']).unwrap_or(first).to_ascii_lowercase();
        let address = || AddressText::read(second.unwrap_or_default());
        match (word.as_str(), second) {
            ("status" | "faucet_status" | "faucet_addr", None) => Ok(Self::Status),
            ("help", None) => Ok(Self::Help),
            ("tx" | "tx_info", _) => TransactionName::read(second.unwrap_or_default()).map(Self::Transaction),
            ("balance", _) => address().map(Self::Balance),
            ("tap", _) => address().map(Self::Tap),
            (_, None) => {
                let transaction = TransactionName::read(first).map(Self::Transaction);
                let tap = || AddressText::read(first).map(Self::Tap);
                transaction.or_else(|_| tap()).map_err(|_| NoCommand::Unknown)
            }
            _ => Err(NoCommand::Unknown),
        }
    }

    /// The same for whoever only looks: nothing is granted, an address is looked up.
    #[must_use]
    pub fn looking(self) -> Self {
        match self {
            Self::Tap(address) => Self::Balance(address),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACEMESH: &str = "stest1qqqqqqy0dd83jemjmfj3ghjndxm0ndh0z2rymaqyp0gu3";
    const HASH: &str = "9C5A0bD2e8f1469a7b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f10";

    fn address(text: &str) -> AddressText {
        AddressText::read(text).unwrap()
    }

    #[test]
    fn everything_that_the_old_taps_understood_is_understood() {
        let transaction = Command::Transaction(TransactionName(HASH.to_ascii_lowercase()));
        for (text, command) in [
            ("status".to_owned(), Command::Status),
            (" $faucet_status\n".to_owned(), Command::Status),
            ("$faucet_addr".to_owned(), Command::Status),
            ("$HELP".to_owned(), Command::Help),
            ("/help".to_owned(), Command::Help),
            (format!("$tx_info {HASH}"), transaction.clone()),
            (format!("tx 0x{HASH}"), transaction.clone()),
            (format!("0x{HASH}"), transaction),
            (format!("$balance {SPACEMESH}"), Command::Balance(address(SPACEMESH))),
            (SPACEMESH.to_owned(), Command::Tap(address(SPACEMESH))),
            (SPACEMESH.to_uppercase(), Command::Tap(address(&SPACEMESH.to_uppercase()))),
            (format!("tap {SPACEMESH}"), Command::Tap(address(SPACEMESH))),
            ("t01000".to_owned(), Command::Tap(address("t01000"))),
            (format!("0x{}", "aB".repeat(20)), Command::Tap(address(&format!("0x{}", "aB".repeat(20))))),
        ] {
            assert_eq!(Command::read(&text), Ok(command), "{text}");
        }
        let cid = format!("bafy2bzace{}", "a".repeat(52));
        assert_eq!(Command::read(&cid), Ok(Command::Transaction(TransactionName(cid.clone()))));
        assert_eq!(Command::read(SPACEMESH).unwrap().looking(), Command::Balance(address(SPACEMESH)));
    }

    #[test]
    fn what_is_no_command_says_what_it_is_not() {
        for (text, error) in [
            (String::new(), NoCommand::Unknown),
            ("$".to_owned(), NoCommand::Unknown),
            ("hello".to_owned(), NoCommand::Unknown),
            ("$dump_txs".to_owned(), NoCommand::Unknown),
            (format!("status {SPACEMESH}"), NoCommand::Unknown),
            (format!("{SPACEMESH} please"), NoCommand::Unknown),
            (format!("balance {SPACEMESH} now"), NoCommand::Unknown),
            ("balance".to_owned(), NoCommand::Address),
            ("balance ../../admin".to_owned(), NoCommand::Address),
            ("tap t01000?x=1".to_owned(), NoCommand::Address),
            ("tap T01000".to_owned(), NoCommand::Address),
            ("tap <@everyone>".to_owned(), NoCommand::Address),
            (format!("tap S{}", &SPACEMESH[1..]), NoCommand::Address),
            (format!("tap stest1{}", "q".repeat(1_000)), NoCommand::Address),
            ("tx 12".to_owned(), NoCommand::Transaction),
            (format!("tx {}", HASH.replacen('9', "g", 1)), NoCommand::Transaction),
            (format!("tx bafy{}", "a".repeat(1_000)), NoCommand::Transaction),
            ("status ".repeat(10_000), NoCommand::Unknown),
        ] {
            assert_eq!(Command::read(&text), Err(error), "{}", text.chars().take(80).collect::<String>());
        }
    }
}
