//! Queries that are put together.

use super::Value;
use crate::{Access, TenantSet};

/// A query with its parameters, put together piece by piece.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sql {
    text: String,
    params: Vec<Value>,
}

impl Sql {
    pub(crate) fn new(text: &str) -> Sql {
        Sql {
            text: text.to_owned(),
            params: Vec::new(),
        }
    }

    /// More text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Sql {
        self.text.push_str(text);
        self
    }

    /// A placeholder for a value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Sql {
        self.params.push(value.into());
        let number = self.params.len();
        self.text.push_str(&format!("${number}"));
        self
    }

    /// `COLUMN IN (..)` with a placeholder for each value; false when there is none.
    pub(crate) fn one_of<V: Into<Value>>(
        &mut self,
        column: &str,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Sql {
        let mut first = true;
        for value in values {
            match first {
                true => self.push(column).push(" IN ("),
                false => self.push(", "),
            };
            first = false;
            self.bind(value);
        }
        match first {
            true => self.push("1 = 0"),
            false => self.push(")"),
        }
    }

    /// Only what belongs to the tenants of an access: a condition on the column that names the tenant.
    pub(crate) fn tenants(&mut self, column: &str, access: &Access) -> &mut Sql {
        match access.tenants() {
            TenantSet::All => self.push("1 = 1"),
            TenantSet::Only(these) => self.one_of(column, these),
        }
    }

    /// The same for a query that is narrow enough without it: a condition that no index is used for. Many tenants times
    /// many servers would be looked up pair by pair otherwise. Up to `few` tenants the index is used all the same.
    pub(crate) fn tenants_among(&mut self, column: &str, access: &Access, few: usize) -> &mut Sql {
        match access.tenants() {
            TenantSet::Only(these) if these.len() > few => self
                .push("CASE WHEN ")
                .one_of(column, these)
                .push(" THEN 1 ELSE 0 END = 1"),
            _ => self.tenants(column, access),
        }
    }

    /// The end of a query for a page: the rows after a key of two columns, in their order, one more than fit.
    pub(crate) fn page<A: Into<Value>, B: Into<Value>>(
        &mut self,
        [first, second]: [&str; 2],
        order: Order,
        after: Option<(A, B)>,
        limit: usize,
    ) -> &mut Sql {
        let (sign, way) = match order {
            Order::Rising => (">", ""),
            Order::Falling => ("<", " DESC"),
        };
        if let Some((one, two)) = after {
            self.push(&format!(" AND ({first}, {second}) {sign} ("));
            self.bind(one).push(", ").bind(two).push(")");
        }
        self.push(&format!(" ORDER BY {first}{way}, {second}{way} LIMIT "));
        self.bind(limit as i64 + 1)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn params(&self) -> &[Value] {
        &self.params
    }
}

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Rising,
    Falling,
}

/// A pattern for `LIKE .. ESCAPE '!'` that finds a text anywhere.
pub(crate) fn anywhere(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
