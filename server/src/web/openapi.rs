use askama::Template;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::ask::Ask;
use super::chrome::{Chrome, Section};
use super::problem::{Details, Explained, Problem};
use super::view::View;
use super::{
    board, competition, epoch, epochs, faucet, faucets, home, participant, problems, recount, recounts,
    status,
};

/// An address that programs may ask.
struct Operation {
    /// With `{parameters}`, and the form.
    path: &'static str,
    /// Name of the operation for generated clients.
    id: &'static str,
    says: &'static str,
    query: &'static [Parameter],
    answer: Answer,
}

enum Answer {
    /// JSON of this schema.
    Json(fn(&mut Components) -> Value),
    /// Text of this media type.
    Text(&'static str),
    /// The address of a page, in `Location`.
    Redirect,
}

struct Parameter {
    name: &'static str,
    says: &'static str,
    example: &'static str,
}

const fn parameter(name: &'static str, says: &'static str, example: &'static str) -> Parameter {
    Parameter { name, says, example }
}

const AT: Parameter =
    parameter("at", "Which epoch, written e:51204; or final. By default the newest indexed one.", "e:100");
const EVIDENCE: &[Parameter] = &[parameter("from", "The first batch; by default that with number 1.", "1")];
const BOARD: &[Parameter] = &[
    AT,
    parameter(
        "sort",
        "A series, with - before it for the largest first, or participant; by default the rank.",
        "participant",
    ),
    parameter("q", "Part of a participant's address.", "t0"),
    parameter("page", "Which page of the rows, from 1 on.", "1"),
    parameter("limit", "Rows of a page.", "10"),
];

const EPOCHS: &[Parameter] = &[AT, parameter("before", "Those below this one, written e:120.", "e:120")];
const FIND: &[Parameter] = &[
    parameter("q", "An ID address or the number of an epoch.", "t01000"),
    parameter("n", "The network that is looked at first.", "devnet-a"),
    AT,
];

/// Which standings of a competition.
const STAGE_AT: Parameter = parameter(
    "at",
    "Which epoch, written e:51204, a time as 2026-05-24T09:12Z, or final. By default the newest one, or the final or frozen one.",
    "e:100",
);
const STAGE_RULES: Parameter =
    parameter("rules", "Number of a version of the rules. By default the one that holds at that epoch.", "1");
const STAGE_SEQ: Parameter = parameter(
    "seq",
    "Number of the last entry of the ledger that is looked at. By default the newest one.",
    "4",
);
const STAGE: &[Parameter] = &[STAGE_AT, STAGE_RULES, STAGE_SEQ];
const COMPETITION_BOARD: &[Parameter] = &[
    STAGE_AT,
    STAGE_RULES,
    STAGE_SEQ,
    parameter("show", "Who is shown: all, eligible or unclaimed.", "all"),
    parameter("q", "Part of a name or id.", "t0"),
    parameter(
        "sort",
        "A metric, name, region, status or amount, with - before it for the largest first; by default the rank.",
        "-amount",
    ),
    parameter("page", "Which page of the rows, from 1 on.", "1"),
    parameter("limit", "Rows of a page.", "10"),
    parameter("me", "The entity whose row is given besides.", "t01001"),
];
const PAYOUT: &[Parameter] = &[
    STAGE_AT,
    STAGE_RULES,
    STAGE_SEQ,
    parameter("page", "Which page of the rows, from 1 on.", "1"),
    parameter("limit", "Rows of a page.", "10"),
];
const RECOUNT: &[Parameter] =
    &[parameter("page", "Which page of what changes for competitors, from 1 on.", "1")];
const PAGE: Parameter = parameter("page", "Which page of the rows, from 1 on.", "1");
const STAGE_PAGES: &[Parameter] = &[STAGE_AT, STAGE_RULES, STAGE_SEQ, PAGE];
const TIMELINE: &[Parameter] = &[
    STAGE_AT,
    STAGE_RULES,
    STAGE_SEQ,
    parameter(
        "kind",
        "Only announcement, upgrade, rules, lifecycle, decision, incident or claim.",
        "announcement",
    ),
    PAGE,
];
const SIMULATE: &[Parameter] = &[
    STAGE_AT,
    parameter(
        "rules",
        "Number of the version to start from. By default the one that holds at that epoch.",
        "1",
    ),
    STAGE_SEQ,
    parameter("with", "Number of a published version that is applied instead.", "1"),
    parameter(
        "set.pools.capacity.amount.tiers.0.at",
        "Any member of the rules can be changed: set. and its path, items of lists by their id or their place from 0 on. The value is written with its unit; - leaves the member out.",
        "8KiB",
    ),
    parameter(
        "remove",
        "Epochs that do not count: from..until, then : and metrics, then : and regions; several with ; between them.",
        "10..20:blocks",
    ),
    parameter("disqualify", "Entities that are not eligible, with commas between them.", "t01001"),
    parameter("rows", "changed for only those for whom something changes, or all.", "changed"),
    PAGE,
];
const CLAIM: &[Parameter] = &[
    parameter(
        "action",
        "What is asked for: claim, join, leave, transfer, rename, set-payout-address or appeal.",
        "claim",
    ),
    parameter("miner", "ID address of the miner.", "t01000"),
    parameter("role", "Whose key signs: owner or worker.", "owner"),
    parameter("entity", "Id of the entity.", "example"),
    parameter("name", "With claim and rename: the name of the entity.", "Example"),
];

const LOG: &[Parameter] = &[
    STAGE_AT,
    STAGE_RULES,
    STAGE_SEQ,
    parameter("kind", "storage or retrieval; by default the first that is probed.", "retrieval"),
    parameter("show", "Only slots that came to ok, fail or excluded, or are open; by default all.", "all"),
    parameter("before", "Slots below this number.", "1000"),
    parameter("open", "The slot whose details the page shows; JSON has them all.", "1"),
];

const MAINTENANCE: &[Parameter] = &[
    parameter("miner", "ID address of the miner.", "t01000"),
    parameter("role", "Whose key signs: owner or worker.", "owner"),
    parameter("from", "When it begins.", "2030-05-24T09:12:00Z"),
    parameter("minutes", "How long it lasts.", "10"),
];

/// Parts of paths.
const PLACES: &[Parameter] = &[
    parameter("competition", "Id of the competition.", "devnet-sprint"),
    parameter("board", "Id of a board of the rules.", "power"),
    parameter("entity", "Id of the entity; of an unclaimed miner its address.", "t01000"),
    parameter("miner", "ID address of the miner.", "t01000"),
    parameter("version", "A version of the rules.", "v1"),
    parameter("older", "A version of the rules.", "v1"),
    parameter("newer", "Another version of the rules.", "v1"),
    parameter("seq", "Number of an entry of the ledger.", "2"),
    parameter("network", "Short name of the network.", "devnet-a"),
    parameter("layered", "Short name of a network of Spacemesh.", "devnet-208"),
    parameter(
        "input",
        "Digest of what was counted.",
        "0b31415598779ffa376ed61f4e110896c52010833480f3798ce9f516ac419fcd",
    ),
    parameter("series", "Name of a series that participants have.", "power.raw"),
    parameter("epoch", "Number of the epoch.", "100"),
    parameter("kind", "Name of a kind of problem.", "unknown-series"),
    parameter("participant", "ID address of the participant.", "t01000"),
    parameter("address", "An account, as its network writes it.", "t01000"),
    parameter(
        "id",
        "The name of a transaction: 64 hexadecimal digits, or the CID of a message.",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
];

const CSV: &str = "text/csv; charset=utf-8; header=present";
const PLAIN: &str = "text/plain; charset=utf-8";

fn operations() -> Vec<Operation> {
    let page =
        |path, id, says, query: &'static [Parameter], answer| Operation { path, id, says, query, answer };
    vec![
        page(
            "/index.json",
            "networks",
            "Every competition, and every network and how far it is indexed.",
            &[],
            Answer::Json(of::<home::Home>),
        ),
        page(
            "/n/{network}/board.json",
            "board",
            "The global board.",
            BOARD,
            Answer::Json(of::<board::Board>),
        ),
        page("/n/{network}/board.csv", "boardCsv", "The global board as a table.", BOARD, Answer::Text(CSV)),
        page(
            "/n/{network}/board/{series}.json",
            "seriesBoard",
            "The board of one series.",
            BOARD,
            Answer::Json(of::<board::Board>),
        ),
        page(
            "/n/{network}/board/{series}.csv",
            "seriesBoardCsv",
            "The board of one series as a table.",
            BOARD,
            Answer::Text(CSV),
        ),
        page(
            "/n/{network}/m/{participant}.json",
            "participant",
            "All series of one participant.",
            &[AT],
            Answer::Json(of::<participant::Participant>),
        ),
        page(
            "/n/{network}/epochs.json",
            "epochs",
            "Epochs, the newest first.",
            EPOCHS,
            Answer::Json(of::<epochs::Epochs>),
        ),
        page(
            "/n/{layered}/recounts.json",
            "recounts",
            "Recounts of the votes of a network of Spacemesh, the newest first, and what is counted now.",
            &[],
            Answer::Json(of::<recounts::Recounts>),
        ),
        page(
            "/n/{layered}/recounts.csv",
            "recountsCsv",
            "Recounts of the votes of a network of Spacemesh as a table.",
            &[],
            Answer::Text(CSV),
        ),
        page(
            "/n/{layered}/recounts/{input}.json",
            "recount",
            "One recount: where votes decide otherwise, whose rewards change, and what that does to competitions.",
            RECOUNT,
            Answer::Json(of::<recount::RecountView>),
        ),
        page(
            "/n/{layered}/recounts/{input}.csv",
            "recountCsv",
            "What every smesher was paid and is owed where votes decide otherwise, as a table.",
            RECOUNT,
            Answer::Text(CSV),
        ),
        page(
            "/n/{network}/e/{epoch}.json",
            "epoch",
            "One epoch: its blocks, the checks made on it, what it changed.",
            &[],
            Answer::Json(of::<epoch::EpochView>),
        ),
        page(
            "/c/{competition}.json",
            "competition",
            "A competition at a glance: where it stands, its pools, first places and what happened last.",
            STAGE,
            Answer::Json(of::<competition::Overview>),
        ),
        page(
            "/c/{competition}/board.json",
            "competitionBoard",
            "The first board of a competition.",
            COMPETITION_BOARD,
            Answer::Json(of::<competition::Board>),
        ),
        page(
            "/c/{competition}/board.csv",
            "competitionBoardCsv",
            "The first board of a competition as a table.",
            COMPETITION_BOARD,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/board/{board}.json",
            "competitionBoardNamed",
            "A board of a competition; of one that is divided by region the list of ?region=.",
            COMPETITION_BOARD,
            Answer::Json(of::<competition::Board>),
        ),
        page(
            "/c/{competition}/board/{board}.csv",
            "competitionBoardNamedCsv",
            "A board of a competition as a table.",
            COMPETITION_BOARD,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/regions.json",
            "competitionRegions",
            "The regions of a competition beside each other.",
            STAGE,
            Answer::Json(of::<competition::Regions>),
        ),
        page(
            "/c/{competition}/regions.csv",
            "competitionRegionsCsv",
            "The regions of a competition as a table.",
            STAGE,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/e/{entity}.json",
            "competitionEntity",
            "An entity: why it is or is not eligible, what to do by when, its places, and how its payout comes about.",
            STAGE,
            Answer::Json(of::<competition::Entity>),
        ),
        page(
            "/c/{competition}/e/{entity}.csv",
            "competitionEntityCsv",
            "The checks of an entity as a table.",
            STAGE,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/m/{miner}",
            "competitionMiner",
            "The entity that a miner competes for.",
            STAGE,
            Answer::Redirect,
        ),
        page(
            "/c/{competition}/m/{miner}/attempts.json",
            "probeLog",
            "What bots saw of a miner, the newest slot first, and what it comes to.",
            LOG,
            Answer::Json(of::<competition::AttemptLog>),
        ),
        page(
            "/c/{competition}/m/{miner}/attempts.csv",
            "probeLogCsv",
            "What bots saw of a miner as a table: a row an attempt.",
            LOG,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/probes.json",
            "probeFairness",
            "How fairly the bots of a competition looked: coverage, errors, their own failures, the commitment to the schedule.",
            STAGE,
            Answer::Json(of::<competition::Fairness>),
        ),
        page(
            "/c/{competition}/probes.csv",
            "probeFairnessCsv",
            "What the slots of every miner come to, as a table.",
            STAGE,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/evidence.car",
            "probeEvidence",
            "The log of evidence as a CAR, from one batch on: apogee package verify --evidence judges every slot again.",
            EVIDENCE,
            Answer::Text("application/vnd.ipld.car"),
        ),
        page(
            "/c/{competition}/evidence.ndjson",
            "probeEvidenceLines",
            "The same as lines of JSON: one for each entry, with the record that it names.",
            EVIDENCE,
            Answer::Text("application/x-ndjson"),
        ),
        page(
            "/c/{competition}/probes/versions.json",
            "probeVersions",
            "What the miners that are probed say that they run, by power.",
            STAGE,
            Answer::Json(of::<competition::Versions>),
        ),
        page(
            "/c/{competition}/probes/versions.csv",
            "probeVersionsCsv",
            "What miners say that they run, as a table.",
            STAGE,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/maintenance.json",
            "maintenanceStatement",
            "A statement to sign, and what is declared. Its signature is sent by POST to /c/{competition}/maintenance, as the page does it.",
            MAINTENANCE,
            Answer::Json(of::<competition::Maintenance>),
        ),
        page(
            "/c/{competition}/maintenance.csv",
            "maintenanceCsv",
            "When nothing counts, as a table.",
            MAINTENANCE,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/payout.json",
            "competitionPayout",
            "What a competition pays, or would pay if it ended now, conserved to the atto.",
            PAYOUT,
            Answer::Json(of::<competition::Payout>),
        ),
        page(
            "/c/{competition}/payout.csv",
            "competitionPayoutCsv",
            "What a competition pays, as a table.",
            PAYOUT,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/payout/{entity}.json",
            "competitionPayoutProof",
            "What an entity is paid, with its proof in the standings (RFC 9162).",
            STAGE,
            Answer::Json(of::<competition::Proof>),
        ),
        page(
            "/c/{competition}/verify.json",
            "competitionVerify",
            "How to recompute a competition, and what that proves.",
            STAGE,
            Answer::Json(of::<competition::Verify>),
        ),
        page(
            "/c/{competition}/package",
            "competitionPackage",
            "The package of a competition at its newest final epoch, or at one that is asked for.",
            STAGE,
            Answer::Text(PLAIN),
        ),
        page(
            "/c/{competition}/claim.json",
            "claimMessage",
            "A message to sign. Its signature is sent by POST to /c/{competition}/claim, as the page does it.",
            CLAIM,
            Answer::Json(of::<competition::Claim>),
        ),
        page(
            "/c/{competition}/decisions.json",
            "decisions",
            "Every decision, the newest first, and every appeal.",
            STAGE_PAGES,
            Answer::Json(of::<competition::Decisions>),
        ),
        page(
            "/c/{competition}/decisions.csv",
            "decisionsCsv",
            "Every decision as a table.",
            STAGE,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/decisions/{seq}.json",
            "ledgerEntry",
            "One entry of the ledger: who signed it, and what it does to everybody.",
            STAGE_PAGES,
            Answer::Json(of::<competition::EntryView>),
        ),
        page(
            "/c/{competition}/rules.json",
            "rules",
            "The rules in words and as data, and every version of them.",
            STAGE,
            Answer::Json(of::<competition::RulesView>),
        ),
        page(
            "/c/{competition}/rules.csv",
            "rulesCsv",
            "Every version of the rules as a table.",
            STAGE,
            Answer::Text(CSV),
        ),
        page(
            "/c/{competition}/rules/{version}.json",
            "rulesVersion",
            "One version of the rules; its canonical JSON has the hash that is named.",
            STAGE,
            Answer::Json(of::<competition::RulesView>),
        ),
        page(
            "/c/{competition}/rules/{older}..{newer}.json",
            "rulesDiff",
            "Two versions side by side, and what the newer one does to everybody.",
            STAGE_PAGES,
            Answer::Json(of::<competition::DiffView>),
        ),
        page(
            "/c/{competition}/simulate.json",
            "simulate",
            "What would be, were the rules or decisions others. Never official.",
            SIMULATE,
            Answer::Json(of::<competition::Simulation>),
        ),
        page(
            "/c/{competition}/timeline.json",
            "timeline",
            "Everything that happened, what is to come, and what the chain shows.",
            TIMELINE,
            Answer::Json(of::<competition::Timeline>),
        ),
        page(
            "/c/{competition}/timeline.csv",
            "timelineCsv",
            "Everything that happened as a table.",
            TIMELINE,
            Answer::Text(CSV),
        ),
        page(
            "/status.json",
            "status",
            "How every network and node does.",
            &[],
            Answer::Json(of::<status::Status>),
        ),
        page(
            "/faucet/{network}/status.json",
            "faucetStatus",
            "How the faucet of a network does, and the node that is asked for it. Made for each request.",
            &[],
            Answer::Json(of::<faucet::Status>),
        ),
        page(
            "/faucet/{network}/balance/{address}.json",
            "faucetBalance",
            "What an account has: on Spacemesh as a node says, on Filecoin by the newest indexed state. Made for each request.",
            &[],
            Answer::Json(of::<faucet::Balance>),
        ),
        page(
            "/faucet/{network}/tx/{id}.json",
            "faucetTransaction",
            "What became of a transaction: on Spacemesh as a node says, elsewhere only of those that a wallet of this service has signed. Made for each request.",
            &[],
            Answer::Json(of::<faucet::Transaction>),
        ),
        page(
            "/faucets.json",
            "faucets",
            "Whether each faucet grants anything now, and how much of its day is given.",
            &[],
            Answer::Json(of::<faucets::Faucets>),
        ),
        page("/find", "find", "The page of a participant or an epoch.", FIND, Answer::Redirect),
        page("/problems.json", "problems", "Kinds of problems.", &[], Answer::Json(of::<problems::Problems>)),
        page(
            "/problems/{kind}.json",
            "problem",
            "One kind of problem, explained.",
            &[],
            Answer::Json(of::<Explained>),
        ),
        page(
            "/openapi.json",
            "openapi",
            "This document.",
            &[],
            Answer::Json(|_| json!({ "type": "object" })),
        ),
        page("/healthz", "health", "Whether the process answers.", &[], Answer::Text(PLAIN)),
        page(
            "/readyz",
            "ready",
            "Whether the database answers and every network has an epoch to show.",
            &[],
            Answer::Text(PLAIN),
        ),
        page(
            "/metrics",
            "metrics",
            "Counters for Prometheus.",
            &[],
            Answer::Text("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ),
    ]
}

/// Schemas by name.
type Components = Map<String, Value>;

/// Schemas that mean the same in every answer; others are named after the answer that they are a part of.
const SHARED: [&str; 6] =
    ["Meta", "Freshness", "CompetitionMeta", "CompetitionName", "CompetitionDates", "RulesVersion"];

/// The schema of `T`, put among the components.
fn of<T: ToSchema>(components: &mut Components) -> Value {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    let whole = T::name().into_owned();
    parts.push((whole.clone(), T::schema()));
    let name = |part: &str| {
        if part == whole || SHARED.contains(&part) { part.to_owned() } else { format!("{whole}.{part}") }
    };
    for (part, schema) in parts {
        let mut schema = json!(schema);
        refer(&mut schema, &name);
        components.insert(name(&part), schema);
    }
    json!({ "$ref": format!("{SCHEMAS}{whole}") })
}

const SCHEMAS: &str = "#/components/schemas/";

/// Rename what a schema refers to.
fn refer(schema: &mut Value, name: &impl Fn(&str) -> String) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(target) if key == "$ref" => {
                        if let Some(part) = target.strip_prefix(SCHEMAS) {
                            *target = format!("{SCHEMAS}{}", name(part));
                        }
                    }
                    value => refer(value, name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, name)),
        _ => {}
    }
}

/// The `OpenAPI` 3.1 document.
fn document() -> Value {
    let (mut components, mut paths) = (Components::new(), Map::new());
    let problem = of::<Details>(&mut components);
    for operation in operations() {
        paths.insert(
            operation.path.to_owned(),
            json!({ "get": operation.document(&mut components, &problem) }),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Apogee",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every page has a JSON twin at its address with .json, most a CSV twin. Amounts and bytes are strings of digits; an absent value is unknown, never zero. Answers carry strong entity tags.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": components },
    })
}

impl Operation {
    fn document(&self, components: &mut Components, problem: &Value) -> Value {
        let described = |parameter: &Parameter, place: &str| {
            json!({
                "name": parameter.name,
                "in": place,
                "required": place == "path",
                "description": parameter.says,
                "schema": { "type": "string" },
                "example": parameter.example,
            })
        };
        let places = PLACES.iter().filter(|place| self.path.contains(&format!("{{{}}}", place.name)));
        let parameters: Vec<Value> = places
            .map(|place| described(place, "path"))
            .chain(self.query.iter().map(|query| described(query, "query")))
            .collect();
        let good = match &self.answer {
            Answer::Json(schema) => (
                "200",
                json!({
                    "description": self.says,
                    "content": { "application/json": { "schema": schema(components) } },
                }),
            ),
            Answer::Text(media) => (
                "200",
                json!({ "description": self.says, "content": { *media: { "schema": { "type": "string" } } } }),
            ),
            Answer::Redirect => (
                "303",
                json!({
                    "description": self.says,
                    "headers": { "Location": { "required": true, "schema": { "type": "string" } } },
                }),
            ),
        };
        let wrong = json!({
            "description": "A problem (RFC 9457). Its type is the address of a page that explains it.",
            "content": { "application/problem+json": { "schema": problem } },
        });
        json!({
            "operationId": self.id,
            "summary": self.says,
            "parameters": parameters,
            "responses": { good.0: good.1, "default": wrong },
        })
    }
}

/// The document and its page.
#[derive(Serialize)]
#[serde(transparent)]
struct Document(Value);

#[derive(Template)]
#[template(path = "openapi.html")]
struct Page<'a> {
    c: Chrome<'a>,
    operations: Vec<Operation>,
}

impl View for Document {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::alone(ask, Section::Elsewhere), operations: operations() }.render()
    }
}

/// `GET /openapi`
pub(super) async fn show(ask: Ask) -> Result<Response, Problem> {
    ask.answer(&Document(document()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_documented_in_the_forms_that_programs_read() {
        // Of a network of Spacemesh alone, it is told apart by the name of its place.
        let named = |operation: &Operation| operation.path.replace("{layered}", "{network}");
        let documented: Vec<String> = operations().iter().map(named).collect();
        for (path, _) in super::super::pages() {
            let twin = if path == "/" { "/index.json".to_owned() } else { format!("{path}.json") };
            let is_there = |path: &str| documented.iter().any(|documented| documented == path);
            assert!(is_there(path) || is_there(&twin), "{path} is not documented");
        }
    }
}
