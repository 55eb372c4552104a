mod changes;
mod page;
mod paid;

use apogee_domain::{Digest, Epoch, Value};
use apogee_store::{CheckRecord, EpochKind, Page as StorePage, Reconciliation};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use self::changes::Changed;
use self::page::Page;
use super::App;
use super::ask::Ask;
use super::figure::Figure;
use super::now::Meta;
use super::problem::Problem;
use super::query::{Asked, At, Nothing};
use super::scene::Scene;
use super::schema;
use super::view::{Csv, View};

/// Epochs on either side of the tape.
const TAPE: u32 = 30;
/// One epoch: what happened, what was checked, what changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EpochView {
    meta: Meta,
    /// `tipset` or `null`, for a round without a block.
    kind: &'static str,
    #[schema(value_type = i64)]
    parent: Epoch,
    state_root: String,
    #[schema(value_type = String)]
    weight: Value,
    #[schema(value_type = String)]
    base_fee: apogee_domain::Atto,
    network_version: Option<u32>,
    #[schema(value_type = Option<String>)]
    previous_digest: Option<Digest>,
    blocks: Vec<Block>,
    #[schema(value_type = Vec<schema::Check>)]
    checks: Vec<CheckRecord>,
    #[schema(value_type = Vec<schema::Sum>)]
    reconciled: Vec<Reconciliation>,
    /// Steps that begin at this epoch.
    changes: Vec<Changed>,
    /// The first finality certificate that covers it.
    certificate: Option<u64>,
    #[serde(skip)]
    scene: Scene,
    #[serde(skip)]
    around: Vec<(Epoch, usize)>,
}

/// A block with what it was paid, as far as that is known.
#[derive(Debug, Serialize, ToSchema)]
struct Block {
    cid: String,
    miner: String,
    win_count: u32,
    messages: u32,
    /// Without tips; `null` until the next tipset has told it.
    #[schema(value_type = Option<String>)]
    block_reward: Figure,
    #[schema(value_type = Option<String>)]
    tips: Figure,
}

/// `GET /n/{network}/e/{epoch}`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((network, epoch)): Path<(String, String)>,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Problem> {
    let epoch: Epoch = epoch.parse().map_err(|_| Problem::NotAnEpoch { written: epoch })?;
    let scene = app.scene(&network, Some(At::Epoch(epoch))).await?;
    let before = match epoch {
        Epoch::GENESIS => None,
        epoch => app.store.epoch(scene.network(), epoch.minus(1)).await?,
    };
    let changes = app.changes(&scene).await?;
    let around = StorePage { after: Some(epoch.plus(TAPE + 1)), limit: 2 * TAPE + 1 };
    let around = app.store.epochs(scene.network(), around).await?;
    let record = &scene.record;
    let mut blocks = Vec::new();
    for block in &record.blocks {
        let [block_reward, tips] = app.paid(&scene, &block.miner).await?;
        let (cid, miner) = (block.cid.clone(), block.miner.clone());
        let (win_count, messages) = (block.win_count, block.messages);
        blocks.push(Block { cid, miner, win_count, messages, block_reward, tips });
    }
    let view = EpochView {
        meta: scene.meta(),
        kind: match record.kind {
            EpochKind::Tipset => "tipset",
            EpochKind::Null => "null",
        },
        parent: record.parent,
        state_root: record.state_root.clone(),
        weight: record.weight,
        base_fee: record.base_fee,
        network_version: record.network_version,
        previous_digest: before.map(|before| before.digest),
        blocks,
        checks: record.checks.clone(),
        reconciled: record.reconciled.clone(),
        changes,
        certificate: app.certificate(&scene, epoch).await?.map(|(instance, _)| instance),
        around: around.iter().rev().map(|record| (record.epoch, record.blocks.len())).collect(),
        scene,
    };
    ask.answer(&view)
}

impl View for EpochView {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page::new(ask, self).render()
    }

    fn is_settled(&self) -> bool {
        // Its tape shows epochs after it, and a certificate may come after finality by depth.
        let last = self.around.last().map(|(epoch, _)| *epoch);
        let whole = self.scene.cursor.final_epoch >= last && last == Some(self.meta.epoch.plus(TAPE));
        let certified = self.certificate.is_some() || !self.scene.now.network.finality.certificates;
        self.meta.is_settled() && whole && certified
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&["series", "subject", "before", "after"]);
        for change in &self.changes {
            csv.row(&[
                change.series.as_str(),
                change.subject.as_str(),
                &change.before.raw(),
                &change.after.raw(),
            ]);
        }
        Some(csv)
    }
}
