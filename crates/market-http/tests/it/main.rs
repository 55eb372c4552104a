//! Documents and headers by themselves, and the client against a market over real sockets.

#[cfg(test)]
mod authorizations;
#[cfg(test)]
mod deals;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod world;
