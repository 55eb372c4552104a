#![no_main]

#[expect(dead_code, reason = "every target uses one of them")]
#[path = "../../crates/filecoin/tests/it/fuzz_entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entries::trace_json(bytes));
