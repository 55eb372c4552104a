// One text, part of the tests of both adapters: see crates/store-sql/README.md.

mod failures;
mod migrate;
mod schema;
mod statements;

pub(crate) use self::failures::filled;
