//! The ledger as it grows: every entry passes the guards that entries of a real one pass.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow, bail};
use apogee_competition::claim::{Action, Envelope, Message, Role};
use apogee_competition::operator::{Approval, Operator, public_key, sign};
use apogee_competition::{
    Act, Competition, Context, Draft, Entry, Hex, Needs, Pin, Signed, Submission, admit, payout_commitment,
    propose, submit,
};
use apogee_domain::{Digest, Epoch, Timestamp};
use apogee_leaderboard::{Facts, FactsDocument, Standings, compare, stand};
use apogee_package::facts_until;
use apogee_rules::{Id, RuleSet, canonical};

use crate::draw::{between, bytes};
use crate::keys::{Signatures, Wallet};
use crate::people::{People, Team};
use crate::time::epoch;
use crate::versions::NAME;

/// Who acts for the organisers.
const OPERATORS: [&str; 3] = ["organiser-1", "organiser-2", "organiser-3"];
/// The site that claims are made for.
pub(crate) const DOMAIN: &str = "sr1-history.example";
/// Epochs after which nothing changes any more.
const FINALITY: i64 = 900;

/// The ledger, and what is known beside it.
pub(crate) struct Book<'a> {
    pub(crate) people: &'a People,
    pub(crate) facts: &'a FactsDocument,
    pub(crate) competition: Competition,
    pub(crate) entries: Vec<Signed>,
    /// Numbers of entries that later ones are about.
    pub(crate) named: BTreeMap<&'static str, u64>,
    now: Timestamp,
}

fn secret(operator: &str) -> [u8; 32] {
    bytes(&format!("operator {operator}"))
}

/// All operators, with their keys.
pub(crate) fn operators() -> Result<Vec<Operator>> {
    let operator = |name: &&str| Ok(Operator { id: name.parse()?, key: public_key(&secret(name)) });
    OPERATORS.iter().map(operator).collect()
}

/// Where an entity is paid, and what hides it until results are final.
pub(crate) fn payout(team: &Id) -> Result<(String, Hex<32>)> {
    let wallet = Wallet::of(&format!("payout of {team}"))?;
    Ok((wallet.address, Hex(bytes(&format!("salt of {team}")))))
}

impl<'a> Book<'a> {
    pub(crate) fn new(people: &'a People, facts: &'a FactsDocument) -> Result<Self> {
        Ok(Self {
            people,
            facts,
            competition: Competition::new(NAME.parse()?),
            entries: Vec::new(),
            named: BTreeMap::new(),
            now: Timestamp::from_seconds(0),
        })
    }

    /// Go to a moment; none before the one that was.
    pub(crate) fn at(&mut self, now: Timestamp) -> Result<()> {
        if now < self.now {
            bail!("{now} is before {}", self.now);
        }
        self.now = now;
        Ok(())
    }

    fn head(&self) -> Epoch {
        epoch(self.now)
    }

    fn context(&self) -> Context<'_> {
        let head = self.head();
        Context {
            now: self.now,
            head,
            final_epoch: Epoch::new(head.height() - FINALITY),
            collectors: 1,
            gaps: &[],
            pending_claims: 0,
            chain: self.people,
            verify: &Signatures,
        }
    }

    /// The number of an entry that has a name.
    pub(crate) fn number(&self, name: &str) -> Result<u64> {
        self.named.get(name).copied().with_context(|| format!("nothing is named {name}"))
    }

    /// Let organisers act, as many as have to.
    pub(crate) fn act(&mut self, act: Act, reason: &str, evidence: &[&str]) -> Result<u64> {
        let kind = act.kind();
        let count = match act.needs() {
            Needs::Nobody => bail!("{kind} is not an organiser's"),
            Needs::One => 1,
            Needs::Threshold => 2,
            Needs::Everybody => OPERATORS.len(),
        };
        // Not always the same ones.
        let skip = usize::try_from(self.competition.seq() % OPERATORS.len() as u64)?;
        let approvers: Vec<Id> = OPERATORS
            .iter()
            .cycle()
            .skip(skip)
            .take(count)
            .map(|name| name.parse())
            .collect::<Result<_, _>>()?;
        let actor = approvers.first().cloned().context("nobody acts")?;
        let mut draft = Draft {
            actor,
            approvers,
            act,
            reason: reason.to_owned(),
            private: None,
            evidence: evidence.iter().map(|line| (*line).to_owned()).collect(),
            preview: None,
        };
        // Guards want to see the hash of a report; which one comes out is known once there is an entry.
        set(&mut draft, &self.competition, Digest::default());
        let entry =
            propose(&self.competition, draft.clone(), &self.context()).map_err(|why| refused(kind, &why))?;
        if let Some(report) = self.report(&entry)? {
            set(&mut draft, &self.competition, report);
        }
        let entry = propose(&self.competition, draft, &self.context()).map_err(|why| refused(kind, &why))?;
        self.admit(signed(entry)?)
    }

    /// The hash of the report of what an entry does to everybody, read at the last epoch that is whole; `None` for one that changes no standings.
    fn report(&self, entry: &Entry) -> Result<Option<Digest>> {
        let before = &self.competition;
        let (old, new) = match &entry.act {
            Act::PublishRules { rules, .. } => match before.rules().last() {
                Some(last) => (&*last.rules, &*rules.0),
                None => return Ok(None),
            },
            act if act.is_decision() => {
                let holds = &*before.rules_at(entry.epoch).context("no rules hold")?.rules;
                (holds, holds)
            }
            _ => return Ok(None),
        };
        let after = before.after(entry).map_err(|why| refused(entry.act.kind(), &why))?;
        let at = entry.epoch.minus(1);
        let (before, after) = (self.standings(before, at, old)?, self.standings(&after, at, new)?);
        canonical::hash(&compare(&before, &after)).map(Some).context("the report has no hash")
    }

    fn standings(&self, competition: &Competition, at: Epoch, rules: &RuleSet) -> Result<Standings> {
        let versions: Vec<RuleSet> =
            competition.rules().iter().map(|published| (*published.rules).clone()).collect();
        let wrong = |problem| anyhow!("{problem}");
        let facts = Facts::new(facts_until(self.facts.clone(), &versions, at)).map_err(wrong)?;
        let entities = competition.entities_document().map_err(wrong)?;
        let decisions = competition.decisions_document().map_err(wrong)?;
        stand(&facts, &entities, rules, &decisions, at, competition.seq()).map_err(wrong)
    }

    /// The standings of an epoch as the ledger has them now, and what names them.
    pub(crate) fn pinned(&self, at: Epoch) -> Result<(Pin, Standings)> {
        let holds = self.competition.rules_at(at).context("no rules hold")?;
        let standings = self.standings(&self.competition, at, &holds.rules)?;
        let pin = Pin { at, root: standings.root, rules: holds.hash, seq: self.competition.seq() };
        Ok((pin, standings))
    }

    /// Let the leader of an entity, or whoever asks, send in a signed message.
    pub(crate) fn ask(&mut self, team: &Team, miner: &Id, action: Action) -> Result<u64> {
        let what = action.name();
        let head = self.head();
        let rules = self.competition.rules_at(head).context("no rules hold")?.hash;
        let asker = self.people.miner(miner).with_context(|| format!("{miner} is nobody"))?;
        let draw = |what: &str| between(&format!("{what} {}", self.competition.seq()), 0, 4);
        // Most sign with the owner's key, and as Lotus did in 2020: without an envelope.
        let role = if draw("role") == 0 { Role::Worker } else { Role::Owner };
        let envelope = if draw("envelope") == 0 { Envelope::Frc0102 } else { Envelope::Raw };
        let nonce = bytes(&format!("nonce {}", self.competition.seq()));
        let consents = action.needs_consent();
        let message = Message {
            domain: DOMAIN.to_owned(),
            network: NAME.parse()?,
            competition: NAME.parse()?,
            rules,
            action,
            miner: miner.clone(),
            role,
            entity: team.id.clone(),
            nonce: hex::encode(nonce.get(..12).unwrap_or_default()),
            issued: head,
            expires: head.plus(120),
        };
        let text = message.to_string();
        let wrapped = envelope.wrap(text.as_bytes());
        let key = if role == Role::Owner { &asker.owner } else { &asker.worker };
        let signature = key.sign(&wrapped)?;
        let leader = self.people.members(team).next().filter(|_| consents);
        let consent = leader.map(|leader| leader.owner.sign(&wrapped)).transpose()?;
        let consent = consent.as_deref().map(|signature| (Role::Owner, signature));
        let submission = Submission { message: &text, signature: &signature, proposal: None, consent };
        let signed =
            submit(&self.competition, &submission, &self.context()).map_err(|why| refused(what, &why))?;
        self.admit(signed)
    }

    fn admit(&mut self, signed: Signed) -> Result<u64> {
        let mut competition = self.competition.clone();
        admit(&mut competition, &signed, &self.context())
            .map_err(|why| refused(signed.entry.act.kind(), &why))?;
        self.competition = competition;
        self.entries.push(signed);
        Ok(self.competition.seq())
    }

    /// The commitment to where an entity is paid.
    pub(crate) fn commitment(team: &Team) -> Result<Digest> {
        let (address, salt) = payout(&team.id)?;
        Ok(payout_commitment(&salt, &address))
    }
}

/// Put the hash of a report where the act has one.
fn set(draft: &mut Draft, competition: &Competition, report: Digest) {
    draft.preview = draft.act.is_decision().then_some(report);
    if let Act::PublishRules { simulation, .. } = &mut draft.act {
        *simulation = (!competition.rules().is_empty()).then_some(report);
    }
}

fn signed(entry: Entry) -> Result<Signed> {
    let hash = entry.hash().map_err(|why| refused("entry", &why))?;
    let approval = |operator: &Id| {
        let signature = sign(&secret(operator.as_str()), &hash);
        Approval { operator: operator.clone(), signature }
    };
    let signatures = entry.approvers.iter().map(approval).collect();
    entry.signed(signatures).map_err(|why| refused("entry", &why))
}

fn refused(what: &str, why: &apogee_competition::Refusal) -> anyhow::Error {
    anyhow!("{what} is refused: {why}")
}
