//! Writes the package of the replay, or the documents that are in it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Result, bail};
use apogee_leaderboard::Decision;
use apogee_rules::canonical;
use serde::Serialize;
use sr1_history::{FILE, History, compressed};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => package(&Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)),
        ["documents", folder] => documents(Path::new(folder)),
        _ => bail!(
            "sr1-history              writes examples/sr1-history/{FILE}\nsr1-history documents DIR  writes facts, entities, decisions and rules as files"
        ),
    }
}

fn package(file: &Path) -> Result<()> {
    let package = History::tell()?.package()?;
    let compressed = compressed(&package)?;
    fs::write(file, &compressed)?;
    println!("{}: {} bytes, {} with zstd", file.display(), package.len(), compressed.len());
    Ok(())
}

/// What `apogee competition simulate` reads.
fn documents(folder: &Path) -> Result<()> {
    let contents = History::tell()?.contents;
    fs::create_dir_all(folder)?;
    let decisions: Vec<Decision> =
        contents.decisions.iter().map(|row| Decision { effect: row.effect.clone(), seq: row.seq }).collect();
    write(folder.join("facts.json"), &contents.facts)?;
    write(folder.join("entities.json"), &contents.entities)?;
    write(folder.join("decisions.json"), &decisions)?;
    for rules in &contents.rules {
        write(folder.join(format!("rules-{}.json", rules.version.number)), rules)?;
    }
    Ok(())
}

fn write(file: PathBuf, document: &impl Serialize) -> Result<()> {
    fs::write(&file, canonical::text(document)?)?;
    println!("{}", file.display());
    Ok(())
}
