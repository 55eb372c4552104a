//! What pages say, in each language, from the Fluent catalogues in `locales/`.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::ask::Language;
use super::figure::grouped;

/// The files of one language, one after the other.
macro_rules! catalogue {
    ($language:literal) => {
        concat!(
            include_str!(concat!("../../locales/", $language, "/site.ftl")),
            include_str!(concat!("../../locales/", $language, "/competition.ftl")),
            include_str!(concat!("../../locales/", $language, "/standings.ftl")),
            include_str!(concat!("../../locales/", $language, "/ledger.ftl")),
            include_str!(concat!("../../locales/", $language, "/admin.ftl")),
            include_str!(concat!("../../locales/", $language, "/claim.ftl")),
            include_str!(concat!("../../locales/", $language, "/faucet.ftl")),
            include_str!(concat!("../../locales/", $language, "/chat.ftl")),
            include_str!(concat!("../../locales/", $language, "/signin.ftl")),
            include_str!(concat!("../../locales/", $language, "/lists.ftl")),
            include_str!(concat!("../../locales/", $language, "/codes.ftl")),
            include_str!(concat!("../../locales/", $language, "/probes.ftl")),
            include_str!(concat!("../../locales/", $language, "/recounts.ftl")),
        )
    };
}

const ENGLISH: &str = catalogue!("en");
const CHINESE: &str = catalogue!("zh");

static WORDS: LazyLock<[Words; 2]> =
    LazyLock::new(|| [Words::new("en", ENGLISH), Words::new("zh-CN", CHINESE)]);

/// `fluent_args!["n" => 3, "network" => "devnet-a"]`
macro_rules! fluent_args {
    ($($name:expr => $value:expr),* $(,)?) => {{
        let mut arguments = fluent_bundle::FluentArgs::new();
        $(arguments.set($name, $value);)*
        arguments
    }};
}

pub(crate) use fluent_args;

/// One catalogue.
pub(crate) struct Words(FluentBundle<FluentResource>);

impl Words {
    fn new(language: &str, text: &str) -> Self {
        // A damaged entry is left out here, and found by the test that compares the catalogues.
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, _)| resource);
        let mut bundle = FluentBundle::new_concurrent(vec![language.parse().unwrap_or_default()]);
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(number));
        bundle.add_resource_overriding(resource);
        Self(bundle)
    }

    /// Whether there is a message of that name.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.has_message(key)
    }

    /// A message; its name where there is none.
    pub(crate) fn say(&self, key: &str, arguments: Option<&FluentArgs<'_>>) -> String {
        let pattern = self.0.get_message(key).and_then(|message| message.value());
        let text = pattern.map(|pattern| self.0.format_pattern(pattern, arguments, &mut Vec::new()));
        text.map_or_else(|| key.to_owned(), Cow::into_owned)
    }
}

/// Numbers have commas between thousands, in both languages.
fn number<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    match value {
        FluentValue::Number(number) => Some(grouped(number.as_string())),
        _ => None,
    }
}

impl Language {
    /// Every language, the first one is what is served without a prefix.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its catalogue.
    pub(crate) fn words(self) -> &'static Words {
        let [english, chinese] = &*WORDS;
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// A message.
    pub(crate) fn t(self, key: &str) -> String {
        self.words().say(key, None)
    }

    /// A message with arguments: `fluent_args!["n" => 3]`.
    pub(crate) fn say(self, key: &str, arguments: &FluentArgs<'_>) -> String {
        self.words().say(key, Some(arguments))
    }

    /// A message for a name that comes from data: its own, else the name itself.
    pub(crate) fn name(self, kind: &str, name: &str) -> String {
        let key = format!("{kind}-{}", name.replace(['.', '_'], "-"));
        if self.words().has(&key) { self.t(&key) } else { name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use apogee_domain::series;
    use apogee_filecoin::verify::Check;

    use super::*;
    use crate::web::problem::KINDS;

    /// The messages of a catalogue with the arguments that each names.
    fn messages(text: &str) -> BTreeSet<(String, Vec<String>)> {
        let resource = FluentResource::try_new(text.to_owned());
        assert!(
            resource.is_ok(),
            "a catalogue does not parse: {:?}",
            resource.err().map(|(_, errors)| errors)
        );
        let starts = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
        let names: Vec<&str> = text
            .lines()
            .filter(starts)
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len(), "a message stands twice");
        let arguments = |name: &str| {
            let begin = text.find(&format!("\n{name} = ")).unwrap() + 1;
            let rest = &text[begin..];
            let end = rest
                .match_indices('\n')
                .find(|(at, _)| rest[at + 1..].starts_with(|c: char| c != ' ' && c != '}'));
            let body = &rest[..end.map_or(rest.len(), |(at, _)| at)];
            let mut found: Vec<String> = body
                .split("{ $")
                .skip(1)
                .filter_map(|part| part.split([' ', '}']).next())
                .map(str::to_owned)
                .collect();
            found.sort();
            found.dedup();
            found
        };
        names.into_iter().map(|name| (name.to_owned(), arguments(name))).collect()
    }

    fn names(text: &str) -> BTreeSet<String> {
        messages(text).into_iter().map(|(name, _)| name).collect()
    }

    /// What stands in quotes after one of `marks`, in every file below a folder.
    fn used(folder: &str, marks: &[&str]) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        let mut paths = vec![apogee_testkit::workspace().join(folder)];
        while let Some(file) = paths.pop() {
            if file.is_dir() {
                paths.extend(file.read_dir().unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(file).unwrap();
            for mark in marks {
                for rest in text.split(mark).skip(1) {
                    used.extend(rest.split('"').next().map(str::to_owned));
                }
            }
        }
        used
    }

    #[test]
    fn both_catalogues_have_the_same_messages_with_arguments_that_are_given() {
        let (english, chinese) = (messages(ENGLISH), messages(CHINESE));
        let names = |catalogue: &BTreeSet<(String, Vec<String>)>| -> BTreeSet<String> {
            catalogue.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&english), names(&chinese));
        for (name, arguments) in &chinese {
            let (_, given) = english.iter().find(|(known, _)| known == name).unwrap();
            assert!(
                arguments.iter().all(|argument| given.contains(argument)),
                "{name} uses {arguments:?}, not {given:?}"
            );
        }
    }

    #[test]
    fn pages_say_only_what_the_catalogues_have() {
        let known = names(ENGLISH);
        let mut used = used("templates", &["c.t(\"", "self.recent(\"", "self.coin_head(\""]);
        used.extend(super::tests::used("server/src/web", &[".t(\"", ".say(\"", "note(\""]));
        used.retain(|name| !name.contains('{') && name.contains(|c: char| c.is_ascii_lowercase()));
        assert!(used.len() > 100, "the search for names finds {}", used.len());
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "no such message: {unknown:?}");
    }

    #[test]
    fn names_from_data_have_words_in_both_languages() {
        let series = series::ALL.iter().map(|spec| ("series", spec.name));
        let participants = series::ALL.iter().filter(|spec| spec.per_participant);
        let heads = participants.clone().map(|spec| ("head", spec.name));
        let sources = participants.map(|spec| ("how", spec.name));
        let checks = Check::ALL.iter().map(|check| ("check", check.name()));
        let compared = Check::ALL.iter().map(|check| ("checks", check.name()));
        let problems = KINDS.iter().map(|kind| ("problem", kind.name));
        for (kind, name) in series.chain(heads).chain(sources).chain(checks).chain(compared).chain(problems) {
            for language in Language::ALL {
                let key = format!("{kind}-{}", name.replace(['.', '_'], "-"));
                assert!(language.words().has(&key), "{key} is missing in {}", language.tag());
            }
        }
    }

    #[test]
    fn plurals_and_thousands_follow_the_language() {
        let n = |n: usize| fluent_args!["n" => n];
        assert_eq!(Language::English.say("epoch-blocks", &n(1)), "tipset of 1 block");
        assert_eq!(Language::English.say("epoch-blocks", &n(1_234)), "tipset of 1,234 blocks");
        assert_eq!(Language::Chinese.say("epoch-blocks", &n(1_234)), "含 1,234 个区块的 tipset");
    }
}
