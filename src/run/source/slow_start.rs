//! What is said once about an account whose rate has yet to be found, as soon as it is known that it has many pages.

use super::account::FetchState;
use crate::plan::Connection;
use crate::run::target::about_rate;
use std::num::NonZeroU64;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pages of a list without a total after which it is taken to be long: those that leave at once.
const PAGES_UNTOLD: u64 = 4;

/// An account that is being read.
pub(in crate::run) struct SlowStart<'a> {
    connection: &'a Connection,
    /// The rate at which the reading begins.
    found: Option<f64>,
    /// How many contacts are read at most.
    limit: Option<u64>,
    /// Contacts on the first page.
    page_len: OnceLock<NonZeroU64>,
    is_told: AtomicBool,
}

impl<'a> SlowStart<'a> {
    /// Of an account that is about to be read: `found` is its rate now.
    pub fn new(connection: &'a Connection, found: Option<f64>, limit: Option<u64>) -> SlowStart<'a> {
        SlowStart { connection, found, limit, page_len: OnceLock::new(), is_told: AtomicBool::new(false) }
    }

    /// What is to be said after a page, if anything is.
    pub fn note(&self, state: &FetchState) -> Option<String> {
        let held = NonZeroU64::new(state.held)?;
        let page_len = *self.page_len.get_or_init(|| held);
        let total = state.total.or((held.get() > PAGES_UNTOLD * page_len.get()).then_some(u64::MAX));
        let pages = total.map_or(0, |total| total.min(self.limit.unwrap_or(u64::MAX)).div_ceil(page_len.get()));
        about_rate(self.connection, self.found, pages).filter(|_| !self.is_told.swap(true, Ordering::Relaxed))
    }
}
