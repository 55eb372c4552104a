use apogee_domain::Digest;
use apogee_leaderboard::merkle::{self, Tree};
use serde::Serialize;

use super::PaymentList;

/// The tree over the rows of a list, with any kind of address (RFC 9162). Its root is what is approved.
#[derive(Clone, Debug)]
pub struct AuditTree {
    tree: Tree,
}

/// That an entity is paid so much by the list with this root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inclusion {
    /// The leaf: canonical JSON.
    pub row: String,
    /// Which leaf it is, from 0 on.
    pub index: u64,
    /// How many there are.
    pub size: u64,
    /// From the neighbour up (RFC 9162 §2.1.3.1).
    pub path: Vec<Digest>,
    /// The root.
    pub root: Digest,
}

impl Inclusion {
    /// Whether it is true.
    #[must_use]
    pub fn holds(&self) -> bool {
        let leaf = merkle::leaf(self.row.as_bytes());
        merkle::includes(&self.root, &leaf, self.index, self.size, &self.path)
    }
}

impl AuditTree {
    /// The tree of a list.
    #[must_use]
    pub fn new(list: &PaymentList) -> Self {
        let leaves = list.payments().iter().map(|payment| merkle::leaf(payment.row().as_bytes()));
        Self { tree: Tree::new(leaves.collect()) }
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// The proof for an entity of the list that the tree was made from; none for others.
    #[must_use]
    pub fn inclusion(&self, list: &PaymentList, entity: &str) -> Option<Inclusion> {
        let index = list.payments().binary_search_by(|payment| payment.entity.as_str().cmp(entity)).ok()?;
        let row = list.payments().get(index)?.row();
        let path = self.tree.proof(index)?;
        Some(Inclusion { row, index: index as u64, size: self.tree.size() as u64, path, root: self.root() })
    }
}
