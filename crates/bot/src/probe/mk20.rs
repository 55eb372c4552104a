//! A deal is offered to Curio's market over HTTP: `mk20`.

use apogee_dealbot::fault::{Circumstances, Code, Stage};
use apogee_dealbot::protocol::{Offer, Pass};
use apogee_market_http::{Authorization, Client, Failure, Limits, Ulid};
use apogee_outbound::{Pace, Request, Target};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::means::Means;
use super::prepare;
use super::seen::{Broken, Notes};

/// What Curio's market shows to everybody.
const SHOWN: &str = "/market/mk20/info/swagger.json";
/// Bytes of it at most.
const SHOWN_MOST: u64 = 4 << 20;
/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

pub(super) struct Attempt {
    base: Target,
    /// Nothing where it is only greeted.
    offer: Option<Offered>,
}

/// An offer, read.
struct Offered {
    id: Ulid,
    deal: Vec<u8>,
    passes: Vec<Pass>,
    sent: bool,
    refused: bool,
    data: String,
}

impl Attempt {
    pub(super) fn offer(url: &str, offer: &Offer, deal: &str, passes: &[Pass]) -> Result<Self, Broken> {
        let id = offer.id.parse().map_err(|error| Broken::task("the id is none", &error))?;
        let deal = STANDARD.decode(deal).map_err(|error| Broken::task("the deal is no base64", &error))?;
        let offered = Offered {
            id,
            deal,
            passes: passes.to_vec(),
            sent: offer.sent,
            refused: offer.refused,
            data: offer.data.clone(),
        };
        Ok(Self { offer: Some(offered), ..Self::greet(url)? })
    }

    pub(super) fn greet(url: &str) -> Result<Self, Broken> {
        let base = Target::parse(url).map_err(|error| Broken::of(error.code(), &error))?;
        Ok(Self { base, offer: None })
    }

    /// Offer the deal where `proposes`, and where there is one; else see whether there is a market.
    pub(super) async fn make(self, means: &Means, notes: &mut Notes, proposes: bool) -> Result<(), Broken> {
        let Some(offered) = self.offer.filter(|_| proposes) else {
            return shown(means, &self.base, notes).await;
        };
        let limits = Limits { total: means.patience.deal, ..Limits::default() };
        let talk = Talk { client: Client::new(means.client.clone(), limits), base: self.base, offered };
        if talk.offered.sent && talk.knows(means, notes).await? {
            notes.begin(Stage::Accepted);
            return Ok(());
        }
        notes.begin(Stage::Prepare);
        prepare::available(means, &talk.offered.data).await?;
        notes.begin(Stage::Propose);
        talk.propose(means, notes).await?;
        notes.begin(Stage::Accepted);
        Ok(())
    }
}

/// Whether there is a market: it shows what it understands to everybody.
async fn shown(means: &Means, base: &Target, notes: &mut Notes) -> Result<(), Broken> {
    let place = base.path().split('?').next().unwrap_or_default().trim_end_matches('/');
    let target = base.with_path(&format!("{place}{SHOWN}"));
    let target = target.map_err(|error| Broken::of(error.code(), &error))?;
    let request = Request {
        target: &target,
        accept: "application/json",
        range: None,
        body: SHOWN_MOST,
        total: means.patience.deal,
        pace: Pace::ANY,
    };
    let response = means.client.get(&request, &mut notes.trace).await;
    let response = response.map_err(|error| Broken::of(error.code(), &error))?;
    match response.status.as_u16() {
        200 => Ok(()),
        status => {
            response.body.explain(&mut notes.trace).await;
            let failure = apogee_retrieval::Failure::Status(status);
            Err(Broken::of(failure.code(), &failure))
        }
    }
}

struct Talk {
    client: Client,
    base: Target,
    offered: Offered,
}

impl Talk {
    /// Whether the miner has the deal already.
    async fn knows(&self, means: &Means, notes: &mut Notes) -> Result<bool, Broken> {
        let (minute, pass) = self.pass(means)?;
        let authorization = Authorization { header: pass.status.clone(), minute };
        match self.client.status(&self.base, self.offered.id, &authorization, &mut notes.trace).await {
            Ok(_) => Ok(true),
            // The signature is of this minute, as the bot's clock is held to: what is refused is a deal that is not known.
            Err(failure) if failure.is_unknown_deal() || matches!(failure, Failure::Unauthorized { .. }) => {
                Ok(false)
            }
            Err(failure) => Err(Broken::of(failure.code(), &failure)),
        }
    }

    async fn propose(&self, means: &Means, notes: &mut Notes) -> Result<(), Broken> {
        let (minute, pass) = self.pass(means)?;
        let authorization = Authorization { header: pass.propose.clone(), minute };
        let (deal, trace) = (&self.offered.deal, &mut notes.trace);
        let Err(failure) = self.client.propose(&self.base, deal, &authorization, trace).await else {
            return Ok(());
        };
        let name = match &failure {
            // By a clock that is held to the controller's, the signature was good all the while.
            Failure::Unauthorized { .. } if now(means) == minute => Code::RejectFilter.as_str(),
            failure => failure.code(),
        };
        let (status, headers) = (notes.trace.status, notes.trace.headers.clone());
        let body = notes.trace.error_body.clone();
        // It was sent, and nobody knows what became of it: perhaps the miner does.
        if failure.may_be_taken() && matches!(self.knows(means, notes).await, Ok(true)) {
            return Ok(());
        }
        // The answer to the offer is the one that tells.
        (notes.trace.status, notes.trace.headers, notes.trace.error_body) = (status, headers, body);
        let circumstances = Circumstances { retried: Some(self.offered.refused), ..Circumstances::default() };
        Err(Broken { circumstances, ..Broken::of(name, &failure) })
    }

    /// The pass of this minute, or of the one beside it that is nearest.
    fn pass(&self, means: &Means) -> Result<(i64, &Pass), Broken> {
        let minute = now(means);
        let apart = |pass: &&Pass| pass.minute.saturating_sub(minute).saturating_abs();
        let pass = self.offered.passes.iter().min_by_key(apart).filter(|pass| apart(pass) <= 1);
        let none = || Broken::own(Code::ExpectedDataMissing, format!("there is no pass for minute {minute}"));
        pass.map(|pass| (pass.minute, pass)).ok_or_else(none)
    }
}

fn now(means: &Means) -> i64 {
    means.clock.now().0.div_euclid(MINUTE)
}
