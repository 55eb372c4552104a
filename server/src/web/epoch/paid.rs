use apogee_domain::series::{self, Unit};
use apogee_domain::{Epoch, SeriesName, Step, Subject, Value};

use crate::web::App;
use crate::web::figure::{Figure, Scale, coin};
use crate::web::problem::Problem;
use crate::web::scene::Scene;

impl App {
    /// What a miner was paid for its block of the scene's epoch: block reward and tips. A miner mines at most one block of a tipset.
    pub(super) async fn paid(&self, scene: &Scene, miner: &str) -> Result<[Figure; 2], Problem> {
        let (at, network) = (scene.epoch(), scene.network());
        let figure = |value| {
            let scale = Scale::of(Unit::Atto, coin(scene.now.network.kind), None);
            Figure { value, unit: Unit::Atto, scale }
        };
        // The next tipset tells it.
        let Ok(subject) = miner.parse::<Subject>() else { return Ok([figure(None); 2]) };
        if at >= scene.cursor.epoch || at == Epoch::GENESIS {
            return Ok([figure(None); 2]);
        }
        let after = self.store.subject(network, &subject, at).await?;
        let before = self.store.subject(network, &subject, at.minus(1)).await?;
        let held = |of: &[(SeriesName, Step)], series: &SeriesName| {
            let step = of.iter().find(|(name, _)| name == series);
            step.map_or(Some(Value::ZERO), |(_, step)| step.value)
        };
        let paid = |series: &SeriesName| held(&after, series)?.checked_sub(held(&before, series)?);
        Ok([series::REWARD_BLOCK, series::REWARD_GAS].map(|series| figure(paid(&series))))
    }
}
