// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_store::{People, PeopleWork};
use async_trait::async_trait;

use crate::Adapter;
use crate::repositories::Unit;

#[async_trait]
impl People for Adapter {}

#[async_trait]
impl PeopleWork for Unit {}
