use std::sync::Arc;

use apogee_domain::NetworkId;
use apogee_spacemesh_gateway::Dialect;
use apogee_store::{Attempt, Payment, PaymentState, Store, TransferState};
use apogee_treasury::{Cashier, Config, Desk, NoFaults, open_wallet};
use apogee_treasury_spacemesh::atto;
use tempfile::TempDir;

use crate::model::run::config;
use crate::world::{World, database, payee, text};

pub(crate) const NAME: &str = "tap";

/// One wallet on a made chain and one engine.
pub(crate) struct Place {
    pub(crate) world: World,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) id: NetworkId,
    pub(crate) desk: Desk,
    pub(crate) cashier: Cashier,
    _folder: TempDir,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let (store, folder) = database().await;
        let id: NetworkId = "skipped".parse().unwrap();
        let world = World::new(store.clone(), &id, 10_000_000_000, Dialect::V2Beta1).await;
        open_wallet(&*store, &*world.chain, &id, NAME, &world.key.address(), None).await.unwrap();
        let desk = Desk {
            store: store.clone(),
            chain: world.chain.clone(),
            signer: world.key.clone(),
            faults: Arc::new(NoFaults),
            network: id.clone(),
            wallet: NAME.into(),
            config: Config { requeue_depth: 12, memory: 50, ..config() },
        };
        let cashier = Cashier::new(desk.clone(), "the only one".into());
        let mut place = Self { world, store, id, desk, cashier, _folder: folder };
        place.tick().await;
        place
    }

    pub(crate) async fn tick(&mut self) {
        self.cashier.tick(self.world.now()).await.unwrap();
    }

    pub(crate) async fn pass(&mut self, times: u64) {
        for _ in 0..times {
            self.world.mine(1);
            self.tick().await;
        }
    }

    pub(crate) async fn owe(&self, number: u64) {
        let payment = Payment {
            network: self.id.clone(),
            id: format!("grant/{number}"),
            wallet: NAME.into(),
            payee: text(&payee(number)),
            amount: atto(1_000_000 * number),
            state: PaymentState::Accepted,
            reason: String::new(),
            created: apogee_domain::Timestamp(self.world.now().0 + i64::try_from(number).unwrap()),
        };
        let mut work = self.store.begin().await.unwrap();
        assert!(work.put_payment(&payment).await.unwrap());
        work.commit().await.unwrap();
    }

    pub(crate) async fn state(&self, number: u64) -> (PaymentState, String) {
        let payment = self.store.payment(&self.id, &format!("grant/{number}")).await.unwrap().unwrap();
        (payment.state, payment.reason)
    }

    pub(crate) async fn transfers(&self) -> Vec<TransferState> {
        let all = self.store.transfers(&self.id, NAME, 0, 100).await.unwrap();
        all.into_iter().map(|transfer| transfer.state).collect()
    }

    /// The messages of a nonce.
    pub(crate) async fn stored(&self, nonce: u64) -> Vec<Attempt> {
        self.store.attempts(&self.id, NAME, nonce, nonce).await.unwrap()
    }
}
