//! Rule sets as they are written, read and refused.

mod edit;
mod examples;
mod reference;
mod refused;
mod words;
