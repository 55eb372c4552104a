//! The node over the wire.

#[cfg(test)]
mod deals;
#[cfg(test)]
mod make;
#[cfg(test)]
mod mischief;
#[cfg(test)]
mod multisig;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod wire;
