//! Values and rows.

/// A value of a column, or of a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// `BIGINT`; also what is true (1) or false (0).
    Int(i64),
    /// `DOUBLE PRECISION`.
    Real(f64),
    /// `TEXT`.
    Text(String),
    /// `BLOB`, in PostgreSQL `BYTEA`.
    Blob(Vec<u8>),
}

/// A value that is not what the program expects there: the database was changed by something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {wanted}, found {found}")]
pub(crate) struct Mismatch {
    /// What was expected.
    pub(crate) wanted: &'static str,
    /// What is there.
    pub(crate) found: String,
}

impl Value {
    fn mismatch(self, wanted: &'static str) -> Mismatch {
        Mismatch {
            wanted,
            found: format!("{self:?}").chars().take(80).collect(),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<bool> for Value {
    fn from(holds: bool) -> Value {
        Value::Int(holds.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Real(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        // PostgreSQL keeps no NUL in a text, and nothing that people write has one.
        Value::Text(text.replace('\0', "\u{fffd}"))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        match text.contains('\0') {
            true => text.as_str().into(),
            false => Value::Text(text),
        }
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        text.as_str().into()
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Value {
        Value::Blob(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Value {
        Value::Blob(bytes.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// What can be read from a column.
pub(crate) trait FromValue: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// When the column holds something else.
    fn from_value(value: Value) -> Result<Self, Mismatch>;
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<i64, Mismatch> {
        match value {
            Value::Int(number) => Ok(number),
            other => Err(other.mismatch("a number")),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<bool, Mismatch> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl FromValue for f64 {
    fn from_value(value: Value) -> Result<f64, Mismatch> {
        match value {
            Value::Real(number) => Ok(number),
            Value::Int(number) => Ok(number as f64),
            other => Err(other.mismatch("a number")),
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<String, Mismatch> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(other.mismatch("a text")),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Vec<u8>, Mismatch> {
        match value {
            Value::Blob(bytes) => Ok(bytes),
            other => Err(other.mismatch("bytes")),
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Option<T>, Mismatch> {
        match value {
            Value::Null => Ok(None),
            some => T::from_value(some).map(Some),
        }
    }
}

/// A row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    /// Reads its columns from left to right.
    pub(crate) fn reader(self) -> Reader {
        Reader {
            values: self.0.into_iter(),
        }
    }
}

/// The columns of a row, from left to right.
#[derive(Debug)]
pub(crate) struct Reader {
    values: std::vec::IntoIter<Value>,
}

impl Reader {
    /// The next column.
    ///
    /// # Errors
    /// When it holds something else, or there is none left.
    pub(crate) fn get<T: FromValue>(&mut self) -> crate::Result<T> {
        let value = self
            .values
            .next()
            .ok_or_else(|| crate::Error::Database("a column is missing".into()))?;
        T::from_value(value).map_err(|mismatch| crate::Error::Damaged {
            what: "a row of the database".into(),
            why: mismatch.to_string(),
        })
    }

    /// The next column, a JSON text.
    ///
    /// # Errors
    /// When it holds something else.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> crate::Result<T> {
        let text: String = self.get()?;
        serde_json::from_str(&text).map_err(|error| crate::Error::Damaged {
            what: "a row of the database".into(),
            why: error.to_string(),
        })
    }
}

/// The parameters of a query.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::db::Value::from($value)),*]
    };
}
pub(crate) use params;
