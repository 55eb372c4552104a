//! `apogee rules`

use std::path::PathBuf;

use apogee_rules::{Lang, RuleSet, Versions, Voice};
use clap::{Args, Subcommand, ValueEnum};

use super::competition::documents;
use super::{Answer, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Rules {
    /// Check rule sets, as people write them (TOML) or in canonical form (JSON), and print their hashes.
    ///
    /// Several files are the versions of one competition, in order.
    Check(Check),
    /// Print rules in words.
    Words(Words),
    /// Say in words what differs between two versions.
    Diff(Diff),
    /// Print a rule set in its canonical form, whose SHA-256 is its hash.
    Canonical(File),
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Rule sets
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct File {
    /// A rule set
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Words {
    /// A rule set
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// In which language
    #[arg(long, value_enum, default_value_t)]
    lang: Language,
}

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The older rule set
    older: PathBuf,
    /// The newer rule set
    newer: PathBuf,
    /// In which language
    #[arg(long, value_enum, default_value_t)]
    lang: Language,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Language {
    #[default]
    En,
    Zh,
}

impl Language {
    const fn voice(self) -> Voice {
        let lang = match self {
            Self::En => Lang::En,
            Self::Zh => Lang::Zh,
        };
        Voice { lang, schedule: None }
    }
}

impl Rules {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Check(check) => check.run(),
            Self::Words(Words { file, lang }) => {
                print_words(&documents::rules(&file)?, lang);
                Ok(Answer::Yes)
            }
            Self::Diff(diff) => diff.run(),
            Self::Canonical(File { file }) => {
                let rules = documents::rules(&file)?;
                println!("{}", rules.canonical().map_err(Failure::input)?);
                Ok(Answer::Yes)
            }
        }
    }
}

impl Check {
    fn run(self) -> Result<Answer, Failure> {
        let rules = self.files.iter().map(|file| documents::rules(file)).collect::<Result<Vec<_>, _>>()?;
        if rules.len() > 1 {
            Versions::new(rules.clone()).map_err(Failure::input)?;
        }
        for (file, rules) in self.files.iter().zip(&rules) {
            let (competition, version) = (&rules.competition.id, rules.version.number);
            let hash = rules.hash().map_err(Failure::input)?;
            println!("{hash}  {competition} version {version}  {}", file.display());
        }
        Ok(Answer::Yes)
    }
}

fn print_words(rules: &RuleSet, lang: Language) {
    for (index, section) in rules.words(&lang.voice()).iter().enumerate() {
        if index > 0 {
            println!();
        }
        println!("{}", section.title);
        for clause in &section.clauses {
            println!("{:indent$}- {}", "", clause.text, indent = 2 * (clause.depth + 1));
        }
    }
}

impl Diff {
    /// Exits 1 where the two differ, as `diff` does.
    fn run(self) -> Result<Answer, Failure> {
        let (older, newer) = (documents::rules(&self.older)?, documents::rules(&self.newer)?);
        let changes = older.reworded(&newer, &self.lang.voice());
        for change in &changes {
            println!("{}", change.path);
            for (sign, text) in [("-", &change.before), ("+", &change.after)] {
                if let Some(text) = text {
                    println!("  {sign} {text}");
                }
            }
        }
        Ok(if older == newer { Answer::Yes } else { Answer::No })
    }
}
