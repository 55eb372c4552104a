//! The signer as its callers see it.

#[cfg(test)]
mod desk;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod keystore;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod mesh;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod proposals;
#[cfg(test)]
mod random;
#[cfg(test)]
mod remote;
#[cfg(test)]
mod socket;
#[cfg(test)]
mod vectors;
