use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::sync::Notify;
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};

use super::backoff::Backoff;
use super::client::Client;

/// `ChainNotify` as an alarm clock: it says that the head moved, not whereto. `ChainGetPath` is the truth.
///
/// A task keeps the subscription and makes a new one when it breaks; it ends when this is dropped.
#[derive(Debug)]
pub struct Notifications {
    moved: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Notifications {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Nothing heard for so long means that the subscription is dead (Lotus #6883: it stalls without closing).
const SILENCE: Duration = Duration::from_secs(180);
/// A reorganisation of some hundred tipsets is a frame of this size.
const FRAME_LIMIT: usize = 16 << 20;

/// What of a frame is looked at.
#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    method: String,
    error: Option<serde::de::IgnoredAny>,
}

impl Notifications {
    /// Subscribe at `client`'s endpoint. `backoff` says how long to wait before a broken subscription is made anew; when it
    /// gives up, it is asked again from the start.
    #[must_use]
    pub fn subscribe(client: Arc<Client>, backoff: Arc<dyn Backoff>) -> Self {
        let moved = Arc::new(Notify::new());
        let wake = moved.clone();
        let task = tokio::spawn(async move {
            let mut failures = 0;
            loop {
                let heard = listen(&client, &wake).await;
                failures = if heard { 1 } else { failures + 1 };
                tracing::debug!(endpoint = client.name(), failures, "no subscription to head changes");
                if !backoff.wait(failures).await {
                    failures = 0;
                    // A backoff that never waits must not become a busy loop.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        });
        Self { moved, task }
    }

    /// Returns when the head has moved since the last call.
    pub async fn moved(&self) {
        self.moved.notified().await;
    }
}

/// One subscription until it breaks. Whether anything was heard.
async fn listen(client: &Client, wake: &Notify) -> bool {
    let mut heard = false;
    let Ok(mut request) = client.endpoint().web_socket().into_client_request() else { return heard };
    if let Some(value) = client.endpoint().authorization() {
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let config =
        WebSocketConfig::default().max_message_size(Some(FRAME_LIMIT)).max_frame_size(Some(FRAME_LIMIT));
    let connect = connect_async_with_config(request, Some(config), true);
    let Ok(Ok((mut socket, _))) = tokio::time::timeout(client.settings.connect_timeout, connect).await else {
        return heard;
    };
    let subscribe = r#"{"jsonrpc":"2.0","id":1,"method":"Filecoin.ChainNotify","params":[]}"#;
    if socket.send(Message::text(subscribe)).await.is_err() {
        return heard;
    }
    while let Ok(Some(Ok(message))) = tokio::time::timeout(SILENCE, socket.next()).await {
        let Message::Text(text) = message else { continue };
        match serde_json::from_str::<Frame>(&text) {
            Ok(frame) if frame.error.is_none() && frame.method == "xrpc.ch.val" => {
                heard = true;
                wake.notify_one();
            }
            Ok(frame) if frame.error.is_none() && frame.method.is_empty() => {}
            // A refusal, the end of the channel, or no JSON.
            _ => break,
        }
    }
    heard
}
