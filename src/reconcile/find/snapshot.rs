//! The snapshot: everything that the target holds, read page by page to disk, and looked up there.
//!
//! It says when its reading began and whether it is known to be complete. What that proves is the finder's business.

use super::lookup::{Access, Platform};
use crate::contact::{Contact, StoredContact};
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use crate::platforms::{Fault, Found, Pages};
use crate::reconcile::matching::all_identities;
use crate::scratch::snapshot::{Kept, Snapshot, SnapshotBuilder, SnapshotPage};
use serde_json::{Map, Value};
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;

/// A list that brings no new contact this often, while the platform says it holds more, is read no further.
const PASSES_MAX: u32 = 3;

/// Where fewer requests are left than this, they are all that are sent ahead.
const FEW: u64 = 64;

/// A snapshot and when its reading began.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) begun_ms: u64,
    /// Whether it holds as many contacts as the platform says there are. Else one that is missing may exist.
    pub(super) is_complete: bool,
    /// How many it holds, and how many the platform says there are, when it holds fewer.
    pub(super) missed: Option<(u64, u64)>,
}

impl Listed {
    /// The contacts with this identity value.
    pub(super) fn by_identity(&self, identity: &IdentityValue) -> Result<Vec<Found>, Failure> {
        let kept = self.snapshot.by_identity(identity)?;
        Ok(kept.into_iter().map(found_in).collect())
    }

    /// The contact that is at this place.
    pub(super) fn at(&self, place: u64) -> Result<Found, Failure> {
        self.snapshot.at(place).map(found_in)
    }

    /// The contact with this id.
    pub(super) fn by_id(&self, id: &str) -> Result<Option<Found>, Failure> {
        Ok(self.snapshot.by_id(id)?.map(|json| Found { id: id.to_owned(), contact: listed_of(&json) }))
    }
}

/// Reads everything, to a private file in `folder`; none when it would take more than `pages_max` requests.
pub(super) async fn read_all(
    platform: &Platform,
    folder: &Path,
    pages_max: Option<u64>,
) -> Result<Option<Listed>, Fault> {
    let begun_ms = platform.now_ms();
    let filling = Snapshot::create(folder).map_err(Fault::Fatal)?;
    let pages_left = pages_max.unwrap_or(u64::MAX);
    let mut taking = Taking { pages: pages_of(platform), filling, pages_left, total: None, page_len: 0 };
    for pass in 1..=PASSES_MAX {
        let before = taking.filling.len();
        if !taking.read_pass(pass).await? {
            return Ok(None);
        }
        let Taking { filling, total, .. } = &taking;
        // No contact at all may be a failure that looks like the end.
        let is_blank = total.is_none() && filling.is_empty();
        let is_short = is_blank || total.is_some_and(|total| filling.len() < total);
        if !is_short || (pass > 1 && filling.len() == before) {
            break;
        }
    }
    let Taking { filling, total, .. } = taking;
    let snapshot = Arc::new(filling.done().map_err(Fault::Fatal)?);
    let missed = total.filter(|total| *total > snapshot.len()).map(|total| (snapshot.len(), total));
    Ok(Some(Listed { snapshot, begun_ms, is_complete: total.is_some() && missed.is_none(), missed }))
}

/// A snapshot that is being taken.
struct Taking {
    pages: Pages<Rows>,
    filling: SnapshotBuilder,
    /// Requests that it may still take.
    pages_left: u64,
    /// How many contacts the platform says there are, most recently.
    total: Option<u64>,
    /// Contacts on the largest page.
    page_len: u64,
}

impl Taking {
    /// Reads all pages once; `false` when that would take too many requests.
    async fn read_pass(&mut self, pass: u32) -> Result<bool, Fault> {
        let (mut cursor, mut met) = (None, 0);
        self.total = None;
        loop {
            let Some(left) = self.pages_left.checked_sub(1) else { return Ok(false) };
            let (rows, next) = self.pages.read(cursor.as_ref(), self.ahead(pass, met)).await?;
            self.pages_left = left;
            self.total = rows.total.or(self.total);
            self.page_len = self.page_len.max(rows.contacts.len() as u64);
            let news = self.filling.add(pass, &rows.contacts).map_err(Fault::Fatal)?;
            met += news;
            match next {
                Some(next) if news > 0 => cursor = Some(next),
                _ => return Ok(true),
            }
        }
    }

    /// How many pages there are still to be read, as far as that is known, and no more than may be.
    fn ahead(&self, pass: u32, met: u64) -> Option<u64> {
        let few = Some(self.pages_left).filter(|left| *left < FEW);
        let contacts = self.total.or((pass > 1).then_some(self.filling.len()));
        let Some((contacts, page_len)) = contacts.zip(NonZeroU64::new(self.page_len)) else { return few };
        let pages = contacts.saturating_sub(met).div_ceil(page_len.get());
        Some(pages.saturating_add(1).min(self.pages_left))
    }
}

/// A page, as it is kept.
struct Rows {
    contacts: SnapshotPage,
    total: Option<u64>,
}

fn pages_of(platform: &Platform) -> Pages<Rows> {
    let Access { connector, http, .. } = platform.access.clone();
    let (numbering, at_once) = (connector.capabilities().numbered_pages, http.concurrency());
    Pages::new(
        numbering,
        at_once,
        |rows: &Rows| rows.contacts.size(),
        move |after| {
            let (connector, http) = (Arc::clone(&connector), Arc::clone(&http));
            async move {
                let page = connector.page(&http, after.as_ref()).await?;
                let contacts = kept_of(page.found);
                Ok((Rows { contacts, total: page.total }, page.next))
            }
        },
    )
}

fn kept_of(found: Vec<Found>) -> SnapshotPage {
    let (mut page, mut json) = (SnapshotPage::default(), Vec::new());
    for Found { id, mut contact } in found {
        let identities = all_identities(&contact);
        contact.native = Map::new();
        json.clear();
        contact.write_json(&mut json);
        page.add(&id, &String::from_utf8_lossy(&json), &identities);
    }
    page
}

fn found_in(Kept { id, json }: Kept) -> Found {
    Found { contact: listed_of(&json), id }
}

/// A contact of the snapshot, which holds nothing beside the fields of a contact.
fn listed_of(json: &str) -> Contact {
    StoredContact::parse(json).map_or_else(Contact::default, StoredContact::into_contact)
}

/// A contact as it is kept on disk.
pub(crate) fn found_of(id: &str, json: &str) -> Found {
    let contact = match serde_json::from_str(json) {
        Ok(Value::Object(object)) => Contact::from_json(&object),
        _ => Contact::default(),
    };
    Found { id: id.to_owned(), contact }
}
