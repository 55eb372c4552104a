use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::App;
use super::ask::Ask;
use super::problem::Problem;
use super::query::{Asked, At, Questions, Why};

/// What is searched, and where the search began.
#[derive(Debug, Default)]
pub(crate) struct FindQuery {
    q: String,
    /// The network that is looked at.
    n: Option<String>,
    at: Option<At>,
}

impl Questions for FindQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "q" => self.q = value.to_owned(),
            "n" => self.n = Some(value.to_owned()),
            "at" => self.at = Some(value.parse()?),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

/// Longest text that is looked for.
const LONGEST: usize = 120;

/// `GET /find`: the search box leads to a participant or an epoch.
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Asked(query): Asked<FindQuery>,
) -> Result<Response, Problem> {
    let wanted: String = query.q.trim().to_ascii_lowercase().chars().take(LONGEST).collect();
    let digits: String = wanted.chars().filter(|c| !matches!(c, ',' | '\u{202f}' | ' ')).collect();
    let now = app.now.load_full();
    let named = query.n.as_deref();
    let (first, others): (Vec<_>, Vec<_>) =
        now.networks.iter().partition(|now| Some(now.network.id.as_str()) == named);
    let at = query.at.map(|at| format!("?at={at}")).unwrap_or_default();
    for now in first.into_iter().chain(others) {
        let id = &now.network.id;
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Redirect::to(&ask.to(&format!("/n/{id}/e/{digits}"))).into_response());
        }
        // f01000 and t01000 are one actor; the network says which way it is written.
        let Some(rest) = wanted.strip_prefix(['f', 't']).filter(|rest| rest.starts_with('0')) else {
            continue;
        };
        let Ok(subject) = format!("{}{rest}", now.network.address_prefix).parse() else { continue };
        let Some(cursor) = &now.cursor else { continue };
        if !app.store.subject(id, &subject, cursor.epoch).await?.is_empty() {
            return Ok(Redirect::to(&ask.to(&format!("/n/{id}/m/{subject}{at}"))).into_response());
        }
    }
    Err(Problem::NothingNamed { wanted })
}
