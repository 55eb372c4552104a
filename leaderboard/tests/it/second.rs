//! The second implementation, which shares nothing with this one but `docs/rules.md`.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use apogee_rules::canonical;

use crate::{cases, generator};

/// Whether long tests run in full: `APOGEE_FULL=1`.
pub(crate) fn full() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "people ask for the long form of a test by the environment"
    )]
    std::env::var("APOGEE_FULL").is_ok()
}

#[test]
fn both_implementations_agree_to_the_byte_on_random_competitions() {
    const FIRST: u64 = 1;
    let count = if full() { 10_000 } else { 500 };
    let python = Command::new("python3")
        .arg(apogee_testkit::workspace().join("shadow/apogee_shadow.py"))
        .arg("stand")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = python else {
        eprintln!("SKIPPED: python3 is absent; the second implementation needs it");
        return;
    };
    let lines: Vec<String> =
        (FIRST..FIRST + count).map(|seed| canonical::text(&generator::case(seed)).unwrap()).collect();
    let mut pipe = python.stdin.take().unwrap();
    let written = lines.clone();
    let writer = thread::spawn(move || written.iter().try_for_each(|line| writeln!(pipe, "{line}")));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), lines.len());

    let refused = |answer: &str| answer.starts_with(r#"{"error":"#);
    let mut errors = 0;
    for ((line, theirs), seed) in lines.iter().zip(answers).zip(FIRST..) {
        let ours = cases::answer(&serde_json::from_str(line).unwrap());
        if refused(&ours) && refused(theirs) {
            errors += 1;
            continue;
        }
        assert_eq!(ours, theirs, "seed {seed}");
    }
    assert!(errors > 0 && errors * 10 < count, "{errors} of {count} cases have no standings");
}
