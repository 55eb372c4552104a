//! An act that is being drafted, with its effect.

use std::io::Read;
use std::path::PathBuf;

use apogee_competition::{Act, Draft, Entry, Hex, private_commitment, propose};
use apogee_domain::Digest;
use apogee_rules::Id;
use clap::Args;
use serde_json::{Map, Value, json};

use super::act::{Means, PayoutTerms, completed, rules};
use crate::claims::Wants;
use crate::cli::Failure;
use crate::cli::competition::documents::{self, wrong};
use crate::cli::competition::simulate;
use crate::cli::desk::Desk;
use crate::cli::operator::own;
use crate::cli::source::Database;
use crate::edge;

/// Most bytes of an act that is written by hand.
const SIZE: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct Drafting {
    /// The competition
    #[arg(long, value_name = "ID")]
    competition: String,
    #[command(flatten)]
    database: Database,
    /// The operator who acts
    #[arg(long, value_name = "OPERATOR")]
    actor: Id,
    /// Why, for everybody
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// File with a reason that is not public: only a commitment to it is in the ledger
    #[arg(long, value_name = "FILE", requires = "keep")]
    private: Option<PathBuf>,
    /// New file that keeps the private reason with its salt, for the day on which it is shown
    #[arg(long, value_name = "FILE", requires = "private")]
    keep: Option<PathBuf>,
    /// Where to look: an epoch, a CID, an address
    #[arg(long = "evidence", value_name = "LINE")]
    evidence: Vec<String>,
    /// The act as a TOML or JSON document with `kind` and its members; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "rule_set"])]
    act: Option<PathBuf>,
    /// Publish the rules of this file
    #[arg(long, value_name = "FILE", conflicts_with = "kind")]
    rule_set: Option<PathBuf>,
    /// The kind of the act, such as `start` (docs/competition.md, section 4)
    #[arg(required_unless_present_any = ["act", "rule_set"])]
    kind: Option<String>,
    /// Members of the act as `name=value`, the value in JSON or as it stands
    #[arg(value_name = "MEMBER")]
    members: Vec<String>,
    #[command(flatten)]
    terms: PayoutTerms,
    /// Another second implementation than the one that comes with the program
    #[arg(long, value_name = "FILE")]
    shadow: Option<PathBuf>,
    /// The network is a recording, which is never late
    #[arg(long)]
    recorded: bool,
}

/// A private reason with what opens its commitment, before it is kept.
#[derive(Debug)]
pub(super) struct Kept {
    file: PathBuf,
    text: String,
}

impl Kept {
    pub(super) fn write(&self) -> Result<(), Failure> {
        own(&self.file, &self.text)
    }
}

impl Drafting {
    pub(super) const fn actor(&self) -> &Id {
        &self.actor
    }

    pub(super) async fn desk(&self) -> Result<Desk, Failure> {
        Desk::open(&self.database, &self.competition, self.recorded).await
    }

    /// The entry, with its effect computed and printed.
    pub(super) async fn entry(
        &self,
        desk: &Desk,
        mut approvers: Vec<Id>,
    ) -> Result<(Entry, Option<Kept>), Failure> {
        let document = self.document()?;
        let means = Means { terms: &self.terms, shadow: self.shadow.as_deref() };
        let act = completed(document, desk, means).await?;
        if !approvers.contains(&self.actor) {
            return Err(Failure::input(format!("{} acts, but does not sign: add that key", self.actor)));
        }
        approvers.sort();
        approvers.dedup();
        let (private, kept) = self.commitment()?.unzip();
        let draft = Draft {
            actor: self.actor.clone(),
            approvers,
            act,
            reason: self.reason.clone(),
            private,
            evidence: self.evidence.clone(),
            preview: None,
        };
        let entry = with_effect(desk, draft).await?;
        Ok((entry, kept))
    }

    fn commitment(&self) -> Result<Option<(Digest, Kept)>, Failure> {
        let (Some(file), Some(keep)) = (&self.private, &self.keep) else { return Ok(None) };
        if keep.exists() {
            return Err(wrong(keep, "there is such a file already"));
        }
        let text = String::from_utf8(documents::bytes(file)?).map_err(|cause| wrong(file, cause))?;
        let salt = Hex(edge::entropy()?);
        let kept = format!("{}\n", json!({"salt": salt, "text": text}));
        Ok(Some((private_commitment(&salt, &text), Kept { file: keep.clone(), text: kept })))
    }

    fn document(&self) -> Result<Value, Failure> {
        if let Some(file) = &self.rule_set {
            return rules(file);
        }
        if let Some(file) = &self.act {
            let bytes = if file.as_os_str() == "-" {
                let mut bytes = Vec::new();
                std::io::stdin().take(SIZE + 1).read_to_end(&mut bytes).map_err(Failure::world)?;
                bytes
            } else {
                documents::bytes(file)?
            };
            let text = str::from_utf8(&bytes).map_err(|cause| wrong(file, cause))?;
            if u64::try_from(bytes.len()).map_or(true, |size| size > SIZE) {
                return Err(wrong(file, format_args!("more than {SIZE} bytes")));
            }
            return if text.trim_start().starts_with('{') {
                serde_json::from_str(text).map_err(|cause| wrong(file, cause))
            } else {
                let table: toml::Table =
                    toml::from_str(text).map_err(|cause| wrong(file, cause.message()))?;
                serde_json::to_value(table).map_err(|cause| wrong(file, cause))
            };
        }
        let mut members = Map::new();
        members.insert("kind".to_owned(), Value::from(self.kind.clone().unwrap_or_default()));
        for member in &self.members {
            let (name, value) = member
                .split_once('=')
                .ok_or_else(|| Failure::input(format!("{member:?}: a member is written name=value")))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            if members.insert(name.to_owned(), value).is_some() {
                return Err(Failure::input(format!("{name} stands there twice")));
            }
        }
        Ok(Value::Object(members))
    }
}

/// The entry of a draft with its effect on everybody, which is printed.
async fn with_effect(desk: &Desk, mut draft: Draft) -> Result<Entry, Failure> {
    let mut wants = Wants::default();
    wants.act(&draft.act);
    let around = desk.around(&wants).await?;
    let competition = desk.competition();
    // Guards want to see the hash of a report; which one comes out is not known before the entry is.
    let first = competition.rules().is_empty();
    draft.preview = draft.act.is_decision().then(Digest::default);
    if let Act::PublishRules { simulation, .. } = &mut draft.act {
        *simulation = (!first).then(Digest::default);
    }
    let entry = propose(competition, draft.clone(), &around.context())?;
    let effect = desk.effect(&entry).await?;
    let hash = effect.as_ref().map(|effect| effect.hash);
    draft.preview = draft.preview.and(hash);
    if let Act::PublishRules { simulation, .. } = &mut draft.act {
        *simulation = simulation.and(hash);
    }
    let entry = propose(competition, draft, &around.context())?;
    show(&entry)?;
    if let Some(effect) = &effect {
        simulate::table("WHAT IT DOES", &effect.report);
        println!("report {}", effect.hash);
    }
    Ok(entry)
}

/// What will be signed, in words that cannot be something else: the entry itself.
pub(super) fn show(entry: &Entry) -> Result<(), Failure> {
    println!("#{} of {}, epoch {}: {}", entry.seq, entry.competition, entry.epoch, entry.act.kind());
    let mut act = serde_json::to_value(&entry.act).map_err(Failure::world)?;
    if let (Act::PublishRules { rules, .. }, Some(members)) = (&entry.act, act.as_object_mut()) {
        let hash = rules.0.hash().map_err(Failure::world)?;
        members.insert("rules".to_owned(), Value::from(format!("version {} {hash}", rules.0.version.number)));
    }
    println!("{}", visible(&serde_json::to_string_pretty(&act).map_err(Failure::world)?));
    println!("by {}, signed by {}", entry.actor, names(&entry.approvers));
    if let Some(reason) = &entry.reason {
        println!("because: {}", visible(reason));
    }
    Ok(())
}

/// A proposal comes from somebody else: what would move the cursor or hide from the eye is written out.
fn visible(text: &str) -> String {
    let plain = |c: char| matches!(c, '\n' | '"' | '\'' | '\\');
    text.chars().flat_map(|c| if plain(c) { vec![c] } else { c.escape_debug().collect() }).collect()
}

fn names(ids: &[Id]) -> String {
    ids.iter().map(Id::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_deceive_is_written_out() {
        assert_eq!(visible("\"6块\"\nis 'fine' \\"), "\"6块\"\nis 'fine' \\");
        assert_eq!(visible("\u{1b}[2Ja\rb\u{202e}c"), "\\u{1b}[2Ja\\rb\\u{202e}c");
    }
}
