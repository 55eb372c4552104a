//! Rule sets as they are written, read and refused.

mod examples;
mod reference;
mod refused;
mod words;
