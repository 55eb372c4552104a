//! Recounts of a recorded network that split and healed.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod killed;
#[cfg(test)]
#[path = "../shared/made.rs"]
mod made;
#[cfg(test)]
mod recording;
#[cfg(test)]
mod split;
#[cfg(test)]
mod stages;
#[cfg(test)]
mod told;
