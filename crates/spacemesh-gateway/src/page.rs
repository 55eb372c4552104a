//! Lists that come in pages.
//!
//! Source: go-spacemesh `api/grpcserver/v2beta1`: a page has 1 to 100 rows, and begins at an offset. Pages are separate
//! queries of a database that changes between them.

use std::collections::BTreeSet;

use crate::error::{Fault, Listing};
use crate::gateway::Gateway;
use crate::item::Item;
use crate::request::{Method, Request};

/// No node gives more rows at once.
pub(crate) const MOST: usize = 100;

/// How a list may come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// Every page but the last one is full.
    Full,
    /// Pages may lack rows that the node passes over; the first empty one is the end.
    Gaps,
}

impl Gateway {
    /// All rows of the list `field`, each as `read` gives it, with the names that `name` gives them all different.
    pub(crate) async fn list<T, N: Ord + ToString>(
        &self,
        method: Method,
        request: &Request,
        field: &'static str,
        pages: Pages,
        read: impl Fn(&Item<'_>) -> Result<T, Fault>,
        name: impl Fn(&T) -> N,
    ) -> Result<Vec<T>, Fault> {
        let all = self.pages(method, request, field, pages, read, name);
        tokio::time::timeout(self.limits.list_timeout, all).await.map_err(|_| Fault::Timeout)?
    }

    async fn pages<T, N: Ord + ToString>(
        &self,
        method: Method,
        request: &Request,
        field: &'static str,
        pages: Pages,
        read: impl Fn(&Item<'_>) -> Result<T, Fault>,
        name: impl Fn(&T) -> N,
    ) -> Result<Vec<T>, Fault> {
        let size = self.limits.page.clamp(1, MOST);
        let budget = Listing::Budget { rows: self.limits.rows, pages: self.limits.pages };
        let (mut rows, mut names, mut told) = (Vec::new(), BTreeSet::new(), None);
        let (mut offset, mut ended) = (0_usize, false);
        for _ in 0..self.limits.pages {
            let asked = request.clone().long("offset", offset).long("limit", size);
            let answer = self.ask(method, &asked).await?;
            let answer = Item::answer(&answer);
            let items = answer.list(field)?;
            if items.len() > size {
                return Err(Listing::Long { found: items.len(), limit: size }.into());
            }
            if ended && !items.is_empty() {
                return Err(Listing::Short { offset }.into());
            }
            if rows.len() + items.len() > self.limits.rows {
                return Err(budget.into());
            }
            for item in &items {
                let row = read(item)?;
                let name = name(&row);
                let shown = name.to_string();
                if !names.insert(name) {
                    return Err(Listing::Twice(shown).into());
                }
                rows.push(row);
            }
            // Some nodes count as well; those that have the field and do not count write zero.
            let total = u64::from(answer.u32("total")?);
            if total != 0 {
                told = Some(total);
            }
            let whole = told.is_some_and(|told| rows.len() as u64 == told);
            if items.is_empty() || (whole && items.len() < size) {
                return counted(rows, told);
            }
            ended = pages == Pages::Full && items.len() < size;
            offset += if ended { items.len() } else { size };
        }
        Err(budget.into())
    }
}

/// The rows, if there are as many as the node says.
fn counted<T>(rows: Vec<T>, told: Option<u64>) -> Result<Vec<T>, Fault> {
    match told {
        Some(told) if told != rows.len() as u64 => Err(Listing::Count { told, found: rows.len() }.into()),
        _ => Ok(rows),
    }
}
