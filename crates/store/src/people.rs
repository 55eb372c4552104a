use async_trait::async_trait;

/// What is known of people who sign in.
#[async_trait]
pub trait People: Send + Sync {}

/// What becomes true of them.
#[async_trait]
pub trait PeopleWork: Send {}
