//! Rule sets as people write them: TOML, with dates, units and without what is usual.

use apogee_domain::Epoch;
use serde_json::{Map, Number, Value};
use toml::value::Datetime;

use super::cursor::{Author, Reader, shown};
use super::{DOCUMENT, finish};
use crate::{Problem, Problems, RuleSet};

impl RuleSet {
    /// Read a rule set from TOML, at most 1 MiB. Its members are those of the canonical form, and:
    ///
    /// * members with a usual value can be left out: empty lists, `entities`, `vesting`, `retroactive`, `per`, `population` and `partition` of boards, `rounding`,
    ///   `mode`, `base`, `own`, and `cutoff` and `excess` where they change nothing;
    /// * quantities of bytes and money have their unit with them (`1.5PiB`, `100000FIL`), ratios can be in any terms or percent;
    /// * with `clock = { genesis = 2020-08-24T22:00:00Z, epoch_seconds = 30 }`, epochs can be dates and numbers of epochs lengths of time (`30d`).
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn from_toml(text: &str) -> Result<Self, Problems> {
        if text.len() > DOCUMENT {
            return Err(Problems::whole(format_args!("{} bytes, where {DOCUMENT} are allowed", text.len())));
        }
        let mut table: toml::Table = text.parse().map_err(|cause: toml::de::Error| {
            let before = cause.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            Problems::whole(format_args!("line {line}: it is not TOML: {}", cause.message().trim()))
        })?;
        let mut tree = Tree::default();
        if let Some(clock) = table.remove("clock") {
            tree.clock = tree.clock(&clock);
            Problems::unless_none(std::mem::take(&mut tree.problems))?;
        }
        let value = tree.value(&toml::Value::Table(table), "");
        let epoch_seconds = tree.clock.map(|clock| clock.epoch_seconds);
        let author = Author { epoch_seconds, ..Author::default() };
        let mut reader = Reader { problems: tree.problems, author: Some(author) };
        let rules = reader.rule_set(&value);
        finish(reader, rules)
    }
}

#[derive(Clone, Copy)]
struct Clock {
    genesis: i64,
    epoch_seconds: u64,
}

/// Turns TOML into the values that the reader knows; dates into epochs.
#[derive(Default)]
struct Tree {
    clock: Option<Clock>,
    problems: Vec<Problem>,
}

impl Tree {
    fn problem(&mut self, path: &str, reason: impl Into<String>) {
        self.problems.push(Problem { path: path.into(), reason: reason.into() });
    }

    fn clock(&mut self, value: &toml::Value) -> Option<Clock> {
        let genesis = value.get("genesis").and_then(toml::Value::as_datetime).and_then(unix);
        if genesis.is_none() {
            self.problem("clock.genesis", "a date with a time and Z is expected here");
        }
        let seconds = value.get("epoch_seconds").and_then(toml::Value::as_integer);
        let epoch_seconds =
            seconds.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
        if epoch_seconds.is_none() {
            self.problem("clock.epoch_seconds", "a whole number above 0 is expected here");
        }
        let known = ["genesis", "epoch_seconds"];
        for name in value.as_table().into_iter().flat_map(toml::Table::keys) {
            if !known.contains(&name.as_str()) {
                self.problem(&format!("clock.{}", shown(name)), "there is no such member here");
            }
        }
        Some(Clock { genesis: genesis?, epoch_seconds: epoch_seconds? })
    }

    fn value(&mut self, value: &toml::Value, path: &str) -> Value {
        match value {
            toml::Value::String(text) => Value::String(text.clone()),
            toml::Value::Integer(number) => Value::Number((*number).into()),
            toml::Value::Float(float) => {
                Number::from_f64(*float).map_or_else(|| Value::String(float.to_string()), Value::Number)
            }
            toml::Value::Boolean(truth) => Value::Bool(*truth),
            toml::Value::Datetime(date) => match self.epoch(*date) {
                Ok(epoch) => Value::Number(epoch.height().into()),
                Err(reason) => {
                    self.problem(path, format!("{date}: {reason}"));
                    // Any epoch will do: the document is refused for this one.
                    Value::Number(0.into())
                }
            },
            toml::Value::Array(items) => {
                let item = |(index, item)| self.value(item, &format!("{path}[{index}]"));
                Value::Array(items.iter().enumerate().map(item).collect())
            }
            toml::Value::Table(table) => {
                let mut members = Map::new();
                for (name, member) in table {
                    let dot = if path.is_empty() { "" } else { "." };
                    let member = self.value(member, &format!("{path}{dot}{}", shown(name)));
                    members.insert(name.clone(), member);
                }
                Value::Object(members)
            }
        }
    }

    fn epoch(&self, date: Datetime) -> Result<Epoch, &'static str> {
        let clock = self.clock.ok_or("without a clock an epoch is a number")?;
        let time = unix(&date).ok_or("a date has a time and Z")?;
        let since = time.checked_sub(clock.genesis).and_then(|since| u64::try_from(since).ok());
        let since = since.ok_or("it lies before the genesis")?;
        match (since.checked_div(clock.epoch_seconds), since.checked_rem(clock.epoch_seconds)) {
            (Some(epoch), Some(0)) => i64::try_from(epoch).ok().and_then(Epoch::new).ok_or("it is too late"),
            _ => Err("no epoch begins at this time"),
        }
    }
}

/// Seconds since 1970 of a date in UTC without fractions (days by the proleptic Gregorian calendar).
fn unix(date: &Datetime) -> Option<i64> {
    let (day, time) = (date.date?, date.time?);
    let utc = matches!(date.offset?, toml::value::Offset::Z | toml::value::Offset::Custom { minutes: 0 });
    if !utc || time.nanosecond != 0 {
        return None;
    }
    // Years begin in March here, so that the leap day is the last of a year.
    let shifted = if day.month > 2 { i64::from(day.month) - 3 } else { i64::from(day.month) + 9 };
    let year = i64::from(day.year) - i64::from(day.month <= 2);
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leaps + (153 * shifted + 2) / 5 + i64::from(day.day) - 1 - 719_468;
    let seconds = i64::from(time.hour) * 3_600 + i64::from(time.minute) * 60 + i64::from(time.second);
    Some(days * 86_400 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_epochs_of_the_clock() {
        let seconds = |text: &str| unix(&text.parse().unwrap());
        assert_eq!(seconds("2020-08-24T22:00:00Z"), Some(1_598_306_400));
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2000-02-29T12:00:01Z"), Some(951_825_601));
        assert_eq!(seconds("2020-08-24T22:00:00+02:00"), None);
        assert_eq!(seconds("2020-08-24T22:00:00"), None);
        let tree =
            Tree { clock: Some(Clock { genesis: 1_598_306_400, epoch_seconds: 30 }), ..Tree::default() };
        let epoch = |text: &str| tree.epoch(text.parse().unwrap()).map(Epoch::height);
        assert_eq!(epoch("2020-09-14T22:00:00Z"), Ok(60_480));
        assert_eq!(epoch("2020-10-15T14:44:00Z"), Ok(148_888));
        assert_eq!(epoch("2020-08-24T22:00:01Z"), Err("no epoch begins at this time"));
        assert_eq!(epoch("2020-08-24T21:59:30Z"), Err("it lies before the genesis"));
    }
}
