//! The snapshot: everything that the target holds, read page by page to disk, and looked up there.
//!
//! It says when its reading began and whether it is known to be complete. What that proves is the finder's business.

use super::lookup::Platform;
use crate::contact::Contact;
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use crate::platforms::{Fault, Found, Page};
use crate::reconcile::matching::all_identities;
use crate::scratch::snapshot::{Snapshot, SnapshotBuilder};
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// A list that brings no new contact this often, while the platform says it holds more, is read no further.
const PASSES_MAX: u32 = 3;

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
        let rows = self.snapshot.by_identity(identity)?;
        Ok(rows.into_iter().map(|(id, json)| found_of(&id, &json)).collect())
    }

    /// The contact with this id.
    pub(super) fn by_id(&self, id: &str) -> Result<Option<Found>, Failure> {
        Ok(self.snapshot.by_id(id)?.map(|json| found_of(id, &json)))
    }
}

/// Reads everything, to a private file in `folder`; none when it would take more than `pages_max` requests.
pub(super) async fn read_all(
    platform: &Platform,
    folder: &Path,
    pages_max: Option<u64>,
) -> Result<Option<Listed>, Fault> {
    let begun_ms = platform.now_ms();
    let mut filling = Snapshot::create(folder).map_err(Fault::Fatal)?;
    let mut pages_left = pages_max.unwrap_or(u64::MAX);
    let mut total = None;
    for pass in 1..=PASSES_MAX {
        let before = filling.len();
        total = match read_pass(platform, &mut filling, pass, &mut pages_left).await? {
            PassEnd::Complete(total) => total,
            PassEnd::TooMany => return Ok(None),
        };
        // No contact at all may be a failure that looks like the end.
        let is_blank = total.is_none() && filling.is_empty();
        let is_short = is_blank || total.is_some_and(|total| filling.len() < total);
        if !is_short || (pass > 1 && filling.len() == before) {
            break;
        }
    }
    let snapshot = Arc::new(filling.done().map_err(Fault::Fatal)?);
    let missed = total.filter(|total| *total > snapshot.len()).map(|total| (snapshot.len(), total));
    Ok(Some(Listed { snapshot, begun_ms, is_complete: total.is_some() && missed.is_none(), missed }))
}

/// How a pass over all pages ended.
enum PassEnd {
    /// At the last page; the total that the platform says, if it does.
    Complete(Option<u64>),
    /// It would take too many requests.
    TooMany,
}

async fn read_pass(
    platform: &Platform,
    filling: &mut SnapshotBuilder,
    pass: u32,
    pages_left: &mut u64,
) -> Result<PassEnd, Fault> {
    let (mut cursor, mut total) = (None, None);
    loop {
        let Some(left) = pages_left.checked_sub(1) else { return Ok(PassEnd::TooMany) };
        *pages_left = left;
        let page = platform.page(cursor.as_ref()).await?;
        total = page.total.or(total);
        let news = add_page(filling, pass, &page).map_err(Fault::Fatal)?;
        match page.next {
            Some(next) if news > 0 => cursor = Some(next),
            _ => return Ok(PassEnd::Complete(total)),
        }
    }
}

/// Puts a page into the snapshot; how many of its contacts are new in this pass.
fn add_page(filling: &mut SnapshotBuilder, pass: u32, page: &Page) -> Result<u64, Failure> {
    let mut rows: Vec<(&str, String, Vec<IdentityValue>)> = Vec::with_capacity(page.found.len());
    for found in &page.found {
        let mut json = Vec::new();
        let mut contact = found.contact.clone();
        contact.native = Map::new();
        contact.write_json(&mut json);
        rows.push((&found.id, String::from_utf8_lossy(&json).into_owned(), all_identities(&found.contact)));
    }
    let rows: Vec<(&str, &str, &[IdentityValue])> =
        rows.iter().map(|(id, json, values)| (*id, &**json, &**values)).collect();
    filling.add(pass, &rows)
}

/// A contact as it is kept on disk.
pub(crate) fn found_of(id: &str, json: &str) -> Found {
    let contact = match serde_json::from_str(json) {
        Ok(Value::Object(object)) => Contact::from_json(&object),
        _ => Contact::default(),
    };
    Found { id: id.to_owned(), contact }
}
