use async_trait::async_trait;

/// What was asked of a faucet.
#[async_trait]
pub trait Grants: Send + Sync {}

/// What becomes true of it.
#[async_trait]
pub trait GrantsWork: Send {}
