use std::process::Command;
use std::time::Duration;

use apogee_retrieval::Part;
use apogee_simprovider::gateway::{Gateway as Provider, Library};

use crate::dag::{RAW, cid, node};
use crate::faults::deviations;
use crate::world::{gateway, random, target, trace};

/// Most memory that this process ever had, KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A process that does nothing but this test, so that its memory is that of this test: client and providers together.
fn alone(test: &str) {
    let test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&test.stdout);
    assert!(
        test.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&test.stderr)
    );
    println!("{said}");
}

#[test]
fn malicious_gateways_cost_less_than_64_mib() {
    alone("memory::all_faults_at_once_where_36_mib_are_allowed_to_each");
}

#[test]
fn a_long_file_costs_no_more_than_a_short_one() {
    alone("memory::a_car_of_192_mib");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run in a process of its own"]
async fn all_faults_at_once_where_36_mib_are_allowed_to_each() {
    // Endless bodies are read to their limit.
    let wrong = deviations(32 << 20).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    let peak = peak();
    println!("peak: {peak} KiB");
    assert!(peak < 64 << 10, "{peak} KiB");
}

#[tokio::test]
#[ignore = "run in a process of its own"]
async fn a_car_of_192_mib() {
    // The same leaf again and again, so that the provider needs no memory either.
    let leaf = random(9, 1 << 20);
    let name = cid(RAW, &leaf);
    let (root, block) = node(&[(name, 1 << 20); 192]);
    let mut library = Library::default();
    library.put_block(name, leaf);
    library.put_block(root, block);
    let provider = Provider::start(library).await.unwrap();
    let client = gateway(Duration::from_secs(60), Duration::from_secs(300));
    let mut trace = trace();
    let retrieved = client.car(&target(&provider), &root, Part::Whole, 193 << 20, &mut trace).await.unwrap();
    assert_eq!(retrieved.blocks, 193);
    assert!(trace.received > 192 << 20);
    let peak = peak();
    println!("peak: {peak} KiB");
    assert!(peak < 48 << 10, "{peak} KiB");
}
