//! From what an operator writes to an act: what can be computed is computed here, and taken from nobody.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use apogee_competition::{Act, Pin, Rules};
use apogee_domain::Epoch;
use apogee_rules::{Id, Quantity};
use clap::Args;
use serde_json::{Map, Value};

use crate::cli::Failure;
use crate::cli::competition::documents;
use crate::cli::desk::Desk;
use crate::competitions::{
    Destination, Missing, NoPayments, NotAgain, Payments, Shadow, Terms, final_standings, payments,
};

/// Where whoever is owed something is paid.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct PayoutTerms {
    /// Addresses besides those that the ledger shows, as JSON: {"ENTITY": {"addresses": ["f1…"], "threshold": 1}}
    #[arg(long, value_name = "FILE")]
    addresses: Option<PathBuf>,
    /// Leave out whoever has no address, instead of refusing the list
    #[arg(long)]
    withhold: bool,
}

impl PayoutTerms {
    /// With what an act is computed again.
    pub(in crate::cli) fn terms(&self, shadow: Option<&Path>) -> Result<Terms, Failure> {
        Ok(Terms { given: self.given()?, missing: self.missing(), shadow: Shadow::of(shadow) })
    }

    fn given(&self) -> Result<BTreeMap<Id, Destination>, Failure> {
        self.addresses.as_deref().map_or(Ok(BTreeMap::new()), documents::json)
    }

    const fn missing(&self) -> Missing {
        if self.withhold { Missing::Withheld } else { Missing::Refused }
    }

    /// The payments by the final standings that hold.
    pub(in crate::cli) async fn payments(&self, desk: &Desk) -> Result<Payments, Failure> {
        let (_, stood) = final_standings(&desk.stands, &desk.held, &desk.ground).await?;
        Ok(payments(&stood, desk.competition(), &self.given()?, self.missing(), desk.ground.network())?)
    }
}

impl From<NoPayments> for Failure {
    fn from(error: NoPayments) -> Self {
        match error {
            NoPayments::Standings(error) => error.into(),
            error => Self::input(error),
        }
    }
}

impl From<NotAgain> for Failure {
    fn from(error: NotAgain) -> Self {
        match error {
            NotAgain::Effect(error) => error.into(),
            NotAgain::Standings(error) => error.into(),
            NotAgain::Payments(error) => error.into(),
            NotAgain::Shadow(error) => error.into(),
            error @ NotAgain::CutOff => Self::world(error),
            error @ (NotAgain::NoRules(_) | NotAgain::OtherRoot) => Self::input(error),
        }
    }
}

/// What acts are completed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means<'a> {
    pub(super) terms: &'a PayoutTerms,
    pub(super) shadow: Option<&'a Path>,
}

/// Members that nobody writes by hand.
const COMPUTED: [(&str, &[&str]); 5] = [
    ("publish-rules", &["simulation"]),
    ("freeze", &["pin"]),
    ("finalize", &["pin", "shadow"]),
    ("amend", &["pin", "shadow"]),
    ("approve-payout", &["version", "root", "total"]),
];

/// The act of a document with `kind` and the members of `docs/competition.md` §4 that are not computed. A pin may say `at`.
pub(super) async fn completed(document: Value, desk: &Desk, means: Means<'_>) -> Result<Act, Failure> {
    let Value::Object(mut members) = document else {
        return Err(Failure::input("an act is a table with its kind and members"));
    };
    let kind = members.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if matches!(&*kind, "found" | "claim") {
        let instead = if kind == "found" { "apogee competition new" } else { "apogee claim" };
        return Err(Failure::input(format!("{kind} is no act of this kind: use `{instead}`")));
    }
    let computed = COMPUTED.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, members)| members);
    if let Some(member) = computed.iter().find(|member| members.contains_key(**member)) {
        return Err(Failure::input(format!("act.{member}: it is computed here, and nobody's to say")));
    }
    match &*kind {
        "freeze" => {
            let (pin, _) = pin(&mut members, desk, means, false).await?;
            Ok(Act::Freeze { pin })
        }
        "finalize" | "amend" => {
            let (pin, shadow) = pin(&mut members, desk, means, true).await?;
            Ok(if kind == "amend" { Act::Amend { pin, shadow } } else { Act::Finalize { pin, shadow } })
        }
        "approve-payout" => {
            no_more(&members)?;
            let payments = means.terms.payments(desk).await?;
            let version = u64::try_from(desk.competition().finals().len()).map_err(Failure::world)?;
            let total = Quantity(payments.list.total().0);
            Ok(Act::ApprovePayout { version, root: payments.root, total })
        }
        _ => plain(members),
    }
}

/// An act of which nothing is computed.
fn plain(members: Map<String, Value>) -> Result<Act, Failure> {
    let malformed = |cause: serde_json::Error| {
        let lines: Vec<String> = cause.to_string().lines().map(str::to_owned).collect();
        Failure::input(format!("malformed: act: {}", lines.join("; ")))
    };
    let act: Act = serde_json::from_value(Value::Object(members.clone())).map_err(malformed)?;
    // An act without members is read whatever else stands there.
    let written = serde_json::to_value(&act).map_err(malformed)?;
    let stray = members.keys().find(|name| written.get(name.as_str()).is_none());
    stray.map_or(Ok(act), |name| Err(Failure::input(format!("malformed: act: unknown field `{name}`"))))
}

fn no_more(members: &Map<String, Value>) -> Result<(), Failure> {
    let more = members.keys().find(|name| *name != "kind");
    more.map_or(Ok(()), |name| Err(Failure::input(format!("malformed: act.{name}: there is no such member"))))
}

/// The standings that are meant, and what the second implementation makes of them.
async fn pin(
    members: &mut Map<String, Value>,
    desk: &Desk,
    means: Means<'_>,
    last: bool,
) -> Result<(Pin, apogee_domain::Digest), Failure> {
    let at = members.remove("at").map(serde_json::from_value::<Epoch>).transpose();
    let at = at.map_err(|cause| Failure::input(format!("malformed: act.at: {cause}")))?;
    no_more(members)?;
    let competition = desk.competition();
    let (start, end) = (competition.start(), competition.end());
    let (Some(start), Some(end)) = (start, end) else {
        return Err(Failure::input("no rules are published yet"));
    };
    // What the newest epoch did is known with the next one.
    let whole = || if last { end.minus(1) } else { desk.ground.head().minus(1).max(start) };
    let stood = desk.stand(at.unwrap_or_else(whole)).await?;
    let (triple, root) = (stood.triple, stood.standings.root);
    println!("standings at epoch {}: root {root}", triple.at);
    let mut shadow = root;
    if last {
        let second = Shadow::of(means.shadow);
        let computed = tokio::task::spawn_blocking(move || second.root(&stood)).await;
        shadow = computed.map_err(Failure::world)??;
        println!("the second implementation: root {shadow}");
        if shadow != root {
            return Err(Failure::input("blocked: the second implementation computes another root"));
        }
    }
    Ok((Pin { at: triple.at, root, rules: triple.rules, seq: triple.seq }, shadow))
}

/// The document of an act that publishes the rules of a file.
pub(super) fn rules(file: &Path) -> Result<Value, Failure> {
    let rules = Rules(Box::new(documents::rules(file)?));
    let rules = serde_json::to_value(rules).map_err(Failure::world)?;
    Ok(serde_json::json!({"kind": "publish-rules", "rules": rules}))
}
