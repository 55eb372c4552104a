//! Laws and golden values of standings.

#[cfg(test)]
mod standings;
