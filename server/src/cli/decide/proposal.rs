//! Proposals: entries in files, which wait for signatures.

use std::io::Write;
use std::path::Path;

use apogee_competition::{Act, ENTRY_SIZE, Entry, Signed, operator::Approval};
use apogee_rules::canonical;

use super::draft::show;
use super::{Propose, Sign, Submit, agreed};
use crate::cli::competition::documents::{self, wrong};
use crate::cli::desk::Desk;
use crate::cli::operator::Secret;
use crate::cli::source::Database;
use crate::cli::{Answer, Failure};
use crate::competitions::{Differs, Terms, again, simulation};

impl Propose {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        if self.out.exists() {
            return Err(wrong(&self.out, "there is such a file already"));
        }
        let desk = self.drafting.desk().await?;
        let approvers = self.approvers.iter().cloned().chain([self.drafting.actor().clone()]).collect();
        let (entry, kept) = self.drafting.entry(&desk, approvers).await?;
        if let Some(kept) = kept {
            kept.write()?;
        }
        write(&self.out, entry)?;
        Ok(Answer::Yes)
    }
}

/// Write an entry that nobody has signed yet into a new file.
pub(in crate::cli) fn write(file: &Path, entry: Entry) -> Result<(), Failure> {
    if file.exists() {
        return Err(wrong(file, "there is such a file already"));
    }
    replace(file, &entry.signed(Vec::new())?)
}

/// Write a proposal in one step.
fn replace(file: &Path, signed: &Signed) -> Result<(), Failure> {
    let text = signed.text()?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let world = |cause: std::io::Error| Failure::world(format!("{}: {cause}", file.display()));
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(world)?;
    writeln!(temporary, "{text}").map_err(world)?;
    temporary.as_file().sync_all().map_err(world)?;
    temporary.persist(file).map_err(|failed| world(failed.error))?;
    Ok(())
}

fn read(file: &Path) -> Result<Signed, Failure> {
    let bytes = documents::bytes(file)?;
    if bytes.len() > ENTRY_SIZE {
        return Err(wrong(file, format_args!("more than {ENTRY_SIZE} bytes")));
    }
    Signed::read(bytes.trim_ascii_end()).map_err(|refusal| wrong(file, refusal))
}

impl Sign {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let mut signed = read(&self.file)?;
        let secret = Secret::read(&self.key)?;
        let Entry { approvers, act, .. } = &signed.entry;
        if !approvers.contains(&self.operator) {
            return Err(wrong(&self.file, format_args!("{} is not among those who sign it", self.operator)));
        }
        if signed.signatures.iter().any(|approval| approval.operator == self.operator) {
            return Err(wrong(&self.file, format_args!("{} has signed it", self.operator)));
        }
        if let Act::Found { operators, .. } = act
            && !operators.iter().any(|one| one.id == self.operator && one.key == secret.public())
        {
            return Err(wrong(
                &self.key,
                format_args!("it is not the key of {} in the proposal", self.operator),
            ));
        }
        show(&signed.entry)?;
        for (name, hash) in [("preview", signed.entry.preview), ("simulation", simulation(act))] {
            if let Some(hash) = hash {
                println!("{name} {hash}");
            }
        }
        if self.check {
            let desk = desk(&signed.entry, &self.database, true).await?;
            compare(&signed.entry, &desk, self.terms.terms(self.shadow.as_deref())?).await?;
        }
        agreed(self.yes)?;
        let signature = secret.sign(&signed.hash);
        signed.signatures.push(Approval { operator: self.operator, signature });
        signed.signatures.sort_by(|a, b| a.operator.cmp(&b.operator));
        replace(&self.file, &signed)?;
        println!("{} of {} have signed", signed.signatures.len(), signed.entry.approvers.len());
        Ok(Answer::Yes)
    }
}

/// Compute once more what an entry says was computed; what comes out is shown.
async fn compare(entry: &Entry, desk: &Desk, terms: Terms) -> Result<(), Failure> {
    // A first entry has nothing before it that anything could follow from.
    if matches!(entry.act, Act::Found { .. }) {
        return Ok(());
    }
    let found = again(&desk.stands, &desk.held, &desk.ground, entry, terms).await?;
    match found.differs(entry) {
        Some(Differs::Report(report)) => {
            let hash = report.map_or_else(|| "no report".to_owned(), |hash| format!("the report {hash}"));
            Err(Failure::input(format!(
                "effect-missing: the entry names another report than {hash}, which comes out: propose it again"
            )))
        }
        Some(Differs::Act) => {
            let said = canonical::text(&found.act).map_err(Failure::world)?;
            Err(Failure::input(format!("bad-pin: act: {said} comes out instead: propose it again")))
        }
        None => {
            match (&found.act, found.effect) {
                (Act::Freeze { pin } | Act::Finalize { pin, .. } | Act::Amend { pin, .. }, _) => {
                    println!("computed again: standings at epoch {}: root {}", pin.at, pin.root);
                }
                (Act::ApprovePayout { root, total, .. }, _) => {
                    println!("computed again: payout of {total} atto, root {root}");
                }
                (_, Some(effect)) => println!("computed again: report {}", effect.hash),
                _ => {}
            }
            Ok(())
        }
    }
}

impl Submit {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let signed = read(&self.file)?;
        let desk = desk(&signed.entry, &self.database, self.recorded).await?;
        compare(&signed.entry, &desk, self.terms.terms(self.shadow.as_deref())?).await?;
        desk.append(&signed).await
    }
}

/// The competition of an entry.
async fn desk(entry: &Entry, database: &Database, recorded: bool) -> Result<Desk, Failure> {
    let id = entry.competition.as_str();
    match &entry.act {
        Act::Found { network, .. } => Desk::found(database, id, network, recorded).await,
        _ => Desk::open(database, id, recorded).await,
    }
}
