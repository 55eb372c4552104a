//! How to recompute a competition, and what that proves.

use apogee_domain::{Digest, Epoch};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Meta, Stage, TripleQuery};
use crate::competitions::Ground;
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::figure::grouped;
use crate::web::query::Asked;
use crate::web::view::View;
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// How to recompute a competition.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionVerify)]
pub(crate) struct Verify {
    meta: Meta,
    /// Where the package is: of the newest final epoch, or of the one that was asked for; `null` before anything is final.
    package: Option<String>,
    /// The epoch that it is of.
    #[schema(value_type = Option<i64>)]
    at: Option<Epoch>,
    /// Hash of the package that this competition was imported from; the last line of every package says its own.
    #[schema(value_type = Option<String>)]
    imported: Option<Digest>,
    /// Entities and checks that are worked out again.
    entities: usize,
    /// Versions of final standings with the root that the second implementation computed.
    finals: Vec<Recomputed>,
    /// What each level does again, and whether it can be done with what is here.
    levels: Vec<Level>,
}

/// Final standings and what the second implementation says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerifyFinal)]
struct Recomputed {
    version: usize,
    #[schema(value_type = String)]
    root: Digest,
    #[schema(value_type = Option<String>)]
    shadow: Option<Digest>,
    seq: u64,
    #[schema(value_type = i64)]
    at: Epoch,
}

/// A level of proof.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerifyLevel)]
struct Level {
    level: &'static str,
    /// `here`: with the package alone; `node`: with an archive or node of one's own; `absent`: nobody has signed what it checks.
    needs: &'static str,
}

/// `GET /c/{competition}/verify`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query).await?;
    ask.answer(&Verify::of(&stage, &query))
}

impl Verify {
    fn of(stage: &Stage, query: &TripleQuery) -> Self {
        let meta = &stage.meta;
        let (ground, start) = (stage.ground(), stage.competition.start());
        let at = if query.is_any() {
            meta.chain.is_final.then_some(meta.chain.epoch)
        } else {
            ground.and_then(Ground::final_epoch).map(|last| last.min(meta.chain.epoch))
        };
        let at = at.filter(|at| start.is_some_and(|start| start <= *at));
        let asked = if meta.asked.is_empty() { String::new() } else { format!("?{}", meta.asked) };
        let finals = stage.competition.finals().iter().enumerate().map(|(index, last)| {
            let mut entries = stage.now.held.entries().iter();
            let entry = entries.find(|signed| signed.entry.seq == last.moment.seq);
            let shadow = entry.and_then(|signed| match &signed.entry.act {
                apogee_competition::Act::Finalize { shadow, .. }
                | apogee_competition::Act::Amend { shadow, .. } => Some(*shadow),
                _ => None,
            });
            let (root, seq, at) = (last.pin.root, last.moment.seq, last.pin.at);
            Recomputed { version: index + 1, root, shadow, seq, at }
        });
        let levels = [("L0", "here"), ("L1", "node"), ("L2", "absent"), ("L3", "absent")];
        Self {
            package: at.map(|_| format!("/c/{}/package{asked}", stage.id())),
            at,
            imported: match ground {
                Some(Ground::Archive(archive)) => Some(archive.root),
                _ => None,
            },
            entities: stage.stood().map_or(0, |stood| stood.standings.entities.len()),
            finals: finals.collect(),
            levels: levels.map(|(level, needs)| Level { level, needs }).into(),
            meta: stage.meta.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "competition/verify.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Verify,
}

impl Page<'_> {
    fn package(&self) -> Option<String> {
        self.view.package.as_ref().map(|path| self.c.ask.to(path))
    }

    fn file(&self) -> String {
        let at = self.view.at.map(|at| format!("-{at}")).unwrap_or_default();
        format!("{}{at}.apogee", self.view.meta.competition)
    }

    fn verdict(&self) -> (&'static str, String, String) {
        let last = self.view.finals.last();
        let arguments = fluent_args!["epoch" => self.view.at.map(grouped).unwrap_or_default()];
        let say = |word: &str, text: &str| (self.c.t(word), self.c.language().say(text, &arguments));
        let (class, (word, text)) = match (last, self.view.at) {
            (Some(last), _) if last.shadow == Some(last.root) => ("is-ok", say("ve-same", "ve-same-text")),
            (_, Some(_)) => ("is-ok", say("ve-open", "ve-open-text")),
            (_, None) => ("is-wait", say("ve-none", "ve-none-text")),
        };
        (class, word, text)
    }

    fn about(&self) -> String {
        let meta = &self.view.meta;
        let arguments = fluent_args![
            "epoch" => self.view.at.map(grouped).unwrap_or_default(), "n" => self.view.entities,
            "rules" => meta.rules.as_ref().map_or(0, |rules| rules.version).to_string(),
            "seq" => grouped(meta.seq),
        ];
        self.c.language().say("ve-about", &arguments)
    }

    fn final_name(&self, last: &Recomputed) -> String {
        let arguments = fluent_args!["n" => last.version.to_string(), "epoch" => grouped(last.at)];
        self.c.language().say("ve-final", &arguments)
    }

    fn is_same(&self, last: &Recomputed) -> bool {
        last.shadow == Some(last.root)
    }

    /// Name, what it does again, what it proves, what it does not, class and word of whether it can be done.
    fn levels(&self) -> Vec<(String, String, String, String, &'static str, String)> {
        let row = |level: &Level| {
            let name = level.level.to_lowercase();
            let say = |part: &str| self.c.t(&format!("ve-{name}{part}"));
            let (class, word) = match level.needs {
                "here" => ("is-ok", "ve-needs-here"),
                "node" => ("is-wait", "ve-needs-node"),
                _ => ("is-none", "ve-needs-absent"),
            };
            (say(""), say("-does"), say("-proves"), say("-not"), class, self.c.t(word))
        };
        self.view.levels.iter().map(row).collect()
    }
}

impl View for Verify {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Verify), view: self }.render()
    }

    fn is_settled(&self) -> bool {
        self.meta.chain.is_settled()
    }
}
