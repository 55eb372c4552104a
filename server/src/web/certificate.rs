use apogee_domain::Epoch;

use super::App;
use super::problem::Problem;
use super::scene::Scene;

impl App {
    /// The first certificate that makes `epoch` final: instance and its epoch. Instances ascend with epochs, so that halving finds it.
    pub(crate) async fn certificate(
        &self,
        scene: &Scene,
        epoch: Epoch,
    ) -> Result<Option<(u64, Epoch)>, Problem> {
        let network = scene.network();
        let from = |instance: u64| self.store.certificates(network, instance, 1);
        let found = |page: Vec<apogee_store::CertificateRecord>| {
            page.into_iter().next().map(|one| (one.instance, one.epoch))
        };
        let Some(first) = found(from(0).await?) else { return Ok(None) };
        if first.1 >= epoch {
            return Ok(Some(first));
        }
        // Below `low` every certificate is too early; at `high` there is one that covers the epoch, or none at all.
        let (mut low, mut width) = (first.0, 1_u64);
        let mut high = loop {
            let probe = low.saturating_add(width);
            match found(from(probe).await?) {
                Some(one) if one.1 < epoch => (low, width) = (one.0, width.saturating_mul(2)),
                _ => break probe,
            }
        };
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match found(from(middle).await?) {
                Some(one) if one.1 < epoch => low = one.0.min(high - 1),
                _ => high = middle,
            }
        }
        Ok(found(from(high).await?).filter(|one| one.1 >= epoch))
    }
}
