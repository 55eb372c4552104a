//! Signatures of delegated (`f4`) senders: those of Ethereum transactions that a message stands for (FIP-0055, FIP-0091).
//!
//! The transaction is put together again from the message, and its Keccak-256 is what was signed. Source: Lotus
//! `chain/types/ethtypes` and `lib/sigs/delegated`.

use fvm_shared::address::{Address, Payload};
use fvm_shared::message::Message;
use num_bigint::Sign;

use super::keccak256;
use super::secp256k1::{RecoveryFailure, recover};

/// The actor that makes Ethereum-like addresses, `f010`; also the namespace of its `f4` addresses.
const ETHEREUM_ADDRESS_MANAGER: u64 = 10;
/// Method of that actor which deploys a contract.
const CREATE_EXTERNAL: u64 = 4;
/// Method of a contract which calls it (FRC-0042 hash of `InvokeEVM`).
const INVOKE_CONTRACT: u64 = 3_844_450_837;

/// Why a delegated signature was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelegatedFailure {
    /// No Ethereum transaction turns into this message.
    #[error("the message stands for no Ethereum transaction: {0}")]
    NoTransaction(&'static str),
    /// The signature is of an unknown form.
    #[error(
        "a delegated signature has 65 bytes, or 66 or more with a first byte of 1 or 2; this one has {0}"
    )]
    Form(usize),
    /// The signature is wrong.
    #[error("the signature is not the sender's")]
    Signature(#[source] RecoveryFailure),
    /// Somebody else made it.
    #[error("the signature is that of the Ethereum address {}", Hex(.0))]
    OtherSigner([u8; 20]),
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Check a delegated signature over `message` on the network with this EIP-155 chain id.
///
/// # Errors
/// When the message stands for no transaction, or its sender did not sign that transaction.
pub fn verify(message: &Message, signature: &[u8], chain_id: u64) -> Result<(), DelegatedFailure> {
    let sender = ethereum_address(&message.from)
        .ok_or(DelegatedFailure::NoTransaction("its sender has no Ethereum address"))?;
    let (form, recoverable) = Form::of(signature, chain_id).ok_or(DelegatedFailure::Form(signature.len()))?;
    let transaction = transaction(message, form, chain_id).map_err(DelegatedFailure::NoTransaction)?;
    let key = recover(&keccak256(&[&transaction]), &recoverable).map_err(DelegatedFailure::Signature)?;
    let hash = keccak256(&[key.get(1..).unwrap_or_default()]);
    match hash.get(12..).and_then(|tail| <[u8; 20]>::try_from(tail).ok()) {
        Some(signer) if signer == sender => Ok(()),
        signer => Err(DelegatedFailure::OtherSigner(signer.unwrap_or_default())),
    }
}

/// Which kind of transaction was signed. The signature tells: Lotus puts a byte in front of those of legacy transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// EIP-1559: 65 bytes.
    FeeMarket,
    /// Legacy before EIP-155: 66 bytes, 1 first, v = 27 or 28.
    Homestead,
    /// Legacy with a chain id: 66 bytes or more, 2 first, v = chain id × 2 + 35 or 36 in as many bytes as it takes.
    Eip155,
}

impl Form {
    /// The form, and r ‖ s ‖ recovery id.
    fn of(signature: &[u8], chain_id: u64) -> Option<(Self, Vec<u8>)> {
        let (form, body) = match (signature.len(), signature.split_first()?) {
            (65, _) => return Some((Self::FeeMarket, signature.to_vec())),
            (66, (1, body)) => (Self::Homestead, body),
            (66..=73, (2, body)) => (Self::Eip155, body),
            _ => return None,
        };
        let (rs, v) = body.split_at_checked(64)?;
        let v = v.iter().try_fold(0_u64, |v, byte| v.checked_mul(256)?.checked_add(u64::from(*byte)))?;
        let base = match form {
            Self::Eip155 => chain_id.checked_mul(2)?.checked_add(35)?,
            _ => 27,
        };
        let id = u8::try_from(v.checked_sub(base)?).ok().filter(|id| *id < 2)?;
        Some((form, [rs, &[id]].concat()))
    }
}

/// The bytes that were signed.
fn transaction(message: &Message, form: Form, chain_id: u64) -> Result<Vec<u8>, &'static str> {
    if message.version != 0 {
        return Err("its version is not 0");
    }
    let (to, input) = recipient_and_input(message)?;
    let amount = |amount: &fvm_shared::econ::TokenAmount| match amount.atto().to_bytes_be() {
        (Sign::Minus, _) => Err("an amount is negative"),
        (Sign::NoSign, _) => Ok(Vec::new()),
        (Sign::Plus, bytes) => Ok(bytes),
    };
    let (nonce, gas_limit) = (integer(message.sequence), integer(message.gas_limit));
    let (to, value) = (to.map_or_else(Vec::new, |to| to.to_vec()), amount(&message.value)?);
    let (fee_cap, premium) = (amount(&message.gas_fee_cap)?, amount(&message.gas_premium)?);
    let mut fields: Vec<Vec<u8>> = Vec::new();
    match form {
        Form::FeeMarket => {
            for field in [integer(chain_id), nonce, premium, fee_cap, gas_limit, to, value, input] {
                fields.push(rlp_string(&field));
            }
            fields.push(rlp(0xc0, &[])); // the access list, which Filecoin has no use for
            let mut bytes = vec![2];
            bytes.extend(rlp(0xc0, &fields.concat()));
            Ok(bytes)
        }
        Form::Homestead | Form::Eip155 => {
            if fee_cap != premium {
                return Err("a legacy transaction has one gas price, but fee cap and premium differ");
            }
            for field in [nonce, fee_cap, gas_limit, to, value, input] {
                fields.push(rlp_string(&field));
            }
            if form == Form::Eip155 {
                for field in [integer(chain_id), Vec::new(), Vec::new()] {
                    fields.push(rlp_string(&field));
                }
            }
            Ok(rlp(0xc0, &fields.concat()))
        }
    }
}

/// Whom the transaction calls (nobody when it deploys) and with what.
fn recipient_and_input(message: &Message) -> Result<(Option<[u8; 20]>, Vec<u8>), &'static str> {
    let input = match message.params.bytes() {
        [] => Vec::new(),
        params => match cbor_bytes(params).ok_or("its parameters are not one CBOR byte string")? {
            // It would not come back from the transaction as such.
            [] => return Err("its parameters are an empty byte string"),
            input => input.to_vec(),
        },
    };
    if message.to == Address::new_id(ETHEREUM_ADDRESS_MANAGER) {
        return match message.method_num {
            CREATE_EXTERNAL => Ok((None, input)),
            _ => Err("it calls another method of the address manager than CreateExternal"),
        };
    }
    let to = ethereum_address(&message.to).ok_or("its recipient has no Ethereum address")?;
    match message.method_num {
        INVOKE_CONTRACT => Ok((Some(to), input)),
        _ => Err("it calls another method than InvokeContract"),
    }
}

/// The Ethereum form of an address: the subaddress of an `f410` one, or 0xff, eleven zeros and the id of an `f0` one.
///
/// None of an `f410` address whose subaddress looks like that of an `f0` one: the transaction would turn into a message to the latter.
fn ethereum_address(address: &Address) -> Option<[u8; 20]> {
    const MASK: [u8; 12] = [0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    match address.payload() {
        Payload::Delegated(delegated) if delegated.namespace() == ETHEREUM_ADDRESS_MANAGER => {
            delegated.subaddress().try_into().ok().filter(|bytes: &[u8; 20]| !bytes.starts_with(&MASK))
        }
        Payload::ID(id) => {
            let mut bytes = [0; 20];
            bytes.iter_mut().rev().zip(id.to_le_bytes()).for_each(|(byte, digit)| *byte = digit);
            bytes.iter_mut().take(1).for_each(|byte| *byte = 0xff);
            Some(bytes)
        }
        _ => None,
    }
}

/// The content of a canonical CBOR byte string that is all there is.
fn cbor_bytes(bytes: &[u8]) -> Option<&[u8]> {
    let (&head, rest) = bytes.split_first()?;
    let (width, least) = match head.checked_sub(0x40)? {
        short @ 0..=23 => return (rest.len() == usize::from(short)).then_some(rest),
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        _ => return None,
    };
    let (length, content) = rest.split_at_checked(width)?;
    let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    (length >= least && content.len() == length).then_some(content)
}

/// Big-endian without leading zeros; empty for 0.
fn integer(n: u64) -> Vec<u8> {
    n.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// RLP of a string: a single byte below 0x80 is itself.
fn rlp_string(content: &[u8]) -> Vec<u8> {
    match content {
        [byte @ 0..=0x7f] => vec![*byte],
        _ => rlp(0x80, content),
    }
}

/// RLP with a length: `base` is 0x80 for strings, 0xc0 for lists.
fn rlp(base: u8, content: &[u8]) -> Vec<u8> {
    let length = integer(content.len() as u64);
    let mut bytes = match (content.len(), &length[..]) {
        (0..=55, _) => vec![base + u8::try_from(content.len()).unwrap_or(55)],
        _ => [&[base + 55 + u8::try_from(length.len()).unwrap_or(8)], &length[..]].concat(),
    };
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use fvm_shared::econ::TokenAmount;
    use k256::ecdsa::SigningKey;

    use super::*;

    #[test]
    fn rlp_follows_the_yellow_paper() {
        assert_eq!(rlp_string(b""), [0x80]);
        assert_eq!(rlp_string(&[0x7f]), [0x7f]);
        assert_eq!(rlp_string(&[0x80]), [0x81, 0x80]);
        assert_eq!(rlp_string(b"dog"), [0x83, b'd', b'o', b'g']);
        assert_eq!(rlp(0xc0, &[]), [0xc0]);
        assert_eq!(rlp_string(&[1; 56])[..2], [0xb8, 56]);
        assert_eq!(rlp_string(&[1; 1024])[..3], [0xb9, 4, 0]);
        assert_eq!(rlp(0xc0, &[1; 56])[..2], [0xf8, 56]);
    }

    #[test]
    fn an_id_becomes_a_masked_ethereum_address() {
        let masked = ethereum_address(&Address::new_id(0x0102)).unwrap();
        assert_eq!(masked, [0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(ethereum_address(&Address::new_delegated(10, &masked).unwrap()), None);
    }

    #[test]
    fn parameters_must_be_one_canonical_byte_string() {
        assert_eq!(cbor_bytes(&[0x42, 1, 2]), Some(&[1, 2][..]));
        assert_eq!(cbor_bytes(&[0x42, 1, 2, 3]), None);
        assert_eq!(cbor_bytes(&[0x58, 2, 1, 2]), None);
        assert_eq!(cbor_bytes(&[&[0x58, 24][..], &[9; 24]].concat()), Some(&[9; 24][..]));
        assert_eq!(cbor_bytes(&[]), None);
    }

    /// The example of EIP-155: its message, its signing hash and its key.
    fn example() -> (Message, SigningKey) {
        let key = SigningKey::from_slice(&[0x46; 32]).unwrap();
        let sender = [
            0x9d, 0x8a, 0x62, 0xf6, 0x56, 0xa8, 0xd1, 0x61, 0x5c, 0x12, 0x94, 0xfd, 0x71, 0xe9, 0xcf, 0xb3,
            0xe4, 0x85, 0x5a, 0x4f,
        ];
        let price = TokenAmount::from_atto(20_000_000_000_u64);
        let message = Message {
            version: 0,
            from: Address::new_delegated(10, &sender).unwrap(),
            to: Address::new_delegated(10, &[0x35; 20]).unwrap(),
            sequence: 9,
            value: TokenAmount::from_atto(1_000_000_000_000_000_000_u64),
            method_num: INVOKE_CONTRACT,
            params: fvm_ipld_encoding::RawBytes::default(),
            gas_limit: 21_000,
            gas_fee_cap: price.clone(),
            gas_premium: price,
        };
        (message, key)
    }

    /// r ‖ s and the recovery id over this form of the message.
    fn sign(message: &Message, key: &SigningKey, form: Form) -> (Vec<u8>, u8) {
        let hash = keccak256(&[&transaction(message, form, 1).unwrap()]);
        let (signature, id) = key.sign_prehash_recoverable(&hash).unwrap();
        (signature.to_vec(), id.to_byte())
    }

    #[test]
    fn the_example_of_eip_155_has_its_published_signing_hash() {
        let (message, _) = example();
        let hash = keccak256(&[&transaction(&message, Form::Eip155, 1).unwrap()]);
        assert_eq!(
            Hex(&hash).to_string(),
            "0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"
        );
    }

    #[test]
    fn each_form_of_signature_verifies_for_its_sender_and_chain_alone() {
        let (message, key) = example();
        let wrapped = |first: &[u8], form, v: fn(u8) -> u8| {
            let (rs, id) = sign(&message, &key, form);
            [first, &rs, &[v(id)]].concat()
        };
        let fee_market = wrapped(&[], Form::FeeMarket, |id| id);
        let homestead = wrapped(&[1], Form::Homestead, |id| id + 27);
        let eip155 = wrapped(&[2], Form::Eip155, |id| id + 37);
        for signature in [&fee_market, &homestead, &eip155] {
            assert_eq!(verify(&message, signature, 1), Ok(()));
            let other = Message { sequence: 10, ..message.clone() };
            assert!(verify(&other, signature, 1).is_err());
            let mut flipped = signature.clone();
            flipped[40] ^= 1;
            assert!(verify(&message, &flipped, 1).is_err());
        }
        // A signature before EIP-155 names no chain.
        assert_eq!(verify(&message, &homestead, 2), Ok(()));
        assert!(verify(&message, &fee_market, 2).is_err());
        assert_eq!(verify(&message, &eip155, 2), Err(DelegatedFailure::Form(66)));
        for bad in [&[][..], &[0; 64], &[0; 65], &[1; 66], &[3; 66], &[2; 100]] {
            assert!(verify(&message, bad, 1).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn messages_that_stand_for_no_transaction_are_refused() {
        let (message, key) = example();
        let (rs, id) = sign(&message, &key, Form::FeeMarket);
        let signature = [&rs[..], &[id]].concat();
        let changed = |change: fn(&mut Message)| {
            let mut message = message.clone();
            change(&mut message);
            verify(&message, &signature, 1)
        };
        let refused = |verdict| matches!(verdict, Err(DelegatedFailure::NoTransaction(_)));
        assert!(refused(changed(|message| message.version = 1)));
        assert!(refused(changed(|message| message.method_num = 2)));
        assert!(refused(changed(|message| message.to = Address::new_actor(b"x"))));
        assert!(refused(changed(|message| message.from = Address::new_actor(b"x"))));
        assert!(refused(changed(|message| message.params = vec![0x40].into())));
        assert!(refused(changed(|message| message.value = TokenAmount::from_atto(-1))));
    }
}
