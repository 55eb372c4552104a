//! Addresses as text. Messages and files have no network in them: `f` and `t` are two letters for one address.

use apogee_filecoin::types::json::{address_text, parse_address};
use fvm_shared::address::{Address, Network};

/// The address that a text is, if it is its one writing but for the network's letter.
pub(crate) fn read(text: &str) -> Option<Address> {
    let address = parse_address(text).ok()?;
    let rest = |text: &str| text.get(1..).map(str::to_owned);
    (rest(&write(&address)) == rest(text)).then_some(address)
}

/// With the letter of mainnet, which addresses have where no network is meant.
pub(crate) fn write(address: &Address) -> String {
    address_text(address, Network::Mainnet)
}
