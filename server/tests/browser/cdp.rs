//! A page of a headless Chromium, driven over the `DevTools` protocol.

use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Child, Stdio};
use std::time::Duration;

use base64::Engine as _;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::process::tied;

/// How long one answer or one page may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page that can be turned to. Those of one person share their cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tab {
    session: String,
    person: Option<String>,
}

pub(crate) struct Browser {
    child: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The page that is looked at, once there is one.
    tab: Option<Tab>,
    calls: u64,
    /// What the page complained about: exceptions, console errors, refused or missing resources.
    pub(crate) complaints: Vec<String>,
    /// What the page itself was answered with, and where it came from in the end.
    pub(crate) answered: (u64, String),
    loads: usize,
    _profile: TempDir,
}

impl Browser {
    /// Start Chromium and open a page.
    pub(crate) async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let started = tied("chromium")
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
        let mut browser = Self {
            child,
            socket,
            tab: None,
            calls: 0,
            complaints: Vec::new(),
            answered: (0, String::new()),
            loads: 0,
            _profile: profile,
        };
        browser.opened(None).await;
        browser
    }

    /// A page of this person, which is looked at from now on.
    async fn opened(&mut self, person: Option<String>) -> Tab {
        self.tab = None;
        let mut target = json!({ "url": "about:blank" });
        if let Some(person) = &person {
            target["browserContextId"] = json!(person);
        }
        let target = self.call("Target.createTarget", target).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.call("Target.attachToTarget", attach).await;
        let tab = Tab { session: attached["sessionId"].as_str().unwrap().to_owned(), person };
        self.tab = Some(tab.clone());
        for domain in ["Page", "Runtime", "Log", "DOM", "Network"] {
            self.call(&format!("{domain}.enable"), json!({})).await;
        }
        // Pages in the background are as awake as the one in front.
        self.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        tab
    }

    /// Somebody else sits down at a browser of their own: nothing is shared with those before.
    pub(crate) async fn somebody_else(&mut self) -> Tab {
        self.tab = None;
        let person = self.call("Target.createBrowserContext", json!({})).await;
        let person = person["browserContextId"].as_str().unwrap().to_owned();
        self.opened(Some(person)).await
    }

    /// Another page of the same person.
    pub(crate) async fn another_tab(&mut self) -> Tab {
        let person = self.tab.as_ref().unwrap().person.clone();
        self.opened(person).await
    }

    /// The page that is looked at.
    pub(crate) fn tab(&self) -> Tab {
        self.tab.clone().unwrap()
    }

    /// Look at another page.
    pub(crate) fn turn_to(&mut self, tab: &Tab) {
        self.tab = Some(tab.clone());
    }

    /// One command and its result.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let Some(tab) = &self.tab {
            command["sessionId"] = json!(tab.session);
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
            let own = message["sessionId"].as_str() == self.tab.as_ref().map(|tab| tab.session.as_str());
            match message["method"].as_str() {
                Some("Page.loadEventFired") if own => self.loads += 1,
                Some("Network.responseReceived") if own && params["type"] == "Document" => {
                    let response = &params["response"];
                    let address = response["url"].as_str().unwrap_or_default().to_owned();
                    self.answered = (response["status"].as_u64().unwrap_or_default(), address);
                }
                Some("Runtime.exceptionThrown") => {
                    self.complaints.push(params["exceptionDetails"].to_string())
                }
                Some("Runtime.consoleAPICalled") if params["type"] == "error" => {
                    self.complaints.push(params["args"].to_string());
                }
                Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                    let address = params["entry"]["url"].as_str().unwrap_or_default();
                    if address.ends_with("/favicon.ico") {
                        // Pages of ours name theirs; those of the doubles have none.
                        continue;
                    }
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

    async fn node(&mut self, selector: &str) -> Option<Value> {
        let document = self.call("DOM.getDocument", json!({})).await;
        let query = json!({ "nodeId": document["root"]["nodeId"], "selector": selector });
        let found = self.call("DOM.querySelector", query).await["nodeId"].clone();
        (found != 0).then_some(found)
    }

    /// Whether the page has such an element.
    pub(crate) async fn has(&mut self, selector: &str) -> bool {
        self.node(selector).await.is_some()
    }

    async fn found(&mut self, selector: &str) -> Value {
        match self.node(selector).await {
            Some(node) => node,
            None => panic!("no {selector} on {:?}", self.answered),
        }
    }

    pub(crate) async fn focus(&mut self, selector: &str) {
        let node = self.found(selector).await;
        self.call("DOM.focus", json!({ "nodeId": node })).await;
    }

    /// Type into a field.
    pub(crate) async fn fill(&mut self, selector: &str, text: &str) {
        self.focus(selector).await;
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Click, as with a mouse: what is covered or outside is not reached.
    pub(crate) async fn click(&mut self, selector: &str) {
        self.press_often(selector, 1).await;
    }

    /// Click so many times, without waiting for what comes of it.
    pub(crate) async fn press_often(&mut self, selector: &str, times: usize) {
        let node = self.found(selector).await;
        self.call("DOM.scrollIntoViewIfNeeded", json!({ "nodeId": node })).await;
        let middle = format!(
            "(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector({}).getBoundingClientRect())",
            json!(selector)
        );
        let middle = self.ask(&middle).await;
        for kind in ["mousePressed", "mouseReleased"].repeat(times) {
            let event =
                json!({ "type": kind, "x": middle[0], "y": middle[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Click something that leads to another page, and wait for that.
    pub(crate) async fn follow(&mut self, selector: &str) {
        let loads = self.loads;
        self.click(selector).await;
        self.loaded(loads).await;
    }

    /// The page as it stands.
    pub(crate) async fn html(&mut self) -> String {
        let root = self.found("html").await;
        let text = self.call("DOM.getOuterHTML", json!({ "nodeId": root })).await;
        text["outerHTML"].as_str().unwrap().to_owned()
    }

    /// Whether scripts of pages run. What is asked here runs anyway.
    pub(crate) async fn scripts(&mut self, run: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !run })).await;
    }

    /// A cookie that the browser holds for an address, as the protocol describes it.
    pub(crate) async fn cookie(&mut self, address: &str, name: &str) -> Option<Value> {
        let cookies = self.call("Network.getCookies", json!({ "urls": [address] })).await;
        cookies["cookies"].as_array().unwrap().iter().find(|cookie| cookie["name"] == name).cloned()
    }

    /// What every request of this page says besides.
    pub(crate) async fn saying(&mut self, headers: Value) {
        self.call("Network.setExtraHTTPHeaders", json!({ "headers": headers })).await;
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
