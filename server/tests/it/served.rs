//! A running service, and a client that says exactly what it wants to say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use apogee_testkit::example;

/// The recording and the competitions of the demo in a database that nobody writes: made once, for all tests.
pub(crate) fn database() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        let file = folder.join("demo.sqlite");
        let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
        command.args(["demo", "--recording", example("devnet-a").to_str().unwrap(), "--data"]).arg(&file);
        // It serves when it has made everything.
        drop(Served::start(&mut command));
        file
    })
}

/// A copy of [`database`] that may be written.
pub(crate) fn copy(folder: &Path) -> PathBuf {
    let file = folder.join("copy.sqlite");
    for end in ["", "-wal"] {
        let from = PathBuf::from(format!("{}{end}", database().display()));
        if from.is_file() {
            std::fs::copy(from, format!("{}{end}", file.display())).unwrap();
        }
    }
    file
}

/// `apogee serve` over [`database`], until it is dropped.
pub(crate) struct Served {
    pub(crate) process: Child,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// Serve with these settings: `("HTTP__CONNECTIONS", "2")`.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::start(&mut Self::command(settings))
    }

    /// The same, with what it logs in a file.
    pub(crate) fn logged(settings: &[(&str, &str)], log: std::fs::File) -> Self {
        Self::start(Self::command(settings).stderr(log))
    }

    fn command(settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
        command.arg("serve");
        command.env("APOGEE_STORE", format!("sqlite:{}", database().display()));
        command.env("APOGEE_LOG__FILTER", "warn");
        for (name, value) in settings {
            command.env(format!("APOGEE_{name}"), value);
        }
        command
    }

    /// What this command starts: it says on standard output where it answers.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = lines.find(|line| line.starts_with("http://")).unwrap();
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        Self { process, address }
    }

    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// What is answered to these bytes, until the service hangs up.
    pub(crate) fn say(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        Answer::of(&mut stream)
    }

    pub(crate) fn ask(&self, method: &str, address: &str, headers: &[(&str, &str)]) -> Answer {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.say(&format!("{method} {address} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n"))
    }

    pub(crate) fn get(&self, address: &str) -> Answer {
        self.ask("GET", address, &[])
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn of(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer but {:?}", String::from_utf8_lossy(&bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.trim().to_owned())
        };
        let headers: Vec<(String, String)> = lines.map(header).collect();
        let mut body = bytes[end + 4..].to_vec();
        if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
            body = Self::whole(&body);
        }
        Self { status, headers, body }
    }

    /// What comes in pieces (RFC 9112 §7.1), with the last one, which is empty.
    fn whole(mut rest: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = rest.windows(2).position(|two| two == b"\r\n").expect("a piece has a length");
            let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
            if size == 0 {
                return body;
            }
            body.extend(&rest[end + 2..end + 2 + size]);
            rest = &rest[end + 2 + size + 2..];
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}
