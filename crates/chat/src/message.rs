//! What is answered.

use apogee_domain::Timestamp;
use serde_json::{Value, json};

use crate::seen::visible;

/// The most UTF-16 units of a message.
///
/// Source: Discord, *Create Message*: `content` has up to 2,000 characters. Units are never fewer than characters.
pub const MOST: usize = 2_000;

/// Letters of one part of a line.
const LONGEST_PART: usize = 600;

/// Kinds of answers.
const PONG: u8 = 1;
const MESSAGE: u8 = 4;
/// Flags of messages: without previews of links, and only for whoever asked.
const SUPPRESS_EMBEDS: u32 = 1 << 2;
const EPHEMERAL: u32 = 1 << 6;

/// Who sees a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who is there.
    Everybody,
    /// Whoever asked.
    Asker,
}

/// A part of a line.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// Words of anybody: they have no markup.
    Words(&'a str),
    /// The same, and they stand out.
    Strong(&'a str),
    /// A name, an address, an id: letters of one width.
    Code(&'a str),
    /// An address on the web, of this service.
    Link(&'a str),
    /// A moment, which Discord shows by the clock of whoever reads.
    Time(Timestamp),
}

/// An answer of some lines. What does not fit is left out by whole lines, and an ellipsis says so.
#[derive(Clone, Debug)]
pub struct Message {
    audience: Audience,
    text: String,
    /// UTF-16 units of `text`.
    units: usize,
    /// Whether something was left out: nothing comes after that.
    full: bool,
}

/// That somebody is here.
#[must_use]
pub fn pong() -> Value {
    json!({ "type": PONG })
}

impl Message {
    /// One without words.
    #[must_use]
    pub const fn new(audience: Audience) -> Self {
        Self { audience, text: String::new(), units: 0, full: false }
    }

    /// Add a line. Parts follow each other without anything between them.
    pub fn line(&mut self, parts: &[Part<'_>]) {
        if self.full {
            return;
        }
        let mut line = String::new();
        if !self.text.is_empty() {
            line.push('\n');
        }
        parts.iter().for_each(|part| part.write(&mut line));
        let units = line.encode_utf16().count();
        // Of the ellipsis and the line feed before it there is always room.
        let (line, units) = if self.units.saturating_add(units).saturating_add(2) > MOST {
            self.full = true;
            let end = if self.text.is_empty() { "…" } else { "\n…" };
            (end.to_owned(), end.encode_utf16().count())
        } else {
            (line, units)
        };
        self.text.push_str(&line);
        self.units = self.units.saturating_add(units);
    }

    /// What it says, in Discord's markup.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As the answer to an interaction.
    #[must_use]
    pub fn answer(&self) -> Value {
        let only = match self.audience {
            Audience::Everybody => 0,
            Audience::Asker => EPHEMERAL,
        };
        // A message without words is none.
        let content = if self.text.is_empty() { "…" } else { &self.text };
        json!({
            "type": MESSAGE,
            "data": {
                "content": content,
                "flags": SUPPRESS_EMBEDS | only,
                "allowed_mentions": { "parse": [] },
            },
        })
    }
}

impl Part<'_> {
    fn write(self, line: &mut String) {
        match self {
            Self::Words(text) => escape(text, line),
            Self::Strong(text) => {
                line.push_str("**");
                escape(text, line);
                line.push_str("**");
            }
            // Nothing ends it but a backtick.
            Self::Code(text) if is_plain(text) => {
                line.push('`');
                line.push_str(text);
                line.push('`');
            }
            Self::Link(text) if is_link(text) => {
                line.push('<');
                line.push_str(text);
                line.push('>');
            }
            Self::Code(text) | Self::Link(text) => escape(text, line),
            Self::Time(at) => line.push_str(&format!("<t:{}:F>", at.seconds())),
        }
    }
}

/// Words without markup: before what Discord gives a meaning to stands a backslash, which it does not show.
fn escape(text: &str, line: &mut String) {
    for letter in visible(text, LONGEST_PART).chars() {
        if matches!(
            letter,
            '\\' | '*'
                | '_'
                | '~'
                | '`'
                | '|'
                | '>'
                | '<'
                | '#'
                | '@'
                | ':'
                | '['
                | ']'
                | '('
                | ')'
                | '-'
                | '+'
        ) {
            line.push('\\');
        }
        line.push(letter);
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/=,".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST_PART && text.bytes().all(plain)
}

fn is_link(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && is_plain(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(parts: &[Part<'_>]) -> String {
        let mut message = Message::new(Audience::Asker);
        message.line(parts);
        message.text().to_owned()
    }

    #[test]
    fn texts_of_others_ping_nobody_and_have_no_markup() {
        assert_eq!(said(&[Part::Words("<@1> @everyone")]), "\\<\\@1\\> \\@everyone");
        assert_eq!(said(&[Part::Words("[x](https://e.example)")]), "\\[x\\]\\(https\\://e.example\\)");
        assert_eq!(said(&[Part::Strong("a**b\n# c")]), "**a\\*\\*b \\# c**");
        assert_eq!(said(&[Part::Code("a`b @here")]), "a\\`b \\@here");
        assert_eq!(said(&[Part::Link("javascript:x")]), "javascript\\:x");
        assert_eq!(said(&[Part::Link("https://a.example/> <@1")]), "https\\://a.example/\\> \\<\\@1");
        assert_eq!(
            said(&[Part::Code("t01000"), Part::Words(", "), Part::Link("https://a.example/g/1")]),
            "`t01000`, <https://a.example/g/1>"
        );
        assert_eq!(said(&[Part::Time(Timestamp::from_seconds(9))]), "<t:9:F>");
    }

    #[test]
    fn an_answer_is_for_whom_it_is_for_and_mentions_nobody() {
        assert_eq!(pong(), json!({ "type": 1 }));
        let mut message = Message::new(Audience::Asker);
        message.line(&[Part::Words("Yes")]);
        let data = json!({ "content": "Yes", "flags": 68, "allowed_mentions": { "parse": [] } });
        assert_eq!(message.answer(), json!({ "type": 4, "data": data }));
        let answer = Message::new(Audience::Everybody).answer();
        assert_eq!((&answer["data"]["flags"], &answer["data"]["content"]), (&json!(4), &json!("…")));
    }

    #[test]
    fn a_long_message_is_cut_between_lines() {
        let mut message = Message::new(Audience::Asker);
        for number in 0..1_000 {
            message.line(&[Part::Words(&format!("{number}𝒜@"))]);
        }
        let units = message.text().encode_utf16().count();
        assert!((1_900..=MOST).contains(&units), "{units}");
        assert!(message.text().ends_with("\\@\n…"), "{}", message.text());
        let mut one = Message::new(Audience::Asker);
        (0..9).for_each(|_| one.line(&[Part::Words(&"@".repeat(10_000)); 3]));
        assert_eq!(one.text(), "…", "one line that does not fit is no reason for a shorter one");
    }
}
