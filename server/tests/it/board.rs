//! Boards as pages, against their CSV.

use crate::served::Served;

/// What stands between `<tag…>` and `</tag>`, one after another.
fn between<'a>(text: &'a str, tag: &str) -> Vec<&'a str> {
    let (begin, end) = (format!("<{tag}"), format!("</{tag}>"));
    text.split(&begin)
        .skip(1)
        .map(|part| part.split(&end).next().unwrap().split_once('>').unwrap().1)
        .collect()
}

/// The digits that a cell stands for: those in `data` where it rounds, otherwise those that are seen.
fn digits(cell: &str) -> String {
    match cell.split_once("<data value=\"") {
        Some((_, rest)) => rest.split('"').next().unwrap().to_owned(),
        None => {
            cell.trim_start_matches("<span class=\"muted\">").trim_end_matches("</span>").replace(',', "")
        }
    }
}

#[test]
fn every_figure_of_a_board_has_all_its_digits_and_has_them_once() {
    let served = Served::new();
    for board in ["/n/devnet-a/board", "/n/devnet-a/board/reward.gas", "/n/devnet-a/board/expected.wins"] {
        let (page, table) = (served.get(board).text(), served.get(&format!("{board}.csv")).text());
        let body = between(&page, "tbody")[0];
        assert!(!body.contains("title="), "a row says something twice: {body}");
        let rows: Vec<Vec<&str>> = between(body, "tr").iter().map(|row| between(row, "td")).collect();
        assert_eq!(rows.len(), table.lines().count() - 1, "{board}");
        for (row, line) in rows.iter().zip(table.lines().skip(1)) {
            let exact: Vec<&str> = line.split(',').skip(2).collect();
            // Beside the first figure stand its share and its trend.
            let beside = row.len() - exact.len() - 1;
            let shown: Vec<String> =
                row[1..2].iter().chain(&row[2 + beside..]).map(|cell| digits(cell)).collect();
            assert_eq!(shown, exact, "{board}: {line}");
        }
    }
}

#[test]
fn a_table_is_whole_or_the_part_that_was_asked_for() {
    let served = Served::new();
    let table = |query: &str| served.get(&format!("/n/devnet-a/board.csv{query}")).text();
    let whole = table("");
    let rows: Vec<&str> = whole.lines().collect();
    assert!(rows.len() > 3, "{whole}");
    assert_eq!(table("?page=1"), whole);
    assert_eq!(table("?limit=100000"), whole);
    assert_eq!(table("?limit=1&page=2").lines().collect::<Vec<_>>(), [rows[0], rows[2]]);
    assert_eq!(table("?limit=2").lines().collect::<Vec<_>>(), rows[..3]);
    assert_eq!(table("?limit=2&page=900").lines().collect::<Vec<_>>(), rows[..1]);
}
