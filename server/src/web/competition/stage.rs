use std::sync::Arc;

use apogee_competition::{Competition, Pin, Published};
use apogee_domain::{Digest, Epoch, NetworkId, NetworkKind};
use apogee_rules::RuleSet;

use super::meta::{Dates, Meta, Name, Rules};
use crate::competitions::{Ground, NoStandings, Stood, Triple};
use crate::web::now;
use crate::web::query::{At, Questions, Why};
use crate::web::{App, CompetitionNow, Problem};

/// `?at=`, `&rules=`, `&seq=`: which standings are looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct TripleQuery {
    /// The epoch.
    pub(crate) at: Option<At>,
    /// Number of a version: `3` or `v3`.
    pub(crate) rules: Option<u64>,
    /// Number of an entry of the ledger.
    pub(crate) seq: Option<u64>,
}

impl Questions for TripleQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        // A form sends its empty fields too.
        match name {
            "at" | "rules" | "seq" if value.is_empty() => {}
            "at" => self.at = Some(value.parse()?),
            "rules" => {
                let number = value.strip_prefix('v').unwrap_or(value).parse();
                self.rules = Some(number.map_err(|_| Why::Number)?);
            }
            "seq" => self.seq = Some(value.parse().map_err(|_| Why::Number)?),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

/// A competition at an epoch, under some rules, up to an entry: what a page about it is made from.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// What is known of it now.
    pub(crate) now: Arc<CompetitionNow>,
    /// The ledger as it may be shown: up to the entry that was asked for, or to that of a freeze.
    pub(crate) competition: Arc<Competition>,
    /// The rules that are applied; `None` before any are published.
    pub(crate) rules: Option<Published>,
    /// The standings; `None` before the start.
    stood: Option<Arc<Stood>>,
    /// What every answer says first.
    pub(crate) meta: Meta,
}

/// What may be shown at most, and what is shown where nothing is asked for.
#[derive(Debug)]
struct Limits {
    at: Epoch,
    seq: u64,
    frozen: bool,
    shown: Shown,
}

#[derive(Debug)]
struct Shown {
    at: Epoch,
    rules: Option<Digest>,
    seq: u64,
    /// The root that was frozen or final.
    root: Option<Digest>,
}

impl Shown {
    fn of(pin: &Pin) -> Self {
        Self { at: pin.at, rules: Some(pin.rules), seq: pin.seq, root: Some(pin.root) }
    }
}

impl App {
    /// The competition of that name, as it is asked for.
    pub(crate) async fn stage(&self, id: &str, query: &TripleQuery) -> Result<Stage, Problem> {
        let now = self.now.load();
        let now = now.competition(id).cloned().ok_or_else(|| Problem::UnknownCompetition(id.to_owned()))?;
        let founding = now.held.competition().founding();
        let network = founding.map(|founding| founding.network.clone());
        let (Some(network), Some(ground)) = (network, now.ground.clone()) else {
            return Err(Problem::NoGround { competition: id.to_owned() });
        };
        let limits = Limits::of(now.held.competition(), &ground);
        let at = limits.at(&ground, id, query.at)?;
        let seq = query.seq.unwrap_or(limits.shown.seq);
        if seq > limits.seq {
            return Err(Problem::UnknownEntry { seq, last: limits.seq });
        }
        let stood_on = now.held.until(seq)?;
        let rules = limits.rules(&stood_on, at, query)?;
        let mut stood = None;
        if let Some(rules) = rules.as_ref().filter(|rules| rules.rules.competition.start <= at) {
            let triple = Triple { at, rules: rules.hash, seq };
            stood = match self.stands.stand(&now.held, &ground, triple).await {
                Ok(stood) => Some(stood),
                Err(NoStandings::NotStarted { .. }) => None,
                Err(error) => return Err(error.into()),
            };
        }
        let shown = if query.seq.is_some() || limits.frozen { seq } else { limits.seq };
        let competition = now.held.until(shown)?;
        let chain = self.chain(&network, &ground, at, query, &now).await?;
        let chain_settled = chain.is_settled();
        let snapshot = stood.as_ref().map(|stood| stood.standings.root);
        let holds = stood_on.rules_at(at).map(|published| published.hash);
        let meta = Meta {
            chain,
            competition: id.to_owned(),
            name: name(&rules, id),
            dates: dates(&competition, &ground),
            paused: competition.paused().is_some(),
            phase: competition.phase(),
            rules: rules
                .as_ref()
                .map(|rules| Rules { version: rules.rules.version.number, hash: rules.hash }),
            seq,
            snapshot,
            frozen: limits.frozen && !chain_settled,
            differs: limits.shown.root.filter(|_| !query.is_any()).filter(|root| snapshot != Some(*root)),
            simulated: rules.as_ref().is_some_and(|rules| Some(rules.hash) != holds),
            probed: self.bots.plan(id).is_some_and(|plan| plan.network == network),
            asked: query.asked(at),
        };
        Ok(Stage { now, competition, rules, stood, meta })
    }

    /// What is said of the chain at an epoch.
    async fn chain(
        &self,
        network: &NetworkId,
        ground: &Ground,
        at: Epoch,
        query: &TripleQuery,
        now: &CompetitionNow,
    ) -> Result<now::Meta, Problem> {
        let (tipset, digest) = match ground {
            Ground::Index { network, .. } => {
                let record = self.store.epoch(&network.id, at).await?;
                record.map_or_else(Default::default, |record| (record.key, record.digest))
            }
            Ground::Archive(archive) => {
                let place = archive.provenance.binary_search_by_key(&at, |row| row.epoch).ok();
                let row = place.and_then(|place| archive.provenance.get(place));
                row.map_or_else(Default::default, |row| (row.key.join(","), row.digest))
            }
        };
        let (head, final_epoch) = (ground.head(), ground.final_epoch());
        let is_final = final_epoch >= Some(at);
        let whole = matches!(query.at, Some(At::Epoch(_))) && query.rules.is_some() && query.seq.is_some();
        let is_settled = whole && is_final && at < head;
        Ok(now::Meta {
            network: network.clone(),
            epoch: at,
            time: ground.schedule().time_of(at).to_string(),
            tipset,
            digest,
            head: (!is_settled).then_some(head),
            final_epoch: final_epoch.filter(|_| !is_settled),
            is_final,
            pinned: query.is_any(),
            freshness: (!is_settled).then_some(now.freshness),
            passing: false,
            recounts: ground.network().is_some_and(|network| network.kind == NetworkKind::Spacemesh),
        })
    }
}

/// What it is called: by its rules, before any are published by its name in addresses.
fn name(rules: &Option<Published>, id: &str) -> Name {
    let name = rules.as_ref().map(|published| &published.rules.competition.name);
    let name = name.map(|name| (name.en.clone(), name.zh.clone()));
    let (en, zh) = name.unwrap_or_else(|| (id.to_owned(), id.to_owned()));
    Name { en, zh }
}

fn dates(competition: &Competition, ground: &Ground) -> Option<Dates> {
    let (start, end) = (competition.start()?, competition.end()?);
    Some(Dates { start, end, epoch_seconds: ground.schedule().epoch_seconds })
}

impl Limits {
    fn of(competition: &Competition, ground: &Ground) -> Self {
        if let Some(pin) = competition.frozen() {
            let shown = Shown::of(pin);
            return Self { at: pin.at.min(ground.head()), seq: pin.seq, frozen: true, shown };
        }
        // A network that is cut by another freeze is not shown beyond that, also where results are final.
        let last = competition.finals().last().filter(|last| last.pin.at <= ground.head());
        let shown = match last {
            Some(last) => Shown::of(&last.pin),
            None => {
                let last = competition.end().map(|end| end.minus(1));
                let at = last.map_or(ground.head(), |last| last.min(ground.head()));
                Shown { at, rules: None, seq: competition.seq(), root: None }
            }
        };
        Self { at: ground.head(), seq: competition.seq(), frozen: false, shown }
    }

    fn at(&self, ground: &Ground, id: &str, asked: Option<At>) -> Result<Epoch, Problem> {
        let at = match asked {
            None => return Ok(self.shown.at),
            Some(At::Epoch(epoch)) => epoch,
            Some(At::Time(time)) => {
                let begun = ground.schedule().epoch_of(time);
                begun.ok_or_else(|| Problem::BeforeGenesis { time: time.to_string() })?
            }
            Some(At::Final) => {
                let last = ground.final_epoch().map(|last| last.min(self.shown.at));
                last.ok_or_else(|| Problem::NoFinalEpoch { network: id.to_owned() })?
            }
        };
        match at > self.at {
            false => Ok(at),
            true if self.frozen => Err(Problem::Frozen { asked: at, at: self.at }),
            true => Err(Problem::EpochInFuture { network: id.to_owned(), asked: at, head: self.at }),
        }
    }

    /// The version that was asked for, or the one that holds.
    fn rules(
        &self,
        competition: &Competition,
        at: Epoch,
        query: &TripleQuery,
    ) -> Result<Option<Published>, Problem> {
        let versions = competition.rules();
        if let Some(version) = query.rules {
            let found = versions.iter().find(|published| published.rules.version.number == version);
            let unknown = || Problem::UnknownRules { version };
            return found.cloned().map(Some).ok_or_else(unknown);
        }
        let pinned = self.shown.rules.filter(|_| !query.is_any());
        let pinned = pinned.and_then(|hash| versions.iter().find(|published| published.hash == hash));
        Ok(pinned.or_else(|| competition.rules_at(at)).cloned())
    }
}

impl TripleQuery {
    /// Whether anything is asked for.
    pub(crate) const fn is_any(&self) -> bool {
        self.at.is_some() || self.rules.is_some() || self.seq.is_some()
    }

    /// The same as a query, without `?`.
    fn asked(&self, at: Epoch) -> String {
        let parts = [
            self.at.map(|_| format!("at=e:{at}")),
            self.rules.map(|version| format!("rules={version}")),
            self.seq.map(|seq| format!("seq={seq}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("&")
    }
}

impl Stage {
    /// Its name in addresses.
    pub(crate) fn id(&self) -> &str {
        self.now.held.id().as_str()
    }

    /// What the facts come from.
    pub(crate) fn ground(&self) -> Option<&Ground> {
        self.now.ground.as_ref()
    }

    /// The standings, if it has started by then.
    pub(crate) fn stood(&self) -> Option<&Arc<Stood>> {
        self.stood.as_ref()
    }

    /// The standings; before the start a problem.
    pub(crate) fn standing(&self) -> Result<&Arc<Stood>, Problem> {
        let start = self.competition.start();
        self.stood.as_ref().ok_or_else(|| Problem::NotStarted { start, at: self.meta.chain.epoch })
    }

    /// The rules that are applied; before any are published a problem.
    pub(crate) fn rule_set(&self) -> Result<&RuleSet, Problem> {
        self.rules.as_ref().map(|rules| &*rules.rules).ok_or(Problem::NoRules)
    }
}
