//! Finding: which contacts at the target have the identity values of a record.
//!
//! Three strategies, the cheapest first: a link from an earlier run (identity value → id), a snapshot of the whole target
//! on disk, and a lookup by one value of a field that is verified first. It knows no preview, and judges no hit beyond
//! whether it has the value.

pub(crate) mod hits;
mod linked;
mod lookup;
mod proof;
pub(crate) mod snapshot;

pub use lookup::Access;
pub use proof::prove;

use crate::contact::{Contact, Field};
use crate::identity::{IdentityValue, has_identity};
use crate::outcome::{Exit, Failure, Problem};
use crate::platforms::{Connector, Fault, Found, Lookup, PlatformFacts, Reading};
use crate::reconcile::matching::{lookup_by, lookup_of};
use crate::reconcile::problems::NO_CONTACT;
use crate::reconcile::view::{Freshness, Hit};
use crate::scratch::owners::hash_of_id;
use crate::store::{Checkpoint, Filter, Key};
use hits::{Asked, Hits, IdentityHits};
use linked::Links;
use lookup::Platform;
use proof::Proof;
use snapshot::{Listed, read_all};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::RwLock;

/// Finds contacts at one target.
pub struct Finder {
    platform: Option<Platform>,
    /// For its facts.
    connector: Arc<dyn Connector>,
    links: Links,
    folder: PathBuf,
    snapshot: RwLock<Option<Listed>>,
    /// Whether contacts are looked for in the snapshot, unless something newer is asked for.
    uses_snapshot: bool,
    /// Contacts that this run has changed: what a snapshot says of them is out of date. A contact that is wrongly taken
    /// for one costs a request.
    changed: Filter,
}

/// The link of an identity value.
pub(crate) struct Link {
    key: Key,
    /// The id that the value led to.
    pub(crate) leads_to: Option<String>,
}

/// What is asked for.
#[derive(Clone, Copy)]
struct Asking<'a> {
    contact: &'a Contact,
    identities: &'a [IdentityValue],
    since_ms: Option<u64>,
}

/// Making one.
impl Finder {
    /// A finder that verifies its lookup fields on the `known` contacts. It looks each contact up, until
    /// [`Finder::take_snapshot`].
    pub fn new(access: Access, links: Checkpoint, folder: PathBuf, known: Vec<Found>) -> Finder {
        let connector = Arc::clone(&access.connector);
        let links = Links::new(links, connector.facts().creates_in_steps);
        let platform = Some(Platform::new(access, known));
        let (snapshot, changed) = (RwLock::new(None), Filter::new());
        Finder { platform, connector, links, folder, snapshot, uses_snapshot: false, changed }
    }

    /// A finder that asks this one's snapshot alone, and believes it; and whether the snapshot is known to be complete.
    /// None where there is no snapshot in which contacts are found.
    pub(crate) async fn offline(&self, links: Checkpoint) -> Option<(Finder, bool)> {
        let listed = self.snapshot.read().await.clone().filter(|_| self.uses_snapshot)?;
        let (is_complete, snapshot) = (listed.is_complete, RwLock::new(Some(listed)));
        let links = Links::new(links, self.connector.facts().creates_in_steps);
        let (connector, folder, changed) = (Arc::clone(&self.connector), self.folder.clone(), Filter::new());
        Some((Finder { platform: None, connector, links, folder, snapshot, uses_snapshot: true, changed }, is_complete))
    }

    /// Reads everything the target holds, to disk; contacts are found there from now on. Gives up, and says `false`, when
    /// it would take more than `pages_max` requests.
    ///
    /// # Errors
    /// That of reading a page.
    pub async fn take_snapshot(&mut self, pages_max: Option<u64>) -> Result<bool, Fault> {
        let Some(platform) = &self.platform else { return Ok(self.uses_snapshot) };
        let listed = read_all(platform, &self.folder, pages_max).await?;
        self.uses_snapshot = listed.is_some();
        *self.snapshot.get_mut() = listed;
        Ok(self.uses_snapshot)
    }

    /// How many contacts the snapshot holds, if there is one.
    pub async fn snapshot_len(&self) -> Option<u64> {
        self.snapshot.read().await.as_ref().map(|listed| listed.snapshot.len())
    }
}

/// What it is told, and what it knows of the lookup fields.
impl Finder {
    /// A contact exists, so that lookup fields can be verified on it once a search can be expected to find it.
    pub(crate) fn exists(&self, id: &str, contact: &Contact, found_from_ms: u64) {
        if let Some(platform) = &self.platform {
            platform.proofs.add(|| Found { id: id.to_owned(), contact: contact.clone() }, found_from_ms);
        }
    }

    /// This contact is about to be changed: what a snapshot says of it is not relied on any more.
    pub(crate) fn changes(&self, id: &str) {
        self.changed.add(&hash_of_id(id));
    }

    /// Whether this run may have changed the contact with this id, which is given by its hash.
    pub(crate) fn has_changed(&self, id: &Key) -> bool {
        self.changed.has(id)
    }

    /// Whether every contact can be looked up by these fields.
    ///
    /// # Errors
    /// That of asking the platform.
    pub async fn are_proven(&self, fields: &[Field]) -> Result<bool, Fault> {
        for &field in fields {
            if !self.is_proven(field).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn is_proven(&self, field: Field) -> Result<bool, Fault> {
        match &self.platform {
            Some(platform) => platform.is_proven(field).await,
            None => Ok(true),
        }
    }

    /// Whether a contact that is known to exist was not found by one of these fields.
    pub fn is_disproven(&self, fields: &[Field]) -> bool {
        let Some(platform) = &self.platform else { return false };
        fields.iter().any(|field| platform.proofs.of(*field) == Some(Proof::Failed))
    }

    /// Every lookup field is verified again.
    pub fn forget_proofs(&self) {
        if let Some(platform) = &self.platform {
            platform.proofs.forget();
        }
    }
}

/// Finding.
impl Finder {
    /// What these identity values of a contact find. With `since_ms`, only what was read after that moment counts.
    pub(crate) async fn by_identities(
        &self,
        contact: &Contact,
        identities: &[IdentityValue],
        since_ms: Option<u64>,
    ) -> Result<Hits, Fault> {
        let since_ms = since_ms.filter(|_| self.platform.is_some());
        let asking = Asking { contact, identities, since_ms };
        let mut by_identity = Vec::with_capacity(identities.len());
        for identity in identities {
            let hits = self.by_identity(&asking, identity, &by_identity).await?;
            by_identity.push(IdentityHits { identity: identity.clone(), hits });
        }
        Ok(Hits { by_identity, asked: self.asked().await })
    }

    /// Whether a snapshot that holds contacts says how they are, beside which the platform can be asked.
    pub(crate) fn is_listed(&self) -> bool {
        let has_contacts = |listed: &Option<Listed>| listed.as_ref().is_some_and(|listed| !listed.snapshot.is_empty());
        let is_filled = || self.snapshot.try_read().is_ok_and(|listed| has_contacts(&listed));
        self.uses_snapshot && self.platform.is_some() && is_filled()
    }

    /// The only contact that these identity values find, where the snapshot alone says so; none where anything else has to
    /// be asked. As [`Finder::by_identities`], which is asked then. `links`: where each identity value leads.
    pub(crate) fn only_listed(&self, identities: &[IdentityValue], links: &[Link]) -> Option<Hit> {
        let listed = self.snapshot.try_read().ok()?.clone()?;
        let mut only: Option<(u64, Hit)> = None;
        for (identity, Link { key, leads_to: linked }) in identities.iter().zip(links) {
            let mut places = match (linked, &only) {
                (Some(id), Some((place, hit))) if hit.found.id == *id => vec![*place],
                (Some(id), _) => vec![listed.snapshot.place_of(id).ok()??],
                (None, _) => listed.snapshot.places(key).ok()?,
            };
            let Some(place) = places.pop() else { if listed.is_complete { continue } else { return None } };
            if !places.is_empty() {
                return None;
            }
            let (_, hit) = match &mut only {
                Some((known, _)) if *known != place => return None,
                Some(known) => known,
                None => {
                    let (found, by) = (listed.at(place).ok()?, Some(identity.field));
                    only.insert((place, Hit { found, by, freshness: Freshness::Listed }))
                }
            };
            let is_there =
                linked.as_ref().is_none_or(|id| hit.found.id == *id && has_identity(&hit.found.contact, identity));
            if !is_there {
                return None;
            }
        }
        let only = only.map(|(_, hit)| hit);
        only.filter(|hit| !self.has_changed(&hash_of_id(&hit.found.id)))
    }

    /// Where identity values lead, in their order.
    ///
    /// # Errors
    /// Exit 1 when the links cannot be read.
    pub(crate) fn links_of<'i>(
        &self,
        identities: impl Iterator<Item = &'i IdentityValue>,
    ) -> Result<Vec<Link>, Failure> {
        let keys: Vec<Key> = identities.map(Key::of_link).collect();
        let ids = self.links.ids_of(&keys)?;
        Ok(keys.into_iter().zip(ids).map(|(key, leads_to)| Link { key, leads_to }).collect())
    }

    /// The contact with the id that the record names.
    ///
    /// # Errors
    /// `target_id.not_found` when no contact has it.
    pub(crate) async fn by_target_id(&self, id: &str, since_ms: Option<u64>) -> Result<Hits, Fault> {
        let since_ms = since_ms.filter(|_| self.platform.is_some());
        let (found, freshness) = match self.by_id(id, None, since_ms).await? {
            (Reading::There(found), freshness) => (found, freshness),
            (Reading::Gone, _) => return Err(Fault::Refused(vec![not_there(id, self.connector.facts())])),
            (Reading::Unreadable, _) => return Err(Fault::Fatal(unreadable())),
        };
        let identity = IdentityValue { field: Field::TargetId, value: id.to_owned() };
        let hits = vec![Hit { found, by: Some(Field::TargetId), freshness }];
        Ok(Hits { by_identity: vec![IdentityHits { identity, hits }], asked: self.asked().await })
    }

    /// A contact by id, as it is now; a finder that asks its snapshot alone cannot tell.
    pub(crate) async fn read(&self, id: &str, or_by: Option<&Lookup>) -> Result<Reading, Fault> {
        match &self.platform {
            Some(platform) => platform.read(id, or_by).await,
            None => Ok(Reading::Unreadable),
        }
    }

    async fn asked(&self) -> Asked {
        let listed = self.snapshot.read().await;
        match listed.as_ref().filter(|_| self.uses_snapshot) {
            Some(listed) => Asked::Snapshot { is_complete: listed.is_complete },
            None => Asked::Platform,
        }
    }

    /// How fresh a contact of the snapshot is. With nothing newer within reach it is believed.
    fn listed(&self) -> Freshness {
        if self.platform.is_some() { Freshness::Listed } else { Freshness::Read }
    }

    /// The contacts that one identity value finds; `found`: what the values before it have found.
    async fn by_identity(
        &self,
        asking: &Asking<'_>,
        identity: &IdentityValue,
        found: &[IdentityHits],
    ) -> Result<Vec<Hit>, Fault> {
        let Asking { contact, identities, since_ms } = *asking;
        let hit = |(found, freshness)| Hit { found, by: Some(identity.field), freshness };
        let linked = self.linked(asking, identity, found).await?;
        if let Some((found, _)) = &linked
            && has_identity(&found.contact, identity)
        {
            return Ok(linked.into_iter().map(hit).collect());
        }
        // A contact that the link leads to and that has another value now may have been given one by the platform (then no
        // other contact has this one), or by another party (then the contact that has it is meant).
        let searched = self.search(contact, identity, since_ms).await?;
        let Some((found, freshness)) = linked.filter(|_| searched.is_empty()) else {
            return Ok(searched.into_iter().map(hit).collect());
        };
        if self.links.leads_to(contact, identities, &found.contact) {
            return Ok(vec![hit((found, freshness))]);
        }
        // Nothing but the link says so: the contact belongs to another person now.
        Box::pin(self.links.forget(identity)).await?;
        Ok(Vec::new())
    }

    /// The contact at the end of a link. One that another value has found is not read again.
    async fn linked(
        &self,
        asking: &Asking<'_>,
        identity: &IdentityValue,
        found: &[IdentityHits],
    ) -> Result<Option<(Found, Freshness)>, Fault> {
        let Some(id) = self.links.id_of(identity)? else { return Ok(None) };
        if let Some(hit) = found.iter().flat_map(|of| &of.hits).find(|hit| hit.found.id == id) {
            return Ok(Some((hit.found.clone(), hit.freshness)));
        }
        let or_by = Some(lookup_by(asking.contact, identity));
        let (reading, freshness) = Box::pin(self.by_id(&id, or_by.as_ref(), asking.since_ms)).await?;
        match reading {
            Reading::There(found) => return Ok(Some((found, freshness))),
            // The link may lead somewhere, and cannot be followed.
            Reading::Unreadable => return Ok(None),
            Reading::Gone => {}
        }
        Box::pin(self.links.forget(identity)).await?;
        Ok(None)
    }

    /// The contacts with this value in a snapshot, or found by a lookup.
    async fn search(
        &self,
        contact: &Contact,
        identity: &IdentityValue,
        since_ms: Option<u64>,
    ) -> Result<Vec<(Found, Freshness)>, Fault> {
        let fresh = |found: Vec<Found>| found.into_iter().map(|found| (found, Freshness::Read)).collect();
        let listed = self.snapshot_for(identity.field, since_ms).await?;
        let (listed, platform) = match (listed, &self.platform) {
            (Some(listed), platform) => (listed, platform),
            (None, Some(platform)) => return platform.look_up(contact, identity).await.map(fresh),
            (None, None) => return Ok(Vec::new()),
        };
        let mut hits = Vec::new();
        let found = if listed.snapshot.is_empty() { Vec::new() } else { listed.by_identity(identity)? };
        for found in found {
            match platform {
                Some(platform) if self.changed.has(&hash_of_id(&found.id)) => {
                    hits.extend(Box::pin(read_changed(platform, found, identity)).await?);
                }
                _ => hits.push((found, self.listed())),
            }
        }
        let Some(platform) = platform.as_ref().filter(|_| hits.is_empty() && !listed.is_complete) else {
            return Ok(hits);
        };
        match listed.missed {
            Some(missed) if !Box::pin(platform.is_proven(identity.field)).await? => {
                Err(Fault::Fatal(listed_too_few(missed)))
            }
            Some(_) => platform.look_up(contact, identity).await.map(fresh),
            None => Box::pin(platform.look_up_too(contact, identity)).await.map(fresh),
        }
    }

    /// The snapshot in which to look by this field, or `None` when lookups are the way.
    async fn snapshot_for(&self, field: Field, since_ms: Option<u64>) -> Result<Option<Listed>, Fault> {
        let Some(platform) = self.platform.as_ref().filter(|_| since_ms.is_some() || !self.uses_snapshot) else {
            return Ok(self.snapshot.read().await.clone());
        };
        if Box::pin(platform.is_proven(field)).await? {
            return Ok(None);
        }
        let since_ms = since_ms.unwrap_or(0);
        let mut slot = self.snapshot.write().await;
        if let Some(listed) = slot.as_ref().filter(|listed| listed.begun_ms >= since_ms) {
            return Ok(Some(listed.clone()));
        }
        *slot = Box::pin(read_all(platform, &self.folder, None)).await?;
        Ok(slot.clone())
    }

    /// A contact by id: from the snapshot where that is allowed, else from the platform.
    async fn by_id(
        &self,
        id: &str,
        or_by: Option<&Lookup>,
        since_ms: Option<u64>,
    ) -> Result<(Reading, Freshness), Fault> {
        if since_ms.is_none() && self.uses_snapshot && !self.changed.has(&hash_of_id(id)) {
            let listed = self.snapshot.read().await.clone();
            if let Some(listed) = listed
                && let Some(found) = listed.by_id(id).map_err(Fault::Fatal)?
            {
                return Ok((Reading::There(found), self.listed()));
            }
        }
        match &self.platform {
            Some(platform) => Ok((platform.read(id, or_by).await?, Freshness::Read)),
            None => Ok((Reading::Gone, Freshness::Read)),
        }
    }
}

/// A contact of the snapshot that this run has changed, as it is now; none where it has lost the value.
async fn read_changed(
    platform: &Platform,
    listed: Found,
    identity: &IdentityValue,
) -> Result<Option<(Found, Freshness)>, Fault> {
    let or_by = lookup_of(platform.access.connector.facts(), &listed.contact);
    Ok(match platform.read(&listed.id, or_by.as_ref()).await? {
        Reading::There(found) if has_identity(&found.contact, identity) => Some((found, Freshness::Read)),
        // A server that only lists: there is nothing newer than the snapshot.
        Reading::Unreadable => Some((listed, Freshness::Listed)),
        Reading::There(_) | Reading::Gone => None,
    })
}

fn listed_too_few((listed, total): (u64, u64)) -> Failure {
    Failure::new(
        Exit::Unavailable,
        format!("the platform listed {listed} of {total} contacts, and finds none that it did not list"),
    )
    .hint("no contact is created that may exist already; run the same command again later")
}

fn unreadable() -> Failure {
    Failure::new(Exit::Refused, "the records name contacts by `target_id`, and this server reads no contact by id")
        .hint("set `find: snapshot` in the connection's settings, so that all contacts are read first")
}

fn not_there(id: &str, facts: &PlatformFacts) -> Problem {
    let hint = if facts.finds_by.iter().all(|field| *field == Field::TargetId) {
        "take the id from the target: contacts are found there by nothing else"
    } else {
        "take the id from the target, or leave the column out so that the contact is found by phone or e-mail"
    };
    Problem::new(NO_CONTACT, format!("no contact at the target has the id `{id}`")).at("target_id").hint(hint)
}

/// A failure of the store as the run's fault.
impl From<Failure> for Fault {
    fn from(failure: Failure) -> Fault {
        Fault::Fatal(failure)
    }
}
