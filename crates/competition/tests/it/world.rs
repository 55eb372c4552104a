//! A small world: three operators, some miners with real keys, a chain that stands where a test puts it.

use std::collections::BTreeMap;

use apogee_competition::claim::{Action, Chain, Envelope, Holder, Message, MinerKeys, Participant, Role};
use apogee_competition::operator::{Approval, Operator, public_key, sign};
use apogee_competition::{
    Act, Competition, Context, Draft, Entry, Hex, Kind, Pin, Refusal, Rules, Signed, Submission, Words,
    admit, propose, submit,
};
use apogee_domain::{Digest, Epoch, Timestamp};
use apogee_rules::{Id, RuleSet, canonical};
use serde_json::{Value, json};

use crate::keys::{Crypto, Wallet};

pub(crate) fn id(text: &str) -> Id {
    text.parse().unwrap()
}

pub(crate) fn at(height: i64) -> Epoch {
    Epoch::new(height).unwrap()
}

pub(crate) fn words(text: &str) -> Words {
    Words { en: text.to_owned(), zh: format!("（{text}）") }
}

pub(crate) fn hash(text: &str) -> Digest {
    canonical::sha256(text.as_bytes())
}

#[derive(Clone)]
pub(crate) struct Miner {
    pub(crate) owner: Wallet,
    pub(crate) worker: Wallet,
    pub(crate) former: Vec<String>,
    pub(crate) region: Option<Id>,
    pub(crate) multisig: Option<String>,
}

#[derive(Clone, Default)]
pub(crate) struct FakeChain {
    pub(crate) miners: BTreeMap<Id, Miner>,
    /// Multisig, proposal, commitment.
    pub(crate) approved: Vec<(String, String, Digest)>,
}

impl Chain for FakeChain {
    fn participant(&self, id: &Id, _: Epoch) -> Option<Participant> {
        self.miners.get(id).map(|miner| Participant { seen: at(0), region: miner.region.clone() })
    }

    fn keys(&self, miner: &Id, _: Epoch) -> Option<MinerKeys> {
        self.miners.get(miner).map(|miner| MinerKeys {
            owner: match &miner.multisig {
                Some(multisig) => Holder::Multisig(multisig.clone()),
                None => Holder::Key(miner.owner.address()),
            },
            worker: Holder::Key(miner.worker.address()),
            former: miner.former.clone(),
        })
    }

    fn approves(&self, multisig: &str, proposal: &str, commitment: &Digest, _: Epoch) -> bool {
        self.approved.contains(&(multisig.to_owned(), proposal.to_owned(), *commitment))
    }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) chain: FakeChain,
    pub(crate) ledger: Vec<Signed>,
    pub(crate) competition: Competition,
    pub(crate) head: i64,
    pub(crate) final_epoch: i64,
    pub(crate) collectors: u32,
    pub(crate) gaps: Vec<String>,
    pub(crate) pending: u32,
    pub(crate) nonces: u32,
}

pub(crate) const OPERATORS: [&str; 3] = ["alice", "bob", "carol"];

pub(crate) fn secret(operator: &str) -> [u8; 32] {
    hash(operator).0
}

pub(crate) fn operator(name: &str) -> Operator {
    Operator { id: id(name), key: public_key(&secret(name)) }
}

pub(crate) fn rules_json(number: u64, from: i64, supersedes: Option<Digest>, retroactive: bool) -> Value {
    let mut version = json!({"number": number, "from": from, "retroactive": retroactive, "reason": {"en": "why", "zh": "原因"}});
    if let Some(supersedes) = supersedes {
        version["supersedes"] = json!(supersedes);
    }
    json!({
        "competition": {"id": "sr1", "name": {"en": "Space Race", "zh": "太空竞赛"}, "network": "testnet", "start": 1000, "end": 9000,
            "regions": ["asia", "europe"], "tracks": ["main", "side"]},
        "version": version,
        "series": [{"name": "deals.passed", "unit": "count", "reading": "cumulative"},
            {"name": "deals.failed", "unit": "count", "reading": "cumulative"}],
        "entities": {"history": "whole", "same_region": true, "deadline": 5000},
        "metrics": [{"id": "power", "kind": "level", "series": "power.raw"},
            {"id": "deals", "kind": "rate", "passed": "deals.passed", "failed": "deals.failed", "aggregation": "pooled"}],
        "eligibility": [{"id": "claimed", "kind": "claimed"},
            {"id": "enough", "kind": "all", "checks": [
                {"id": "size", "kind": "at-least", "metric": "power", "value": "10", "per": "entity"},
                {"id": "rate", "kind": "at-least", "metric": "deals", "value": "4/5", "per": "entity"}]}],
        "boards": [{"id": "global", "metric": "power", "population": "eligible", "partition": "none", "top": 100, "cutoff": "include-all"}],
        "pools": [{"id": "main", "board": "global", "amount": {"kind": "fixed", "amount": "1000"},
                "divide": {"kind": "weight", "metric": "power"}, "rounding": "floor"},
            {"id": "bounty", "board": "global", "amount": {"kind": "by-decision"}, "divide": {"kind": "equal"}, "rounding": "floor"}],
        "vesting": {"kind": "none"}
    })
}

pub(crate) fn rule_set(value: &Value) -> Rules {
    Rules(Box::new(RuleSet::from_value(value).unwrap_or_else(|problems| panic!("{problems}"))))
}

impl World {
    pub(crate) fn empty() -> Self {
        let miner = |owner, worker, region: &str| Miner {
            owner,
            worker,
            former: vec![Wallet::secp(99).address()],
            region: (!region.is_empty()).then(|| id(region)),
            multisig: None,
        };
        let miners = [
            ("t01000", miner(Wallet::secp(1), Wallet::bls(2), "asia")),
            ("t01001", miner(Wallet::bls(3), Wallet::secp(4), "asia")),
            ("t01002", miner(Wallet::secp(5), Wallet::bls(6), "europe")),
            ("t01003", miner(Wallet::secp(7), Wallet::bls(8), "")),
            ("t01004", miner(Wallet::bls(9), Wallet::bls(10), "asia")),
        ];
        let miners = miners.into_iter().map(|(name, miner)| (id(name), miner)).collect();
        Self {
            chain: FakeChain { miners, approved: Vec::new() },
            ledger: Vec::new(),
            competition: Competition::new(id("sr1")),
            head: 100,
            final_epoch: 90,
            collectors: 1,
            gaps: Vec::new(),
            pending: 0,
            nonces: 0,
        }
    }

    pub(crate) fn founding() -> Act {
        Act::Found {
            network: "testnet".parse().unwrap(),
            domain: "apogee.example".to_owned(),
            operators: OPERATORS.map(operator).to_vec(),
            threshold: 2,
            notice: 200,
        }
    }

    pub(crate) fn founded() -> Self {
        let mut world = Self::empty();
        world.all(Self::founding()).unwrap();
        world
    }

    pub(crate) fn registering() -> Self {
        let mut world = Self::founded();
        world
            .two(Act::PublishRules { rules: rule_set(&rules_json(1, 1000, None, false)), simulation: None })
            .unwrap();
        world.one(Act::OpenRegistration).unwrap();
        world
    }

    pub(crate) fn running() -> Self {
        let mut world = Self::registering();
        world.claim("t01000", "6block", "6Block").unwrap();
        world.head = 1000;
        world.final_epoch = 990;
        world.two(Act::Start).unwrap();
        world
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            now: Timestamp::from_seconds(1_790_000_000 + 30 * self.head),
            head: at(self.head),
            final_epoch: Epoch::new(self.final_epoch),
            collectors: self.collectors,
            gaps: &self.gaps,
            pending_claims: self.pending,
            chain: &self.chain,
            verify: &Crypto,
        }
    }

    pub(crate) fn draft(&self, act: Act, by: &[&str]) -> Draft {
        Draft {
            actor: id(by[0]),
            approvers: by.iter().map(|name| id(name)).collect(),
            preview: act.is_decision().then(|| hash("effect report")),
            act,
            reason: "because".to_owned(),
            private: None,
            evidence: vec!["epoch 1".to_owned()],
        }
    }

    pub(crate) fn put(&mut self, draft: Draft) -> Result<u64, Refusal> {
        let entry = propose(&self.competition, draft, &self.context())?;
        let signed = signed(entry);
        self.admit(signed)
    }

    pub(crate) fn admit(&mut self, signed: Signed) -> Result<u64, Refusal> {
        let mut next = self.competition.clone();
        let refused = admit(&mut next, &signed, &self.context());
        if refused.is_err() {
            assert_eq!(next, self.competition, "a refusal changed something");
        }
        refused?;
        self.competition = next;
        self.ledger.push(signed);
        Ok(self.competition.seq())
    }

    pub(crate) fn by(&mut self, act: Act, by: &[&str]) -> Result<u64, Refusal> {
        let draft = self.draft(act, by);
        self.put(draft)
    }

    pub(crate) fn one(&mut self, act: Act) -> Result<u64, Refusal> {
        self.by(act, &["alice"])
    }

    pub(crate) fn two(&mut self, act: Act) -> Result<u64, Refusal> {
        self.by(act, &["bob", "alice"])
    }

    pub(crate) fn all(&mut self, act: Act) -> Result<u64, Refusal> {
        self.by(act, &OPERATORS)
    }

    pub(crate) fn message(&mut self, miner: &str, entity: &str, action: Action) -> Message {
        self.nonces += 1;
        Message {
            domain: "apogee.example".to_owned(),
            network: "testnet".parse().unwrap(),
            competition: id("sr1"),
            rules: self
                .competition
                .rules_at(at(self.head))
                .map_or_else(|| hash("none"), |published| published.hash),
            action,
            miner: id(miner),
            role: Role::Owner,
            entity: id(entity),
            nonce: format!("nonce{:016}", self.nonces),
            issued: at(self.head),
            expires: at(self.head + 100),
        }
    }

    pub(crate) fn submit(
        &mut self,
        message: &str,
        signature: &str,
        consent: Option<(Role, &str)>,
    ) -> Result<u64, Refusal> {
        let submission = Submission { message, signature, proposal: None, consent };
        let signed = submit(&self.competition, &submission, &self.context())?;
        self.admit(signed)
    }

    /// Sign a message with the keys it needs, and send it in.
    pub(crate) fn send(&mut self, message: &Message) -> Result<u64, Refusal> {
        let text = message.to_string();
        let miner = &self.chain.miners[&message.miner];
        let key = if message.role == Role::Owner { &miner.owner } else { &miner.worker };
        let signature = key.sign(&Envelope::Frc0102.wrap(text.as_bytes()));
        let leader = self.competition.entities().get(&message.entity).and_then(|entity| entity.leader());
        let consent = leader
            .filter(|_| message.action.needs_consent())
            .map(|leader| self.chain.miners[leader].worker.sign(text.as_bytes()));
        self.submit(&text, &signature, consent.as_deref().map(|signature| (Role::Worker, signature)))
    }

    pub(crate) fn ask(&mut self, miner: &str, entity: &str, action: Action) -> Result<u64, Refusal> {
        let message = self.message(miner, entity, action);
        self.send(&message)
    }

    pub(crate) fn claim(&mut self, miner: &str, entity: &str, name: &str) -> Result<u64, Refusal> {
        let region = self.chain.miners[&id(miner)].region.clone();
        self.ask(miner, entity, Action::Claim { name: name.to_owned(), region, tracks: Vec::new() })
    }

    pub(crate) fn pin(&self, epoch: i64, root: &str) -> Pin {
        let rules =
            self.competition.rules_at(at(epoch)).map_or_else(|| hash("none"), |published| published.hash);
        Pin { at: at(epoch), root: hash(root), rules, seq: self.competition.seq() }
    }
}

pub(crate) fn signed(entry: Entry) -> Signed {
    let hash = entry.hash().unwrap();
    let sign = |operator: &Id| Approval {
        operator: operator.clone(),
        signature: sign(&secret(operator.as_str()), &hash),
    };
    let signatures = entry.approvers.iter().map(sign).collect();
    Signed { entry, hash, signatures }
}

pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Kind {
    result.unwrap_err().kind
}

pub(crate) const SALT: Hex<32> = Hex([7; 32]);
