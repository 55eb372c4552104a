//! A page of a headless Chromium, driven over the `DevTools` protocol.

use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// How long one answer or one page may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Browser {
    child: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    calls: u64,
    /// What the page complained about: exceptions, console errors, refused or missing resources.
    pub(crate) complaints: Vec<String>,
    loads: usize,
    _profile: TempDir,
}

impl Browser {
    /// Start Chromium and open a page.
    pub(crate) async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let started = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
            ])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
            .args(["--remote-debugging-port=0", "--font-render-hinting=none", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(cause) if cause.kind() == ErrorKind::NotFound => {
                panic!("Chromium is not installed, and the pages cannot be seen: run `cargo xtask setup`")
            }
            Err(cause) => panic!("Chromium could not be started: {cause}"),
        };
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.strip_prefix("DevTools listening on ")?.to_owned()));
        let address = address.expect("Chromium says where it listens");
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let config = tokio_tungstenite::tungstenite::protocol::WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let (socket, _) = connect_async_with_config(address, Some(config), true).await.unwrap();
        let (complaints, profile) = (Vec::new(), profile);
        let mut browser =
            Self { child, socket, session: None, calls: 0, complaints, loads: 0, _profile: profile };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach).await;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "DOM"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// One command and its result.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(command.to_string())).await.unwrap();
        loop {
            let answer = self.next().await;
            if answer["id"] == json!(id) {
                assert!(answer["error"].is_null(), "{method} {params}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    /// The next message; events are noted on the way.
    async fn next(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("Chromium answers in time");
            let Message::Text(text) = message.expect("Chromium is there").unwrap() else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            let params = &message["params"];
            match message["method"].as_str() {
                Some("Page.loadEventFired") => self.loads += 1,
                Some("Runtime.exceptionThrown") => {
                    self.complaints.push(params["exceptionDetails"].to_string())
                }
                Some("Runtime.consoleAPICalled") if params["type"] == "error" => {
                    self.complaints.push(params["args"].to_string());
                }
                Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                    self.complaints.push(format!("{} {}", params["entry"]["text"], params["entry"]["url"]));
                }
                _ => {}
            }
            return message;
        }
    }

    /// Open a page and wait until it is there.
    pub(crate) async fn open(&mut self, address: &str) {
        let loads = self.loads;
        let opened = self.call("Page.navigate", json!({ "url": address })).await;
        assert!(opened["errorText"].is_null(), "{address}: {}", opened["errorText"]);
        self.loaded(loads).await;
    }

    /// How many pages were loaded so far; for [`loaded`](Self::loaded).
    pub(crate) fn loads(&self) -> usize {
        self.loads
    }

    /// Wait for a page more than `before`.
    pub(crate) async fn loaded(&mut self, before: usize) {
        while self.loads == before {
            self.next().await;
        }
    }

    /// How wide the window is, and which colours are asked for.
    pub(crate) async fn look(&mut self, width: u32, scheme: &str) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": "", "features": features })).await;
    }

    /// What an expression says in the page.
    pub(crate) async fn ask(&mut self, expression: &str) -> Value {
        let ask = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let said = self.call("Runtime.evaluate", ask).await;
        assert!(said["exceptionDetails"].is_null(), "{}", said["exceptionDetails"]);
        said["result"]["value"].clone()
    }

    /// The whole page as PNG.
    pub(crate) async fn picture(&mut self) -> Vec<u8> {
        let size = self.call("Page.getLayoutMetrics", json!({})).await["cssContentSize"].clone();
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let shot = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        self.bytes("Page.captureScreenshot", shot).await
    }

    /// The page as it is printed.
    pub(crate) async fn print(&mut self) -> Vec<u8> {
        self.bytes("Page.printToPDF", json!({ "preferCSSPageSize": true })).await
    }

    async fn bytes(&mut self, method: &str, params: Value) -> Vec<u8> {
        let data = self.call(method, params).await["data"].clone();
        base64::engine::general_purpose::STANDARD.decode(data.as_str().unwrap()).unwrap()
    }

    /// Press a key that has no character.
    pub(crate) async fn press(&mut self, key: &str, code: u32) {
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if key == "Enter" && kind == "keyDown" {
                event["text"] = json!("\r");
            }
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
