//! What gets into the pool, what leaves it for a block, and what gas a message will need.

use apogee_filecoin::crypto::bls::{Batch, MinPk, PublicKey};
use apogee_filecoin::crypto::secp256k1;
use apogee_filecoin::types::{BlockMessages, Message, SignatureKind, SignedMessage, Tipset, message_cid};
use cid::Cid;
use fvm_shared::METHOD_SEND;
use fvm_shared::address::{Address, Payload};
use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use serde_json::Value;

use super::execute::{gas_of, invoke};
use super::keys::OWN_SIGNATURE;
use super::pool::{Rejected, most_gas};
use super::simulation::Simulation;
use super::state::State;
use super::traffic::Offer;
use super::{MakeError, NETWORK};
use crate::answer::Refusal;
use apogee_filecoin::types::json::address_text;

/// Bytes of a signed message (Lotus `messagepool.MaxMessageSize`).
const MESSAGE_SIZE: usize = 64 << 10;
/// Gas of a block (Lotus `buildconstants.BlockGasLimit`).
pub(super) const BLOCK_GAS: u64 = 10_000_000_000;
/// attoFIL a gas unit.
const LEAST_FEE: u64 = 100;
/// Whole FIL that will ever be.
const TOTAL_FIL: u64 = 2_000_000_000;
/// What an estimate offers the miner, attoFIL a gas unit (Lotus `MinGasPremium`).
const PREMIUM: u64 = 100_000;
/// An estimate allows for so many full blocks in a row.
const FULL_BLOCKS: u32 = 20;
/// What an estimate may cost unless the caller says otherwise: 0.07 FIL.
const DEFAULT_FEE: u64 = 70_000_000;

fn refused(words: impl Into<String>) -> Refusal {
    Refusal::application(words)
}

fn broken(error: MakeError) -> Refusal {
    refused(error.to_string())
}

impl Simulation {
    /// Take a signed message into the pool (`MpoolPush`), and hand back its name.
    ///
    /// # Errors
    /// As Lotus refuses it: not fit for a block, badly signed, a nonce that has been used or lies too far ahead, a replacement that does not
    /// pay enough, or more gas than its sender can pay.
    pub fn push(&self, signed: SignedMessage) -> Result<Cid, Refusal> {
        let bytes = fvm_ipld_encoding::to_vec(&signed).map_err(|error| refused(error.to_string()))?;
        if bytes.len() > MESSAGE_SIZE {
            return Err(refused(format!(
                "the message has {} bytes, more than {MESSAGE_SIZE}: message too big",
                bytes.len()
            )));
        }
        fit_for_block(&signed)?;
        verify(&signed)?;
        let message = &signed.message;
        let (nonce, balance) = self.account(&message.from)?;
        if message.sequence < nonce {
            return Err(refused(format!(
                "minimum expected nonce is {nonce}, got {}: message nonce too low",
                message.sequence
            )));
        }
        let required = most_gas(message);
        if balance < required {
            return Err(refused(format!(
                "the sender has {balance} and the gas may cost {required}: not enough funds"
            )));
        }
        let required = required + self.pool().gas_of_others(&message.from, message.sequence);
        if balance < required {
            return Err(refused(format!(
                "the sender has {balance} and the gas of all its messages may cost {required}: not enough funds including pending messages"
            )));
        }
        let (cid, sender, sequence) = (signed.cid(), message.from, message.sequence);
        let stored = match signed.signature.kind {
            SignatureKind::Bls => {
                fvm_ipld_encoding::to_vec(message).map_err(|error| refused(error.to_string()))?
            }
            _ => bytes,
        };
        let premium = message.gas_premium.atto().clone();
        let added = self.pool().add(signed, nonce);
        added.map_err(|why| rejected(&why, &sender, sequence, &premium))?;
        self.ledger.put(cid, stored);
        Ok(cid)
    }

    /// The nonce of an account's next message, the pool's messages counted (`MpoolGetNonce`).
    ///
    /// # Errors
    /// When the chain is broken.
    pub fn next_nonce(&self, account: &Address) -> Result<u64, Refusal> {
        let (nonce, _) = self.account(account)?;
        Ok(self.pool().next_nonce(account, nonce))
    }

    /// The messages in the pool, by sender and nonce (`MpoolPending`).
    #[must_use]
    pub fn pending(&self) -> Vec<SignedMessage> {
        self.pool().pending()
    }

    /// Forget a message that waits in the pool, as a node does that restarts or has too many. Whether there was one.
    pub fn evict(&self, message: &Cid) -> bool {
        self.pool().evict(message)
    }

    /// From now on miners take messages of a higher premium only, attoFIL a gas unit: blocks are full of dearer ones.
    pub fn set_least_premium(&self, premium: TokenAmount) {
        self.pool().least_premium = premium;
    }

    /// Nonce and balance of an account once the head has been executed; of an account that is not there, none.
    fn account(&self, account: &Address) -> Result<(u64, TokenAmount), Refusal> {
        let (root, _) = self.executed(&self.ledger.head()).map_err(broken)?;
        let state = State::open(&self.ledger, &root).map_err(broken)?;
        let id = state.resolve(account).map_err(broken)?;
        let actor = id.map(|id| state.get(id)).transpose().map_err(broken)?.flatten();
        Ok(actor.map(|actor| (actor.nonce, actor.balance)).unwrap_or_default())
    }

    /// What goes from the pool into a block on the state `root`: messages in the order of their nonces that their senders can pay.
    pub(super) fn selection(&self, base_fee: &TokenAmount, root: Cid) -> Result<Vec<Offer>, MakeError> {
        let state = State::open(&self.ledger, &root)?;
        let pool = self.pool();
        let (mut selected, mut gas) = (Vec::new(), 0_u64);
        for sender in pool.senders() {
            let Some(id) = state.resolve(sender)? else { continue };
            let Some(actor) = state.get(id)? else { continue };
            let mut balance = actor.balance;
            for signed in pool.ready(sender, actor.nonce) {
                let message = &signed.message;
                let cost = most_gas(message);
                let total = gas.saturating_add(message.gas_limit);
                if cost > balance
                    || message.gas_fee_cap < *base_fee
                    || message.gas_premium < pool.least_premium
                    || total > BLOCK_GAS
                    || selected.len() >= BlockMessages::LIMIT
                {
                    break;
                }
                balance -= cost + &message.value;
                gas = total;
                selected.push(Offer { cid: signed.cid(), signed: signed.clone() });
            }
        }
        Ok(selected)
    }

    /// The head has moved: what left the chain waits again, what is on it does not.
    pub(super) fn settle_pool(&self, reverted: &[Tipset], applied: &[Tipset]) -> Result<(), MakeError> {
        for tipset in reverted {
            for block in self.messages(tipset)? {
                let mut pool = self.pool();
                block.iter().for_each(|(cid, _)| pool.reverted(cid));
            }
        }
        for tipset in applied {
            for block in self.messages(tipset)? {
                let mut pool = self.pool();
                block.iter().for_each(|(_, message)| pool.applied(&message.from, message.sequence));
            }
        }
        Ok(())
    }

    /// `GasEstimateMessageGas`: limit, fee cap and premium where they are zero. `spec` may name the most that gas may cost (`MaxFee`).
    pub(super) fn estimate(&self, mut message: Message, spec: Option<&Value>) -> Result<Message, Refusal> {
        let (_, balance) = self.account(&message.from)?;
        let (root, _) = self.executed(&self.ledger.head()).map_err(broken)?;
        let mut state = State::open(&self.ledger, &root).map_err(broken)?;
        let Some(id) = state.resolve(&message.from).map_err(broken)? else {
            let sender = address_text(&message.from, NETWORK);
            return Err(refused(format!(
                "gas estimation failed: CallWithGas failed: sender {sender} not found on chain: sender validation failed"
            )));
        };
        if balance < message.value {
            return Err(refused(format!(
                "message execution failed (exit=[SysErrInsufficientFunds(6)], vm error=[the sender has {balance} and would send {}])",
                message.value
            )));
        }
        let called = message.method_num != METHOD_SEND;
        if called && let Err(code) = invoke(&mut state, id, &message, &balance).map_err(broken)? {
            let words = told_code(code);
            return Err(refused(format!(
                "message execution failed (exit=[{words}], vm error=[a call of it fails])"
            )));
        }
        if message.gas_limit == 0 {
            // The limit is part of the length.
            message.gas_limit = u64::from(u32::MAX);
            let mut length = fvm_ipld_encoding::to_vec(&message).map_or(0, |bytes| bytes.len());
            if matches!(message.from.payload(), Payload::Secp256k1(_)) {
                length += OWN_SIGNATURE;
            }
            message.gas_limit = gas_of(&state, &message, length).map_err(broken)? * 5 / 4;
        }
        if message.gas_premium == TokenAmount::default() {
            message.gas_premium = TokenAmount::from_atto(PREMIUM);
        }
        if message.gas_fee_cap == TokenAmount::default() {
            let base_fee = self.base_fee(&self.ledger.head()).map_err(broken)?;
            let highest =
                base_fee.atto() * BigInt::from(9).pow(FULL_BLOCKS) / BigInt::from(8).pow(FULL_BLOCKS);
            message.gas_fee_cap = TokenAmount::from_atto(highest) + &message.gas_premium;
        }
        let most = spec.and_then(|spec| spec.get("MaxFee")).and_then(Value::as_str);
        let most = most.and_then(|most| most.parse::<BigInt>().ok()).filter(|most| *most > BigInt::from(0));
        let most = most.unwrap_or_else(|| TokenAmount::from_nano(DEFAULT_FEE).atto().clone());
        if *most_gas(&message).atto() > most {
            message.gas_fee_cap = TokenAmount::from_atto(most / message.gas_limit);
            message.gas_premium = message.gas_premium.min(message.gas_fee_cap.clone());
        }
        Ok(message)
    }
}

/// As Lotus writes an exit code (go-state-types `exitcode/names.go`).
fn told_code(code: ExitCode) -> String {
    let name = match code {
        ExitCode::USR_ILLEGAL_ARGUMENT => "ErrIllegalArgument",
        ExitCode::USR_NOT_FOUND => "ErrNotFound",
        ExitCode::USR_FORBIDDEN => "ErrForbidden",
        ExitCode::USR_INSUFFICIENT_FUNDS => "ErrInsufficientFunds",
        ExitCode::USR_ILLEGAL_STATE => "ErrIllegalState",
        ExitCode::USR_SERIALIZATION => "ErrSerialization",
        ExitCode::USR_UNHANDLED_MESSAGE => "ErrUnhandledMessage",
        ExitCode::SYS_INVALID_RECEIVER => "SysErrInvalidReceiver",
        _ => return code.value().to_string(),
    };
    format!("{name}({})", code.value())
}

/// What no block could hold (Lotus `Message.ValidForBlockInclusion`). A gas limit that is too low is no reason: such a message is mined, and the
/// miner pays (recorded).
fn fit_for_block(signed: &SignedMessage) -> Result<(), Refusal> {
    let message = &signed.message;
    let wrong = [
        (message.version != 0, "its version is not 0"),
        (message.value.is_negative(), "its value is negative"),
        (message.value > TokenAmount::from_whole(TOTAL_FIL), "its value is more than there will ever be"),
        (message.gas_premium.is_negative(), "its gas premium is negative"),
        (message.gas_premium > message.gas_fee_cap, "its gas premium is greater than its gas fee cap"),
        (message.gas_limit > BLOCK_GAS, "its gas limit is greater than that of a block"),
        (message.gas_fee_cap < TokenAmount::from_atto(LEAST_FEE), "gas fee cap too low"),
    ];
    let wrong = wrong.into_iter().find(|(wrong, _)| *wrong);
    wrong.map_or(Ok(()), |(_, why)| Err(refused(format!("message not valid for block inclusion: {why}"))))
}

/// Its sender has signed it.
fn verify(signed: &SignedMessage) -> Result<(), Refusal> {
    let bytes = message_cid(&signed.message).to_bytes();
    let (from, signature) = (&signed.message.from, &signed.signature);
    let right = match (signature.kind, from.payload()) {
        (SignatureKind::Bls, Payload::BLS(key)) => PublicKey::from_bytes(key).is_ok_and(|key| {
            let mut batch = Batch::<MinPk, ()>::default();
            batch.push((), key, bytes, &signature.bytes);
            // Of one signature no random combination is made.
            batch.settle(&[0; 32]).iter().all(|(_, verdict)| verdict.is_ok())
        }),
        (SignatureKind::Secp256k1, Payload::Secp256k1(_)) => {
            secp256k1::verify(from, &bytes, &signature.bytes).is_ok()
        }
        _ => false,
    };
    if right { Ok(()) } else { Err(refused("the sender has not signed this: invalid signature on message")) }
}

fn rejected(why: &Rejected, sender: &Address, nonce: u64, premium: &BigInt) -> Refusal {
    let sender = address_text(sender, NETWORK);
    let words = match why {
        Rejected::NonceGap { expected } => {
            format!("nonce {nonce} is too far from {expected}, which is expected: unfulfilled nonce gap")
        }
        Rejected::ReplacedInGap { expected } => {
            format!("nonce {nonce} cannot be replaced before {expected} is there: unfulfilled nonce gap")
        }
        Rejected::Premium { least } => format!(
            "message from {sender} with nonce {nonce} already in mpool, increase GasPremium to {} from {premium} to trigger replace by fee: replace by fee has too low GasPremium",
            least.atto()
        ),
        Rejected::Known => format!(
            "message from {sender} with nonce {nonce} already in mpool: message with nonce already exists"
        ),
        Rejected::Full => {
            format!("{sender} has as many messages in the pool as it may: too many pending messages")
        }
    };
    refused(format!("failed to add locked: {words}"))
}
