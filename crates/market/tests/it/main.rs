//! The market's messages, held against the bytes that other software writes.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod made;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod proposals;
#[cfg(test)]
mod rejections;
#[cfg(test)]
mod wire;
