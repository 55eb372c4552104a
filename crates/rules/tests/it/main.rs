//! Rule sets as they are written, read and refused.

mod examples;
mod refused;
mod words;
