//! Requests as Discord signs them, and as others would like to.

#[cfg(test)]
mod discord;
