//! What the operators of the demo's competitions did. Their keys are made of their names, so that anybody can sign as they do: for looking at only.

use apogee_competition::operator::{Approval, Operator, public_key, sign};
use apogee_competition::{Act, Competition, Entry, Rules, Signed, Words};
use apogee_domain::{Epoch, Network};
use apogee_rules::{Id, RuleSet};
use apogee_store::{LedgerEntry, Store};
use sha2::{Digest as _, Sha256};

use crate::cli::Failure;

/// A competition that is founded, opened, started and announced.
pub(super) struct Story {
    /// The rules, as authors write them.
    pub(super) rules: &'static str,
    /// Why it is founded.
    pub(super) why: &'static str,
    /// What is announced, in short and at length, in English and in Chinese.
    pub(super) title: [&'static str; 2],
    pub(super) text: [&'static str; 2],
}

impl Story {
    /// Put the competition into a database that does not have it, if it is one on this network.
    pub(super) async fn found(&self, store: &dyn Store, network: &Network) -> Result<(), Failure> {
        let rules = RuleSet::from_toml(self.rules).map_err(Failure::world)?;
        let id = rules.competition.id.clone();
        if rules.competition.network != network.id
            || store
                .competitions()
                .await
                .map_err(Failure::world)?
                .iter()
                .any(|head| head.competition == id.as_str())
        {
            return Ok(());
        }
        let mut ledger = Ledger { network, competition: Competition::new(id), entries: Vec::new() };
        self.tell(rules, &mut ledger)?;
        let mut work = store.begin().await.map_err(Failure::world)?;
        let mut head = None;
        for signed in &ledger.entries {
            let document = signed.text().map_err(Failure::world)?;
            let entry = LedgerEntry { seq: signed.entry.seq, hash: signed.hash, document };
            work.append(ledger.competition.id().as_str(), head, &entry).await.map_err(Failure::world)?;
            head = Some((entry.seq, entry.hash));
        }
        work.commit().await.map_err(Failure::world)
    }

    fn tell(&self, rules: RuleSet, ledger: &mut Ledger<'_>) -> Result<(), Failure> {
        let operators = operators()?;
        let network = ledger.network.id.clone();
        let domain = "localhost".to_owned();
        ledger.add(0, Act::Found { network, domain, operators, threshold: 2, notice: 20 }, self.why)?;
        let rules = Rules(Box::new(rules));
        ledger.add(0, Act::PublishRules { rules, simulation: None }, "The rules of the first day.")?;
        ledger.add(0, Act::OpenRegistration, "Miners can claim their power from now on.")?;
        ledger.add(0, Act::Start, "The first epoch is there.")?;
        let words = |[en, zh]: [&str; 2]| Words { en: en.to_owned(), zh: zh.to_owned() };
        let (title, text) = (words(self.title), words(self.text));
        ledger.add(1, Act::Announce { title, text }, "So that everybody knows what this is.")
    }
}

/// A ledger while it is written.
struct Ledger<'n> {
    network: &'n Network,
    competition: Competition,
    entries: Vec<Signed>,
}

impl Ledger<'_> {
    /// Both sign everything.
    fn add(&mut self, epoch: i64, act: Act, reason: &str) -> Result<(), Failure> {
        let epoch = Epoch::new(epoch).unwrap_or_default();
        let operators = operators()?;
        let approvers: Vec<Id> = operators.iter().map(|operator| operator.id.clone()).collect();
        let head = self.competition.head();
        let entry = Entry {
            competition: self.competition.id().clone(),
            seq: self.competition.seq() + 1,
            time: self.network.time_of(epoch),
            epoch,
            actor: approvers.first().cloned().unwrap_or_else(|| self.competition.id().clone()),
            approvers,
            act,
            reason: Some(reason.to_owned()),
            private: None,
            evidence: Vec::new(),
            preview: None,
            previous: head.map(|(_, hash)| hash),
        };
        let hash = entry.hash().map_err(Failure::world)?;
        let approve = |operator: Operator| {
            let signature = sign(&secret(operator.id.as_str()), &hash);
            Approval { operator: operator.id, signature }
        };
        let signed = entry.signed(operators.into_iter().map(approve).collect()).map_err(Failure::world)?;
        self.competition.append(&signed).map_err(Failure::world)?;
        self.entries.push(signed);
        Ok(())
    }
}

/// The operators, by id.
fn operators() -> Result<Vec<Operator>, Failure> {
    ["demo-a", "demo-b"]
        .into_iter()
        .map(|name| {
            Ok(Operator { id: name.parse().map_err(Failure::world)?, key: public_key(&secret(name)) })
        })
        .collect()
}

/// The key of an operator of the demo: no secret at all.
fn secret(name: &str) -> [u8; 32] {
    Sha256::new().chain_update("apogee demo key, known to everybody: ").chain_update(name).finalize().into()
}
