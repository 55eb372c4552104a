//! The engine over HTTP against a made Filecoin chain whose node misbehaves.

#[cfg(test)]
mod paying;
#[cfg(test)]
mod proposing;
