//! Rule sets as they are written, read and refused.

#[cfg(test)]
mod edit;
mod examples;
mod reference;
mod refused;
mod words;
