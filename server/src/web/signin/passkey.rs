use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::{field, with_cookie};
use crate::identity::{Answered, Asking, REGISTER, STEP_UP, Visitor};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::{App, Problem, is_own_address};

/// What a browser asks a passkey, and where the answer goes.
#[derive(Template)]
#[template(path = "passkey.html")]
struct Page<'a> {
    c: Chrome<'a>,
    asking: Asking,
    /// `create` or `get`
    kind: &'static str,
    action: &'static str,
    name: String,
    next: String,
    mark: String,
}

/// `POST /me/passkeys/new`: ask for one.
pub(in crate::web) async fn ask_new(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let asking = app.door.ask_passkey(&visitor, REGISTER).await?;
    let c = Chrome::alone(&ask, Section::Elsewhere);
    let (name, mark) = (field(&form, "name"), visitor.mark());
    let action = "/me/passkeys/add";
    let page = Page { c, asking, kind: "create", action, name, next: String::new(), mark };
    Ok(Html(page.render()?).into_response())
}

/// `POST /me/step-up`: ask for one that there is.
pub(in crate::web) async fn ask_known(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let asking = app.door.ask_passkey(&visitor, STEP_UP).await?;
    let c = Chrome::alone(&ask, Section::Elsewhere);
    let (next, mark) = (field(&form, "next"), visitor.mark());
    let action = "/me/step-up/shown";
    let page = Page { c, asking, kind: "get", action, name: String::new(), next, mark };
    Ok(Html(page.render()?).into_response())
}

fn answered(form: &[u8]) -> Answered {
    Answered {
        credential: field(form, "credential"),
        client: field(form, "client"),
        authenticator: field(form, "authenticator"),
        signature: field(form, "signature"),
    }
}

/// `POST /me/passkeys/add`
pub(in crate::web) async fn add(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    app.door.add_passkey(&visitor, &field(&form, "name"), &answered(&form)).await?;
    Ok(Redirect::to(&ask.to("/me")).into_response())
}

/// `POST /me/passkeys/remove`
pub(in crate::web) async fn remove(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    app.door.remove_passkey(&visitor, &field(&form, "credential")).await?;
    Ok(Redirect::to(&ask.to("/me")).into_response())
}

/// `POST /me/step-up/shown`
pub(in crate::web) async fn shown(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let cookie = app.door.step_up(&visitor, &answered(&form)).await?;
    let next = field(&form, "next");
    let next = if is_own_address(&next) { next } else { ask.to("/me") };
    Ok(with_cookie(Redirect::to(&next).into_response(), cookie))
}

/// `GET /assets/passkey.js`: a browser asks a passkey only from a script.
pub(in crate::web) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../../../assets/passkey.js"))
}
