use askama::Template;

use super::RecountView;
use super::held::Gap;
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::competition::OwedEffect;
use crate::web::recounts;
use crate::web::words::fluent_args;

#[derive(Template)]
#[template(path = "recount.html")]
pub(super) struct Page<'a> {
    c: Chrome<'a>,
    view: &'a RecountView,
}

impl<'a> Page<'a> {
    pub(super) fn html(ask: &'a Ask, view: &'a RecountView) -> askama::Result<String> {
        Self { c: Chrome::of(ask, &view.meta, Section::Recounts), view }.render()
    }

    fn say(&self, key: &str) -> String {
        let view = self.view;
        let grouped = |layer: apogee_domain::Epoch| self.c.grouped(layer);
        let arguments = fluent_args![
            "network" => view.meta.network.to_string(), "first" => grouped(view.first), "last" => grouped(view.last),
            "verified" => grouped(view.verified), "time" => self.c.time(&view.at), "node" => view.node_differs,
            "index" => view.index_differs, "changed" => view.changed, "same" => view.same, "smeshers" => view.concerned,
            "shown" => super::ROWS, "ballots" => view.ballots,
        ];
        self.c.language().say(key, &arguments)
    }

    fn state(&self) -> (&'static str, String) {
        recounts::state(&self.c, self.view.state)
    }

    fn is_open(&self) -> bool {
        self.view.state == "open"
    }

    /// Class, verdict, and what to do now.
    fn verdict(&self) -> (&'static str, String, String) {
        let view = self.view;
        let (class, key) = match (view.node_differs, view.index_differs) {
            (0, 0) => ("is-ok", "recount-agrees"),
            (0, _) => ("is-bad", "recount-index-differs"),
            (_, 0) => ("is-bad", "recount-node-differs"),
            _ => ("is-bad", "recount-both-differ"),
        };
        let next = match (view.state, view.index_differs) {
            ("applied", _) => "recount-next-applied",
            ("cancelled", _) => "recount-next-cancelled",
            (_, 0) => "recount-next-apply",
            _ => "recount-next-index",
        };
        (class, self.say(key), self.say(next))
    }

    /// What this page does not tell of rewards, where it does not.
    fn untold(&self) -> Option<String> {
        let untold = self.view.index_differs > 0 && self.view.node_differs == 0;
        untold.then(|| self.say("recount-untold"))
    }

    fn transactions(&self, gap: &Gap) -> String {
        self.c.language().say("recount-gap-transactions", &fluent_args!["n" => gap.transactions])
    }

    fn title(&self, effect: &OwedEffect) -> String {
        effect.title(self.c.language())
    }

    fn command(&self, act: &str) -> String {
        let (input, network) = (&self.view.input, &self.view.meta.network);
        format!(
            "apogee spacemesh recount {act} {input} \\\n  --network {network} --actor NAME --reason \"…\""
        )
    }
}
