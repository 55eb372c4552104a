use apogee_domain::Subject;

/// More participants than a ranking holds: their names are more than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are more participants than a ranking holds")]
pub struct TooMany;

/// Names of participants in order, in one piece of memory.
///
/// Rankings of one network are mostly of the same participants, and then share their names. A name's *place* is its number in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Each name and a line end, which no name has.
    text: String,
    /// Where each name ends in it.
    ends: Vec<u32>,
}

impl Names {
    /// These names, which ascend.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a Subject> + Clone) -> Result<Self, TooMany> {
        let (bytes, count) = names.clone().fold((0, 0), |(bytes, count), name| {
            let longer: usize = bytes + name.as_str().len() + 1;
            (longer, count + 1)
        });
        u32::try_from(bytes).map_err(|_| TooMany)?;
        let (mut text, mut ends) = (String::with_capacity(bytes), Vec::with_capacity(count));
        for name in names {
            text.push_str(name.as_str());
            ends.push(u32::try_from(text.len()).map_err(|_| TooMany)?);
            text.push('\n');
        }
        Ok(Self { text, ends })
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of memory that they take.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<u32>()
    }

    /// The name at a place.
    pub(crate) fn get(&self, place: u32) -> Option<&str> {
        let end = *self.ends.get(index(place))?;
        let begin =
            place.checked_sub(1).and_then(|before| self.ends.get(index(before))).map_or(0, |end| end + 1);
        self.text.get(index(begin)..index(end))
    }

    /// Every name with its place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..).zip(self.text.split_terminator('\n'))
    }

    /// The place of a name.
    pub(crate) fn place(&self, name: &str) -> Option<u32> {
        let (mut low, mut high) = (0, u32::try_from(self.len()).unwrap_or(u32::MAX));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle)?.cmp(name) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The places of these names, which ascend; `None` where one of them is not here.
    pub(crate) fn places<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<Vec<u32>> {
        let mut here = self.iter();
        let place = |name: &str| {
            let (place, found) = here.find(|(_, other)| *other >= name)?;
            (found == name).then_some(place)
        };
        names.map(place).collect()
    }

    /// Which names have this text in them, by place.
    pub(crate) fn containing(&self, text: &str) -> Vec<bool> {
        let mut marks = vec![false; self.len()];
        if text.contains('\n') {
            return marks;
        }
        let mut from = 0;
        while let Some(found) = self.text.get(from..).and_then(|rest| rest.find(text)) {
            let place = self.ends.partition_point(|end| index(*end) < from + found + text.len());
            let (Some(mark), Some(end)) = (marks.get_mut(place), self.ends.get(place)) else { break };
            *mark = true;
            from = index(*end) + 1;
        }
        marks
    }
}

/// A place or a position as an index: every target has 32 bits of address or more.
pub(crate) const fn index(place: u32) -> usize {
    place as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Names {
        let names: Vec<Subject> = names.iter().map(|name| name.parse().unwrap()).collect();
        Names::new(names.iter()).unwrap()
    }

    #[test]
    fn names_are_found_by_place_and_places_by_name() {
        let all = ["0", "00", "01", "a", "ab"];
        let names = names(&all);
        for (place, name) in (0..).zip(all) {
            assert_eq!((names.get(place), names.place(name)), (Some(name), Some(place)));
        }
        assert_eq!((names.get(5), names.place("aa"), names.place("z")), (None, None, None));
        assert_eq!(names.places(["00", "ab"].into_iter()), Some(vec![1, 4]));
        assert_eq!(names.places(["00", "aa", "ab"].into_iter()), None);
        assert_eq!(names.places(std::iter::empty()), Some(Vec::new()));
    }

    #[test]
    fn a_text_is_looked_for_inside_of_names_alone() {
        let names = names(&["aba", "b", "bab", "c"]);
        for (text, found) in [
            ("a", [true, false, true, false]),
            ("ab", [true, false, true, false]),
            ("ba", [true, false, true, false]),
            ("bb", [false; 4]),
            ("a\nb", [false; 4]),
            ("bab", [false, false, true, false]),
            ("c", [false, false, false, true]),
            ("", [true; 4]),
        ] {
            assert_eq!(names.containing(text), found, "{text:?}");
        }
        assert!(Names::default().containing("a").is_empty());
    }
}
