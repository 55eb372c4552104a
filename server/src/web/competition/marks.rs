//! What differs between two texts, word by word.

/// Tokens of a text that are compared one by one; longer ones are taken whole.
const LONGEST: usize = 400;

/// A piece of a text, and whether the other has it not.
pub(super) type Piece = (bool, String);

/// Two texts in pieces.
pub(super) fn marks(before: &str, after: &str) -> [Vec<Piece>; 2] {
    let (old, new) = (tokens(before), tokens(after));
    if old.len() > LONGEST || new.len() > LONGEST {
        return [vec![(true, before.to_owned())], vec![(true, after.to_owned())]];
    }
    let common = common(&old, &new);
    let kept = |of: usize| -> Vec<usize> {
        common.iter().map(|pair| if of == 0 { pair.0 } else { pair.1 }).collect()
    };
    [pieces(&old, &kept(0)), pieces(&new, &kept(1))]
}

/// Figures with their unit, words, and every other character alone.
fn tokens(text: &str) -> Vec<&str> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ',' | '_' | '-' | '/' | ':');
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !inner(c)).unwrap_or(rest.len());
        // A point or comma at the end of a word belongs to the sentence.
        let word = rest.get(..word).unwrap_or_default().trim_end_matches(['.', ',', '-', '/', ':']).len();
        let (token, after) = rest.split_at(word.max(first.len_utf8()));
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// The longest common subsequence, as pairs of places.
fn common(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let best = if a == b {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(place) = lengths.get_mut(i * width + j) {
                *place = best;
            }
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while let (Some(a), Some(b)) = (old.get(i), new.get(j)) {
        if a == b {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Tokens brought together; a blank between two that are marked is marked with them.
fn pieces(tokens: &[&str], kept: &[usize]) -> Vec<Piece> {
    let marked = |place: usize| kept.binary_search(&place).is_err();
    let mut pieces: Vec<Piece> = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        let between =
            *token == " " && place > 0 && marked(place - 1) && place + 1 < tokens.len() && marked(place + 1);
        let mark = marked(place) || between;
        match pieces.last_mut() {
            Some((last, text)) if *last == mark => text.push_str(token),
            _ => pieces.push((mark, (*token).to_owned())),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[Piece]) -> String {
        pieces.iter().map(|(mark, text)| if *mark { format!("<{text}>") } else { text.clone() }).collect()
    }

    #[test]
    fn what_changes_is_marked_with_its_unit() {
        let [old, new] = marks("From 100 TiB on it holds 25,000 FIL.", "From 10 TiB on it holds 25,000 FIL.");
        assert_eq!(shown(&old), "From <100> TiB on it holds 25,000 FIL.");
        assert_eq!(shown(&new), "From <10> TiB on it holds 25,000 FIL.");
        let [old, new] = marks("自高度 5 起生效。", "自高度 9 起生效。");
        assert_eq!((shown(&old), shown(&new)), ("自高度 <5> 起生效。".into(), "自高度 <9> 起生效。".into()));
        let [old, new] = marks("one two", "three");
        assert_eq!((shown(&old), shown(&new)), ("<one two>".into(), "<three>".into()));
        assert_eq!(marks("", "a")[0], []);
        let long = "a ".repeat(LONGEST);
        assert_eq!(marks(&long, "a")[0], [(true, long.clone())]);
    }
}
