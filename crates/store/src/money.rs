use async_trait::async_trait;

/// Wallets, payments and what became of them.
#[async_trait]
pub trait Money: Send + Sync {}

/// What becomes true of them.
#[async_trait]
pub trait MoneyWork: Send {}
