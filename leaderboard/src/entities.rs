use std::sync::Arc;

use apogee_domain::{Digest, Epoch};
use apogee_rules::{Id, Problem};
use serde::{Deserialize, Serialize};

use crate::document::{self, epoch, interval, present, problem, repeated, text};

/// Somebody attested something about an entity, from an epoch on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// Epoch from which it holds.
    pub from: Epoch,
    /// What.
    pub what: Id,
}

/// A participant is a member in `[from, until)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// First epoch.
    pub from: Epoch,
    /// Who.
    pub participant: Id,
    /// Epoch before which it ends; it goes on if absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub until: Option<Epoch>,
}

/// A competitor (`docs/rules.md` §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// What is attested.
    pub attested: Vec<Attestation>,
    /// Its name in addresses; no participant's.
    pub id: Id,
    /// Who belongs to it, and when.
    pub members: Vec<Membership>,
    /// Its name for people.
    pub name: Arc<str>,
    /// Where it is.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub region: Option<Id>,
    /// Epoch of its registration.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub registered: Option<Epoch>,
    /// Tracks in which it takes part; empty for all.
    pub tracks: Vec<Id>,
}

/// Who competes: checked and in order.
#[derive(Clone, Debug)]
pub struct Entities {
    pub(crate) list: Vec<Entity>,
    /// Every membership as (entity, position), by participant and epoch.
    pub(crate) by_participant: Vec<(u32, u32)>,
    hash: Digest,
}

impl Entities {
    /// Read entities from JSON.
    ///
    /// # Errors
    /// The first problem: where it is and what is wrong there.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        Self::new(document::read(bytes)?)
    }

    /// Check and sort entities, which may come in any order.
    ///
    /// # Errors
    /// The first problem: where it is and what is wrong there.
    pub fn new(mut list: Vec<Entity>) -> Result<Self, Problem> {
        list.sort_by(|a, b| a.id.cmp(&b.id));
        document::length(&list, "")?;
        if let Some(entity) = repeated(&list, |entity| entity.id.clone()) {
            return Err(problem(&entity.id, "it stands there more than once"));
        }
        for entity in &mut list {
            entity.attested.sort_by(|a, b| (&a.what, a.from).cmp(&(&b.what, b.from)));
            entity.members.sort_by(|a, b| (a.from, &a.participant).cmp(&(b.from, &b.participant)));
            entity.tracks.sort();
        }
        list.iter().try_for_each(check)?;
        let hash = document::hash(&list)?;
        let by_participant = by_participant(&list)?;
        Ok(Self { list, by_participant, hash })
    }

    /// Hash of the sorted document.
    #[must_use]
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// The entities, by id.
    #[must_use]
    pub fn list(&self) -> &[Entity] {
        &self.list
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Entity> {
        let index = self.list.binary_search_by(|entity| entity.id.as_str().cmp(id)).ok()?;
        self.list.get(index)
    }

    /// The membership at a place of `by_participant`.
    pub(crate) fn membership(&self, (entity, position): (u32, u32)) -> Option<&Membership> {
        self.list.get(entity as usize)?.members.get(position as usize)
    }
}

impl Membership {
    /// `[from, until)` as numbers.
    pub(crate) fn epochs(&self) -> (i64, i64) {
        (self.from.height(), self.until.map_or(i64::MAX, Epoch::height))
    }

    pub(crate) fn holds(&self, at: i64) -> bool {
        let (from, until) = self.epochs();
        (from..until).contains(&at)
    }
}

fn check(entity: &Entity) -> Result<(), Problem> {
    let path = || entity.id.to_string();
    text(&entity.name, path)?;
    document::length(&entity.members, entity.id.as_str())?;
    entity.registered.map_or(Ok(0), |registered| epoch(registered, path))?;
    for attestation in &entity.attested {
        epoch(attestation.from, path)?;
    }
    for member in &entity.members {
        interval(member.from, member.until, || format!("{}.members.{}", entity.id, member.participant))?;
    }
    if let Some(track) = repeated(&entity.tracks, Id::clone) {
        return Err(problem(path(), format_args!("track {track} stands there more than once")));
    }
    Ok(())
}

fn by_participant(list: &[Entity]) -> Result<Vec<(u32, u32)>, Problem> {
    let mut all: Vec<(&Membership, u32, u32)> = (0_u32..)
        .zip(list)
        .flat_map(|(entity, e)| (0_u32..).zip(&e.members).map(move |(position, m)| (m, entity, position)))
        .collect();
    all.sort_by(|(a, ..), (b, ..)| (&a.participant, a.from).cmp(&(&b.participant, b.from)));
    for pair in all.windows(2) {
        let [(before, ..), (after, ..)] = pair else { continue };
        if before.participant == after.participant && before.epochs().1 > after.epochs().0 {
            let reason = format_args!("two memberships hold at epoch {}", after.from);
            return Err(problem(format_args!("members.{}", after.participant), reason));
        }
    }
    Ok(all.into_iter().map(|(_, entity, position)| (entity, position)).collect())
}
