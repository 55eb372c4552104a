// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_store::{Grants, GrantsWork};
use async_trait::async_trait;

use crate::Adapter;
use crate::repositories::Unit;

#[async_trait]
impl Grants for Adapter {}

#[async_trait]
impl GrantsWork for Unit {}
