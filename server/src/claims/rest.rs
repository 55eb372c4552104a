//! What a miner signs to declare that it will be worked on. Its text is exact: `Display` writes it, `FromStr` reads it back and nothing else.

use std::fmt;
use std::str::FromStr;

use apogee_competition::claim::Role;
use apogee_domain::{NetworkId, Timestamp};
use apogee_rules::Id;

const TITLE: &str = "Apogee maintenance, version 1";
/// Largest statement, in bytes.
const SIZE: usize = 1_024;

/// A declaration of maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    /// The network whose keys count.
    pub(crate) network: NetworkId,
    /// The competition whose bots are to stay away.
    pub(crate) race: Id,
    /// The miner.
    pub(crate) miner: Id,
    /// Whose key signs.
    pub(crate) role: Role,
    /// Nothing counts from then on.
    pub(crate) from: Timestamp,
    /// Until then.
    pub(crate) to: Timestamp,
    /// When that was said.
    pub(crate) said: Timestamp,
    /// Tells two statements apart.
    pub(crate) nonce: String,
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, race, miner, role, from, to, said, nonce } = self;
        write!(
            f,
            "{TITLE}\nNetwork: {network}\nCompetition: {race}\nMiner: {miner}\nRole: {role}\nFrom: {from}\nTo: {to}\nSaid: {said}\nNonce: {nonce}"
        )
    }
}

/// The text is no declaration; the number of the line that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the statement is not as it was made")]
pub(crate) struct Malformed(pub(crate) usize);

impl FromStr for Rest {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.len() > SIZE {
            return Err(Malformed(1));
        }
        let mut lines = text.split('\n').zip(1_usize..);
        if lines.next().is_none_or(|(line, _)| line != TITLE) {
            return Err(Malformed(1));
        }
        let lines = &mut lines;
        let rest = Self {
            network: read(field(lines, "Network", 2)?)?,
            race: read(field(lines, "Competition", 3)?)?,
            miner: read(field(lines, "Miner", 4)?)?,
            role: match field(lines, "Role", 5)? {
                ("owner", _) => Role::Owner,
                ("worker", _) => Role::Worker,
                (_, wrong) => return Err(wrong),
            },
            from: read(field(lines, "From", 6)?)?,
            to: read(field(lines, "To", 7)?)?,
            said: read(field(lines, "Said", 8)?)?,
            nonce: field(lines, "Nonce", 9)?.0.to_owned(),
        };
        // Whatever could be written in two ways is signed in one.
        if rest.to_string() == text { Ok(rest) } else { Err(Malformed(9)) }
    }
}

/// What stands behind a label in the next line, and what is wrong where it does not read; `place`: which line that is.
fn field<'a>(
    lines: &mut impl Iterator<Item = (&'a str, usize)>,
    label: &str,
    place: usize,
) -> Result<(&'a str, Malformed), Malformed> {
    let (line, number) = lines.next().ok_or(Malformed(place))?;
    let value = line.strip_prefix(label).and_then(|rest| rest.strip_prefix(": "));
    Ok((value.ok_or(Malformed(number))?, Malformed(number)))
}

fn read<T: FromStr>((text, wrong): (&str, Malformed)) -> Result<T, Malformed> {
    text.parse().map_err(|_| wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_read_back_to_the_byte_and_nothing_else_is() {
        let text = "Apogee maintenance, version 1\nNetwork: simnet\nCompetition: sprint\nMiner: t01001\nRole: worker\nFrom: 2026-05-24T09:00:00Z\nTo: 2026-05-24T09:30:00Z\nSaid: 2026-05-24T08:00:00Z\nNonce: 00ff";
        let rest: Rest = text.parse().unwrap();
        assert_eq!(rest.to_string(), text);
        assert_eq!(rest.role, Role::Worker);
        for (from, to, line) in [
            ("version 1", "version 2", 1),
            ("simnet", "SIM NET", 2),
            ("worker", "boss", 5),
            ("From: 2026-05-24T09:00:00Z", "From: soon", 6),
            ("09:30:00Z", "09:30Z", 9),
            ("Nonce: 00ff", "Nonce: 00ff\n", 9),
            ("\nNonce: 00ff", "", 9),
        ] {
            assert_eq!(text.replace(from, to).parse::<Rest>(), Err(Malformed(line)), "{to}");
        }
        assert_eq!("x".repeat(SIZE + 1).parse::<Rest>(), Err(Malformed(1)));
    }
}
