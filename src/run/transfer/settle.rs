//! What is settled before anything is written: what earlier processes left open, and what earlier runs received. And the
//! reconciler, with which that is done.

use super::job::EffectsTo;
use super::parts::Transfer;
use crate::contact::Field;
use crate::mapping::Writes;
use crate::outcome::Failure;
use crate::platforms::{Needs, Ready};
use crate::reconcile::dropped::MEMORY;
use crate::reconcile::entries::Entries;
use crate::reconcile::{Effects, Policy, Reconciler, reconciler};
use crate::report::words::{count, time};
use crate::run::attributes::{self, Attributes};
use crate::run::open::{live, open_intents, settle_others};
use crate::run::pass::first::First;
use crate::run::source::Source;
use crate::run::target::{FinderAsked, Target, stops};
use crate::scratch::owners::{EarlierOwners, Owners};
use crate::scratch::received::Received;
use crate::store::{ByKey, OpenIntent};
use std::sync::Arc;

/// What earlier runs, and earlier processes of the pass, have done.
pub(in crate::run) struct Before<'r> {
    pub received: Option<&'r Received>,
    /// How many contacts of the pass are settled.
    pub settled: u64,
    /// Which contacts these have reached.
    pub owners: Option<EarlierOwners>,
}

impl Transfer<'_> {
    /// Takes the turn of this process; what was received in earlier runs, where that is skipped.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint fails.
    pub fn received(&self) -> Result<Option<Arc<Received>>, Failure> {
        let meaning = &self.job.meaning;
        self.checkpoint.take_turn(self.stored.no, self.run.is_resumed, meaning)?;
        let received = || Received::of(&self.checkpoint, meaning, &self.run.folder).map(Arc::new);
        self.job.limits.only_changed.then(received).transpose()
    }

    /// What reconciles the contacts of this run.
    ///
    /// # Errors
    /// What stops the run: a refused token, an unavailable target, a failing checkpoint.
    pub async fn reconciler(&self, target: &Target, first: &First, before: Before<'_>) -> Result<Reconciler, Failure> {
        let Before { received, settled, owners } = before;
        let (checkpoint, connection, clock) = (&self.checkpoint, &self.job.to.connection, self.io.clock);
        let ready = self.prepare(target, first).await?;
        // Most contacts that were received are in the source again; the others are looked up.
        let contacts = first.contacts().saturating_sub(received.map_or(0, Received::len) + settled);
        let (identity, fields, owners) = match &self.job.source {
            Source::Records(records) => {
                let fields = &records.mapper.finds_by;
                (fields.clone(), fields.as_slice(), Some(Arc::new(Owners::create(&self.run.folder, owners)?)))
            }
            Source::Written(_) => (vec![Field::TargetId], &*connection.facts().finds_by, None),
        };
        let asked = FinderAsked { clock, folder: &self.run.folder, fields, contacts };
        let finder = target.finder(connection, checkpoint, asked).await?;
        if self.job.limits.fresh {
            for (name, _) in checkpoint.recall_all(MEMORY)? {
                checkpoint.forget(&name)?;
            }
        }
        let rules = self.job.rules;
        let (on_existing, only_existing, settle) = (rules.on_existing, rules.only_existing, target.settle);
        Reconciler::new(reconciler::Parts {
            endpoint: Arc::new(target.endpoint(connection, ready, clock)?),
            entries: Entries { checkpoint: checkpoint.clone(), run: self.stored.no, pass: self.reached.pass },
            finder,
            identity,
            policy: Policy { on_existing, only_existing, settle },
            guards: Arc::clone(&self.guards),
            owners,
            effects: self.effects(target)?,
            changed: Arc::clone(&self.run.metrics.changed),
            stop: self.io.stop.watch(),
        })
    }

    /// What the account has to hold beside contacts; custom attributes that it lacks are defined.
    async fn prepare(&self, target: &Target, first: &First) -> Result<Ready, Failure> {
        let (connector, http) = (&*target.connector, &*target.http);
        let Source::Records(records) = &self.job.source else {
            return connector.prepare(http, &Needs::default()).await.map_err(stops);
        };
        let needs = self.needs(records.mapper.bound.writes(), first);
        let mut ready = connector.prepare(http, &needs).await.map_err(stops)?;
        let create = self.job.rules.create_attributes;
        ready.attributes = match connector.capabilities().attributes {
            None => Vec::new(),
            Some(_) if create && self.job.effects != EffectsTo::Target => {
                attributes::imagine(connector, http, &needs.attributes).await?
            }
            Some(account) => {
                let (checkpoint, clock, settle) = (&self.checkpoint, self.io.clock, target.settle);
                let attributes = Attributes { account, http, checkpoint, clock, settle };
                attributes.ensure(&connector.facts().title, &needs.attributes, create).await?
            }
        };
        Ok(ready)
    }

    fn needs(&self, writes: &Writes, first: &First) -> Needs {
        let attributes = match self.job.to.connection.facts().defines_attributes {
            true => first.attributes.iter().cloned().collect(),
            false => writes.attributes.clone(),
        };
        Needs { owners: writes.owners, attributes, tags: writes.tags_static.clone() }
    }

    fn effects(&self, target: &Target) -> Result<Effects, Failure> {
        match &self.preview {
            Some(preview) => Ok(Effects::Preview(Arc::clone(&preview.recorder))),
            None => {
                // What a run wrote has arrived.
                let has_arrived = matches!(self.job.source, Source::Written(_)) || self.checkpoint.has_links();
                live(target, &self.checkpoint, (self.job.state, self.io.clock), has_arrived)
            }
        }
    }

    /// Settles what earlier processes left open, of whatever run. What this run left for the source as it is now is
    /// handed back instead, to be settled when its record comes by.
    ///
    /// # Errors
    /// What stops the run.
    pub async fn settle_earlier(
        &self,
        reconciler: &Reconciler,
        first: &mut First,
    ) -> Result<ByKey<OpenIntent>, Failure> {
        let open = || open_intents(&self.checkpoint, self.job.state, self.io.clock);
        let is_own = |open: &OpenIntent| open.run == self.stored.no;
        let others: Vec<OpenIntent> = open()?.into_iter().filter(|open| !(first.is_clean && is_own(open))).collect();
        let has_own = others.iter().any(is_own);
        settle_others(others, &self.checkpoint, reconciler, self.io.console).await?;
        if has_own {
            self.checkpoint.index_entries(self.stored.no)?;
        }
        if self.io.stop.is_requested() {
            return Ok(ByKey::default());
        }
        if !first.is_clean {
            first.is_clean = true;
            first.save(&self.run.folder)?;
        }
        let own: ByKey<OpenIntent> = open()?.into_iter().filter(is_own).map(|open| (open.key, open)).collect();
        let in_doubt = own.values().filter(|open| !open.intent.was_held_back()).count() as u64;
        if in_doubt > 0 && matches!(self.job.source, Source::Records(_)) {
            let (requests, settle) = (count(in_doubt, "request", "requests"), time(reconciler.policy().settle));
            self.io.console.note(&format!(
                "checking the outcome of {requests} of this run: a contact that is not found {settle} after its request is \
                 sent again"
            ));
        }
        Ok(own)
    }
}
