//! Multisigs of a made chain do what builtin-actors' do.

use apogee_filecoin::types::multisig::{
    APPROVE, Approved, CANCEL, PROPOSE, Proposal, ProposalRef, Proposed, read_exactly,
};
use apogee_filecoin::types::{Message, Receipt};
use apogee_filecoin_state::{StateTree, Transaction};
use apogee_simnet::{Multisig, Recipe, Simulation};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use serde::Serialize;

use super::make::{assert_accepted, reports, source};

const FIL: u64 = 1_000_000_000;

struct Bench {
    made: Simulation,
    multisig: Address,
    nonces: [u64; 8],
}

impl Bench {
    fn new(signers: &[u32], threshold: u64) -> Self {
        let multisigs = vec![Multisig { signers: signers.to_vec(), threshold, balance: 100 }];
        let made =
            Simulation::new(Recipe { miners: 3, messages: 1, multisigs, ..Recipe::default() }).unwrap();
        let (multisig, id) = made.multisig(0).unwrap();
        assert_eq!(made.multisig(1), None);
        let bench = Self { made, multisig, nonces: [0; 8] };
        assert_eq!(bench.resolve(&multisig), Some(id));
        bench
    }

    /// A message of a wallet is mined and executed.
    fn call(&mut self, wallet: usize, method: u64, params: RawBytes) -> Receipt {
        self.message(wallet, method, params, 0)
    }

    fn message(&mut self, wallet: usize, method: u64, params: RawBytes, nano: u64) -> Receipt {
        let key = self.made.wallet(wallet).unwrap();
        let message = Message {
            version: 0,
            from: key.address(),
            to: self.multisig,
            sequence: self.nonces[wallet],
            value: TokenAmount::from_nano(nano),
            method_num: method,
            params,
            gas_limit: 20_000_000,
            gas_fee_cap: TokenAmount::from_nano(1),
            gas_premium: TokenAmount::from_nano(1),
        };
        self.nonces[wallet] += 1;
        let cid = self.made.push(key.sign(message).unwrap()).unwrap();
        loop {
            let tipset = self.made.mine().unwrap();
            let blocks: Vec<_> = tipset.blocks().iter().map(|block| block.messages).collect();
            let load =
                |root| apogee_filecoin::types::BlockMessages::load(&**self.made.ledger(), root).unwrap();
            let messages: Vec<_> = blocks.iter().map(load).collect();
            let executed = apogee_filecoin::types::executed_messages(&messages, |sender| *sender);
            if let Some(index) = executed.iter().position(|one| *one.cid == cid) {
                let child = self.made.mine().unwrap();
                let receipts = child.first().parent_message_receipts;
                return Receipt::load_all(&**self.made.ledger(), &receipts).unwrap().remove(index);
            }
        }
    }

    fn propose(&mut self, wallet: usize, proposal: &Proposal) -> Proposed {
        let receipt = self.call(wallet, PROPOSE, proposal.encoded());
        assert_eq!(receipt.exit_code, ExitCode::OK);
        read_exactly(&receipt.return_data).unwrap()
    }

    fn approve(&mut self, wallet: usize, number: i64) -> Result<Approved, ExitCode> {
        let receipt = self.call(wallet, APPROVE, by_number(number, &[]));
        if receipt.exit_code != ExitCode::OK {
            assert!(receipt.return_data.is_empty());
            return Err(receipt.exit_code);
        }
        Ok(read_exactly(&receipt.return_data).unwrap())
    }

    fn tree<T>(&self, read: impl FnOnce(&StateTree<'_, apogee_simnet::Ledger>) -> T) -> T {
        let head = self.made.ledger().head();
        read(&StateTree::open(&**self.made.ledger(), &head.first().parent_state_root).unwrap())
    }

    fn resolve(&self, address: &Address) -> Option<u64> {
        self.tree(|tree| tree.resolve(address).unwrap())
    }

    fn balance(&self, address: &Address) -> TokenAmount {
        self.tree(|tree| {
            let id = tree.resolve(address).unwrap();
            id.map(|id| tree.actor(id).unwrap().unwrap().balance).unwrap_or_default()
        })
    }

    fn pending(&self, number: i64) -> Option<Transaction> {
        self.tree(|tree| {
            let multisig = tree.multisig(&self.multisig).unwrap().unwrap();
            multisig.pending(tree.store(), number).unwrap()
        })
    }

    fn id(&self, wallet: usize) -> Address {
        Address::new_id(self.made.wallet_id(wallet).unwrap())
    }

    /// The chain stands up to the verifier.
    fn verified(&self) {
        assert_accepted(&reports(&self.made, &source(&self.made)));
    }
}

fn by_number(number: i64, hash: &[u8]) -> RawBytes {
    encoded(&ProposalRef { number, hash: hash.to_vec() })
}

fn encoded(params: &impl Serialize) -> RawBytes {
    RawBytes::serialize(params).unwrap()
}

fn newcomer(number: u8) -> Address {
    Address::new_secp256k1(&[number; 65]).unwrap()
}

#[test]
fn a_proposal_is_paid_once_when_enough_have_approved_it() {
    let mut bench = Bench::new(&[1, 2, 3], 2);
    let payee = newcomer(9);
    let proposal = Proposal::transfer(payee, TokenAmount::from_nano(5 * FIL));
    let first = bench.propose(1, &proposal);
    assert_eq!((first.number, first.applied), (0, false));
    let waiting = bench.pending(0).unwrap();
    assert_eq!((waiting.to, &waiting.value, waiting.method), (payee, &proposal.value, 0));
    assert_eq!(waiting.approved, [bench.id(1)]);
    assert_eq!(bench.resolve(&payee), None, "nothing was paid yet");

    assert_eq!(bench.approve(1, 0), Err(ExitCode::USR_FORBIDDEN), "twice by the same");
    assert_eq!(bench.approve(4, 0), Err(ExitCode::USR_FORBIDDEN), "by a stranger");
    assert_eq!(bench.approve(2, 1), Err(ExitCode::USR_NOT_FOUND));
    let wrong = bench.call(2, APPROVE, by_number(0, &[1; 32]));
    assert_eq!(wrong.exit_code, ExitCode::USR_ILLEGAL_ARGUMENT, "of another proposal");
    // As `lotus msig` makes it: who proposed, by id, and what.
    let data = (Some(bench.id(1)), payee, proposal.value.clone(), 0_u64, RawBytes::default());
    let hash = apogee_filecoin::crypto::blake2b256(&encoded(&data));
    let right = bench.call(2, APPROVE, by_number(0, &hash));
    let approved: Approved = read_exactly(&right.return_data).unwrap();
    assert_eq!((approved.applied, approved.code), (true, ExitCode::OK));
    assert_eq!(bench.balance(&payee), TokenAmount::from_nano(5 * FIL));
    assert_eq!(bench.balance(&bench.multisig), TokenAmount::from_nano(95 * FIL));
    assert_eq!(bench.pending(0), None);
    assert_eq!(bench.approve(3, 0), Err(ExitCode::USR_NOT_FOUND), "it is gone");
    assert_eq!(bench.propose(2, &proposal).number, 1, "numbers are not used again");
    bench.verified();
}

#[test]
fn who_proposed_may_take_it_back_and_nobody_else() {
    let mut bench = Bench::new(&[1, 2], 2);
    bench.propose(1, &Proposal::transfer(newcomer(9), TokenAmount::from_nano(FIL)));
    let by_another = bench.call(2, CANCEL, by_number(0, &[]));
    assert_eq!(by_another.exit_code, ExitCode::USR_FORBIDDEN);
    assert!(bench.pending(0).is_some(), "what failed has changed nothing");
    let another = bench.call(1, CANCEL, by_number(0, &[1; 32]));
    assert_eq!(another.exit_code, ExitCode::USR_ILLEGAL_STATE);
    let own = bench.call(1, CANCEL, by_number(0, &[]));
    assert_eq!((own.exit_code, own.return_data.is_empty()), (ExitCode::OK, true));
    assert_eq!(bench.pending(0), None);
    assert_eq!(bench.approve(2, 0), Err(ExitCode::USR_NOT_FOUND));
    bench.verified();
}

#[test]
fn with_a_threshold_of_one_a_proposal_is_executed_at_once_well_or_not() {
    let mut bench = Bench::new(&[1], 1);
    let paid = bench.propose(1, &Proposal::transfer(newcomer(9), TokenAmount::from_nano(FIL)));
    assert_eq!((paid.applied, paid.code), (true, ExitCode::OK));
    let nobody = bench.propose(1, &Proposal::transfer(Address::new_id(99_999), TokenAmount::from_nano(FIL)));
    assert_eq!((nobody.number, nobody.applied), (1, true));
    assert!(!nobody.code.is_success());
    let called = bench
        .propose(1, &Proposal { method: 5, ..Proposal::transfer(bench.multisig, TokenAmount::default()) });
    assert_eq!((called.applied, called.code), (true, ExitCode::USR_UNHANDLED_MESSAGE));
    assert_eq!(bench.balance(&bench.multisig), TokenAmount::from_nano(99 * FIL));
    let too_much = Proposal::transfer(newcomer(9), TokenAmount::from_nano(100 * FIL));
    let short = bench.call(1, PROPOSE, too_much.encoded());
    assert_eq!(short.exit_code, ExitCode::USR_INSUFFICIENT_FUNDS);
    let negative = Proposal::transfer(newcomer(9), TokenAmount::from_atto(-1));
    assert_eq!(bench.call(1, PROPOSE, negative.encoded()).exit_code, ExitCode::USR_ILLEGAL_ARGUMENT);
    assert_eq!(bench.call(1, PROPOSE, RawBytes::new(vec![1])).exit_code, ExitCode::USR_SERIALIZATION);
    assert_eq!(bench.call(1, 5, RawBytes::default()).exit_code, ExitCode::USR_UNHANDLED_MESSAGE);
    let next = bench.tree(|tree| tree.multisig(&bench.multisig).unwrap().unwrap().next);
    assert_eq!(next, 3, "what failed has taken no number");
    // What a failed call brings goes back.
    let brought = bench.message(2, PROPOSE, too_much.encoded(), FIL);
    assert_eq!(brought.exit_code, ExitCode::USR_FORBIDDEN);
    assert_eq!(bench.balance(&bench.multisig), TokenAmount::from_nano(99 * FIL));
    bench.message(2, 0, RawBytes::default(), 7 * FIL);
    assert_eq!(bench.balance(&bench.multisig), TokenAmount::from_nano(106 * FIL));
    bench.verified();
}

#[test]
fn a_multisig_that_cannot_be_is_refused() {
    for (signers, threshold) in [(vec![], 1), (vec![1, 1], 1), (vec![1, 2], 0), (vec![1, 2], 3), (vec![8], 1)]
    {
        let multisigs = vec![Multisig { signers: signers.clone(), threshold, balance: 1 }];
        let made = Simulation::new(Recipe { multisigs, ..Recipe::default() });
        assert!(made.is_err(), "{signers:?} {threshold}");
    }
}
