//! The node over the wire.

#[cfg(test)]
mod mischief;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod wire;
