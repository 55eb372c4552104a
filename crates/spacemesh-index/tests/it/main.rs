//! A recording of two nodes of one network that split and healed, indexed from copies of their databases.

#[cfg(test)]
mod estimates;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod forks;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod recording;
#[cfg(test)]
mod rollup;
#[cfg(test)]
mod wrapped;
