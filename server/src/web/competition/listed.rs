use serde::Serialize;
use utoipa::ToSchema;

use super::{Meta, TripleQuery};
use crate::web::{App, Now, Problem};

/// A competition in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed {
    meta: Meta,
    /// How many compete, claimed or not; `null` before the start.
    entities: Option<usize>,
    /// How many of them are eligible.
    eligible: Option<usize>,
}

impl Listed {
    pub(crate) const fn meta(&self) -> &Meta {
        &self.meta
    }

    pub(crate) const fn entities(&self) -> Option<usize> {
        self.entities
    }

    pub(crate) const fn eligible(&self) -> Option<usize> {
        self.eligible
    }
}

impl App {
    /// Every competition that there is something to show of.
    pub(crate) async fn listed(&self, now: &Now) -> Result<Vec<Listed>, Problem> {
        let mut listed = Vec::new();
        for competition in &now.competitions {
            let stage = match self.stage(competition.held.id().as_str(), &TripleQuery::default()).await {
                Ok(stage) => stage,
                Err(Problem::NoGround { .. } | Problem::NoStandings(_)) => continue,
                Err(problem) => return Err(problem),
            };
            let rows = stage.stood().map(|stood| &stood.standings.entities);
            listed.push(Listed {
                entities: rows.map(Vec::len),
                eligible: rows.map(|rows| rows.iter().filter(|row| row.eligible).count()),
                meta: stage.meta,
            });
        }
        Ok(listed)
    }
}
