//! Texts of others.

/// The part of a text that can be seen, on one line, with at most `most` characters.
///
/// Control characters become spaces. What changes the direction of writing, joins, or takes no room is left out: it makes a text look like another one.
pub(crate) fn visible(text: &str, most: usize) -> String {
    let kept = text.chars().filter(|letter| !is_hidden(*letter));
    kept.map(|letter| if letter.is_control() { ' ' } else { letter }).take(most).collect()
}

const fn is_hidden(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_look_like_another_one_by_what_is_not_seen() {
        assert_eq!(visible("ad\u{200b}a\u{202e}\u{feff}", 32), "ada");
        assert_eq!(visible("a\nb\tc\u{0}", 32), "a b c ");
        assert_eq!(visible("阿达", 1), "阿");
        assert_eq!(visible(&"\u{200d}".repeat(10_000), 32), "");
    }
}
