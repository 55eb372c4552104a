//! Laws of a made chain.

#[cfg(test)]
mod laws;
