//! `apogee login` and `apogee logout`: a key for this machine, without a browser on it (RFC 8628).

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Failure};
use crate::identity::Client;

/// First line of a file with a key.
const TITLE: &str = "apogee-key-1";
/// Permissions that a file with a secret has.
const OWN: u32 = 0o600;
/// The largest such file.
const LARGEST: u64 = 4096;

#[derive(Debug, Args)]
pub(super) struct Login {
    /// Address of the service
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8480")]
    server: String,
    /// The file that the key goes to; only you can read it
    #[arg(long, value_name = "FILE", default_value = "apogee.key")]
    key: PathBuf,
    /// What the page says that asks
    #[arg(long, value_name = "TEXT", default_value = "apogee on the command line")]
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct Logout {
    /// The file with the key
    #[arg(long, value_name = "FILE", default_value = "apogee.key")]
    key: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Codes {
    device_code: String,
    user_code: String,
    verification_uri: String,
    interval: u64,
}

#[derive(Debug, Deserialize)]
struct Told {
    access_token: Option<String>,
    error: Option<String>,
}

impl Login {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        if self.key.exists() {
            return Err(Failure::input(format!("{} is there already: log out first", self.key.display())));
        }
        let server = self.server.trim_end_matches('/');
        let client = Client::new().map_err(Failure::world)?;
        let asked = client.post(&format!("{server}/device/code"), &json!({ "name": self.name }), None).await;
        let (status, body) = asked.map_err(Failure::world)?;
        let codes: Codes = read(status, &body)?;
        println!("Open {} and type {}", codes.verification_uri, codes.user_code);
        let (mut wait, question) = (codes.interval.clamp(1, 60), json!({ "device_code": codes.device_code }));
        loop {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            let answer = client.post(&format!("{server}/device/token"), &question, None).await;
            let (_, body) = answer.map_err(Failure::world)?;
            let told: Told = serde_json::from_slice(&body).map_err(Failure::world)?;
            match (told.access_token, told.error.as_deref()) {
                (Some(key), _) => {
                    write(&self.key, server, &key)?;
                    println!("The key is in {}.", self.key.display());
                    return Ok(Answer::Yes);
                }
                (None, Some("authorization_pending")) => {}
                (None, Some("slow_down")) => wait = wait.saturating_add(5).min(60),
                (None, Some("access_denied")) => {
                    eprintln!("apogee: it was denied");
                    return Ok(Answer::No);
                }
                (None, Some("expired_token")) => {
                    eprintln!("apogee: nobody has decided in time");
                    return Ok(Answer::No);
                }
                (None, _) => return Err(refused(&body)),
            }
        }
    }
}

impl Logout {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let (server, key) = kept(&self.key)?;
        let client = Client::new().map_err(Failure::world)?;
        let address = format!("{server}/me/keys/give-back");
        let (status, body) = client.post(&address, &json!({}), Some(&key)).await.map_err(Failure::world)?;
        // A key that is of no use any more is as good as given back.
        if status != 204 && status != 401 {
            return Err(refused(&body));
        }
        std::fs::remove_file(&self.key).map_err(|error| wrong(&self.key, error))?;
        println!("The key is revoked, {} is removed.", self.key.display());
        Ok(Answer::Yes)
    }
}

fn wrong(file: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::input(format!("{}: {what}", file.display()))
}

fn read<T: serde::de::DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, Failure> {
    if status != 200 {
        return Err(refused(body));
    }
    serde_json::from_slice(body).map_err(Failure::world)
}

/// What the service says is wrong.
fn refused(body: &[u8]) -> Failure {
    #[derive(Deserialize)]
    struct Problem {
        title: String,
        detail: String,
    }
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Failure::world(format!("{}: {}", problem.title, problem.detail)),
        Err(_) => Failure::world("the answer does not read: is this an Apogee service?"),
    }
}

fn write(file: &Path, server: &str, key: &str) -> Result<(), Failure> {
    let failed = |error| wrong(file, error);
    let mut open = OpenOptions::new().write(true).create_new(true).mode(OWN).open(file).map_err(failed)?;
    writeln!(open, "{TITLE}\n{server}\n{key}").map_err(failed)
}

/// The service and the key of a file that nobody else can read.
pub(super) fn kept(file: &Path) -> Result<(String, String), Failure> {
    let failed = |error: std::io::Error| wrong(file, error);
    let open = File::open(file).map_err(failed)?;
    if open.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(wrong(file, "others can read this key: take the right from them with chmod 600"));
    }
    let mut text = String::new();
    open.take(LARGEST).read_to_string(&mut text).map_err(failed)?;
    let mut lines = text.lines();
    match (lines.next(), lines.next(), lines.next()) {
        (Some(TITLE), Some(server), Some(key)) => Ok((server.to_owned(), key.to_owned())),
        _ => Err(wrong(file, "it holds no key: apogee login makes one")),
    }
}
