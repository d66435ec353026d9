//! Finding: what the target holds for a person.
//!
//! Three ways, from the cheapest: a link from an earlier run (identity → id), a snapshot of the whole target on disk, a
//! look-up by one value. A look-up key is proven on a contact that is known to exist before it is trusted.

use super::filter::IdFilter;
use super::found::{add_page, found_of, is_bare, is_same_person, lookup_by, lookup_of, value_of};
use crate::checkpoint::Checkpoint;
use crate::checkpoint::snapshot::{Filling, Snapshot};
use crate::clock::Clock;
use crate::contact::{Contact, Field, Wanted};
use crate::http::Http;
use crate::identity::{IdentityValue, has_identity as has};
use crate::outcome::{Exit, Failure, Problem};
use crate::platforms::{Connector, Fault, Found, Lookup, PlatformFacts, Reading};
use crate::reconcile::problems::NOBODY;
use crate::reconcile::rehearse::Rehearsing;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::RwLock;

/// A list that brings nobody new this often, while the platform says it holds more, is read no further.
const PASSES_MAX: u32 = 3;

/// Whether a look-up key can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// Somebody who is known to exist was found by it.
    Given,
    /// Somebody who is known to exist was not found by it.
    Failed,
}

/// What was found for a person.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is looked into where it is made, and never kept")]
pub enum Finding {
    /// Nobody.
    Absent,
    /// One contact.
    One {
        /// What is there.
        found: Found,
        /// The identity field that found it.
        by: Option<Field>,
        /// Whether it was found by nothing but values that another contact of the source has as well.
        is_shared: bool,
        /// Whether it was read just now, not taken from a snapshot.
        is_fresh: bool,
    },
    /// Several people: their ids.
    Several(Vec<String>),
}

/// A snapshot and when its reading began.
#[derive(Clone)]
struct Taken {
    snapshot: Arc<Snapshot>,
    begun_ms: u64,
    /// Whether it holds as many as the platform says there are. Else somebody missing from it may be there all the same.
    is_whole: bool,
    /// How many the platform says there are, when it holds fewer.
    missed: Option<(u64, u64)>,
}

/// Finds people at one target.
pub struct Finder {
    connector: Arc<dyn Connector>,
    http: Arc<Http>,
    checkpoint: Checkpoint,
    clock: Clock,
    folder: PathBuf,
    snapshot: RwLock<Option<Taken>>,
    /// Whether the snapshot is what people are looked for in, unless something newer is asked for.
    uses_snapshot: bool,
    proofs: Mutex<HashMap<Field, Proof>>,
    /// Somebody who exists, and from when on (milliseconds since 1970) a search can be expected to find them.
    known: Mutex<Vec<(Found, u64)>>,
    /// Contacts that this run has changed: nobody is compared with what a snapshot says of them. Whoever is taken for one
    /// costs a request.
    changed: IdFilter,
    rehearsing: Option<Arc<Rehearsing>>,
    /// Only the snapshot is asked, and believed.
    is_offline: bool,
}

/// How many contacts that are known to exist are kept for proving keys on them.
const KNOWN_MAX: usize = 16;

impl Finder {
    /// A finder that proves its keys on the `known` contacts. It looks each person up, until [`Finder::take_snapshot`].
    pub fn new(
        connector: Arc<dyn Connector>,
        http: Arc<Http>,
        checkpoint: Checkpoint,
        clock: Clock,
        folder: PathBuf,
        mut known: Vec<Found>,
    ) -> Finder {
        let surplus = known.len().saturating_sub(KNOWN_MAX);
        known.drain(..surplus);
        Finder {
            connector,
            http,
            checkpoint,
            clock,
            folder,
            snapshot: RwLock::new(None),
            uses_snapshot: false,
            proofs: Mutex::default(),
            known: Mutex::new(known.into_iter().map(|found| (found, 0)).collect()),
            changed: IdFilter::new(),
            rehearsing: None,
            is_offline: false,
        }
    }

    /// A finder that asks this one's snapshot alone, for a rehearsal with a checkpoint of its own, and whether the
    /// snapshot is known to be whole; none where there is no snapshot in which people are found.
    pub async fn offline(&self, checkpoint: &Checkpoint, rehearsing: Arc<Rehearsing>) -> Option<(Finder, bool)> {
        let taken = self.snapshot.read().await.clone().filter(|_| self.uses_snapshot)?;
        let (connector, http) = (Arc::clone(&self.connector), Arc::clone(&self.http));
        let finder = Finder::new(connector, http, checkpoint.clone(), self.clock, self.folder.clone(), Vec::new());
        let (is_whole, snapshot) = (taken.is_whole, RwLock::new(Some(taken)));
        let finder = Finder { snapshot, uses_snapshot: true, rehearsing: Some(rehearsing), is_offline: true, ..finder };
        Some((finder, is_whole))
    }

    /// Whether it asks its snapshot alone.
    pub fn is_offline(&self) -> bool {
        self.is_offline
    }

    /// Says that somebody exists, so that keys can be proven on them once a search can be expected to find them.
    pub fn exists(&self, id: &str, contact: &Contact, found_from_ms: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < KNOWN_MAX {
            known.push((Found { id: id.to_owned(), contact: contact.clone() }, found_from_ms));
        }
    }

    /// Says that this contact is about to be changed: what a snapshot holds of it is not to be relied on any more.
    pub fn changes(&self, id: &str) {
        self.changed.add(id);
    }

    /// Whether somebody who is known to exist is found by this field; asks the platform once.
    pub async fn is_proven(&self, field: Field) -> Result<bool, Fault> {
        match self.proof(field).await {
            // It did not answer this time: nothing is known.
            Err(Fault::InDoubt(_)) => Ok(false),
            proof => Ok(proof? == Some(Proof::Given)),
        }
    }

    /// What is known about a key; none when nobody who is known has the field.
    async fn proof(&self, field: Field) -> Result<Option<Proof>, Fault> {
        if field == Field::TargetId {
            return Ok(Some(Proof::Given));
        }
        let proofs = || self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(proof) = proofs().get(&field) {
            return Ok(Some(*proof));
        }
        let known = self.known_by(self.clock.wall_ms());
        let is_given = match ask_for(&*self.connector, &self.http, &known, field).await {
            Ok(None) => return Ok(None),
            Ok(Some(is_given)) => is_given,
            Err(Fault::Refused(_)) => false,
            Err(fault) => return Err(fault),
        };
        let proof = if is_given { Proof::Given } else { Proof::Failed };
        proofs().insert(field, proof);
        Ok(Some(proof))
    }

    /// Whether somebody who is known to exist was not found by one of these fields.
    pub fn is_disproven(&self, fields: &[Field]) -> bool {
        let proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        fields.iter().any(|field| proofs.get(field) == Some(&Proof::Failed))
    }

    /// Every key is proven anew.
    pub fn forget_proofs(&self) {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn known_by(&self, now_ms: u64) -> Vec<Found> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter(|(_, from_ms)| *from_ms <= now_ms).map(|(found, _)| found.clone()).collect()
    }

    /// Whoever would be written in a dry run is found as they would be then.
    pub fn rehearse(&mut self, rehearsing: Arc<Rehearsing>) {
        self.rehearsing = Some(rehearsing);
    }

    /// Whether everybody can be looked up by these fields.
    pub async fn are_proven(&self, fields: &[Field]) -> Result<bool, Fault> {
        for &field in fields {
            if !self.is_proven(field).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads everything the target holds, to disk; people are found there from now on. Gives up, and says `false`, when
    /// it would take more than `pages_max` requests.
    pub async fn take_snapshot(&mut self, pages_max: Option<u64>) -> Result<bool, Fault> {
        let taken = self.read_all(pages_max).await?;
        self.uses_snapshot = taken.is_some();
        *self.snapshot.get_mut() = taken;
        Ok(self.uses_snapshot)
    }

    /// How many contacts the snapshot holds, if there is one.
    pub async fn snapshot_len(&self) -> Option<u64> {
        self.snapshot.read().await.as_ref().map(|taken| taken.snapshot.len())
    }

    async fn read_all(&self, pages_max: Option<u64>) -> Result<Option<Taken>, Fault> {
        let begun_ms = self.clock.wall_ms();
        let mut filling = Snapshot::create(&self.folder).map_err(Fault::Fatal)?;
        let mut pages_left = pages_max.unwrap_or(u64::MAX);
        let mut told = None;
        for pass in 1..=PASSES_MAX {
            let before = filling.len();
            let Some(total) = self.read_pass(&mut filling, pass, &mut pages_left).await? else {
                return Ok(None);
            };
            told = total;
            // Nothing at all may be a failure that looks like the end.
            let is_blank = total.is_none() && filling.is_empty();
            let is_short = is_blank || total.is_some_and(|total| filling.len() < total);
            if !is_short || (pass > 1 && filling.len() == before) {
                break;
            }
        }
        let snapshot = Arc::new(filling.done().map_err(Fault::Fatal)?);
        let missed = told.filter(|told| *told > snapshot.len()).map(|told| (snapshot.len(), told));
        Ok(Some(Taken { snapshot, begun_ms, is_whole: told.is_some() && missed.is_none(), missed }))
    }

    /// One pass over all pages; the total that the platform told, or `None` when it takes too many requests.
    async fn read_pass(
        &self,
        filling: &mut Filling,
        pass: u32,
        pages_left: &mut u64,
    ) -> Result<Option<Option<u64>>, Fault> {
        let (mut cursor, mut total) = (None, None);
        loop {
            let Some(left) = pages_left.checked_sub(1) else { return Ok(None) };
            *pages_left = left;
            let page = self.connector.page(&self.http, cursor.as_ref()).await?;
            total = page.total.or(total);
            let news = add_page(filling, pass, &page).map_err(Fault::Fatal)?;
            match page.next {
                Some(next) if news > 0 => cursor = Some(next),
                _ => return Ok(Some(total)),
            }
        }
    }

    /// What the target holds for a contact with these identity values, of which another contact of the source shares
    /// some. With `since_ms`, only what was read after that moment counts.
    pub async fn find(
        &self,
        wanted: &Wanted,
        identities: &[IdentityValue],
        shared: &[IdentityValue],
        since_ms: Option<u64>,
    ) -> Result<Finding, Fault> {
        let since_ms = since_ms.filter(|_| !self.is_offline);
        if let Some(id) = wanted.contact.text(Field::TargetId) {
            return match self.read(id, None, since_ms).await? {
                (Reading::There(found), is_fresh) => {
                    let rehearsed = self.rehearsing.as_ref().map(|rehearsing| rehearsing.found(id)).transpose()?;
                    let found = rehearsed.flatten().unwrap_or(found);
                    Ok(Finding::One { found, by: Some(Field::TargetId), is_shared: false, is_fresh })
                }
                (Reading::Gone, _) => Err(Fault::Refused(vec![not_there(id, self.connector.platform())])),
                (Reading::Unreadable, _) => Err(Fault::Fatal(unreadable())),
            };
        }
        let (own, shared): (Vec<_>, Vec<_>) =
            identities.iter().cloned().partition(|identity| !shared.contains(identity));
        let mut hits = self.find_by(&wanted.contact, &own, since_ms).await?;
        // What two contacts share identifies neither; it only says that a contact may be either of them.
        let is_shared = hits.is_empty();
        if is_shared {
            hits = self.find_by(&wanted.contact, &shared, since_ms).await?;
        }
        let mut hits = hits.into_iter();
        Ok(match (hits.next(), hits.next()) {
            (None, _) => Finding::Absent,
            (Some((found, by, is_fresh)), None) => Finding::One { found, by: Some(by), is_shared, is_fresh },
            (Some((one, ..)), Some((other, ..))) => {
                Finding::Several([one.id, other.id].into_iter().chain(hits.map(|(found, ..)| found.id)).collect())
            }
        })
    }

    /// Every contact that one of these identity values finds, each once, with the field that found it first.
    async fn find_by(
        &self,
        contact: &Contact,
        identities: &[IdentityValue],
        since_ms: Option<u64>,
    ) -> Result<Vec<(Found, Field, bool)>, Fault> {
        let mut hits: Vec<(Found, Field, bool)> = Vec::new();
        for identity in identities {
            let mut found = self.find_one(contact, identities, identity, since_ms).await?;
            if let Some(rehearsing) = &self.rehearsing {
                let (changed, new) = rehearsing.meet(&mut found, identity)?;
                let is_whole = self.snapshot.read().await.as_ref().is_some_and(|taken| taken.is_whole);
                // The real run has written them, and reads each again; where nobody new is in a list that may lack
                // somebody, the look-up was sent in place of that.
                if self.uses_snapshot {
                    rehearsing.would_send(if is_whole { changed + new } else { changed });
                }
            }
            for (found, is_fresh) in found {
                if !hits.iter().any(|(known, ..)| known.id == found.id) {
                    hits.push((found, identity.field, is_fresh));
                }
            }
        }
        Ok(hits)
    }

    async fn find_one(
        &self,
        contact: &Contact,
        identities: &[IdentityValue],
        identity: &IdentityValue,
        since_ms: Option<u64>,
    ) -> Result<Vec<(Found, bool)>, Fault> {
        let linked = self.find_linked(contact, identity, since_ms).await?;
        if let Some((found, _)) = &linked
            && has(&found.contact, identity)
        {
            return Ok(linked.into_iter().collect());
        }
        // A contact that the link leads to and that has another value now may have been given one by the platform
        // (then nobody else has this one), or by somebody (then whoever has it is meant).
        let searched = self.search(contact, identity, since_ms).await?;
        let Some((found, is_fresh)) = linked.filter(|_| searched.is_empty()) else { return Ok(searched) };
        let is_half_made = self.connector.platform().half_makes && is_bare(&found.contact);
        if is_half_made || is_same_person(contact, identities, &found.contact) {
            return Ok(vec![(found, is_fresh)]);
        }
        // Nothing but the link says that it is them: the card is somebody else's now.
        self.checkpoint.unlink(identity).await.map_err(Fault::Fatal)?;
        Ok(Vec::new())
    }

    async fn find_linked(
        &self,
        contact: &Contact,
        identity: &IdentityValue,
        since_ms: Option<u64>,
    ) -> Result<Option<(Found, bool)>, Fault> {
        let Some(id) = self.checkpoint.link(identity).map_err(Fault::Fatal)? else { return Ok(None) };
        let or_by = Some(lookup_by(contact, identity));
        let (reading, is_fresh) = self.read(&id, or_by.as_ref(), since_ms).await?;
        match reading {
            Reading::There(found) => return Ok(Some((found, is_fresh))),
            // The link may lead somewhere; nobody can look.
            Reading::Unreadable => return Ok(None),
            Reading::Gone => {}
        }
        self.checkpoint.unlink(identity).await.map_err(Fault::Fatal)?;
        Ok(None)
    }

    async fn search(
        &self,
        contact: &Contact,
        identity: &IdentityValue,
        since_ms: Option<u64>,
    ) -> Result<Vec<(Found, bool)>, Fault> {
        if let Some(taken) = self.snapshot_for(identity.field, since_ms).await? {
            let mut hits = Vec::new();
            for (id, json) in taken.snapshot.by_identity(identity).map_err(Fault::Fatal)? {
                let row = found_of(&id, &json);
                if !self.changed.has(&id) {
                    hits.push((row, self.is_offline));
                    continue;
                }
                let or_by = lookup_of(&*self.connector, &row.contact);
                match self.connector.read(&self.http, &id, or_by.as_ref()).await? {
                    Reading::There(found) if has(&found.contact, identity) => hits.push((found, true)),
                    // A server that only lists: nothing newer than the snapshot is to be had.
                    Reading::Unreadable => hits.push((row, false)),
                    Reading::There(_) | Reading::Gone => {}
                }
            }
            if !hits.is_empty() || taken.is_whole || self.is_offline {
                return Ok(hits);
            }
            return match taken.missed {
                Some(missed) if !self.is_proven(identity.field).await? => Err(Fault::Fatal(listed_too_few(missed))),
                Some(_) => self.look_up(contact, identity).await,
                None => self.look_up_too(contact, identity).await,
            };
        }
        self.look_up(contact, identity).await
    }

    async fn look_up(&self, contact: &Contact, identity: &IdentityValue) -> Result<Vec<(Found, bool)>, Fault> {
        let found = self.connector.find(&self.http, &lookup_by(contact, identity)).await?;
        Ok(found.into_iter().map(|found| (found, true)).collect())
    }

    /// A list of which nobody knows whether it was whole does not prove that somebody is absent: they are looked up as
    /// well. A platform that cannot say so of somebody it does not have is asked no more, and its list believed.
    async fn look_up_too(&self, contact: &Contact, identity: &IdentityValue) -> Result<Vec<(Found, bool)>, Fault> {
        let field = identity.field;
        // Who was there before the run: what a dry run has no way to tell is not asked in the real one.
        let is_anybody_known = self.known_by(0).iter().any(|found| value_of(&found.contact, field).is_some());
        if !is_anybody_known || self.proof(field).await? != Some(Proof::Given) {
            return Ok(Vec::new());
        }
        match self.look_up(contact, identity).await {
            // One that answers for somebody whom it has, now as before, and twice not for this one.
            Err(Fault::InDoubt(_)) if self.answers_now(field).await? => match self.look_up(contact, identity).await {
                Err(Fault::InDoubt(_)) => {
                    let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
                    proofs.insert(field, Proof::Failed);
                    Ok(Vec::new())
                }
                looked => looked,
            },
            looked => looked,
        }
    }

    /// Whether somebody who is known to exist is found by this field at this moment.
    async fn answers_now(&self, field: Field) -> Result<bool, Fault> {
        let known = self.known_by(self.clock.wall_ms());
        Ok(ask_for(&*self.connector, &self.http, &known, field).await? == Some(true))
    }

    /// The snapshot in which to look by this field, or `None` when look-ups are the way.
    async fn snapshot_for(&self, field: Field, since_ms: Option<u64>) -> Result<Option<Taken>, Fault> {
        if since_ms.is_none() && self.uses_snapshot {
            return Ok(self.snapshot.read().await.clone());
        }
        if self.is_proven(field).await? {
            return Ok(None);
        }
        let since_ms = since_ms.unwrap_or(0);
        let mut slot = self.snapshot.write().await;
        if let Some(taken) = slot.as_ref().filter(|taken| taken.begun_ms >= since_ms) {
            return Ok(Some(taken.clone()));
        }
        *slot = self.read_all(None).await?;
        Ok(slot.clone())
    }

    /// Somebody by id: from the snapshot where that is allowed, else from the platform.
    async fn read(&self, id: &str, or_by: Option<&Lookup>, since_ms: Option<u64>) -> Result<(Reading, bool), Fault> {
        if since_ms.is_none() && self.uses_snapshot && !self.changed.has(id) {
            let snapshot = self.snapshot.read().await.as_ref().map(|taken| Arc::clone(&taken.snapshot));
            if let Some(snapshot) = snapshot
                && let Some(json) = snapshot.by_id(id).map_err(Fault::Fatal)?
            {
                return Ok((Reading::There(found_of(id, &json)), self.is_offline));
            }
        }
        if self.is_offline {
            return Ok((Reading::Gone, true));
        }
        Ok((self.connector.read(&self.http, id, or_by).await?, true))
    }
}

/// Looks up somebody who is known to exist by a field: whether they are found. `None` when none of them has the field.
///
/// The last one known proves most: see [`crate::platforms::Checked::sample`].
pub async fn prove(
    connector: &dyn Connector,
    http: &Http,
    known: &[Found],
    field: Field,
) -> Result<Option<bool>, Fault> {
    match ask_for(connector, http, known, field).await {
        // A platform that does not answer such a question does not find by it.
        Err(Fault::InDoubt(_) | Fault::Refused(_)) => Ok(Some(false)),
        answer => answer,
    }
}

async fn ask_for(connector: &dyn Connector, http: &Http, known: &[Found], field: Field) -> Result<Option<bool>, Fault> {
    let Some((id, value)) = known.iter().rev().find_map(|found| Some((&found.id, value_of(&found.contact, field)?)))
    else {
        return Ok(None);
    };
    match connector.find(http, &Lookup { field, value }).await {
        Ok(found) => Ok(Some(found.iter().any(|found| found.id == *id))),
        // A platform that does not answer such a question does not find by it.
        Err(Fault::Refused(_)) => Ok(Some(false)),
        // Nor does one that has no such path. Were it the account that is refused, the next request tells.
        Err(Fault::Fatal(failure)) if failure.exit == Exit::Refused => Ok(Some(false)),
        Err(fault) => Err(fault),
    }
}

fn listed_too_few((listed, told): (u64, u64)) -> Failure {
    Failure::new(
        Exit::Unavailable,
        format!("the platform listed {listed} of {told} contacts, and finds nobody it did not list"),
    )
    .hint("nobody is created who may be there; the same command goes on later")
}

fn unreadable() -> Failure {
    Failure::new(Exit::Refused, "the records name people by `target_id`, and this server reads nobody by id")
        .hint("say `find: snapshot` in the connection's settings, so that everybody is read first")
}

fn not_there(id: &str, platform: &PlatformFacts) -> Problem {
    let hint = if platform.finds_by.iter().all(|field| *field == Field::TargetId) {
        "take the id from the target: nobody is found there by anything else"
    } else {
        "take the id from the target, or leave the column out so that the person is found by phone or e-mail"
    };
    Problem::new(NOBODY, format!("nobody at the target has the id `{id}`")).at("target_id").hint(hint)
}

/// A failure of the store as the run's fault.
impl From<Failure> for Fault {
    fn from(failure: Failure) -> Fault {
        Fault::Fatal(failure)
    }
}
