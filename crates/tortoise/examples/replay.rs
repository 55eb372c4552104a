//! Replays traces, and says what each holds and took.
fn main() {}
