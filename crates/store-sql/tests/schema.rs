//! Both databases have the same tables: each is compared with `schema.txt`.

use std::path::Path;

use crate::testing::{columns, open, unique};

#[tokio::test]
async fn the_schema_is_the_one_that_both_databases_have() {
    let Some((store, _guard)) = open().await else { return };
    let mut lines: Vec<String> = columns(&store.writes).await;
    lines.extend(unique(&store.writes).await);
    lines.retain(|line| !line.starts_with("_sqlx_migrations"));
    lines.sort();
    let found = lines.join("\n") + "\n";
    assert_eq!(found, include_str!("schema.txt"), "found:\n{found}");
}

#[test]
fn both_folders_have_the_same_migrations() {
    let names = |folder: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(folder);
        let mut names: Vec<_> = folder.read_dir().unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert_eq!(names("sqlite").len(), crate::MIGRATOR.iter().count());
}
