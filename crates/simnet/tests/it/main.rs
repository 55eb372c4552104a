//! The node over the wire.

#[cfg(test)]
mod make;
mod mischief;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod wire;
