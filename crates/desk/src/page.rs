//! Lists in pages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Items of a page unless told otherwise.
const USUAL: u32 = 100;
/// Items of a page at most.
const MOST: u32 = 1_000;

/// Which page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct PageRequest {
    /// Items, 1 to 1000; 100 unless told otherwise.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[cfg_attr(feature = "openapi", param(min_length = 1))]
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The first page with so many items.
    pub fn first(limit: u32) -> PageRequest {
        PageRequest {
            limit: Some(limit),
            cursor: None,
        }
    }

    pub(crate) fn limit(&self) -> Result<usize> {
        match self.limit.unwrap_or(USUAL) {
            limit @ 1..=MOST => Ok(limit as usize),
            other => Err(Error::invalid(
                "limit",
                format!("{other} is not between 1 and {MOST}"),
            )),
        }
    }

    /// Where the page before ended.
    pub(crate) fn after<K: DeserializeOwned>(&self) -> Result<Option<K>> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        let key = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        key.map(Some)
            .ok_or_else(|| Error::invalid("cursor", "it is not one that a page of this list gave"))
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to give as `cursor` for the next page; `null` on the last.
    #[serde(rename = "next_cursor")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page out of up to `limit + 1` items; `key` says where an item stands in the list.
    pub(crate) fn of<K: Serialize>(
        mut items: Vec<T>,
        limit: usize,
        key: impl Fn(&T) -> K,
    ) -> Result<Page<T>> {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = match items.last().filter(|_| more) {
            Some(last) => Some(encode(&key(last))?),
            None => None,
        };
        Ok(Page { items, next })
    }
}

pub(crate) fn encode(key: &impl Serialize) -> Result<String> {
    let bytes = serde_json::to_vec(key).map_err(|error| Error::Database(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
