//! Deals are followed on the chain: its state, verified and final, says what became of them.

use std::collections::BTreeMap;

use apogee_dealbot::deals::Word;
use apogee_dealbot::desk::{Desk, DeskError, Fate as Told};
use apogee_domain::{Epoch, Schedule, Timestamp};
use apogee_filecoin_state::{DealLabel, DealTerms};
use apogee_indexer::deals::{DealsError, Fate, Offer, Progress, Standing, follow};
use apogee_market::Label;
use apogee_market::cbor::DecodeError;
use apogee_market::deal::DealParams;
use apogee_store::{DealCourse, Page, ProbeDeal, SlotVerdict, Store, StoreError};

use super::{AHEAD, Race};
use crate::refunds::Readable;

/// Deals that are looked at in a round.
const DEALS: u32 = 500;
/// Proposals of the chain that are searched in a round.
const PROPOSALS: usize = 5_000;

/// Why deals were not followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotFollowed {
    #[error("the database refuses")]
    Store(#[from] StoreError),
    #[error("the chain cannot be read")]
    Chain(#[from] DealsError),
    #[error("slots cannot be settled")]
    Desk(#[from] DeskError),
    #[error("deal {id} does not read")]
    Deal {
        id: String,
        #[source]
        source: DecodeError,
    },
}

/// How far deals were followed. What is lost when the process ends is found again.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// Behind which deal the next round goes on.
    after: Option<(Epoch, String)>,
    progress: BTreeMap<String, Progress>,
    /// The final epoch up to which every deal was looked at.
    seen: Option<Epoch>,
}

impl Race {
    /// Look at some deals, and settle their slots where the chain has spoken.
    pub(super) async fn follow(
        &self,
        store: &dyn Store,
        (nodes, standing): (Readable, Standing),
        trail: &mut Trail,
        (now, schedule): (Timestamp, Schedule),
    ) -> Result<(), NotFollowed> {
        let Some(settled) = standing.settled else { return Ok(()) };
        // One look at all deals is enough for a state.
        if trail.after.is_none() && trail.seen == Some(settled.epoch) {
            return Ok(());
        }
        let page = Page { after: trail.after.take(), limit: DEALS };
        let deals = store.open_deals(&self.plan.network, &self.plan.race, page).await?;
        let more = deals.len() == DEALS as usize;
        let mut offers = Vec::with_capacity(deals.len());
        for deal in &deals {
            let progress =
                trail.progress.get(&deal.id).copied().unwrap_or_else(|| Progress::since(deal.after));
            let progress = Progress { deal: progress.deal.or(deal.course.deal), ..progress };
            offers.push(Offer { terms: terms(deal)?, progress });
        }
        let followed = follow(nodes, standing, offers, PROPOSALS).await?;
        // What is found counts where the index is by now: reading the chain may have taken a while.
        let Some(cursor) = store.cursor(&self.plan.network).await? else { return Ok(()) };
        let epoch = cursor.epoch.plus(AHEAD);
        let last = deals.last().map(|deal| (deal.start, deal.id.clone()));
        for (deal, followed) in deals.iter().zip(followed) {
            trail.progress.insert(deal.id.clone(), followed.progress);
            if self.told(store, deal, followed.settled, (settled.epoch, schedule), (now, epoch)).await? {
                trail.progress.remove(&deal.id);
            }
        }
        match more {
            true => trail.after = last,
            false => trail.seen = Some(settled.epoch),
        }
        Ok(())
    }

    /// Write down what the chain says of a deal, and settle its slot. Whether it is followed no more.
    async fn told(
        &self,
        store: &dyn Store,
        deal: &ProbeDeal,
        fate: Option<Fate>,
        (settled, schedule): (Epoch, Schedule),
        (now, epoch): (Timestamp, Epoch),
    ) -> Result<bool, NotFollowed> {
        let Some(fate) = fate else { return Ok(false) };
        let word = word(fate);
        let mut course = DealCourse {
            deal: fate.deal(),
            published: deal.course.published.or(fate.deal().map(|_| settled)),
            ..deal.course.clone()
        };
        match fate {
            Fate::Active { since, .. } => course.active = Some(since),
            Fate::Slashed { at, .. } => course.slashed = course.slashed.or(at).or(Some(settled)),
            _ => {}
        }
        let late = schedule.time_of(deal.start);
        let told = Told {
            id: deal.id.clone(),
            deal: fate.deal(),
            word,
            state: settled,
            made: deal.made,
            start: late,
            fetched: deal.course.fetched,
            size: deal.size,
        };
        let desk = Desk { store, plan: &self.plan };
        desk.settle_followed(&deal.key, deal.slot, told, (now, epoch)).await?;
        // Once the slot is judged, by the chain or before, nothing more can come of it.
        course.closed = verdict(store, deal).await?.is_some();
        if course != deal.course {
            let mut work = store.begin().await?;
            work.set_deal(&deal.id, &course).await?;
            work.commit().await?;
        }
        Ok(course.closed)
    }
}

async fn verdict(store: &dyn Store, deal: &ProbeDeal) -> Result<Option<SlotVerdict>, StoreError> {
    let page = Page { after: deal.slot.checked_add(1), limit: 1 };
    let slot = store.slots(&deal.key, page).await?.pop().filter(|row| row.slot == deal.slot);
    Ok(slot.and_then(|row| row.verdict))
}

const fn word(fate: Fate) -> Word {
    match fate {
        Fate::Published { .. } => Word::Published,
        Fate::Active { .. } | Fate::Ended { .. } => Word::Active,
        Fate::Slashed { .. } => Word::Lost,
        Fate::TimedOut { deal } => Word::Late { published: deal.is_some() },
    }
}

/// What was signed of a deal, as the chain has it.
fn terms(deal: &ProbeDeal) -> Result<DealTerms, NotFollowed> {
    let params = DealParams::decode(&deal.document)
        .map_err(|source| NotFollowed::Deal { id: deal.id.clone(), source })?;
    let proposal = params.client_deal_proposal.proposal;
    Ok(DealTerms {
        piece: proposal.piece_cid,
        bytes: proposal.piece_size.0,
        verified: proposal.verified_deal,
        client: proposal.client,
        provider: proposal.provider,
        label: match proposal.label {
            Label::Text(text) => DealLabel::Text(text),
            Label::Bytes(bytes) => DealLabel::Bytes(bytes),
        },
        start: proposal.start_epoch,
        end: proposal.end_epoch,
        price: proposal.storage_price_per_epoch,
        provider_collateral: proposal.provider_collateral,
        client_collateral: proposal.client_collateral,
    })
}
