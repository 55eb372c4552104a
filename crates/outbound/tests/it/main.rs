//! The connector over real sockets.

#[cfg(test)]
mod call;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod dial;
#[cfg(test)]
mod dns;
#[cfg(test)]
mod get;
#[cfg(test)]
mod redirect;
#[cfg(test)]
mod target;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod world;
