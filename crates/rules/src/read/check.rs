use super::NESTING;
use super::cursor::{Node, Reader};
use crate::{Bound, Check, CheckKind, Late, Per};

impl Reader {
    pub(super) fn check(&mut self, node: &Node<'_>, depth: usize) -> Option<Check> {
        if depth > NESTING {
            return self.problem(&node.path, format_args!("checks are nested more than {NESTING} deep"));
        }
        let mut o = self.object(node)?;
        let id = self.needed(&mut o, "id", |r, n| r.parsed(&n));
        let kind = self.kind(&mut o)?;
        let o = &mut o;
        let asked = match kind.0 {
            "at-least" | "at-most" => {
                let metric = self.needed(o, "metric", |r, n| r.parsed(&n));
                let value = self.needed(o, "value", Self::bound);
                let per = self.usual(o, "per", |r, n| r.word(&n), || Per::Entity);
                metric.zip(value.zip(per)).map(|(metric, (value, per))| match kind.0 {
                    "at-least" => CheckKind::AtLeast { metric, value, per },
                    _ => CheckKind::AtMost { metric, value, per },
                })
            }
            "claimed" => Some(CheckKind::Claimed),
            "region" => Some(CheckKind::Region),
            "registered" => {
                let deadline = self.needed(o, "deadline", Self::epoch);
                let late = self.optional(o, "late", Self::late);
                deadline.zip(late).map(|(deadline, late)| CheckKind::Registered { deadline, late })
            }
            "attested" => {
                let what = self.needed(o, "what", |r, n| r.parsed(&n));
                what.map(|what| CheckKind::Attested { what })
            }
            "all" | "any" => {
                let checks =
                    self.needed(o, "checks", |r, n| r.list(&n, |r, n| r.check(&n, depth.saturating_add(1))));
                checks.map(|checks| match kind.0 {
                    "all" => CheckKind::All { checks },
                    _ => CheckKind::Any { checks },
                })
            }
            _ => {
                let known = "at-least, at-most, claimed, region, registered, attested, all, any";
                return self.unknown_kind(&kind, known);
            }
        };
        self.close(o);
        Some(Check { id: id?, kind: asked? })
    }

    pub(super) fn bound(&mut self, node: Node<'_>) -> Option<Bound> {
        if node.value.as_str().is_some_and(|text| text.contains(['/', '%'])) {
            self.ratio(node).map(Bound::Ratio)
        } else {
            self.quantity(node).map(Bound::Quantity)
        }
    }

    pub(super) fn late(&mut self, node: Node<'_>) -> Option<Late> {
        let mut o = self.object(&node)?;
        let deadline = self.needed(&mut o, "deadline", Self::epoch);
        self.close(&o);
        Some(Late { deadline: deadline? })
    }
}
