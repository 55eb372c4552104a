//! Copies of a PostgreSQL database, made by its own program.

use std::path::Path;
use std::process::Command;

use crate::config::Secret;

const PROGRAM: &str = "pg_dump";

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDumped {
    #[error("pg_dump, which copies this database, cannot be run; it comes with PostgreSQL's client programs")]
    Program(#[source] std::io::Error),
    #[error("pg_dump: {0}")]
    Failed(String),
    #[error("{0} cannot be written")]
    File(String, #[source] std::io::Error),
}

/// Copy the database into a new file at `to`; whole, or not at all.
pub(super) fn dump(url: &Secret, to: &Path) -> Result<(), NotDumped> {
    let failed = |cause| NotDumped::File(to.display().to_string(), cause);
    let folder = to.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let part = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let (address, password) = without_password(url.reveal());
    let mut command = Command::new(PROGRAM);
    command.args(["--format=custom", "--no-password", "--file"]).arg(part.path());
    command.arg("--dbname").arg(address);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    let output = command.output().map_err(NotDumped::Program)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().next().unwrap_or_default();
        let first = first.strip_prefix("pg_dump: error: ").unwrap_or(first);
        return Err(NotDumped::Failed(first.to_owned()));
    }
    part.persist_noclobber(to).map_err(|error| failed(error.error))?;
    Ok(())
}

/// An address without its password, and the password: everybody on the machine can read with what a program was started.
fn without_password(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (tail, query) = tail.split_once('?').unwrap_or((tail, ""));
    let (mut password, mut user) = (None, String::new());
    let host = authority.rsplit_once('@').map_or(authority, |(before, host)| {
        let (name, secret) = before.split_once(':').map_or((before, None), |(name, it)| (name, Some(it)));
        password = secret.map(decoded);
        user = format!("{name}@");
        host
    });
    let mut kept = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        match part.strip_prefix("password=") {
            Some(secret) => password = Some(decoded(secret)),
            None => kept.push(part),
        }
    }
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    (format!("{scheme}://{user}{host}{tail}{query}"), password)
}

/// A part of an address with its `%41` as the bytes that they stand for.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).filter(|_| *first == b'%');
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stays_out_of_the_command_line() {
        for (url, address, password) in [
            ("postgres://db/apogee", "postgres://db/apogee", None),
            ("postgres://me@db:5433/apogee", "postgres://me@db:5433/apogee", None),
            ("postgres://me:a%40b%2fc%@db/apogee", "postgres://me@db/apogee", Some("a@b/c%")),
            ("postgres://me:p:q@[::1]?sslmode=require", "postgres://me@[::1]?sslmode=require", Some("p:q")),
            ("postgresql:///a?host=/run&password=x&user=me", "postgresql:///a?host=/run&user=me", Some("x")),
        ] {
            assert_eq!(without_password(url), (address.to_owned(), password.map(str::to_owned)), "{url}");
        }
    }
}
