//! The SQLite adapter from outside.

#[cfg(test)]
mod conformance;
