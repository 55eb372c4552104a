//! The pages in a real browser: nothing scrolls sideways, nothing is cut, everything can be read, and no script is needed.

#[cfg(test)]
mod cdp;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod pages;
