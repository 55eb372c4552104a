//! Against a stub on loopback that speaks the documented shapes, and misbehaves.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod states;
#[cfg(test)]
mod stub;
