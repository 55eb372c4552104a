//! When nothing counts.

use apogee_domain::Timestamp;
use apogee_store::{ProbeRest, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use super::Probing;
use crate::web::competition::Stage;

/// Rests that are told.
const RESTS: usize = 50;
/// How far ahead they are looked for, microseconds: thirty-one days.
const AHEAD: i64 = 31 * 86_400_000_000;

/// A while in which nothing counts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeRest)]
pub(super) struct RestView {
    /// For whom; `null` for everybody.
    pub(super) miner: Option<String>,
    pub(super) from: String,
    pub(super) to: String,
    /// `maintenance`, `pause`, `chain_stall`, `basefee_spike` or `chain_reset`.
    pub(super) why: String,
    /// When that was said, or found out.
    pub(super) said: String,
    /// What was said, word for word.
    pub(super) statement: String,
    /// The signature of the statement, as the wallet printed it; empty where it is the controller's own.
    pub(super) signature: String,
}

impl RestView {
    pub(super) fn new(rest: &ProbeRest) -> Self {
        Self {
            miner: Some(rest.miner.clone()).filter(|miner| !miner.is_empty()),
            from: rest.from.to_string(),
            to: rest.to.to_string(),
            why: rest.why.clone(),
            said: rest.said.to_string(),
            statement: rest.statement.clone(),
            signature: rest.signature.clone(),
        }
    }
}

impl Probing<'_> {
    /// The newest rests: those of a miner and of everybody, or all of them.
    pub(super) async fn rests(
        &self,
        stage: &Stage,
        miner: Option<&str>,
    ) -> Result<Vec<RestView>, StoreError> {
        let to = self.to(stage);
        let until = Timestamp(to.0.saturating_add(AHEAD));
        let mut rests =
            self.store.rests(&self.plan.network, &self.plan.race, Timestamp::default(), until).await?;
        // At an earlier epoch nobody had said it yet.
        rests.retain(|rest| self.until.is_none() || rest.said <= to);
        rests.retain(|rest| miner.is_none_or(|miner| rest.miner.is_empty() || rest.miner == miner));
        Ok(rests.iter().rev().take(RESTS).map(RestView::new).collect())
    }
}
