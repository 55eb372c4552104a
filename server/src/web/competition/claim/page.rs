use askama::Template;

use super::Claim;
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::view::View;
use crate::web::words::fluent_args;

/// What can be asked for.
const ACTIONS: [&str; 7] = ["claim", "join", "leave", "transfer", "rename", "set-payout-address", "appeal"];

#[derive(Template)]
#[template(path = "competition/claim.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Claim,
}

impl View for Claim {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Claim), view: self }.render()
    }
}

impl Page<'_> {
    /// The action that is looked at.
    fn action(&self) -> &str {
        if self.view.asked.action.is_empty() { "claim" } else { &self.view.asked.action }
    }

    /// Name, address and whether it is looked at, of every action.
    fn actions(&self) -> Vec<(String, String, bool)> {
        let miner = &self.view.asked.miner;
        let kept: String = form_urlencoded::byte_serialize(miner.as_bytes()).collect();
        ACTIONS
            .iter()
            .map(|action| {
                let address = self.c.at_stage(&format!("claim?action={action}&miner={kept}"));
                (self.c.name("claim-action", action), address, *action == self.action())
            })
            .collect()
    }

    /// What the action does.
    fn what(&self) -> String {
        self.c.name("claim-what", self.action())
    }

    fn has(&self, field: &str) -> bool {
        matches!(
            (self.action(), field),
            ("claim", "name" | "region" | "track")
                | ("transfer", "from")
                | ("rename", "name")
                | ("set-payout-address", "payout")
                | ("appeal", "about" | "text")
        )
    }

    fn expires(&self) -> String {
        let expires = self.view.message.as_ref().map(|made| made.expires).unwrap_or_default();
        self.c
            .language()
            .say("claim-expires", &fluent_args!["epoch" => self.c.grouped(expires), "n" => self.view.life])
    }

    fn bytes(&self) -> String {
        let bytes = self.view.message.as_ref().map_or(0, |made| made.text.len());
        self.c.language().say("claim-sign-how", &fluent_args!["n" => bytes])
    }

    /// The step that is next.
    fn step(&self) -> usize {
        if self.view.message.is_some() { 2 } else { 0 }
    }

    fn is_worker(&self) -> bool {
        self.view.asked.role == "worker"
    }

    fn command(&self) -> String {
        format!("apogee claim submit claim.txt --competition {} --signature …", self.view.meta.competition)
    }
}
