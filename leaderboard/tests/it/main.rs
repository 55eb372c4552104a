//! Laws and golden values of standings.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod exact;
#[cfg(test)]
mod generator;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod race;
#[cfg(test)]
mod ranking;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod second;
#[cfg(test)]
mod standings;
#[cfg(test)]
mod stood;
