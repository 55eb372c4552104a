//! The treasury on a made chain, over the gateway's protocol.

#[cfg(test)]
mod between;
#[cfg(test)]
mod model;
#[cfg(test)]
mod past;
#[cfg(test)]
mod place;
#[cfg(test)]
mod port;
#[cfg(test)]
mod replacing;
#[cfg(test)]
mod skipped;
#[cfg(test)]
mod spawning;
#[cfg(test)]
mod world;
