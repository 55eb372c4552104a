//! `apogee health`

use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Answer, Failure};

/// Longer than a status line.
const ENOUGH: u64 = 64;

#[derive(Debug, Args)]
pub(super) struct Health {
    /// Host and port of the server
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8480")]
    address: String,
    /// Path to ask for
    #[arg(long, value_name = "PATH", default_value = "/healthz", value_parser = path)]
    path: String,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    timeout: u64,
}

/// A path that cannot become a second line of the request.
fn path(text: &str) -> Result<String, &'static str> {
    let good = text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic());
    good.then(|| text.to_owned()).ok_or("a path begins with / and has no spaces")
}

impl Health {
    /// Without a client library: this runs every few seconds beside the server, in its container.
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let limit = Duration::from_secs(self.timeout);
        let said = match tokio::time::timeout(limit, self.status_line()).await {
            Ok(Ok(line)) => line,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {} s", self.timeout),
        };
        if said.split(' ').nth(1) == Some("200") {
            return Ok(Answer::Yes);
        }
        eprintln!("apogee: {}{}: {said}", self.address, self.path);
        Ok(Answer::No)
    }

    async fn status_line(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address).await?;
        let request =
            format!("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.path, self.address);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ENOUGH).read_to_end(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer);
        Ok(answer.lines().next().unwrap_or_default().to_owned())
    }
}
