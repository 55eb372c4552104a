//! The routes of a gateway.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::answer;
use crate::chain::Chain;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::refusal::{Code, Refusal};
use crate::service::Question;
use crate::{Asked, Shared, lock};

/// Bytes of a question.
const LONGEST: usize = 64 << 10;
/// Methods that both dialects take by POST.
const POSTED: [&str; 3] = [
    "TransactionService/ParseTransaction",
    "TransactionService/EstimateGas",
    "TransactionService/SubmitTransaction",
];

pub(crate) async fn serve<C: Chain>(listener: TcpListener, shared: Arc<Shared<C>>) {
    let router = Router::new().fallback(handle).with_state(shared);
    // It only ends with its task.
    let _ = axum::serve(listener, router).await;
}

async fn handle<C: Chain>(State(shared): State<Arc<Shared<C>>>, request: Request) -> Response {
    if shared.gone.load(Ordering::Relaxed) {
        return answer::lost();
    }
    let (head, body) = request.into_parts();
    let path = head.uri.path().trim_start_matches('/').to_owned();
    let named = path.strip_prefix("spacemesh.").and_then(|rest| rest.split_once('.'));
    let Some((version @ ("v2alpha1" | "v2beta1"), method)) = named else {
        return answer::refusal(&Refusal::new(Code::NotFound, "Not Found"));
    };
    let beta = version == "v2beta1";
    let expected = if beta && !POSTED.contains(&method) { Method::GET } else { Method::POST };
    if head.method != expected {
        return answer::refusal(&Refusal::new(Code::Unimplemented, "Method Not Allowed"));
    }
    let fields = match fields(&head.method, head.uri.query(), body).await {
        Ok(fields) => fields,
        Err(refusal) => return answer::refusal(&refusal),
    };
    let offset = fields.long("offset").unwrap_or_default();
    let (version, name) = (version.to_owned(), method.to_owned());
    let (number, fault) = shared.asked(Asked { number: 0, version, method: name, offset });
    match &fault {
        Some(Fault::Unavailable) => {
            return answer::refusal(&Refusal::new(Code::Unavailable, "the node is starting"));
        }
        Some(Fault::Slow(by)) => tokio::time::sleep(*by).await,
        Some(Fault::Drip(pause)) => return answer::drip(*pause),
        Some(Fault::Endless) => return answer::endless(),
        Some(Fault::HugeLength) => return answer::huge_length(),
        Some(Fault::Html(status)) => return answer::html(*status),
        Some(Fault::Redirect(to)) => return answer::redirect(to),
        _ => {}
    }
    let question = Question { method, fields, beta, number, fault: fault.as_ref() };
    let answered = question.answer(&mut *lock(&shared.chain));
    match (answered, &fault) {
        (_, Some(Fault::ReplyLost)) => answer::lost(),
        (Err(refusal), _) => answer::refusal(&refusal),
        (Ok(value), fault) => shown(value, fault.as_ref()),
    }
}

fn shown(value: Value, fault: Option<&Fault>) -> Response {
    match fault {
        Some(Fault::Truncated) => answer::truncated(&value),
        Some(Fault::WrongType) => answer::json(&answer::mistyped(value)),
        Some(Fault::Sparse) => answer::json(&answer::sparse(value)),
        _ => answer::json(&value),
    }
}

async fn fields(method: &Method, query: Option<&str>, body: Body) -> Result<Fields, Refusal> {
    if method == Method::GET {
        return Ok(Fields::of_query(query.unwrap_or_default()));
    }
    let body = to_bytes(body, LONGEST).await.map_err(|_| Refusal::invalid("the question is too long"))?;
    Fields::of_json(&body)
}
