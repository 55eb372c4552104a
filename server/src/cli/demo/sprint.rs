//! A competition on the recording: what its operators did. Their keys are made of their names, so that anybody can sign as they do: for looking at only.

use apogee_competition::operator::{Approval, Operator, public_key, sign};
use apogee_competition::{Act, Competition, Entry, Rules, Signed, Words};
use apogee_domain::{Epoch, Network};
use apogee_rules::{Id, RuleSet};
use apogee_store::{LedgerEntry, Store};
use sha2::{Digest as _, Sha256};

use crate::cli::Failure;

/// The rules, as authors write them.
const RULES: &str = include_str!("../../../../examples/rules/devnet-sprint.toml");

/// Put the competition into a database that does not have it.
pub(super) async fn found(store: &dyn Store, network: &Network) -> Result<(), Failure> {
    let rules = RuleSet::from_toml(RULES).map_err(Failure::world)?;
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
    let mut story = Story { network, competition: Competition::new(id), entries: Vec::new() };
    story.tell(rules)?;
    let mut work = store.begin().await.map_err(Failure::world)?;
    let mut head = None;
    for signed in &story.entries {
        let document = signed.text().map_err(Failure::world)?;
        let entry = LedgerEntry { seq: signed.entry.seq, hash: signed.hash, document };
        work.append(story.competition.id().as_str(), head, &entry).await.map_err(Failure::world)?;
        head = Some((entry.seq, entry.hash));
    }
    work.commit().await.map_err(Failure::world)
}

/// A ledger while it is written.
struct Story<'n> {
    network: &'n Network,
    competition: Competition,
    entries: Vec<Signed>,
}

impl Story<'_> {
    fn tell(&mut self, rules: RuleSet) -> Result<(), Failure> {
        let operators = operators()?;
        let network = self.network.id.clone();
        let domain = "localhost".to_owned();
        self.add(
            0,
            Act::Found { network, domain, operators, threshold: 2, notice: 20 },
            "A sprint to look at.",
        )?;
        let rules = Rules(Box::new(rules));
        self.add(0, Act::PublishRules { rules, simulation: None }, "The rules of the first day.")?;
        self.add(0, Act::OpenRegistration, "Miners can claim their power from now on.")?;
        self.add(0, Act::Start, "The first epoch is there.")?;
        let title = words("The sprint runs", "冲刺赛已开始");
        let text = words(
            "Three miners of a recorded Lotus network race for 311 epochs. The chain is real, the prizes are not.",
            "录制的 Lotus 网络上的三个矿工竞赛 311 个高度。链是真实的，奖励不是。",
        );
        self.add(1, Act::Announce { title, text }, "So that everybody knows what this is.")?;
        Ok(())
    }

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

fn words(en: &str, zh: &str) -> Words {
    Words { en: en.to_owned(), zh: zh.to_owned() }
}
