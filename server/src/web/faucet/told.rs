//! What was found out, in plain words: the same on a page and in a chat.

use apogee_domain::{Atto, NetworkKind};
use apogee_faucet::policy::Fil;
use askama::Template;

use crate::nodes::NodeNow;
use crate::web::ask::{Ask, Language};
use crate::web::chrome::{Chrome, Section};
use crate::web::figure::coin;
use crate::web::words::fluent_args;

/// The most letters of a node's words.
const LONGEST: usize = 200;

/// One thing that was found out.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) label: String,
    pub(super) text: String,
    /// Whether it is an address, an id or the like.
    pub(super) code: bool,
}

impl Row {
    pub(super) fn words(language: Language, label: &str, text: String) -> Self {
        Self { label: language.t(label), text, code: false }
    }

    pub(super) fn code(language: Language, label: &str, text: &str) -> Self {
        Self { label: language.t(label), text: text.to_owned(), code: true }
    }
}

/// An answer to somebody who looks something up.
pub(super) trait Told {
    /// The name of its title.
    fn title(&self) -> &'static str;

    /// On which network.
    fn network(&self) -> &str;

    /// What was found out.
    fn rows(&self, language: Language) -> Vec<Row>;

    /// The grant that it is about.
    fn grant(&self) -> Option<&str> {
        None
    }
}

#[derive(Template)]
#[template(path = "lookup.html")]
struct Page<'a> {
    c: Chrome<'a>,
    title: &'static str,
    network: &'a str,
    rows: Vec<Row>,
    grant: Option<&'a str>,
}

/// The page of an answer.
pub(super) fn page(told: &impl Told, ask: &Ask) -> askama::Result<String> {
    let (c, rows) = (Chrome::alone(ask, Section::Elsewhere), told.rows(ask.language));
    Page { c, title: told.title(), network: told.network(), rows, grant: told.grant() }.render()
}

/// An amount in the coin of a network.
pub(super) fn money(kind: NetworkKind, amount: Atto) -> String {
    let [coin, ..] = coin(kind);
    let text = Fil(amount).to_string();
    format!("{} {coin}", text.trim_end_matches(" FIL"))
}

/// How a node does.
pub(super) fn node(now: &NodeNow, language: Language) -> Vec<Row> {
    let Some(sync) = now.sync else {
        return vec![Row::words(language, "lookup-node", language.t("lookup-silent"))];
    };
    let peers = fluent_args!["n" => now.peers.unwrap_or(0)];
    let how = format!("{}, {}", language.name("lookup-sync", sync), language.say("lookup-peers", &peers));
    let mut rows = vec![Row::words(language, "lookup-node", how)];
    if let Some(((layer, epoch), applied)) = now.layer.zip(now.epoch).zip(now.applied) {
        let arguments = fluent_args!["layer" => layer, "epoch" => epoch, "applied" => applied];
        rows.push(Row::words(language, "lookup-node-layer", language.say("lookup-layer-text", &arguments)));
    }
    rows
}

/// A node's words: short, on one line.
pub(super) fn words(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}
