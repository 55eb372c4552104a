//! The rows of a board: of what is kept in memory those that are shown, and what they hold beside.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use apogee_domain::series::{self, SeriesSpec, Unit};
use apogee_domain::{SeriesName, Subject, Value};
use apogee_leaderboard::{Picked, SnapshotRow, Standing};
use apogee_rankings::Found;

use super::{Board, BoardQuery, Column, Row, Trend};
use crate::web::App;
use crate::web::ask::Form;
use crate::web::chart::spark;
use crate::web::figure::{Figure, Scale, coin};
use crate::web::problem::Problem;
use crate::web::reading::{Holdings, WINDOW, unit_name};
use crate::web::scene::Scene;
use crate::web::view::Csv;

/// Bytes of a table: what no answer may have more of.
const LARGEST_TABLE: usize = 64 << 20;

/// Bytes of a table's row: rank and name, and what is added by each column.
const ROW: (usize, usize) = (70, 8);

/// Rows that are advised to whoever asks for too many: to read as many as fit takes longer than an answer may.
const PART: usize = 100_000;

/// Only as many rows as an answer is likely to have room for.
fn admit(rows: usize, columns: usize) -> Result<(), Problem> {
    let most = LARGEST_TABLE / (ROW.0 + ROW.1 * columns);
    if rows > most { Err(Problem::TableTooLarge { rows, most: most.min(PART) }) } else { Ok(()) }
}

impl App {
    pub(super) async fn board(
        &self,
        scene: Scene,
        columns: &[SeriesName],
        query: BoardQuery,
        form: Form,
    ) -> Result<Board, Problem> {
        let ranked_by = &columns.first().cloned().unwrap_or(series::POWER_QA);
        let by = query.by(columns)?;
        let (scene, found) = self.ranked(scene, ranked_by).await?;
        let order = match &by {
            Some(by) => self.rankings.order(&found, by).await?,
            None => None,
        };
        let (skipped, limit) = query.extent(form);
        let (ranking, search) = (Arc::clone(&found.ranking), query.search());
        let pick = move || ranking.pick(order.as_deref(), search.as_deref(), skipped, limit);
        // Looking through all names takes its time.
        let picked = match query.q {
            Some(_) => tokio::task::spawn_blocking(pick).await.map_err(|_| Problem::Busy)?,
            None => pick(),
        };
        let table = match form {
            Form::Csv => Some(self.table(&scene, &found, columns, &picked).await?),
            Form::Html | Form::Json => None,
        };
        let standings: Vec<SnapshotRow> = match &table {
            Some(_) => Vec::new(),
            None => picked.positions.iter().filter_map(|position| found.ranking.row(*position)).collect(),
        };
        let subjects: Vec<Subject> = standings.iter().map(|row| row.standing.subject.clone()).collect();
        let others = columns.get(1..).unwrap_or_default();
        let (from, network) = (scene.epoch().minus(WINDOW), Subject::network());
        let trends = async {
            match form {
                Form::Html => self.recent(&scene, ranked_by, &subjects, from).await,
                Form::Json | Form::Csv => Ok(HashMap::new()),
            }
        };
        // Each on a connection of its own.
        let (trends, held, network_total) = tokio::try_join!(
            trends,
            self.held(&scene, others, &subjects),
            self.value(&scene, ranked_by, &network),
        )?;
        let (heads, mut rows) = shown(&scene, columns, standings, &held);
        for row in &mut rows {
            let Some(now) = row.values.get(ranked_by.as_str()).copied() else { continue };
            let Some(steps) = trends.get(&row.standing.standing.subject) else { continue };
            let begin = Figure { value: steps.first().and_then(|step| step.value), ..now }.text();
            let path = spark(steps, from, scene.epoch());
            row.trend = path.map(|path| Trend { path, begin });
        }
        let mut board = Board {
            meta: scene.meta(),
            kind: scene.now.network.kind,
            series: ranked_by.spec().map_or("", |spec| spec.name),
            columns: heads,
            snapshot: found.ranking.id(),
            scope: found.ranking.scope().clone(),
            total: found.ranking.len(),
            found: picked.found,
            first: skipped.saturating_add(1).min(picked.found),
            next: None,
            rows,
            query,
            global: columns.len() > 1,
            network_total,
            table,
        };
        let more = skipped.saturating_add(limit) < board.found;
        let page = board.query.page.unwrap_or(1).max(1);
        board.next = more.then(|| board.json_page(page.saturating_add(1)));
        Ok(board)
    }

    /// These rows as a table. What they hold is read as it is written, some hundred rows at a time; nothing is where there are too many of them.
    async fn table(
        &self,
        scene: &Scene,
        found: &Found,
        columns: &[SeriesName],
        picked: &Picked,
    ) -> Result<Csv, Problem> {
        let rows = picked.positions.len();
        admit(rows, columns.len())?;
        let mut written = 0;
        let head = ["rank", "participant"].into_iter().chain(columns.iter().map(SeriesName::as_str));
        let mut csv = Csv::new(&head.collect::<Vec<_>>());
        let Some((ranked_by, others)) = columns.split_first() else { return Ok(csv) };
        for positions in picked.positions.chunks(apogee_store::MAX_HELD) {
            let standings = positions.iter().filter_map(|position| found.ranking.standing(*position));
            let standings: Vec<Standing> = standings.collect();
            let subjects: Vec<Subject> = standings.iter().map(|row| row.subject.clone()).collect();
            let held = self.held(scene, others, &subjects).await?;
            for row in &standings {
                let rank = row.rank.map(|rank| rank.to_string()).unwrap_or_default();
                let value = |series: &SeriesName| {
                    let value = value(row, series, ranked_by, &held);
                    value.map(|value| value.to_string()).unwrap_or_default()
                };
                let values: Vec<String> = columns.iter().map(value).collect();
                let cells = [rank.as_str(), row.subject.as_str()].into_iter();
                csv.row(&cells.chain(values.iter().map(String::as_str)).collect::<Vec<_>>());
            }
            if csv.len() > LARGEST_TABLE {
                return Err(Problem::TableTooLarge { rows, most: written.min(PART) });
            }
            written += standings.len();
        }
        Ok(csv)
    }
}

/// What a row holds of a column: what it is ranked by is what the ranking says.
fn value(row: &Standing, series: &SeriesName, ranked_by: &SeriesName, held: &Holdings) -> Option<Value> {
    if series == ranked_by { row.value } else { held.of_ranked(&row.subject, series) }
}

/// Heads and rows, each column in the unit that fits what is shown of it.
fn shown(
    scene: &Scene,
    columns: &[SeriesName],
    standings: Vec<SnapshotRow>,
    held: &Holdings,
) -> (Vec<Column>, Vec<Row>) {
    let coin = coin(scene.now.network.kind);
    let (mut heads, mut rows) = (Vec::new(), Vec::new());
    for standing in standings {
        rows.push(Row { standing, values: BTreeMap::new(), trend: None });
    }
    let Some(ranked_by) = columns.first() else { return (heads, rows) };
    for (name, spec) in columns.iter().filter_map(|name| Some((name, name.spec()?))) {
        let values: Vec<Option<Value>> =
            rows.iter().map(|row| value(&row.standing.standing, name, ranked_by, held)).collect();
        let SeriesSpec { name, unit, .. } = *spec;
        let scale = Scale::of(unit, coin, typical(unit, &values));
        for (row, value) in rows.iter_mut().zip(values) {
            row.values.insert(name, Figure { value, unit, scale });
        }
        heads.push(Column { series: name, unit: unit_name(unit), scale });
    }
    (heads, rows)
}

/// What a column is scaled by. One giant must not make everybody else's bytes vanish, so that half of them are at least a unit; amounts have
/// one coin whoever is largest.
fn typical(unit: Unit, values: &[Option<Value>]) -> Option<Value> {
    let mut known: Vec<Value> = values.iter().copied().flatten().collect();
    known.retain(|value| *value != Value::ZERO);
    known.sort_unstable();
    let place = if unit == Unit::Bytes { known.len() / 2 } else { known.len().saturating_sub(1) };
    known.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_too_large_is_refused_by_its_number_of_rows() {
        for (rows, columns, most) in
            [(860_370, 1, None), (860_371, 1, Some(PART)), (447_392, 10, None), (447_393, 10, Some(PART))]
        {
            let refused = match admit(rows, columns) {
                Ok(()) => None,
                Err(Problem::TableTooLarge { rows: told, most }) => Some((told, most)),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(refused, most.map(|most| (rows, most)));
        }
    }

    #[test]
    fn one_giant_does_not_make_the_others_vanish() {
        let values = |values: &[u128]| values.iter().map(|value| Some(Value(*value))).collect::<Vec<_>>();
        assert_eq!(typical(Unit::Bytes, &values(&[0, 0, 1 << 40, 1 << 41, 1 << 70])), Some(Value(1 << 41)));
        assert_eq!(typical(Unit::Atto, &values(&[1, 2, 3])), Some(Value(3)));
        assert_eq!(typical(Unit::Bytes, &values(&[0])), None);
        assert_eq!(typical(Unit::Bytes, &[None]), None);
    }
}
