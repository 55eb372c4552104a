//! `apogee demo`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use apogee_indexer::{Indexer, Options, recording};
use apogee_store::Store;
use apogee_store_sqlite::SqliteStore;
use clap::Args;

use super::{Answer, Failure};
use crate::edge;
use crate::watch::{Feed, Watch};
use crate::web::{App, Site};

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
    /// Folder of the recording
    #[arg(long, value_name = "DIR", default_value = "examples/devnet-a")]
    recording: PathBuf,
    /// Database file to keep; by default a temporary one
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let listener = tokio::net::TcpListener::bind(self.listen).await.map_err(Failure::world)?;
        let temporary = tempfile::tempdir().map_err(Failure::world)?;
        let path = self.data.unwrap_or_else(|| temporary.path().join("demo.sqlite"));
        let store = Arc::new(SqliteStore::open(&path).await.map_err(Failure::world)?);
        let recorded = recording::devnet(&self.recording).map_err(Failure::input)?;
        let mut work = store.begin().await.map_err(Failure::world)?;
        work.put_network(&recorded.network).await.map_err(Failure::world)?;
        work.commit().await.map_err(Failure::world)?;
        let seed = edge::entropy()?;
        let options = Options::new(Arc::new(move || seed));
        let source = Arc::new(recorded.source);
        let mut indexer = Indexer::new(store.clone(), source, recorded.network.clone(), recorded.params, options);
        let cursor = indexer.backfill_to_head().await.map_err(Failure::world)?;
        println!("Indexed up to epoch {}, digest {}.", cursor.epoch, cursor.digest);
        println!("http://{}/", listener.local_addr().map_err(Failure::world)?);
        let clock = Arc::new(edge::SystemClock);
        let watch = Watch::new(store.clone(), clock.clone(), vec![(recorded.network.id, Feed::Recorded)]);
        watch.look().await.map_err(Failure::world)?;
        let site = Site::new(App { store, clock, now: watch.now() });
        let service = axum::Router::new().fallback(move |request| {
            let site = site.clone();
            async move { site.answer(request).await }
        });
        axum::serve(listener, service)
            .with_graceful_shutdown(edge::interrupted())
            .await
            .map_err(Failure::world)?;
        Ok(Answer::Yes)
    }
}
