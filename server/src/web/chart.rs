//! Step charts as the server draws them: no script, type that never shrinks, the same as a table behind.

use std::fmt::Write;

use apogee_domain::{Epoch, Step, Value};
use askama::Template;
use askama::filters::HtmlSafe;

use super::chrome::percent;
use super::figure::{Scale, grouped};

/// Height of the plot in px, and where it begins.
const HEIGHT: i64 = 190;
const TOP: i64 = 20;
/// Columns of the drawing: steps that fall into one are drawn together.
const COLUMNS: i64 = 1000;
/// Between the labels of two lines, px.
const LABEL: i64 = 15;

/// One line of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Its last value as text.
    pub(crate) end: String,
    pub(crate) steps: Vec<Step>,
}

/// A chart of up to three lines over the same epochs and with one scale.
#[derive(Debug, Template)]
#[template(path = "chart.html")]
pub(crate) struct Chart {
    id: &'static str,
    caption: String,
    title: String,
    desc: String,
    axis: String,
    grid: Vec<(i64, String)>,
    ticks: Vec<(String, &'static str, bool, String)>,
    paths: Vec<(usize, String)>,
    labels: Vec<(usize, i64, String)>,
    notes: Vec<(String, i64, String)>,
    heads: Vec<String>,
    epoch: String,
    same: String,
    cut: Option<String>,
    rows: Vec<(String, Vec<String>)>,
}

impl HtmlSafe for Chart {}

/// The words of a chart.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) id: &'static str,
    pub(crate) caption: String,
    pub(crate) title: String,
    pub(crate) desc: String,
    pub(crate) axis: String,
    pub(crate) epoch: String,
    pub(crate) same: String,
    /// Said where the table does not hold every step.
    pub(crate) cut: String,
}

/// Rows of the table behind a chart.
pub(crate) const TABLE: usize = 100;

impl Chart {
    /// Draw `lines` from `first` to `last`.
    pub(crate) fn new(
        texts: Texts,
        scale: Scale,
        (first, last): (Epoch, Epoch),
        lines: &[Line],
        notes: &[(Epoch, String)],
    ) -> Self {
        let largest = lines.iter().flat_map(|line| &line.steps).filter_map(|step| step.value).max();
        let axis = Axis::new(scale, largest.unwrap_or(Value::ZERO));
        let span = last.since(first).max(1);
        let column = |epoch: Epoch| epoch.since(first).saturating_mul(COLUMNS) / span;
        let path = |line: &Line| path(line, &axis, last, column);
        let (grid, labels) = (axis.grid(scale.symbol), labels(lines, &axis));
        let notes = marks(notes, (first, last), &grid, &labels);
        let table = table(lines);
        let cut = table.len() > TABLE;
        let text = |step: Option<Value>| step.map_or_else(|| "–".to_owned(), |value| scale.text(value));
        let rows = table.into_iter().rev().take(TABLE);
        let rows = rows.map(|(epoch, values)| (grouped(epoch), values.into_iter().map(text).collect()));
        let heads = lines.iter().map(|line| unit_head(&line.name, scale)).collect();
        Self {
            id: texts.id,
            caption: texts.caption,
            title: texts.title,
            desc: texts.desc,
            axis: texts.axis,
            grid,
            ticks: ticks(first, last),
            paths: lines.iter().map(path).enumerate().map(|(index, path)| (index + 1, path)).collect(),
            labels,
            notes,
            heads,
            epoch: texts.epoch,
            same: texts.same,
            cut: cut.then_some(texts.cut),
            rows: rows.collect(),
        }
    }
}

/// `Raw power, TiB`
pub(crate) fn unit_head(name: &str, scale: Scale) -> String {
    if scale.symbol.is_empty() { name.to_owned() } else { format!("{name}, {}", scale.symbol) }
}

/// The vertical axis: it begins at zero and ends at a round figure. Its numbers are thousandths of what the scale shows.
struct Axis {
    scale: Scale,
    step: u128,
    top: u128,
}

impl Axis {
    fn new(scale: Scale, largest: Value) -> Self {
        // No figure comes near the bound, which keeps what follows in range.
        let thousandths = scale.thousandths(largest).clamp(1, u128::MAX / 100);
        let least = if scale.is_whole() { 1000 } else { 1 };
        let mut step = 1_u128;
        'found: loop {
            for factor in [1, 2, 5] {
                let tried = factor * step;
                if tried >= least && tried.saturating_mul(4) >= thousandths {
                    step = tried;
                    break 'found;
                }
            }
            step *= 10;
        }
        Self { scale, step, top: thousandths.div_ceil(step).saturating_mul(step) }
    }

    /// Tenths of px from the top of the plot.
    fn y(&self, value: Value) -> i64 {
        let height = u128::from(HEIGHT.unsigned_abs()) * 10;
        let up = scaled(self.scale.thousandths(value).min(self.top), self.top, height);
        i64::try_from(height.saturating_sub(up)).unwrap_or(0)
    }

    /// Lines above zero: where, and what they stand for; the unit at the top one.
    fn grid(&self, symbol: &str) -> Vec<(i64, String)> {
        let label = |at: u128| {
            let (whole, rest) = (at / 1000, at % 1000);
            let text = match rest {
                0 => grouped(whole),
                _ => format!("{}.{}", grouped(whole), format!("{rest:03}").trim_end_matches('0')),
            };
            if at == self.top && !symbol.is_empty() { format!("{text} {symbol}") } else { text }
        };
        let place = |at: u128| {
            let up = scaled(at, self.top, HEIGHT.unsigned_abs().into());
            TOP + HEIGHT - i64::try_from(up).unwrap_or(0)
        };
        (1..=self.top / self.step).map(|n| (place(n * self.step), label(n * self.step))).collect()
    }
}

/// A step function as a path: lines go only along and up or down. Where a value is unknown there is a gap.
fn path(line: &Line, axis: &Axis, last: Epoch, column: impl Fn(Epoch) -> i64) -> String {
    let mut path = String::new();
    let mut open = false;
    for steps in line.steps.chunk_by(|a, b| column(a.epoch) == column(b.epoch)) {
        let Some((begin, end)) = steps.first().zip(steps.last()) else { continue };
        let x = column(begin.epoch);
        let known = steps.iter().filter_map(|step| step.value.map(|value| axis.y(value)));
        if open {
            let _ = write!(path, "H{x}");
        }
        let mut ys: Vec<i64> = [known.clone().min(), known.max()].into_iter().flatten().collect();
        if let Some(value) = end.value {
            ys.push(axis.y(value));
        }
        ys.dedup();
        for y in ys {
            let verb = if open { "V" } else { "M" };
            let start = if open { String::new() } else { format!("{x} ") };
            let _ = write!(path, "{verb}{start}{}.{}", y / 10, y % 10);
            open = true;
        }
        open = end.value.is_some();
    }
    if open {
        let _ = write!(path, "H{}", column(last));
    }
    path
}

/// Each line's name and last value at its end, pushed apart where they would touch.
fn labels(lines: &[Line], axis: &Axis) -> Vec<(usize, i64, String)> {
    let mut labels: Vec<(usize, i64, String)> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| {
            let value = line.steps.last()?.value?;
            let y = TOP + axis.y(value) / 10 - 5;
            Some((index + 1, y, format!("{}: {}", line.name, line.end)))
        })
        .collect();
    labels.sort_by_key(|(_, y, _)| *y);
    let mut above = i64::MIN;
    for (_, y, _) in &mut labels {
        *y = (*y).max(above.saturating_add(LABEL)).max(TOP - 6);
        above = *y;
    }
    // The last ones must not fall below the axis.
    let mut below = TOP + HEIGHT - 4 + LABEL;
    for (_, y, _) in labels.iter_mut().rev() {
        *y = (*y).min(below - LABEL);
        below = *y;
    }
    labels
}

/// Events by name: place, height of the name, name. A name keeps off those of lines and of the axis, and off the one before it.
fn marks(
    notes: &[(Epoch, String)],
    (first, last): (Epoch, Epoch),
    grid: &[(i64, String)],
    labels: &[(usize, i64, String)],
) -> Vec<(String, i64, String)> {
    let taken = grid.iter().map(|(y, _)| y - 4).chain(labels.iter().map(|(_, y, _)| *y));
    let mut taken: Vec<i64> = taken.collect();
    let mut marks = Vec::new();
    for (epoch, name) in notes.iter().filter(|(epoch, _)| (first..=last).contains(epoch)) {
        let rows = (0..).map(|row| TOP + HEIGHT - 7 - row * 4).take_while(|y| *y > TOP + LABEL);
        let free = rows.clone().find(|y| taken.iter().all(|other| (y - other).abs() >= LABEL));
        // With nowhere left, names of lines go first.
        let y = free.unwrap_or(TOP + HEIGHT - 7);
        taken.push(y);
        marks.push((percent(epoch.since(first), last.since(first).max(1)), y, name.clone()));
    }
    marks
}

/// Marks along the epochs: place, anchor, whether only wide screens show it, label.
fn ticks(first: Epoch, last: Epoch) -> Vec<(String, &'static str, bool, String)> {
    const PARTS: i64 = 6;
    let span = last.since(first);
    let parts = if span >= PARTS { PARTS } else { 1 };
    (0..=parts)
        .map(|part| {
            let along = span.saturating_mul(part) / parts;
            let anchor = match part {
                0 => "start",
                _ if part == parts => "end",
                _ => "middle",
            };
            let epoch = first.height().saturating_add(along);
            (percent(along, span.max(1)), anchor, part % 2 == 1 && parts > 1, grouped(epoch))
        })
        .collect()
}

/// Every epoch at which a line steps, with what all lines hold there; oldest first.
fn table(lines: &[Line]) -> Vec<(Epoch, Vec<Option<Value>>)> {
    let mut epochs: Vec<Epoch> = lines.iter().flat_map(|line| &line.steps).map(|step| step.epoch).collect();
    epochs.sort_unstable();
    epochs.dedup();
    let at = |line: &Line, epoch| {
        let later = line.steps.partition_point(|step| step.epoch <= epoch);
        later.checked_sub(1).and_then(|index| line.steps.get(index)).and_then(|step| step.value)
    };
    epochs.into_iter().map(|epoch| (epoch, lines.iter().map(|line| at(line, epoch)).collect())).collect()
}

/// A small curve of one series: `None` with fewer than two steps. It scales to itself.
pub(crate) fn spark(steps: &[Step], first: Epoch, last: Epoch) -> Option<String> {
    let known = steps.iter().filter_map(|step| step.value);
    let (least, most) = (known.clone().min()?, known.max()?);
    let range = most.0.saturating_sub(least.0);
    let span = last.since(first).max(1);
    let y = |value: Value| {
        let up = match range {
            0 => 75,
            range => scaled(value.0.saturating_sub(least.0), range, 150),
        };
        170_u128.saturating_sub(up)
    };
    let column = |epoch: Epoch| epoch.since(first).saturating_mul(100) / span;
    let mut path = String::new();
    for steps in steps.chunk_by(|a, b| column(a.epoch) == column(b.epoch)) {
        let Some(step) = steps.last() else { continue };
        let Some(value) = step.value else { continue };
        let (x, y) = (column(step.epoch), y(value));
        let verb = if path.is_empty() { format!("M{x} ") } else { format!("H{x}V") };
        let _ = write!(path, "{verb}{}.{}", y / 10, y % 10);
    }
    let _ = write!(path, "H100");
    Some(path)
}

/// `part × to ÷ whole`, where the product may be too large.
fn scaled(part: u128, whole: u128, to: u128) -> u128 {
    part.checked_mul(to).map_or_else(|| part / (whole / to).max(1), |product| product / whole)
}

#[cfg(test)]
mod tests {
    use apogee_domain::NetworkKind;
    use apogee_domain::series::Unit;

    use super::*;
    use crate::web::figure::{Coin, coin};

    const FIL: Coin = coin(NetworkKind::Filecoin);

    fn steps(steps: &[(i64, Option<u128>)]) -> Vec<Step> {
        steps
            .iter()
            .map(|&(epoch, value)| Step { epoch: Epoch::new(epoch).unwrap(), value: value.map(Value) })
            .collect()
    }

    fn drawn(points: &[(i64, Option<u128>)], last: i64) -> String {
        let line = Line { name: "x".into(), end: String::new(), steps: steps(points) };
        let axis = Axis::new(Scale::of(Unit::Count, FIL, None), Value(10));
        path(&line, &axis, Epoch::new(last).unwrap(), |epoch| epoch.height() * COLUMNS / last)
    }

    #[test]
    fn a_series_is_drawn_in_steps_with_gaps_where_it_is_unknown() {
        assert_eq!(drawn(&[(0, Some(0)), (50, Some(10))], 100), "M0 190.0H500V0.0H1000");
        assert_eq!(drawn(&[(0, Some(10)), (50, None), (80, Some(5))], 100), "M0 0.0H500M800 95.0H1000");
        assert_eq!(drawn(&[], 100), "");
    }

    #[test]
    fn many_steps_in_one_column_keep_their_extremes() {
        let many: Vec<_> = (0..10_000).map(|epoch| (epoch, Some(u128::from(epoch % 3 == 0) * 10))).collect();
        let path = drawn(&many, 10_000);
        assert!(path.contains("V0.0V190.0"), "{}", &path[..80]);
        assert!(path.len() < 40_000, "{}", path.len());
    }

    #[test]
    fn the_axis_ends_at_a_round_figure_at_or_above_the_largest() {
        let whole = Scale::of(Unit::Count, FIL, None);
        let bytes = Scale::of(Unit::Bytes, FIL, Some(Value(1 << 40)));
        for (scale, largest, labels) in [
            (whole, 1, vec!["1"]),
            (whole, 10, vec!["5", "10"]),
            (whole, 41_304, vec!["20,000", "40,000", "60,000"]),
            (whole, 0, vec!["1"]),
            (bytes, 5 << 38, vec!["0.5", "1", "1.5 TiB"]),
        ] {
            let grid = Axis::new(scale, Value(largest)).grid(scale.symbol);
            assert_eq!(grid.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(), labels, "{largest}");
        }
        let huge = Axis::new(Scale::of(Unit::Atto, FIL, None), Value(u128::MAX));
        assert!(huge.y(Value(u128::MAX)) < 500);
    }

    #[test]
    fn labels_of_lines_that_end_together_do_not_touch() {
        let line = |value| Line { name: "x".into(), end: String::new(), steps: steps(&[(0, Some(value))]) };
        let axis = Axis::new(Scale::of(Unit::Count, FIL, None), Value(10));
        let labels = labels(&[line(0), line(0), line(1)], &axis);
        let ys: Vec<_> = labels.iter().map(|(_, y, _)| *y).collect();
        assert!(ys.windows(2).all(|pair| pair[1] - pair[0] >= LABEL), "{ys:?}");
        assert!(ys.iter().all(|y| *y <= TOP + HEIGHT), "{ys:?}");
    }

    #[test]
    fn a_spark_of_huge_values_stays_in_its_frame() {
        let path = spark(
            &steps(&[(0, Some(0)), (5, Some(u128::MAX)), (9, Some(u128::MAX / 2))]),
            Epoch::GENESIS,
            Epoch::new(10).unwrap(),
        );
        assert_eq!(path.unwrap(), "M0 17.0H50V2.0H90V9.5H100");
        assert_eq!(spark(&steps(&[(0, None)]), Epoch::GENESIS, Epoch::GENESIS), None);
    }
}
