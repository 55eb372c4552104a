//! The client against a double that serves copies of real databases, and one that makes a chain.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod made;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod world;
