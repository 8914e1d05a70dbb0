//! Boolean expressions: of tests in a selection, of selections in a condition.

/// An expression over leaves of type `T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr<T> {
    Const(bool),
    Leaf(T),
    Not(Box<Expr<T>>),
    All(Vec<Expr<T>>),
    Any(Vec<Expr<T>>),
    /// At least so many of these.
    AtLeast(usize, Vec<Expr<T>>),
}

impl<T> Expr<T> {
    /// All of these; one alone is itself.
    pub(super) fn all(mut parts: Vec<Expr<T>>) -> Expr<T> {
        match parts.pop() {
            Some(part) if parts.is_empty() => part,
            last => {
                parts.extend(last);
                Expr::All(parts)
            }
        }
    }

    /// Any of these; one alone is itself.
    pub(super) fn any(mut parts: Vec<Expr<T>>) -> Expr<T> {
        match parts.pop() {
            Some(part) if parts.is_empty() => part,
            last => {
                parts.extend(last);
                Expr::Any(parts)
            }
        }
    }

    pub(super) fn negated(self) -> Expr<T> {
        Expr::Not(Box::new(self))
    }

    /// Visits all leaves.
    pub(super) fn leaves(&self, visit: &mut impl FnMut(&T)) {
        match self {
            Expr::Const(_) => {}
            Expr::Leaf(leaf) => visit(leaf),
            Expr::Not(part) => part.leaves(visit),
            Expr::All(parts) | Expr::Any(parts) | Expr::AtLeast(_, parts) => {
                parts.iter().for_each(|part| part.leaves(visit));
            }
        }
    }

    /// The expression with each leaf replaced by another expression, constants worked out.
    pub(super) fn fold<U>(&self, leaf: &mut impl FnMut(&T) -> Expr<U>) -> Expr<U> {
        match self {
            Expr::Const(value) => Expr::Const(*value),
            Expr::Leaf(inner) => leaf(inner),
            Expr::Not(part) => match part.fold(leaf) {
                Expr::Const(value) => Expr::Const(!value),
                Expr::Not(inner) => *inner,
                part => part.negated(),
            },
            Expr::All(parts) => {
                let mut kept = Vec::with_capacity(parts.len());
                for part in parts {
                    match part.fold(leaf) {
                        Expr::Const(true) => {}
                        Expr::Const(false) => return Expr::Const(false),
                        Expr::All(inner) => kept.extend(inner),
                        part => kept.push(part),
                    }
                }
                if kept.is_empty() {
                    Expr::Const(true)
                } else {
                    Expr::all(kept)
                }
            }
            Expr::Any(parts) => {
                let mut kept = Vec::with_capacity(parts.len());
                for part in parts {
                    match part.fold(leaf) {
                        Expr::Const(false) => {}
                        Expr::Const(true) => return Expr::Const(true),
                        Expr::Any(inner) => kept.extend(inner),
                        part => kept.push(part),
                    }
                }
                if kept.is_empty() {
                    Expr::Const(false)
                } else {
                    Expr::any(kept)
                }
            }
            Expr::AtLeast(wanted, parts) => {
                let mut wanted = *wanted;
                let mut kept = Vec::with_capacity(parts.len());
                for part in parts {
                    match part.fold(leaf) {
                        Expr::Const(false) => {}
                        Expr::Const(true) => wanted = wanted.saturating_sub(1),
                        part => kept.push(part),
                    }
                }
                match wanted {
                    0 => Expr::Const(true),
                    1 if !kept.is_empty() => Expr::any(kept),
                    _ if wanted > kept.len() => Expr::Const(false),
                    _ if wanted == kept.len() => Expr::all(kept),
                    _ => Expr::AtLeast(wanted, kept),
                }
            }
        }
    }

    /// The value of the expression, given that of its leaves.
    pub(super) fn holds(&self, leaf: &mut impl FnMut(&T) -> bool) -> bool {
        match self {
            Expr::Const(value) => *value,
            Expr::Leaf(inner) => leaf(inner),
            Expr::Not(part) => !part.holds(leaf),
            Expr::All(parts) => parts.iter().all(|part| part.holds(leaf)),
            Expr::Any(parts) => parts.iter().any(|part| part.holds(leaf)),
            Expr::AtLeast(wanted, parts) => parts.iter().filter(|part| part.holds(leaf)).count() >= *wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_worked_out() {
        let expr: Expr<u8> = Expr::All(vec![
            Expr::Any(vec![Expr::Leaf(0), Expr::Leaf(1)]),
            Expr::Leaf(2).negated(),
            Expr::AtLeast(2, vec![Expr::Leaf(0), Expr::Leaf(1), Expr::Leaf(3)]),
        ]);
        let folded = expr.fold(&mut |leaf| match leaf {
            0 => Expr::Const(false),
            2 => Expr::Const(false),
            other => Expr::Leaf(*other),
        });
        assert_eq!(
            folded,
            Expr::All(vec![Expr::Leaf(1), Expr::Leaf(1), Expr::Leaf(3)])
        );
        let never: Expr<u8> = expr.fold(&mut |leaf| Expr::Const(*leaf == 2));
        assert_eq!(never, Expr::Const(false));
    }
}
