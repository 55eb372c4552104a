//! Bots at work, against a controller and providers that misbehave on purpose.

#[cfg(test)]
mod check;
#[cfg(test)]
mod controller;
#[cfg(test)]
mod course;
#[cfg(test)]
mod deals;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod gates;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod mk20;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod world;
