use serde_json::{Map, Value, json};

use crate::canonical::LARGEST_INTEGER;
use crate::read::LIST;

/// The JSON Schema (2020-12) of the canonical form: which members there are and what they hold. What they have to do with each other is beyond it.
#[must_use]
pub fn schema() -> Value {
    let mut document = object(
        "One version of the rules of a competition. What each member means is said in docs/rules.md.",
        vec![
            needed("competition", competition()),
            needed("version", version()),
            needed("series", list(defined("series"))),
            needed("entities", entities()),
            needed("metrics", list(defined("metric"))),
            needed("eligibility", list(defined("check"))),
            needed("boards", list(defined("board"))),
            needed("pools", list(defined("pool"))),
            needed("vesting", vesting()),
        ],
    );
    let definitions = json!({
        "id": {"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$"},
        "quantity": {
            "description": "A whole number of bytes, atto, gas or things, below 2^128.",
            "type": "string", "pattern": "^(0|[1-9][0-9]{0,38})$"
        },
        "ratio": {
            "description": "A fraction in lowest terms.",
            "type": "string", "pattern": "^(0|[1-9][0-9]{0,38})/[1-9][0-9]{0,38}$"
        },
        "number": {"type": "integer", "minimum": 0, "maximum": LARGEST_INTEGER},
        "epoch": {"description": "A height of the network.", "$ref": "#/$defs/number"},
        "series-name": {"type": "string", "maxLength": 60, "pattern": "^[a-z0-9_]+(\\.[a-z0-9_]+)*$"},
        "texts": object("A text for people.", vec![needed("en", text()), needed("zh", text())]),
        "population": words(&["eligible", "all"]),
        "series": observed(),
        "metric": metric(),
        "check": check(),
        "board": board(),
        "pool": pool(),
    });
    if let Value::Object(members) = &mut document {
        members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("title".into(), "Rule set".into());
        members.insert("$defs".into(), definitions);
    }
    document
}

/// A member: its name, whether it has to be there, what it holds.
type Member = (&'static str, bool, Value);

fn needed(name: &'static str, holds: Value) -> Member {
    (name, true, holds)
}

fn optional(name: &'static str, holds: Value) -> Member {
    (name, false, holds)
}

fn object(description: &str, members: Vec<Member>) -> Value {
    let required: Vec<_> = members.iter().filter(|(_, needed, _)| *needed).map(|(name, ..)| *name).collect();
    let properties: Map<_, _> =
        members.iter().map(|(name, _, holds)| ((*name).to_owned(), holds.clone())).collect();
    json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// One of several kinds of objects that have some members in common.
fn kinds(common: &[Member], kinds: Vec<(&'static str, &str, Vec<Member>)>) -> Value {
    let kind = |(name, description, members): (&'static str, &str, Vec<Member>)| {
        let own = [needed("kind", json!({"const": name}))];
        object(description, common.iter().cloned().chain(own).chain(members).collect())
    };
    json!({"oneOf": kinds.into_iter().map(kind).collect::<Vec<_>>()})
}

fn defined(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn list(items: Value) -> Value {
    json!({"type": "array", "maxItems": LIST, "items": items})
}

fn words(words: &[&str]) -> Value {
    json!({"enum": words})
}

fn text() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 2000})
}

fn truth() -> Value {
    json!({"type": "boolean"})
}

fn competition() -> Value {
    object(
        "Which competition, when and where.",
        vec![
            needed("id", defined("id")),
            needed("name", defined("texts")),
            needed("network", json!({"type": "string", "pattern": "^[a-z][a-z0-9-]{0,39}$"})),
            needed("start", defined("epoch")),
            needed("end", defined("epoch")),
            needed("regions", list(defined("id"))),
            needed("tracks", list(defined("id"))),
        ],
    )
}

fn version() -> Value {
    object(
        "Which version of its rules; supersedes is the hash of the version before.",
        vec![
            needed("number", defined("number")),
            needed("from", defined("epoch")),
            optional("supersedes", json!({"type": "string", "pattern": "^[0-9a-f]{64}$"})),
            needed("retroactive", truth()),
            needed("reason", defined("texts")),
        ],
    )
}

fn observed() -> Value {
    object(
        "A series that is observed, not read from the chain.",
        vec![
            needed("name", defined("series-name")),
            needed("unit", words(&["bytes", "atto", "gas", "count", "nano"])),
            needed("reading", words(&["level", "cumulative"])),
        ],
    )
}

fn entities() -> Value {
    object(
        "Who competes.",
        vec![
            needed("history", words(&["whole", "dated"])),
            needed("same_region", truth()),
            optional("deadline", defined("epoch")),
        ],
    )
}

fn window() -> Vec<Member> {
    vec![
        optional("from", defined("epoch")),
        optional("until", defined("epoch")),
        optional("last", defined("number")),
    ]
}

fn metric() -> Value {
    let counting = || words(&["counted", "not-counted"]);
    let rate = vec![
        needed("passed", defined("series-name")),
        needed("failed", defined("series-name")),
        needed("aggregation", words(&["pooled", "mean"])),
        optional("min_samples", defined("quantity")),
    ];
    let deals = vec![
        needed("measure", words(&["bytes", "deals", "pieces", "providers", "replicas", "provider-share"])),
        optional("start_after", defined("epoch")),
        optional("max_replicas", defined("number")),
        needed("excess", counting()),
        needed("own", counting()),
    ];
    let sectors = vec![
        needed("measure", words(&["bytes", "count"])),
        needed("fault_periods", defined("number")),
        needed("period", defined("number")),
    ];
    let series = || vec![needed("series", defined("series-name"))];
    kinds(
        &[needed("id", defined("id"))],
        vec![
            ("level", "Sum of the members' values.", series()),
            ("window", "Sum of what a cumulative series gained in a window.", [series(), window()].concat()),
            ("rate", "Share of successes.", [rate, window()].concat()),
            ("deals", "Deals whose client is a member.", deals),
            ("sectors", "Sectors of the members that are not terminated.", sectors),
            ("sum", "Sum of other metrics.", vec![needed("of", list(defined("id")))]),
            (
                "scaled",
                "A metric times a ratio, rounded down.",
                vec![needed("metric", defined("id")), needed("by", defined("id"))],
            ),
        ],
    )
}

fn check() -> Value {
    let compared = || {
        vec![
            needed("metric", defined("id")),
            needed("value", json!({"anyOf": [defined("quantity"), defined("ratio")]})),
            needed("per", words(&["entity", "member"])),
        ]
    };
    let late = object("Of who was not on the chain before.", vec![needed("deadline", defined("epoch"))]);
    let checks = || vec![needed("checks", list(defined("check")))];
    kinds(
        &[needed("id", defined("id"))],
        vec![
            ("at-least", "The metric is at least the value.", compared()),
            ("at-most", "The metric is at most the value.", compared()),
            ("claimed", "The entity is claimed.", vec![]),
            ("region", "Its region is one of the competition's.", vec![]),
            (
                "registered",
                "It was registered in time.",
                vec![needed("deadline", defined("epoch")), optional("late", late)],
            ),
            ("attested", "Somebody attested it.", vec![needed("what", defined("id"))]),
            ("all", "Every one of these.", checks()),
            ("any", "One of these at least.", checks()),
        ],
    )
}

fn board() -> Value {
    object(
        "A ranking.",
        vec![
            needed("id", defined("id")),
            optional("track", defined("id")),
            needed("metric", defined("id")),
            needed("population", defined("population")),
            needed("partition", words(&["none", "region"])),
            optional("top", defined("number")),
            optional("above", defined("quantity")),
            needed("cutoff", words(&["include-all", "none", "by-id", "earliest", "split"])),
        ],
    )
}

fn pool() -> Value {
    let gate = object(
        "What every region has to reach.",
        vec![
            needed("metric", defined("id")),
            needed("population", defined("population")),
            needed("each_region", defined("quantity")),
        ],
    );
    let tier = object(
        "What the pool holds from a level on.",
        vec![
            needed("at", defined("quantity")),
            needed("amount", defined("quantity")),
            optional("gate", gate),
        ],
    );
    let tiers = vec![
        needed("mode", words(&["highest", "newly-unlocked"])),
        needed("metric", defined("id")),
        needed("population", defined("population")),
        needed("base", defined("quantity")),
        needed("tiers", list(tier)),
    ];
    let amount = kinds(
        &[],
        vec![
            ("fixed", "This much, in atto.", vec![needed("amount", defined("quantity"))]),
            ("by-decision", "As people decide.", vec![]),
            ("tiers", "As the level reached unlocks.", tiers),
            ("open", "What the division gives.", vec![]),
        ],
    );
    let metric = || vec![needed("metric", defined("id"))];
    let divide = kinds(
        &[],
        vec![
            ("weight", "In proportion to a metric.", metric()),
            ("flat", "The same for each, in atto.", vec![needed("each", defined("quantity"))]),
            ("equal", "In equal parts.", vec![]),
            ("metric", "The metric itself.", metric()),
        ],
    );
    let cap = object(
        "What one winner can get at most.",
        vec![needed("share", defined("ratio")), needed("excess", words(&["undistributed", "redistribute"]))],
    );
    object(
        "Money that is divided among the winners of a board.",
        vec![
            needed("id", defined("id")),
            needed("board", defined("id")),
            needed("amount", amount),
            needed("divide", divide),
            needed("rounding", words(&["floor", "largest-remainder"])),
            optional("cap", cap),
            optional("floor", defined("quantity")),
            optional("ineligible", words(&["forfeit"])),
        ],
    )
}

fn vesting() -> Value {
    kinds(
        &[],
        vec![
            ("none", "At once.", vec![]),
            ("linear", "Evenly over so many epochs.", vec![needed("epochs", defined("number"))]),
        ],
    )
}
