#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod attempt;
mod canary;
mod check;
mod codes;
mod controller;
mod deliver;
mod evidence;
mod gates;
mod outbox;
mod probe;
mod settings;
mod worker;

use std::sync::Arc;

use apogee_dealbot::protocol::{Part, Task};
use apogee_domain::Clock;
use apogee_outbound::Reach;
use tokio::sync::watch;

pub use self::check::{Checked, Checker};
pub use self::settings::{Canary, InvalidSettings, Patience, Settings};

use self::attempt::Maker;
use self::canary::Canaries;
use self::controller::{Controller, NoController};
use self::deliver::Delivery;
use self::evidence::Witness;
use self::outbox::Outbox;
use self::probe::{Basis, NoProber, Prober};
use self::worker::{Course, Worker};

/// What records and requests call this.
const SOFTWARE: &str = concat!("apogee-bot/", env!("CARGO_PKG_VERSION"));

/// Why a bot does not run.
#[derive(Debug, thiserror::Error)]
pub enum BotError {
    /// A setting cannot be.
    #[error("the settings of the bot are no good")]
    Settings(#[from] InvalidSettings),
    /// The controller cannot be spoken to at all.
    #[error("the controller cannot be spoken to")]
    Controller(#[source] Source),
    /// Nothing can be dialled at all.
    #[error("nothing can be probed")]
    Probes(#[source] Source),
    /// The folder cannot be used, or another bot uses it.
    #[error("the outbox cannot be used")]
    Outbox(#[source] Source),
    /// A part that has to go on ended: a bug. What it was is in the log.
    #[error("a part of the bot broke")]
    Broke,
}

type Source = Box<dyn std::error::Error + Send + Sync>;

impl From<NoController> for BotError {
    fn from(error: NoController) -> Self {
        match error {
            NoController::Settings(error) => Self::Settings(error),
            error @ NoController::Client(_) => Self::Controller(error.into()),
        }
    }
}

/// Run a bot until `shutdown` says `true`, or its sender is gone. Then it asks for no more work, lets its attempts end for [`Patience::drain`], gives back what
/// it does not end, and sends what waits, if the controller answers.
///
/// # Errors
/// [`BotError`], before anything is asked for, but for [`BotError::Broke`]. Whether or not controller and miners answer is none of them.
pub async fn run(
    settings: Settings,
    clock: Arc<dyn Clock>,
    shutdown: watch::Receiver<bool>,
) -> Result<(), BotError> {
    settings.check()?;
    let controller = Arc::new(Controller::new(&settings, clock.clone())?);
    let probes = |error: NoProber| BotError::Probes(error.into());
    let Settings { reach, resolvers, patience, key, .. } = &settings;
    let basis = Basis::new(*reach, resolvers, *patience, key.as_bytes(), clock.clone()).map_err(probes)?;
    let prober = Arc::new(Prober::new(basis.clone()).map_err(probes)?);
    // However many miners are at its address, the canary is probed.
    let canary = Arc::new(Prober::new(basis.trusting()).map_err(probes)?);
    let outbox = Outbox::open(&settings.outbox).map_err(|error| BotError::Outbox(error.into()))?;
    let outbox = Arc::new(outbox);
    let patience = settings.patience;
    let task = Task::Gateway {
        url: settings.canary.url,
        root: settings.canary.root,
        size: settings.canary.size,
        part: Part::Whole,
        private: settings.reach == Reach::AlsoPrivate,
    };
    let (last, known) = watch::channel(None);
    let witness = Witness { name: settings.name, region: settings.region, key: settings.key };
    let canaries = Canaries { prober: canary, outbox: outbox.clone(), witness: witness.clone(), task, last };
    let maker = Maker {
        controller: controller.clone(),
        prober,
        outbox: outbox.clone(),
        witness,
        again: patience.again,
    };
    let worker = Worker {
        maker: Arc::new(maker),
        canaries: Arc::new(canaries),
        canary: known,
        interval: watch::Sender::new(None),
        delivery: Delivery { outbox, controller, patience },
        clock,
        patience,
        attempts: settings.attempts,
        course: Course::default(),
    };
    worker.work(shutdown).await.map_err(|_| BotError::Broke)
}
