use std::cmp::Ordering;
use std::collections::HashMap;

use apogee_rules::{History, Id, Problem, RuleSet};

use crate::document::problem;
use crate::effects::Effects;
use crate::entities::{Entity, Membership};
use crate::metric::{Group, Part};
use crate::time::Clock;
use crate::{Entities, Facts};

/// Everybody who competes at the epoch that is read, by id (`docs/rules.md` §3).
#[derive(Debug)]
pub(crate) struct Field<'a> {
    pub(crate) list: Vec<Competitor<'a>>,
    members: Vec<u32>,
    parts: Vec<Part>,
}

#[derive(Debug)]
pub(crate) struct Competitor<'a> {
    pub(crate) id: &'a Id,
    /// `None` where nobody claims the participant.
    pub(crate) entity: Option<&'a Entity>,
    pub(crate) region: Option<&'a Id>,
    /// The region's place among the competition's.
    pub(crate) place: Option<u32>,
    members: (u32, u32),
    parts: (u32, u32),
}

impl Competitor<'_> {
    pub(crate) fn is_in(&self, track: Option<&Id>) -> bool {
        let tracks = self.entity.map_or(&[][..], |entity| entity.tracks.as_slice());
        tracks.is_empty() || track.is_none_or(|track| tracks.contains(track))
    }
}

/// What a participant's memberships say of it.
#[derive(Default)]
struct Claims {
    /// Whether it is somebody's member at the epoch.
    now: bool,
    /// Where it is nobody's member.
    free: Vec<(i64, i64)>,
}

impl<'a> Field<'a> {
    pub(crate) fn new(
        facts: &'a Facts,
        entities: &'a Entities,
        rules: &RuleSet,
        effects: &Effects<'a>,
        clock: Clock,
    ) -> Result<Self, Problem> {
        let expected = entities.list.len().max(facts.participants.len());
        let mut field = Self { list: Vec::with_capacity(expected), members: Vec::new(), parts: Vec::new() };
        let dated = rules.entities.history == History::Dated;
        let (parts, unclaimed) = split(facts, entities, clock)?;
        let mut parts = parts.as_slice();
        let regions: HashMap<&Id, u32> = rules.competition.regions.iter().zip(0_u32..).collect();

        let mut claimed = (0_u32..).zip(&entities.list).peekable();
        let mut unclaimed = unclaimed.into_iter().peekable();
        loop {
            let order = match (claimed.peek(), unclaimed.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((_, entity)), Some((participant, _))) => {
                    entity.id.cmp(name(facts, *participant).unwrap_or(&entity.id))
                }
            };
            match order {
                Ordering::Less => {
                    if let Some((number, entity)) = claimed.next() {
                        let count = parts.partition_point(|(entity, _)| *entity <= number);
                        let (mine, others) = parts.split_at_checked(count).unwrap_or_default();
                        parts = others;
                        field.claimed(entity, mine, facts, effects, clock, dated);
                    }
                }
                Ordering::Greater => {
                    if let Some((participant, free)) = unclaimed.next()
                        && let Some(id) = name(facts, participant)
                    {
                        field.unclaimed(id, participant, &free, facts, effects, dated);
                    }
                }
                Ordering::Equal => {
                    let id = claimed.peek().map_or("", |(_, entity)| entity.id.as_str());
                    return Err(problem(format_args!("entities.{id}"), "a participant has this id"));
                }
            }
        }
        for competitor in &mut field.list {
            competitor.place = competitor.region.and_then(|region| regions.get(region)).copied();
        }
        Ok(field)
    }

    pub(crate) fn members(&self, competitor: &Competitor<'_>) -> &[u32] {
        let (from, until) = competitor.members;
        self.members.get(from as usize..until as usize).unwrap_or_default()
    }

    pub(crate) fn group<'g>(&'g self, competitor: &Competitor<'g>) -> Group<'g> {
        let (from, until) = competitor.parts;
        Group {
            region: competitor.region,
            members: self.members(competitor),
            parts: self.parts.get(from as usize..until as usize).unwrap_or_default(),
        }
    }

    /// `parts`: all memberships, by participant, then epoch.
    fn claimed(
        &mut self,
        entity: &'a Entity,
        parts: &[(u32, Part)],
        facts: &'a Facts,
        effects: &Effects<'a>,
        clock: Clock,
        dated: bool,
    ) {
        let (members, first) = (count(&self.members), count(&self.parts));
        let parts = || parts.iter().map(|(_, part)| *part);
        let now = parts().filter(|part| (part.from..part.until).contains(&clock.read));
        self.members.extend(now.map(|part| part.participant));
        let end = count(&self.members);
        if members == end {
            return;
        }
        if dated {
            self.parts.extend(parts());
        } else {
            let here = self.members.get(members as usize..).unwrap_or_default();
            self.parts.extend(here.iter().map(|participant| whole(*participant)));
        }
        let decided = effects.regions.get(entity.id.as_str()).copied();
        let region = decided.or(entity.region.as_ref()).or_else(|| {
            let here = self.members.get(members as usize..).unwrap_or_default();
            let mut regions = here.iter().map(|participant| region(facts, effects, *participant));
            let first = regions.next().flatten();
            first.filter(|first| regions.all(|other| other == Some(first)))
        });
        let (members, parts) = ((members, end), (first, count(&self.parts)));
        self.list.push(Competitor {
            id: &entity.id,
            entity: Some(entity),
            region,
            place: None,
            members,
            parts,
        });
    }

    fn unclaimed(
        &mut self,
        id: &'a Id,
        participant: u32,
        free: &[(i64, i64)],
        facts: &'a Facts,
        effects: &Effects<'a>,
        dated: bool,
    ) {
        let (members, first) = (count(&self.members), count(&self.parts));
        self.members.push(participant);
        if dated {
            self.parts.extend(free.iter().map(|(from, until)| Part {
                participant,
                from: *from,
                until: *until,
            }));
        } else {
            self.parts.push(whole(participant));
        }
        let (members, parts) = ((members, count(&self.members)), (first, count(&self.parts)));
        let region = region(facts, effects, participant);
        self.list.push(Competitor { id, entity: None, region, place: None, members, parts });
    }
}

fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

fn whole(participant: u32) -> Part {
    Part { participant, from: 0, until: i64::MAX }
}

fn name(facts: &Facts, participant: u32) -> Option<&Id> {
    facts.participants.get(participant as usize).map(|participant| &participant.id)
}

fn region<'a>(facts: &'a Facts, effects: &Effects<'a>, participant: u32) -> Option<&'a Id> {
    let participant = facts.participants.get(participant as usize)?;
    effects.regions.get(participant.id.as_str()).copied().or(participant.region.as_ref())
}

/// Participants that are unclaimed, with the epochs in which they are.
type Unclaimed = Vec<(u32, Vec<(i64, i64)>)>;

/// Memberships by entity, then participant and epoch.
type Parts = Vec<(u32, Part)>;

/// All memberships, and the participants that nobody has as a member. Both lists are walked once, side by side.
fn split(facts: &Facts, entities: &Entities, clock: Clock) -> Result<(Parts, Unclaimed), Problem> {
    let mut parts = Vec::with_capacity(entities.by_participant.len());
    let mut unclaimed = Vec::new();
    let mut rest = entities
        .by_participant
        .iter()
        .filter_map(|place| entities.membership(*place).map(|membership| (place.0, membership)))
        .peekable();
    for (participant, number) in facts.participants.iter().zip(0_u32..) {
        let mut claims = Claims::default();
        let mut free_from = 0;
        while let Some((entity, membership)) =
            rest.next_if(|(_, m): &(u32, &Membership)| m.participant == participant.id)
        {
            let (from, until) = membership.epochs();
            if membership.holds(clock.read) {
                claims.now = true;
            }
            if free_from < from {
                claims.free.push((free_from, from));
            }
            free_from = until;
            parts.push((entity, Part { participant: number, from, until }));
        }
        if !claims.now && participant.seen.height() <= clock.read {
            claims.free.push((free_from, i64::MAX));
            unclaimed.push((number, claims.free));
        }
    }
    match rest.next() {
        Some((entity, stranger)) => {
            let id = entities.list.get(entity as usize).map_or("", |entity| entity.id.as_str());
            let reason = format_args!("{} is not among the participants of the facts", stranger.participant);
            Err(problem(format_args!("entities.{id}.members"), reason))
        }
        None => {
            parts.sort_unstable();
            Ok((parts, unclaimed))
        }
    }
}
