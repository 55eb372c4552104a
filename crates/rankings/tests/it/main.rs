//! Rankings of a database that is written meanwhile.

#[cfg(test)]
mod meanwhile;
