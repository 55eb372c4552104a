//! The double answers as GitHub documents it.

#[cfg(test)]
mod github;
#[cfg(test)]
mod oidc;
