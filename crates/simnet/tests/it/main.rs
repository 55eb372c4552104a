//! The node over the wire.

#[cfg(test)]
mod make;
mod mischief;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod wire;
