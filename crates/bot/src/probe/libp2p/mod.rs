//! A deal is offered over libp2p: `mk/1.2.x`.

mod offer;
mod reach;

use apogee_dealbot::fault::{Circumstances, Code, Stage};
use apogee_dealbot::protocol::Offer;
use apogee_market::Rejection;
use apogee_market::ask::{StorageAsk, Unsuited};
use apogee_market_libp2p::{ExchangeError, Session, StreamFault};
use fvm_shared::address::Address;

use self::offer::Offered;
use super::means::Means;
use super::prepare;
use super::seen::{Broken, Notes};

/// Who is spoken to: a peer, and its addresses.
type At = (String, Vec<String>);

pub(super) struct Attempt {
    at: At,
    miner: Address,
    /// Nothing where it is only greeted.
    offer: Option<Offered>,
}

impl Attempt {
    pub(super) fn offer(at: At, offer: &Offer, deal: &str, status: &str) -> Result<Self, Broken> {
        let offer = Offered::read(offer, deal, status)?;
        Ok(Self { at, miner: offer.deal.client_deal_proposal.proposal.provider, offer: Some(offer) })
    }

    pub(super) fn greet(at: At, miner: &str) -> Result<Self, Broken> {
        let id = miner.get(2..).filter(|_| miner.starts_with("t0") || miner.starts_with("f0"));
        let id = id.and_then(|id| id.parse().ok());
        let none = || Broken::own(Code::ExpectedDataMissing, format!("{miner:?} is no miner"));
        Ok(Self { at, miner: Address::new_id(id.ok_or_else(none)?), offer: None })
    }

    /// Speak to the miner; offer the deal where `proposes`, and where there is one.
    pub(super) async fn make(self, means: &Means, notes: &mut Notes, proposes: bool) -> Result<(), Broken> {
        let Self { at: (peer, addresses), miner, offer } = self;
        let reached = reach::session(means, &peer, &addresses, notes).await?;
        let session = &reached.session;
        notes.begin(Stage::Identify);
        let identity = session.identify().await.map_err(|error| unanswered(&error))?;
        notes.agent = Some(identity.agent.clone()).filter(|agent| !agent.is_empty());
        notes.protocols.clone_from(&identity.protocols);
        let offered = offer.as_ref().filter(|_| proposes);
        if let Some(offered) = offered.filter(|offered| offered.sent) {
            // What became of it is asked before anything that could end the attempt: a deal that was taken stays taken.
            notes.begin(Stage::Propose);
            if knows(session, offered).await.map_err(|error| unanswered(&error))? {
                notes.begin(Stage::Accepted);
                return Ok(());
            }
        }
        if !identity.takes_deals() {
            let said = "the peer does not say that it speaks /fil/storage/mk/1.2.1 or 1.2.0";
            return Err(Broken::own(Code::ProtocolUnsupported, said));
        }
        notes.begin(Stage::Ask);
        let ask = asked(session, miner).await?;
        if let Some((ask, offer)) = ask.zip(offer.as_ref()) {
            notes.begin(Stage::PriceCheck);
            suits(&ask, offer)?;
        }
        let Some(offered) = offered else { return Ok(()) };
        notes.begin(Stage::Prepare);
        prepare::available(means, &offered.data).await?;
        notes.begin(Stage::Propose);
        propose(session, offered).await?;
        notes.begin(Stage::Accepted);
        Ok(())
    }
}

fn unanswered(error: &ExchangeError) -> Broken {
    Broken::of(error.code(), error)
}

/// What the miner asks, where it says. One that does not speak of it, or has no ask for that miner, has no opinion: what it does not take it refuses
/// when it is offered.
async fn asked(session: &Session, miner: Address) -> Result<Option<StorageAsk>, Broken> {
    match session.ask(miner).await {
        Ok(answer) => Ok(answer.ask.and_then(|signed| signed.ask)),
        Err(ExchangeError { fault: StreamFault::Unsupported(_), .. }) => Ok(None),
        Err(error) => Err(unanswered(&error)),
    }
}

fn suits(ask: &StorageAsk, offer: &Offered) -> Result<(), Broken> {
    let proposal = &offer.deal.client_deal_proposal.proposal;
    let suits = ask.suits(proposal.piece_size, proposal.verified_deal, &offer.cap);
    suits.map(drop).map_err(|unsuited| {
        let code = match unsuited {
            Unsuited::PriceOverCap { .. } => Code::AskPriceOverCap,
            Unsuited::PieceSizeOutOfRange { .. } => Code::PieceSizeOutOfRange,
        };
        Broken::own(code, unsuited.to_string())
    })
}

/// Whether the miner has the deal already. Where it does not speak of deals' states, or does not say, nobody knows but who offers it again: of one and the
/// same deal there is never a second.
async fn knows(session: &Session, offered: &Offered) -> Result<bool, ExchangeError> {
    match session.status(&offered.status).await {
        Ok(answer) => Ok(answer.deal_status.is_some()),
        Err(ExchangeError { fault: StreamFault::Unsupported(_), .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn propose(session: &Session, offered: &Offered) -> Result<(), Broken> {
    let circumstances = Circumstances { retried: Some(offered.refused), ..Circumstances::default() };
    let proposed = match session.propose(&offered.deal).await {
        Ok(proposed) => proposed,
        // It was sent, and nobody knows what became of it: perhaps the miner does.
        Err(error) if error.sent > 0 && matches!(knows(session, offered).await, Ok(true)) => return Ok(()),
        Err(error) => return Err(Broken { circumstances, ..unanswered(&error) }),
    };
    match proposed.response.rejection() {
        None | Some(Rejection::SameDeal) => Ok(()),
        Some(rejection) => {
            let said = format!("the miner does not take the deal: {}", proposed.response.message);
            Err(Broken { circumstances, ..Broken::own(crate::codes::named(rejection.code()), said) })
        }
    }
}
