//! A server that counts votes again: beside itself, of its own accord, and through every end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use apogee_testkit::example;
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};

use crate::mesh::Mesh;
use crate::served::Served;

/// How long nothing may take.
const PATIENCE: Duration = Duration::from_secs(120);
const LIST: &str = "/n/devnet-208/recounts";

/// Statements on a database that nobody else uses, and the rows of the last one.
fn sql(file: &Path, statements: &[String]) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        let mut rows = Vec::new();
        for statement in statements {
            let told = sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(statement.as_str()));
            rows = told.fetch_all(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
        rows
    })
}

fn one(statement: &str) -> [String; 1] {
    [statement.to_owned()]
}

/// Everything in a database but its recounts.
fn live(file: &Path) -> Vec<String> {
    let tables =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('recounts') ORDER BY name";
    let mut all = Vec::new();
    for table in sql(file, &one(tables)) {
        let columns = sql(file, &one(&format!("SELECT name FROM pragma_table_info('{table}')")));
        let row: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
        let rows = format!("SELECT {} FROM \"{table}\" ORDER BY 1", row.join(" || ',' || "));
        all.extend(sql(file, &one(&rows)).into_iter().map(|row| format!("{table}: {row}")));
    }
    assert!(all.len() > 1_000, "{}", all.len());
    all
}

/// A mesh with settings by which it is followed from `copy.sql` of its folder.
fn followed() -> Mesh {
    let mesh = Mesh::new();
    let text = format!(
        "store = \"sqlite:a.sqlite\"\nwatch_seconds = 1\n\n[networks.devnet-208]\nspacemesh = \"{}\"\ncopy = \"copy.sql\"\npoll_seconds = 1\n",
        mesh.file("network.toml")
    );
    std::fs::write(mesh.path().join("apogee.toml"), text).unwrap();
    mesh
}

fn serve(mesh: &Mesh) -> Served {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.args(["serve", "--config", "apogee.toml"]).current_dir(mesh.path());
    Served::start(command.env("APOGEE_LOG__FILTER", "error"))
}

/// The recounts, once there is one.
fn kept(served: &Served) -> Value {
    let begun = Instant::now();
    loop {
        let answer = served.get(&format!("{LIST}.json"));
        if answer.status == 200 && !answer.json()["recounts"].as_array().unwrap().is_empty() {
            return answer.json();
        }
        assert!(begun.elapsed() < PATIENCE, "{answer:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the command line comes to, for the same copy.
fn report(mesh: &Mesh) -> String {
    let described = mesh.file("network.toml");
    mesh.apogee(&["spacemesh", "recount", "run", "copy.sql", "--described", &described, "--out", "own.json"]);
    std::fs::read_to_string(mesh.path().join("own.json")).unwrap()
}

#[test]
fn a_new_copy_is_counted_and_its_effect_is_shown_before_anybody_decides() {
    let mesh = followed();
    // A node that never took back what it paid in the split.
    let (copy, split) = (mesh.path().join("copy.sql"), mesh.file("state_a_at_60.sql"));
    std::fs::copy(mesh.file("state_a.sql"), &copy).unwrap();
    let layers = "BETWEEN 52 AND 60";
    sql(
        &copy,
        &[
            format!("ATTACH '{split}' AS split"),
            format!(
                "UPDATE layers SET applied_block = (SELECT old.applied_block FROM split.layers old WHERE old.id = layers.id) WHERE id {layers}"
            ),
            format!("DELETE FROM rewards WHERE layer {layers}"),
            format!("INSERT INTO rewards SELECT * FROM split.rewards WHERE layer {layers}"),
        ],
    );
    mesh.import(copy.to_str().unwrap());
    let rules = example("rules").join("spacemesh-rewards.toml").display().to_string();
    mesh.founded(&rules);
    let paid = mesh.owed(&rules);
    let right = Mesh::new();
    right.import("state_a.sql");
    let owed = right.owed(&rules);
    assert_ne!(paid, owed);

    let served = serve(&mesh);
    let list = kept(&served);
    let row = &list["recounts"][0];
    assert_eq!((&row["state"], &row["last"], &row["agrees"]), (&"open".into(), &95.into(), &true.into()));
    assert_eq!((list["begun_here"].as_bool(), list["found"].as_u64()), (Some(true), Some(1)));
    let input = row["input"].as_str().unwrap().to_owned();
    let view = served.get(&format!("{LIST}/{input}.json")).json();
    // 8 of 87, as go-spacemesh's own nodes had it in the end.
    let rewards = view["rewards"].as_array().unwrap();
    assert_eq!(rewards.iter().filter(|reward| !reward["paid"].is_null()).count(), 8, "{view:#}");
    assert_eq!((view["index_differs"].as_u64(), view["state"].as_str()), (Some(0), Some("open")));
    let effect = &view["competitions"][0]["effect"];
    assert_eq!(view["competitions"][0]["unknown"].as_array().map(Vec::len), Some(0));
    let rows = effect["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    let amount = |all: &[(String, String)], who: &str| {
        all.iter().find(|(id, _)| id == who).map_or_else(|| "0".to_owned(), |(_, atto)| atto.clone())
    };
    for row in rows {
        let who = row["entity"].as_str().unwrap();
        assert_eq!(row["before"]["amount"], amount(&paid, who), "{who}");
        assert_eq!(row["after"]["amount"], amount(&owed, who), "{who}");
    }
    for (who, _) in paid.iter().chain(&owed) {
        let changes = rows.iter().any(|row| row["entity"] == who.as_str());
        assert_eq!(changes, amount(&paid, who) != amount(&owed, who), "{who}");
    }

    // To the byte what anybody counts, and nothing is left behind.
    let stored = sql(&mesh.path().join("a.sqlite"), &one("SELECT report FROM recounts"));
    assert_eq!(stored, [report(&mesh)]);
    assert!(!mesh.path().join("recounts/devnet-208").exists());

    let english = served.get(&format!("{LIST}/{input}")).text();
    assert!(english.contains("SIMULATION") && english.contains("SMH, as owed"), "{english}");
    let chinese = served.get(&format!("/zh{LIST}/{input}")).text();
    assert!(chinese.contains("重新计票") && chinese.contains("按应得"), "{chinese}");
    let csv = served.get(&format!("{LIST}/{input}.csv")).text();
    assert!(csv.starts_with("smesher,paid_smidge,owed_smidge\r\n") && csv.lines().count() > 2, "{csv}");
    assert!(served.get("/n/devnet-208/board").text().contains(LIST));
    assert_eq!(served.get(&format!("{LIST}/{}", "0".repeat(64))).status, 404);

    // Once it is decided the page says so, and of competitions nothing more.
    let mut decide =
        vec!["spacemesh", "recount", "cancel", &input, "--network", "devnet-208", "--actor", "ana"];
    decide.extend(["--reason", "The node is mended first.", "--store", crate::mesh::STORE]);
    mesh.good(&decide);
    let begun = Instant::now();
    let state = || served.get(&format!("{LIST}/{input}.json")).json();
    while state()["state"] != "cancelled" && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(
        (&state()["state"], &state()["competitions"]),
        (&"cancelled".into(), &Value::Array(Vec::new()))
    );
}

/// The processes that count in a folder.
fn counting(folder: &Path) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let counts = |place: PathBuf| {
        let told = std::fs::read(place.join("cmdline")).unwrap_or_default();
        let told = String::from_utf8_lossy(&told);
        told.contains("--beside") && told.contains(folder.to_str().unwrap())
    };
    let processes = processes.filter(|process| counts(process.path()));
    processes.map(|process| process.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn killed_at_any_moment_the_next_start_counts_and_live_data_stay() {
    let kills = if std::env::var_os("APOGEE_FULL").is_some() { 60 } else { 8 };
    let mesh = followed();
    std::fs::copy(mesh.file("state_a.sql"), mesh.path().join("copy.sql")).unwrap();
    mesh.import("state_a.sql");
    let (database, report) = (mesh.path().join("a.sqlite"), report(&mesh));
    let before = live(&database);
    let (mut draw, mut met) = (1_u64, 0);
    for kill in 0..kills {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wait = Duration::from_millis((draw >> 33) % 500);
        let mut served = serve(&mesh);
        let begun = Instant::now();
        // Every other time not the server dies but what counts beside it, as soon as it is seen.
        while begun.elapsed() < wait || (kill % 2 == 1 && begun.elapsed() < Duration::from_secs(5)) {
            for process in if kill % 2 == 1 { counting(mesh.path()) } else { Vec::new() } {
                drop(Command::new("kill").args(["-KILL", &process]).output());
                met += 1;
            }
            if kill % 2 == 1 && begun.elapsed() >= wait && met > 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        met += counting(mesh.path()).len();
        served.process.kill().unwrap();
        served.process.wait().unwrap();
        let begun = Instant::now();
        while !counting(mesh.path()).is_empty() {
            assert!(begun.elapsed() < PATIENCE, "it counts although nobody waits for it");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(live(&database) == before, "kill {kill} left a trace in live data");
        // Whatever is kept is whole; then there is something to be counted again.
        let stored = sql(&database, &one("SELECT report FROM recounts"));
        assert!(stored.is_empty() || stored == [report.as_str()]);
        if kill + 1 < kills {
            sql(&database, &one("DELETE FROM recounts RETURNING input"));
        }
    }
    assert!(met > 0, "nothing was killed while it counted");
    let served = serve(&mesh);
    let list = kept(&served);
    assert_eq!(list["recounts"].as_array().map(Vec::len), Some(1));
    let begun = Instant::now();
    while mesh.path().join("recounts/devnet-208").exists() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(served);
    assert_eq!(sql(&database, &one("SELECT report FROM recounts")), [report]);
    assert!(live(&database) == before);
}
