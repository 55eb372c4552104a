use apogee_domain::series::{self, Unit};
use apogee_domain::{Digest, Epoch, SeriesName, Step, Subject, Value};
use apogee_filecoin::verify::Check;
use apogee_store::{CheckRecord, EpochKind, EpochRecord, Page as StorePage, Reconciliation};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::ask::Ask;
use super::chrome::{Chrome, Section, percent};
use super::figure::{Figure, Scale, coin, exact, grouped};
use super::now::Meta;
use super::participant::unit_name;
use super::problem::Problem;
use super::query::{Asked, At, Nothing};
use super::scene::Scene;
use super::schema;
use super::view::{Csv, View};
use super::words::fluent_args;

/// Epochs on either side of the tape.
const TAPE: u32 = 30;
/// Changed steps that a page shows; its JSON has all.
const SHOWN: usize = 200;

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

/// A step that begins at the epoch.
#[derive(Debug, Serialize, ToSchema)]
struct Changed {
    #[schema(value_type = String)]
    series: SeriesName,
    unit: &'static str,
    #[schema(value_type = String)]
    subject: Subject,
    /// `null` where it was unknown, or where there was no step.
    #[schema(value_type = Option<String>)]
    before: Figure,
    #[schema(value_type = Option<String>)]
    after: Figure,
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

impl App {
    /// The steps that begin at the scene's epoch: where a board differs from the one an epoch before.
    async fn changes(&self, scene: &Scene) -> Result<Vec<Changed>, Problem> {
        let (network, at) = (scene.network(), scene.epoch());
        let mut changes = Vec::new();
        for one in series::ALL {
            let name = SeriesName::of(one.name);
            let after = self.store.board(network, &name, at).await?;
            let before = match at {
                Epoch::GENESIS => Vec::new(),
                at => self.store.board(network, &name, at.minus(1)).await?,
            };
            let most = after.iter().chain(&before).filter_map(|(_, value)| *value).max();
            let scale = Scale::of(one.unit, coin(scene.now.network.kind), most);
            let figure = |value| Figure { value, unit: one.unit, scale };
            for (subject, value) in after {
                let known = before.binary_search_by(|(known, _)| known.cmp(&subject)).ok();
                let known = known.and_then(|index| before.get(index)).map(|(_, value)| *value);
                if known != Some(value) {
                    changes.push(Changed {
                        series: name.clone(),
                        unit: unit_name(one.unit),
                        subject,
                        before: figure(known.flatten()),
                        after: figure(value),
                    });
                }
            }
        }
        Ok(changes)
    }

    /// What a miner was paid for its block of the scene's epoch: block reward and tips. A miner mines at most one block of a tipset.
    async fn paid(&self, scene: &Scene, miner: &str) -> Result<[Figure; 2], Problem> {
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

/// Checks in the order in which they are made, unknown ones last.
pub(crate) fn in_order<'a>(checks: impl Iterator<Item = &'a CheckRecord>) -> Vec<&'a CheckRecord> {
    let mut checks: Vec<_> = checks.collect();
    let place = |name: &str| Check::ALL.iter().position(|check| check.name() == name);
    checks.sort_by_key(|check| place(&check.check).unwrap_or(usize::MAX));
    checks
}

/// The checks and reconciliations of an epoch, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) unmade: u64,
    pub(crate) kinds: usize,
    pub(crate) agree: usize,
    pub(crate) differ: usize,
    pub(crate) unknown: usize,
}

impl Sums {
    pub(crate) fn of(record: &EpochRecord) -> Self {
        let mut sums = Self::of_checks(&record.checks);
        for sum in &record.reconciled {
            match sum.agrees() {
                Some(true) => sums.agree += 1,
                Some(false) => sums.differ += 1,
                None => sums.unknown += 1,
            }
        }
        sums
    }

    pub(crate) fn of_checks(checks: &[CheckRecord]) -> Self {
        let mut sums = Self::default();
        for check in checks {
            sums.passed = sums.passed.saturating_add(check.passed);
            sums.failed = sums.failed.saturating_add(check.failed);
            sums.unmade = sums.unmade.saturating_add(check.not_made.iter().map(|one| one.count).sum());
            sums.kinds += usize::from(check.passed + check.failed > 0);
        }
        sums
    }

    pub(crate) const fn made(&self) -> u64 {
        self.passed.saturating_add(self.failed)
    }
}

#[derive(Template)]
#[template(path = "epoch.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a EpochView,
    sums: Sums,
}

impl View for EpochView {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        let c = Chrome::of(ask, &self.meta, Section::Epochs);
        Page { c, view: self, sums: Sums::of(&self.scene.record) }.render()
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

impl Page<'_> {
    fn is_null(&self) -> bool {
        self.view.kind == "null"
    }

    fn is_genesis(&self) -> bool {
        self.view.meta.epoch == Epoch::GENESIS
    }

    fn has_next(&self) -> bool {
        self.view.meta.epoch < self.view.meta.head
    }

    fn neighbour(&self, by: i32) -> Epoch {
        match by {
            ..=0 => self.view.meta.epoch.minus(i64::from(by.unsigned_abs())),
            _ => self.view.meta.epoch.plus(by.unsigned_abs()),
        }
    }

    fn heading(&self) -> String {
        self.c.language().say("epoch-h1", &fluent_args!["epoch" => grouped(self.view.meta.epoch)])
    }

    fn what(&self) -> String {
        let blocks = self.view.blocks.len();
        if self.is_null() {
            self.c.t("epoch-null")
        } else {
            self.c.language().say("epoch-blocks", &fluent_args!["n" => blocks])
        }
    }

    /// Class, the answer in a word or two, and the answer in a sentence.
    fn verdict(&self) -> (&'static str, String, String) {
        let language = self.c.language();
        let counts = fluent_args![
            "made" => self.sums.made(), "kinds" => self.sums.kinds, "failed" => self.sums.failed,
            "n" => self.sums.unmade, "parent" => grouped(self.view.parent),
        ];
        let say = |key: &str| language.say(key, &counts);
        if self.sums.failed > 0 {
            ("is-bad", say("epoch-failed"), say("epoch-failed-text"))
        } else if self.is_null() {
            ("is-none", say("epoch-null-verdict"), say("epoch-null-text"))
        } else if self.is_genesis() && self.sums.made() == 0 {
            ("is-none", say("epoch-genesis"), say("epoch-genesis-text"))
        } else {
            let rest = if self.sums.unmade > 0 { "epoch-verified-unmade" } else { "epoch-verified-all" };
            let class = if self.sums.made() > 0 { "is-ok" } else { "is-wait" };
            (class, say("epoch-verified"), format!("{} {}", say("epoch-verified-text"), say(rest)))
        }
    }

    /// Place, height and class of every bar, with where it leads.
    fn tape(&self) -> Vec<(String, String, usize, usize, &'static str)> {
        let most = self.view.around.iter().map(|(_, blocks)| *blocks).max().unwrap_or(0).max(1);
        let count = i64::try_from(self.view.around.len()).unwrap_or(1).max(1);
        let width = percent(4, count * 5);
        (0_i64..)
            .zip(&self.view.around)
            .map(|(place, (epoch, blocks))| {
                let height = if *blocks == 0 { 3 } else { (blocks * 36 / most).max(3) };
                let class = match (*epoch == self.view.meta.epoch, *blocks) {
                    (true, 0) => "me null",
                    (true, _) => "me",
                    (false, 0) => "null",
                    (false, _) => "",
                };
                (percent(place, count), width.clone(), 40 - height, height, class)
            })
            .collect()
    }

    fn tape_caption(&self) -> String {
        let around = &self.view.around;
        let ends = around.first().zip(around.last());
        let Some(((first, _), (last, _))) = ends else { return String::new() };
        let nulls = around.iter().filter(|(_, blocks)| *blocks == 0).count();
        let language = self.c.language();
        let ends = fluent_args!["first" => grouped(first), "last" => grouped(last)];
        format!(
            "{} {}",
            language.say("epoch-tape", &ends),
            language.say("epoch-tape-null", &fluent_args!["n" => nulls])
        )
    }

    fn coin_head(&self, key: &str) -> String {
        self.c.language().say(key, &fluent_args!["coin" => self.coin()])
    }

    fn wins(&self) -> u64 {
        self.view.blocks.iter().map(|block| u64::from(block.win_count)).sum()
    }

    fn messages(&self) -> u64 {
        self.view.blocks.iter().map(|block| u64::from(block.messages)).sum()
    }

    /// The sum of what all blocks were paid; unknown where one is.
    fn paid(&self, of: fn(&Block) -> Figure) -> Figure {
        let scale = Scale::of(Unit::Atto, coin(self.view.scene.now.network.kind), None);
        let sum = |sum: Value, block: &Block| sum.checked_add(of(block).value?);
        let value = self.view.blocks.iter().try_fold(Value::ZERO, sum);
        Figure { value, unit: Unit::Atto, scale }
    }

    fn block_rewards(&self) -> Figure {
        self.paid(|block| block.block_reward)
    }

    fn tips(&self) -> Figure {
        self.paid(|block| block.tips)
    }

    fn made(&self) -> Vec<&CheckRecord> {
        let made = |check: &&CheckRecord| check.passed + check.failed > 0;
        in_order(self.view.checks.iter().filter(made))
    }

    fn unmade(&self) -> impl Iterator<Item = (&str, &apogee_store::Unmade)> {
        let checks = self.view.checks.iter();
        checks.flat_map(|record| record.not_made.iter().map(|one| (record.check.as_str(), one)))
    }

    fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        let checks = self.view.checks.iter();
        checks.flat_map(|record| record.failures.iter().map(|text| (record.check.as_str(), text.as_str())))
    }

    fn counted(&self, check: &CheckRecord) -> String {
        let made = check.passed + check.failed;
        self.c.language().say("epoch-count-of", &fluent_args!["passed" => check.passed, "made" => made])
    }

    fn checks_sum(&self) -> String {
        let counts = fluent_args!["passed" => self.sums.passed, "failed" => self.sums.failed];
        self.c.language().say("epoch-checks-sum", &counts)
    }

    fn shown(&self) -> impl Iterator<Item = &Changed> {
        self.view.changes.iter().take(SHOWN)
    }

    fn hidden(&self) -> Option<String> {
        let more = self.view.changes.len().checked_sub(SHOWN).filter(|more| *more > 0)?;
        Some(self.c.language().say("more-rows", &fluent_args!["n" => more]))
    }

    /// A sum of the reconciliation: bytes and attos are told from its name.
    fn sum(&self, what: &str, value: &Option<Value>) -> String {
        let unit = if what.starts_with("claims") { Unit::Bytes } else { Unit::Atto };
        value.map_or_else(|| "–".to_owned(), |value| exact(unit, value))
    }

    fn sum_unit(&self, what: &str) -> &'static str {
        if what.starts_with("claims") { "B" } else { self.coin() }
    }

    fn finality(&self) -> String {
        self.c.t(if self.view.meta.is_final { "epoch-final" } else { "epoch-not-final" })
    }

    fn coin(&self) -> &'static str {
        let [coin, ..] = coin(self.view.scene.now.network.kind);
        coin
    }

    fn certificate(&self) -> String {
        match self.view.certificate {
            Some(instance) => self.c.language().say("epoch-certificate-of", &fluent_args!["n" => instance]),
            None => self.c.t("epoch-certificate-none"),
        }
    }
}
