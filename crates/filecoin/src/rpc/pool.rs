use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cid::Cid;
use futures::future::join_all;
use fvm_shared::bigint::BigInt;
use tokio::time::Instant;

use super::client::Client;
use super::dialect::Meaning;
use super::error::{Fault, RpcError};
use crate::types::{Tipset, TipsetKey};

/// Several nodes of one network as one: whoever is well is asked first, and the next one when it fails.
#[derive(Debug)]
pub struct Pool {
    members: Vec<Member>,
    /// The genesis block that all have to share: configured, or that of the first node that answered.
    genesis: Mutex<Option<Cid>>,
}

struct Member {
    client: Arc<Client>,
    health: Mutex<EndpointHealth>,
}

/// How an endpoint has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Calls in a row that gave no usable answer.
    pub failures: u32,
    /// Answers, ever, that could not be right.
    pub dishonest: u32,
    /// Moving average of the time an answer takes.
    pub latency: Option<Duration>,
    /// Its genesis block, once it was asked.
    pub genesis: Option<Cid>,
    /// Its head when it was last asked.
    pub head: Option<Tipset>,
    /// Whether its head did not stand up to verification: see [`Pool::distrust`].
    pub distrusted: bool,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.client.name())
    }
}

/// All heads at one moment.
#[derive(Debug)]
pub struct Heads {
    /// The heaviest one by parent weight, then win counts, of nodes of the right chain that are trusted and did not go backward.
    pub best: Tipset,
    /// What each node said, in the order of the pool.
    pub endpoints: Vec<EndpointHead>,
}

/// One node's head.
#[derive(Debug)]
pub struct EndpointHead {
    /// The endpoint's name.
    pub name: String,
    /// What its head is like.
    pub state: HeadState,
}

/// What a node's head is like beside the others'.
#[derive(Debug)]
pub enum HeadState {
    /// It is the best one.
    Leading,
    /// It is lighter, by so many epochs; 0 when it is another tipset of the same epoch.
    Behind(i64),
    /// It is lighter than the one the same node gave before: the node fell back, or says now this and now that.
    Backward {
        /// Before.
        before: Tipset,
        /// Now.
        now: Tipset,
    },
    /// A head of this node did not stand up to verification.
    Distrusted(Tipset),
    /// Its genesis is another one. The node is not asked again.
    OtherChain(Cid),
    /// It gave no usable answer.
    Failed(RpcError),
}

/// What forks are chosen by, as far as it can be told from a head alone.
fn weight(tipset: &Tipset) -> (BigInt, i64) {
    let wins = |block: &crate::types::BlockHeader| block.election_proof.as_ref().map_or(0, |p| p.win_count);
    let wins = tipset.blocks().iter().map(wins).fold(0, i64::saturating_add);
    (tipset.first().parent_weight.clone(), wins)
}

impl Member {
    fn health(&self) -> MutexGuard<'_, EndpointHealth> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, started: Instant, fault: Option<&Fault>) {
        let mut health = self.health();
        match fault {
            None => {
                let taken = started.elapsed();
                health.latency = Some(health.latency.map_or(taken, |latency| (latency * 7 + taken) / 8));
                health.failures = 0;
            }
            // A refusal is an answer.
            Some(Fault::Rpc { .. }) => health.failures = 0,
            Some(Fault::Malformed(_)) => {
                health.failures = health.failures.saturating_add(1);
                health.dishonest = health.dishonest.saturating_add(1);
            }
            Some(_) => health.failures = health.failures.saturating_add(1),
        }
    }
}

impl Pool {
    /// A pool of these nodes. `genesis` is the network's genesis block, where it is known beforehand.
    #[must_use]
    pub fn new(clients: Vec<Arc<Client>>, genesis: Option<Cid>) -> Self {
        let member = |client| Member { client, health: Mutex::default() };
        Self { members: clients.into_iter().map(member).collect(), genesis: Mutex::new(genesis) }
    }

    /// The nodes, in the order they were given.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.members.iter().map(|member| &member.client)
    }

    /// How each node has done: name and health.
    #[must_use]
    pub fn health(&self) -> Vec<(String, EndpointHealth)> {
        self.members.iter().map(|member| (member.client.name().to_owned(), member.health().clone())).collect()
    }

    /// Say that `head` did not stand up to verification. Nodes that have it as their head are from now on asked last, and theirs
    /// is not chosen while another node stands: a liar could otherwise lead for ever with a weight that it made up.
    ///
    /// Returns the names of those that were trusted until now.
    pub fn distrust(&self, head: &TipsetKey) -> Vec<String> {
        let mut set_aside = Vec::new();
        for member in &self.members {
            let mut health = member.health();
            if !health.distrusted && health.head.as_ref().is_some_and(|tipset| tipset.key() == head) {
                health.distrusted = true;
                set_aside.push(member.client.name().to_owned());
                tracing::warn!(endpoint = member.client.name(), %head, "a head that does not stand up to verification");
            }
        }
        set_aside
    }

    fn genesis(&self) -> MutexGuard<'_, Option<Cid>> {
        self.genesis.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The members that may be asked, the best first.
    fn by_health(&self) -> Vec<&Member> {
        let genesis = *self.genesis();
        let foreign = |health: &EndpointHealth| health.genesis.is_some() && health.genesis != genesis;
        let mut members: Vec<_> = self.members.iter().filter(|member| !foreign(&member.health())).collect();
        members.sort_by_cached_key(|member| {
            let health = member.health();
            (health.distrusted, health.failures, health.dishonest, health.latency)
        });
        members
    }

    /// The first usable answer to `question`, which is asked of one node after the other.
    ///
    /// # Errors
    /// When no node gives one. [`Meaning::NotFound`] only when every node says so: one that cannot be reached might know.
    pub async fn ask<T, F, A>(&self, question: F) -> Result<T, RpcError>
    where
        F: Fn(Arc<Client>) -> A + Send + Sync,
        A: Future<Output = Result<T, RpcError>> + Send,
    {
        let mut worst: Option<RpcError> = None;
        for member in self.by_health() {
            let started = Instant::now();
            let answer = question(member.client.clone()).await;
            member.note(started, answer.as_ref().err().map(|error| &error.fault));
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    tracing::debug!(%error, "asking the next endpoint");
                    let absent = |error: &RpcError| error.fault.meaning() == Some(Meaning::NotFound);
                    if worst.as_ref().is_none_or(|worst| absent(worst) && !absent(&error)) {
                        worst = Some(error);
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(|| RpcError {
            endpoint: "the pool".into(),
            method: "(any)",
            fault: Fault::Transport("no endpoint of this network is left".into()),
        }))
    }

    /// The heads of all nodes, compared.
    ///
    /// # Errors
    /// When no node of the right chain gives one.
    pub async fn heads(&self) -> Result<Heads, RpcError> {
        let mut answers = Vec::with_capacity(self.members.len());
        for (member, answer) in join_all(self.members.iter().map(|member| self.head_of(member))).await {
            answers.push((member.client.name().to_owned(), answer));
        }
        // When all went backward the chain itself was set back.
        let candidates = answers.iter().filter_map(|(_, answer)| answer.candidate());
        let best = candidates.max_by_key(|(worse, tipset)| (std::cmp::Reverse(*worse), weight(tipset)));
        let best = best.map(|(_, tipset)| tipset);
        let Some(best) = best.cloned() else {
            let failed = answers.into_iter().find_map(|(_, answer)| match answer {
                Answer::Failed(error) => Some(error),
                _ => None,
            });
            return Err(failed.unwrap_or_else(|| RpcError {
                endpoint: "the pool".into(),
                method: "ChainHead",
                fault: Fault::Transport("no endpoint of this network is left".into()),
            }));
        };
        let state = |answer| match answer {
            Answer::Head(tipset) if tipset == best => HeadState::Leading,
            Answer::Head(tipset) => HeadState::Behind(best.epoch().since(tipset.epoch())),
            Answer::Backward { before, now } => HeadState::Backward { before, now },
            Answer::Distrusted(now) => HeadState::Distrusted(now),
            Answer::OtherChain(genesis) => HeadState::OtherChain(genesis),
            Answer::Failed(error) => HeadState::Failed(error),
        };
        let endpoints =
            answers.into_iter().map(|(name, answer)| EndpointHead { name, state: state(answer) }).collect();
        Ok(Heads { best, endpoints })
    }

    async fn head_of<'a>(&self, member: &'a Member) -> (&'a Member, Answer) {
        let started = Instant::now();
        let known = member.health().genesis;
        let genesis = match known {
            Some(genesis) => Ok(genesis),
            None => member.client.chain_genesis().await.map(|tipset| tipset.first().cid()),
        };
        let genesis = match genesis {
            Ok(genesis) => genesis,
            Err(error) => {
                member.note(started, Some(&error.fault));
                return (member, Answer::Failed(error));
            }
        };
        member.health().genesis = Some(genesis);
        if *self.genesis().get_or_insert(genesis) != genesis {
            return (member, Answer::OtherChain(genesis));
        }
        let head = member.client.chain_head().await;
        member.note(started, head.as_ref().err().map(|error| &error.fault));
        let answer = match head {
            Err(error) => Answer::Failed(error),
            Ok(now) => {
                let mut health = member.health();
                match health.head.replace(now.clone()) {
                    _ if health.distrusted => Answer::Distrusted(now),
                    Some(before) if weight(&now) < weight(&before) => Answer::Backward { before, now },
                    _ => Answer::Head(now),
                }
            }
        };
        (member, answer)
    }
}

/// What a node answered, before the best head is known.
enum Answer {
    Head(Tipset),
    Backward { before: Tipset, now: Tipset },
    Distrusted(Tipset),
    OtherChain(Cid),
    Failed(RpcError),
}

impl Answer {
    /// The head that was given, and how little it is worth beside another: 0 is best.
    fn candidate(&self) -> Option<(u8, &Tipset)> {
        match self {
            Self::Head(tipset) => Some((0, tipset)),
            Self::Backward { now, .. } => Some((1, now)),
            Self::Distrusted(now) => Some((2, now)),
            Self::OtherChain(_) | Self::Failed(_) => None,
        }
    }
}
