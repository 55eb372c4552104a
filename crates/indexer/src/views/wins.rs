use std::sync::Arc;

use apogee_domain::series::EXPECTED_WINS;
use apogee_domain::{Epoch, Subject};
use apogee_filecoin::crypto::sortition::expected_wins_nano;
use apogee_filecoin::types::{BlockHeader, Tipset};
use apogee_filecoin::verify::{NetworkParams, Verifier};
use apogee_filecoin_state::{ReadError, StateTree};
use cid::Cid;

use super::{Names, unread};
use crate::fold::Flow;
use crate::nodes::Nodes;

/// What every miner can expect to win in an epoch, by the look-back state that its elections use.
#[derive(Clone, Debug, Default)]
pub(crate) struct WinsView(Option<(Cid, Expected)>);

/// Expected wins of each miner that may win, thousand-millionths.
type Expected = Arc<[(Subject, u64)]>;

impl WinsView {
    /// The expectations of the round `epoch` on the parent of `tipset`: its own round, or a null round just before it.
    pub(crate) fn read(
        &mut self,
        nodes: &Nodes,
        names: &Names,
        params: &NetworkParams,
        verifier: &mut Verifier,
        (tipset, epoch): (&Tipset, Epoch),
    ) -> Vec<Flow> {
        let state = round(tipset, epoch).and_then(|round| verifier.lookback_state(&round));
        let Some(expected) = state.and_then(|root| self.expected(nodes, names, params, root)) else {
            return vec![Flow::Lost(EXPECTED_WINS, epoch)];
        };
        let add = |(miner, nano): &(Subject, u64)| {
            Flow::Add(EXPECTED_WINS, miner.clone(), epoch, Some(u128::from(*nano)))
        };
        expected.iter().map(add).collect()
    }

    fn expected(
        &mut self,
        nodes: &Nodes,
        names: &Names,
        params: &NetworkParams,
        root: Cid,
    ) -> Option<Expected> {
        if let Some((known, expected)) = &self.0
            && *known == root
        {
            return Some(Arc::clone(expected));
        }
        let read = (|| {
            let power = StateTree::open(nodes, &root)?.power()?;
            let claims = power.claims(nodes)?.into_iter();
            let may_win =
                claims.filter(|(_, claim)| power.meets_minimum(claim, &params.min_power, params.min_miners));
            let expect = |(miner, claim): (u64, apogee_filecoin_state::Claim)| {
                Some((names.miner(miner), expected_wins_nano(&claim.power.qa, &power.total().qa)?))
            };
            Ok(may_win.filter_map(expect).collect::<Expected>())
        })();
        let expected = read.map_err(|error: ReadError| unread("look-back power", &error)).ok()?;
        self.0 = Some((root, Arc::clone(&expected)));
        Some(expected)
    }
}

/// A tipset that would have been mined in that round, as far as looking back goes.
fn round(tipset: &Tipset, epoch: Epoch) -> Option<Tipset> {
    if tipset.epoch() == epoch {
        return Some(tipset.clone());
    }
    Tipset::new(vec![BlockHeader { height: epoch.height(), ..tipset.first().clone() }]).ok()
}
