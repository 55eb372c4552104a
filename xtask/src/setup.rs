use std::path::Path;
use std::process::Command;

use crate::run::{Failure, cargo, command, finish, step, workspace};

/// A Debian package and a way to see that it is there.
struct Needed {
    package: &'static str,
    why: &'static str,
    present: fn() -> bool,
}

const NEEDED: &[Needed] = &[
    Needed {
        package: "postgresql",
        why: "the storage tests run on PostgreSQL too",
        present: postgresql_is_there,
    },
    Needed { package: "chromium", why: "the pages are seen in a real browser", present: chromium_is_there },
    Needed {
        package: "fonts-roboto-unhinted",
        why: "text has the widths that most readers see",
        present: roboto_is_there,
    },
    Needed {
        package: "fonts-noto-cjk",
        why: "the Chinese pages are measured with real glyphs",
        present: chinese_is_there,
    },
    Needed {
        package: "python3",
        why: "the second implementation is written in it",
        present: python_is_there,
    },
    Needed {
        package: "nodejs",
        why: "published libraries check the payouts' proofs, payloads, pieces and deals",
        present: node_is_there,
    },
    Needed { package: "npm", why: "it installs those libraries", present: npm_is_there },
];

/// What the npm registry has for the tests: folders with a package file and its lock.
const NODE_PACKAGES: &[&str] =
    &["crates/market-libp2p/tests/js", "crates/package/tests/openzeppelin", "crates/payload/tests/js"];

/// Whether a command can be run to a good end.
fn has(program: &str, arguments: &[&str]) -> bool {
    command(program, arguments).output().is_ok_and(|output| output.status.success())
}

/// A command that changes the system: by `sudo`, unless one is root.
fn as_root(program: &str, arguments: &[&str]) -> Command {
    let root = command("id", &["-u"]).output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if root { command(program, arguments) } else { command("sudo", &[&[program], arguments].concat()) }
}

/// Whether `initdb` is in the path or where Debian keeps it.
fn postgresql_is_there() -> bool {
    let in_path = has("initdb", &["--version"]);
    let debian = Path::new("/usr/lib/postgresql")
        .read_dir()
        .is_ok_and(|versions| versions.flatten().any(|version| version.path().join("bin/initdb").exists()));
    in_path || debian
}

fn chromium_is_there() -> bool {
    has("chromium", &["--version"])
}

fn roboto_is_there() -> bool {
    Path::new("/usr/share/fonts/truetype/roboto/unhinted").exists()
}

/// Whether Debian's Noto CJK faces are installed.
fn chinese_is_there() -> bool {
    Path::new("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc").exists()
}

fn python_is_there() -> bool {
    has("python3", &["--version"])
}

fn node_is_there() -> bool {
    has("node", &["--version"])
}

fn npm_is_there() -> bool {
    has("npm", &["--version"])
}

/// Install what is missing: tools from crates, libraries from the npm registry, the rest from Debian's packages.
pub(crate) fn setup() -> Result<(), Failure> {
    if !has("cargo", &["fmt", "--version"]) || !has("cargo", &["clippy", "--version"]) {
        step("rustfmt and clippy", || finish(command("rustup", &["component", "add", "rustfmt", "clippy"])))?;
    }
    if !has("cargo", &["deny", "--version"]) {
        step("cargo-deny", || cargo(&["install", "cargo-deny", "--locked", "--version", "0.20.2"]))?;
    }
    packages()?;
    for folder in
        NODE_PACKAGES.iter().filter(|folder| !workspace().join(folder).join("node_modules").exists())
    {
        step(&format!("packages for Node: {folder}"), || {
            finish(command("npm", &["ci", "--ignore-scripts", "--prefix", folder]))
        })?;
    }
    Ok(())
}

fn packages() -> Result<(), Failure> {
    let missing: Vec<&Needed> = NEEDED.iter().filter(|needed| !(needed.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for needed in &missing {
        println!("── {} is missing: {}", needed.package, needed.why);
    }
    step("packages", || {
        finish(as_root("apt-get", &["update", "--quiet"]))?;
        let quiet =
            &["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--no-install-recommends"];
        let mut install = as_root("env", quiet);
        install.args(missing.iter().map(|needed| needed.package));
        finish(install)
    })
}
