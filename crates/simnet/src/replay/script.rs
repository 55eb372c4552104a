use apogee_domain::Epoch;
use apogee_filecoin::types::{Tipset, json};
use serde::Deserialize;

use crate::ledger::{ChangeKind, HeadChange};

/// The changes of a head, one after the other, from genesis on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Vec<Vec<HeadChange>>);

#[derive(Deserialize)]
struct Frame {
    params: (u64, Vec<Step>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Step {
    r#type: String,
    val: json::Tipset,
}

/// The epoch of the head that a frame leads to; `None` when it only takes back.
pub(crate) fn head_after(frame: &[HeadChange]) -> Option<Epoch> {
    let last = frame.last().filter(|last| last.kind != ChangeKind::Revert)?;
    Some(last.tipset.epoch())
}

impl Script {
    /// Whole tipsets, oldest first; genesis is no step.
    pub(crate) fn chain(tipsets: &[Tipset]) -> Self {
        let apply = |tipset: &Tipset| vec![HeadChange { kind: ChangeKind::Apply, tipset: tipset.clone() }];
        Self(tipsets.iter().skip(1).map(apply).collect())
    }

    /// Add a `ChainNotify` frame as it came over the wire. Others, such as the answer to the subscription, are passed over.
    pub(crate) fn hear(&mut self, text: &str) -> Result<(), String> {
        if !text.contains(r#""xrpc.ch.val""#) {
            return Ok(());
        }
        let Frame { params: (_, steps) } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut changes = Vec::with_capacity(steps.len());
        for step in steps {
            let kind = match step.r#type.as_str() {
                "apply" => ChangeKind::Apply,
                "revert" => ChangeKind::Revert,
                // The head of a new subscription: genesis, where every recording starts.
                "current" => continue,
                other => return Err(format!("a step of type {other}")),
            };
            let tipset = Tipset::try_from(step.val).map_err(|error| error.to_string())?;
            changes.push(HeadChange { kind, tipset });
        }
        if !changes.is_empty() {
            self.0.push(changes);
        }
        Ok(())
    }

    /// Without what comes after the first tipset beyond `epoch`.
    pub(crate) fn until(mut self, epoch: Epoch) -> Self {
        let beyond = |frame: &Vec<HeadChange>| frame.iter().any(|step| step.tipset.epoch() > epoch);
        let end = self.0.iter().position(beyond).unwrap_or(self.0.len());
        self.0.truncate(end);
        self
    }

    pub(crate) fn frame(&self, index: usize) -> Option<&[HeadChange]> {
        self.0.get(index).map(Vec::as_slice)
    }

    pub(crate) fn last_epoch(&self) -> Epoch {
        self.0.iter().rev().find_map(|frame| head_after(frame)).unwrap_or(Epoch::GENESIS)
    }

    pub(crate) fn tipsets(&self) -> impl Iterator<Item = &Tipset> {
        self.0.iter().flatten().map(|step| &step.tipset)
    }
}
