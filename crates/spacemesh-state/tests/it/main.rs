//! A recording of two nodes of one network that split and healed, read as copies of their databases.

#[cfg(test)]
mod heads;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod mesh;
#[cfg(test)]
mod recording;
#[cfg(test)]
mod rewards;
