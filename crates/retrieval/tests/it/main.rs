//! Retrievals from a real gateway that behaves as told.

#[cfg(test)]
mod car;
#[cfg(test)]
mod dag;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod honest;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod world;
