//! The PostgreSQL adapter from outside.

#[cfg(test)]
mod conformance;
