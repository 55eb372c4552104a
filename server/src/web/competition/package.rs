//! The package of a competition: one file with everything a stranger needs.

use std::io::{self, Write};

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::TripleQuery;
use crate::competitions::contents;
use crate::web::query::{Asked, At};
use crate::web::{App, Problem};

/// Largest file that is made here, in bytes; `apogee package export` makes larger ones.
const LARGEST: usize = 64 << 20;

/// Attempts of bots that it may have: more would not fit in any case.
const ATTEMPTS: usize = 200_000;

/// Packages are made one at a time.
static ONE: Semaphore = Semaphore::const_new(1);

/// `GET /c/{competition}/package`
pub(super) async fn show(
    State(app): State<App>,
    Path(competition): Path<String>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let query = if query.is_any() { query } else { TripleQuery { at: Some(At::Final), ..query } };
    let stage = app.stage(&competition, &query).await?;
    let stood = stage.standing()?;
    let Some(ground) = stage.ground().filter(|_| stage.meta.chain.is_final) else {
        return Err(Problem::NoFinalEpoch { network: stage.meta.chain.network.to_string() });
    };
    let _alone = ONE.try_acquire().map_err(|_| Problem::Busy)?;
    let broken = |cause: Box<dyn std::error::Error + Send + Sync>| Problem::Broken(cause);
    let contents = contents(&*app.store, &stage.now.held, ground, stood, ATTEMPTS).await;
    let contents = contents.map_err(|cause| broken(Box::new(cause)))?;
    let made = tokio::task::spawn_blocking(move || {
        let mut file = Bounded(Vec::new());
        apogee_package::export(contents, &mut file).map(|_| file.0)
    });
    let file = made.await.map_err(|cause| broken(Box::new(cause)))?;
    let file = file.map_err(|cause| broken(Box::new(cause)))?;
    let name = format!("attachment; filename=\"{}-{}.apogee\"", stage.id(), stood.standings.scope.at);
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, file).into_response())
}

/// A file in memory that does not grow beyond all bounds.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > LARGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the package is larger than 64 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
