//! Every statement of the adapter is prepared on its database, whether or not a test happens to run it.

use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::testing::open;

/// The string literals of a source that are SQL. No statement holds a quotation mark.
fn statements(source: &str) -> Vec<&str> {
    let is_sql = |text: &&str| {
        ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|verb| text.trim_start().starts_with(verb))
    };
    source.split('"').filter(is_sql).collect()
}

#[test]
fn statements_are_found_in_a_source() {
    let source = "x(\"SELECT a\n FROM b\").bind(\"name\"); // INSERT\n y(\"\n  DELETE FROM c\")";
    assert_eq!(statements(source), ["SELECT a\n FROM b", "\n  DELETE FROM c"]);
}

#[tokio::test]
async fn every_statement_prepares() {
    let Some((store, _guard)) = open().await else { return };
    let mut shared = statements(include_str!("../repositories.rs"));
    shared.extend(statements(include_str!("../ledger.rs")));
    shared.extend(statements(include_str!("../archives.rs")));
    shared.extend(statements(include_str!("../audit.rs")));
    shared.extend(statements(include_str!("../deals.rs")));
    shared.extend(statements(include_str!("../grants.rs")));
    shared.extend(statements(include_str!("../money.rs")));
    shared.extend(statements(include_str!("../people.rs")));
    shared.extend(statements(include_str!("../probes/attempts.rs")));
    shared.extend(statements(include_str!("../probes/lanes.rs")));
    shared.extend(statements(include_str!("../probes/log.rs")));
    shared.extend(statements(include_str!("../probes/rules.rs")));
    shared.extend(statements(include_str!("../probes/slots.rs")));
    shared.extend(statements(include_str!("../recounts.rs")));
    shared.extend(statements(include_str!("../signins.rs")));
    let own = statements(crate::testing::DIALECT);
    assert!(shared.len() >= 20 && own.len() >= 10, "{} and {}", shared.len(), own.len());
    let mut db = store.writes.acquire().await.unwrap();
    for sql in shared.into_iter().chain(own) {
        if let Err(e) = db.prepare(AssertSqlSafe(sql.to_owned()).into_sql_str()).await {
            panic!("{e}: {sql}");
        }
    }
}

#[tokio::test]
async fn a_statement_with_a_wrong_column_does_not_prepare() {
    let Some((store, _guard)) = open().await else { return };
    let mut db = store.writes.acquire().await.unwrap();
    let error = db.prepare("SELECT regoin FROM networks".into_sql_str()).await.err().unwrap();
    assert!(error.to_string().contains("regoin"), "{error}");
}
