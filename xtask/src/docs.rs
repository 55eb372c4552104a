use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::run::{Failure, workspace};

/// Folders of the repository: a word in code type that begins with one of them is a path, and has to exist.
const ROOMS: &[&str] = &[
    "crates/",
    "deploy/",
    "docs/",
    "examples/",
    "leaderboard/",
    "migrations/",
    "server/",
    "templates/",
    "xtask/",
];

/// What is not written by people of this project, or not at all.
const SKIPPED: &[&str] = &["target", "node_modules", "examples"];

/// Follow every link and path in the Markdown files, and name those that lead nowhere.
pub(crate) fn check() -> Result<(), Failure> {
    let root = workspace();
    let mut pages = Vec::new();
    collect(&root, &mut pages)?;
    let mut dead = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).map_err(|cause| unreadable(page, &cause))?;
        let name = page.strip_prefix(&root).unwrap_or(page);
        dead.extend(leads(&text).filter(|lead| !lead.exists(&root, page)).map(|lead| {
            let Lead { line, target, .. } = lead;
            format!("{}:{line}: {target}", name.display())
        }));
    }
    if dead.is_empty() {
        return Ok(());
    }
    Err(Failure(format!("these links and paths lead nowhere:\n  {}", dead.join("\n  "))))
}

fn unreadable(path: &Path, cause: &std::io::Error) -> Failure {
    Failure(format!("{} cannot be read: {cause}", path.display()))
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = fs::read_dir(folder).map_err(|cause| unreadable(folder, &cause))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&name.as_ref()) {
            collect(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    Ok(())
}

/// Something that has to exist.
#[derive(Debug, PartialEq, Eq)]
struct Lead {
    line: usize,
    target: String,
    /// A link counts from its page, a path from the root.
    from_root: bool,
}

impl Lead {
    fn exists(&self, root: &Path, page: &Path) -> bool {
        let folder = if self.from_root { root } else { page.parent().unwrap_or(root) };
        let path = flat(&folder.join(&self.target));
        path.starts_with(root) && path.exists()
    }
}

/// The path without `..`: a link out of the repository works on this machine only.
fn flat(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut flat, component| {
        if component == Component::ParentDir {
            flat.pop();
        } else {
            flat.push(component);
        }
        flat
    })
}

/// Links to files and paths in code type, outside code blocks.
fn leads(text: &str) -> impl Iterator<Item = Lead> + '_ {
    let mut fenced = false;
    text.lines().enumerate().flat_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let line = if fenced { "" } else { line };
        let lead =
            move |from_root| move |target: &str| Lead { line: index + 1, target: target.into(), from_root };
        let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter_map(file);
        let code = line.split('`').skip(1).step_by(2).filter(|word| is_path(word));
        let found: Vec<Lead> = links.map(lead(false)).chain(code.map(lead(true))).collect();
        found
    })
}

/// The file of a link, if it is one of ours.
fn file(link: &str) -> Option<&str> {
    let target = link.split('#').next().unwrap_or_default();
    (!target.is_empty() && !target.contains(':')).then_some(target)
}

fn is_path(word: &str) -> bool {
    ROOMS.iter().any(|room| word.starts_with(room))
        && !word.contains(|c: char| c.is_whitespace() || "*<{…".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Vec<String> {
        leads(text).map(|lead| lead.target).collect()
    }

    #[test]
    fn links_and_paths_outside_code_blocks_are_followed() {
        assert_eq!(targets("[a](b.md#c), [d](https://e), [f](#g)"), ["b.md"]);
        assert_eq!(
            targets("`crates/domain/src` and `cargo test`, `crates/*/README.md`"),
            ["crates/domain/src"]
        );
        assert_eq!(targets("```sh\nls `docs/x`\n```\n`docs/y`"), ["docs/y"]);
    }

    #[test]
    fn what_is_not_there_or_not_ours_is_dead() {
        let root = workspace();
        let page = root.join("docs/page.md");
        let from =
            |target: &str, from_root| Lead { line: 1, target: target.into(), from_root }.exists(&root, &page);
        assert!(from("xtask/src/docs.rs", true));
        assert!(from("../xtask/src/docs.rs", false));
        assert!(!from("xtask/src/nothing.rs", true));
        assert!(!from("../../elsewhere.md", false));
    }
}
