use std::fmt::Write as _;

use axum::extract::State as Of;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::{Hub, User};

/// Text as it may stand in a page.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
        out
    })
}

/// A page; every one says what this is.
pub(crate) fn page(title: &str, body: &str) -> Response {
    let title = escaped(title);
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title} · simulated GitHub</title></head>\
         <body><p><strong>Simulated GitHub, for tests and demos.</strong> This is not GitHub: there are no passwords here, and whoever you choose to be is invented.</p>\
         <h1>{title}</h1>{body}</body></html>"
    );
    ([(header::CACHE_CONTROL, "no-store")], Html(text)).into_response()
}

/// A form in which people say who they are, with what they came with.
pub(crate) fn choice(action: &str, hidden: &[(&str, &str)], fields: &str, users: &[User]) -> String {
    let mut form = format!("<form method=\"post\" action=\"{action}\">{fields}");
    for (name, value) in hidden {
        let _ =
            write!(form, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value));
    }
    for user in users {
        let (login, kind) = (escaped(&user.login), user.kind);
        let _ = write!(
            form,
            "<p><button name=\"as\" value=\"{login}\">Authorize as {login}</button> {kind:?}, number {}</p>",
            user.id
        );
    }
    form.push_str("<p><button name=\"as\" value=\"\">Cancel</button></p></form>");
    form
}

pub(crate) async fn home(Of(hub): Of<Hub>) -> Response {
    let mut list = String::from("<p>Accounts:</p><ul>");
    for user in hub.state().users.values() {
        let _ = write!(list, "<li>{} ({:?}, number {})</li>", escaped(&user.login), user.kind, user.id);
    }
    list.push_str("</ul>");
    page("Accounts", &list)
}

pub(crate) fn refuse(status: StatusCode, why: &str) -> Response {
    let mut response = page("It does not work", &format!("<p>{}</p>", escaped(why)));
    *response.status_mut() = status;
    response
}
