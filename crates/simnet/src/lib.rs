//! A Lotus-compatible node for tests and the demo.
