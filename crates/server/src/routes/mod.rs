//! The resources of the API, a file each.

pub(crate) mod accounts;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod campaigns;
pub(crate) mod cases;
pub(crate) mod events;
pub(crate) mod evidence;
pub(crate) mod findings;
pub(crate) mod hunts;
pub(crate) mod inventories;
pub(crate) mod keys;
pub(crate) mod oidc;
pub(crate) mod packs;
pub(crate) mod servers;
pub(crate) mod session;
pub(crate) mod tenants;
pub(crate) mod uploads;
pub(crate) mod views;

use serde::Serialize;
use utoipa::ToSchema;
use vigie_desk::Page;

/// A page of a list, with how many there are in all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counted<T> {
    /// The items.
    items: Vec<T>,
    /// What to give as `cursor` for the next page; `null` on the last.
    next_cursor: Option<String>,
    /// How many fit, on all pages.
    total: i64,
    /// Whether there may be more than `total`: counting ended before the end of the list.
    total_at_least: bool,
}

impl<T> Counted<T> {
    fn new(page: Page<T>, total: i64) -> Counted<T> {
        Counted::up_to(page, total, false)
    }

    fn up_to(page: Page<T>, total: i64, total_at_least: bool) -> Counted<T> {
        Counted {
            items: page.items,
            next_cursor: page.next,
            total,
            total_at_least,
        }
    }
}
