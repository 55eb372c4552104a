use std::path::Path;

use crate::run::{Failure, cargo, command, finish, step};

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
        package: "fonts-noto-cjk",
        why: "the Chinese pages are measured with real glyphs",
        present: chinese_is_there,
    },
];

/// Whether `initdb` is in the path or where Debian keeps it.
fn postgresql_is_there() -> bool {
    let in_path = command("initdb", &["--version"]).output().is_ok_and(|output| output.status.success());
    let debian = Path::new("/usr/lib/postgresql")
        .read_dir()
        .is_ok_and(|versions| versions.flatten().any(|version| version.path().join("bin/initdb").exists()));
    in_path || debian
}

fn chromium_is_there() -> bool {
    command("chromium", &["--version"]).output().is_ok_and(|output| output.status.success())
}

/// Whether Debian's Noto CJK faces are installed.
fn chinese_is_there() -> bool {
    Path::new("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc").exists()
}

/// Install what is missing: tools from crates, the rest from Debian's packages.
pub(crate) fn setup() -> Result<(), Failure> {
    if !command("cargo", &["deny", "--version"]).output().is_ok_and(|output| output.status.success()) {
        step("cargo-deny", || cargo(&["install", "cargo-deny", "--locked", "--version", "0.20.2"]))?;
    }
    packages()
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
        finish(command("apt-get", &["update", "--quiet"]))?;
        let mut install = command("apt-get", &["install", "--yes", "--no-install-recommends"]);
        install.env("DEBIAN_FRONTEND", "noninteractive").args(missing.iter().map(|needed| needed.package));
        finish(install)
    })
}
