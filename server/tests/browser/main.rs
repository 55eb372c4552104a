//! The pages in a real browser: nothing scrolls sideways, nothing is cut, everything can be read, no script is needed, and whoever must not do
//! something is told so.

#[cfg(test)]
mod cdp;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod look;
#[cfg(test)]
mod money;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
#[path = "../shared/probed.rs"]
#[expect(dead_code, reason = "what nobody is to know is looked for in the other tests")]
mod probed;
#[cfg(test)]
mod process;
#[cfg(test)]
mod world;
