//! Entries, intents, links and remembered values of a checkpoint: what is read and written for every record.

use super::checkpoint::Checkpoint;
use super::key::Key;
use super::links::Recent;
use super::model::{Entry, Intent, OpenIntent, RunNo, Settled, SourceOutcome};
use super::op::Op;
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use crate::record::Origin;
use std::time::Duration;

/// Entries of a run. Each key is settled or carried over once a pass; one settled as unknown may be settled again.
impl Checkpoint {
    /// Whether there is anything to look up: entries of earlier passes, or any entry of a finished run.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn has_entries(&self, run: RunNo) -> Result<bool, Failure> {
        match self.inner.shared.has_earlier(run) {
            Some(has_earlier) => Ok(has_earlier),
            None => self.read(|reader| reader.has_entries(run)),
        }
    }

    /// The entry of a record as earlier passes of a run left it. What this pass has settled is not seen. Of a finished run
    /// all entries are searched, which is slow without an index.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read, also when the row is not as it was written.
    pub fn entry(&self, run: RunNo, key: &Key) -> Result<Option<Entry>, Failure> {
        Ok(self.entries(run, &[*key])?.pop().flatten())
    }

    /// The same for many records at once, in their order.
    ///
    /// # Errors
    /// As [`Checkpoint::entry`].
    pub fn entries(&self, run: RunNo, keys: &[Key]) -> Result<Vec<Option<Entry>>, Failure> {
        if keys.is_empty() || self.inner.shared.has_earlier(run) == Some(false) {
            return Ok(vec![None; keys.len()]);
        }
        self.read(|reader| reader.entries(run, keys))
    }

    /// Announces a step. When this returns, the intent is on the disk; then the step may be sent. A caller that
    /// drops the future before it returns does not know, and has to withdraw the intent.
    ///
    /// It replaces an earlier intent with the same key.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written; then nothing must be sent.
    pub async fn intend(&self, run: RunNo, key: Key, intent: Intent) -> Result<(), Failure> {
        self.write(Some(Op::Intend(run, key, Box::new(intent)))).await
    }

    /// Withdraws an intent that was never sent, with its image; queued. One that stands for an unknown outcome stays.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn withdraw(&self, run: RunNo, key: Key) -> Result<(), Failure> {
        self.queue(Op::Withdraw(run, key)).await
    }

    /// Says of an intent that its request was held back and has not left ([`Intent::held_back`]); queued.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn hold_back(&self, run: RunNo, key: Key, intent: Intent) -> Result<(), Failure> {
        self.queue(Op::Intend(run, key, Box::new(intent))).await
    }

    /// Removes an intent that is proven not to have been executed, with its image, also one that stands for an unknown
    /// outcome; queued.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn disprove(&self, run: RunNo, key: Key) -> Result<(), Failure> {
        self.queue(Op::Disprove(run, key)).await
    }

    /// Records the outcome of a record; queued, durable with the next group. Ends the intent unless the outcome is unknown:
    /// then the next process finds it. The links are seen at once.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn settle(&self, run: RunNo, key: Key, settled: Settled) -> Result<(), Failure> {
        self.queue(self.op_to_settle(run, key, settled)).await
    }

    /// Records the outcomes of many records at once, as [`Checkpoint::settle`].
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn settle_all(&self, run: RunNo, settled: Vec<(Key, Settled)>) -> Result<(), Failure> {
        let ops: Vec<Op> = settled.into_iter().map(|(key, settled)| self.op_to_settle(run, key, settled)).collect();
        if ops.is_empty() { Ok(()) } else { self.queue_all(ops).await }
    }

    fn op_to_settle(&self, run: RunNo, key: Key, mut settled: Settled) -> Op {
        let links = &self.inner.shared.links;
        if let Some(target_id) = settled.target_id.as_deref() {
            settled.links.retain(|identity| {
                let link = Key::of_link(identity);
                let is_new = !links.leads_to(&link, target_id);
                if is_new {
                    links.set(link, Some(target_id));
                }
                is_new
            });
        }
        Op::Settle(run, key, Box::new(settled))
    }

    /// Carries an entry of an earlier pass over to this one: its record was read again, at `origin`; queued.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more; an entry that is not there stops the writer.
    pub async fn carry_over(&self, run: RunNo, key: Key, pass: u32, origin: Origin) -> Result<(), Failure> {
        self.queue(Op::CarryOver(run, key, pass, origin)).await
    }

    /// Records an outcome that follows from the source alone; queued. A second one for the same ordinal replaces it.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn note(&self, run: RunNo, pass: u32, outcome: SourceOutcome) -> Result<(), Failure> {
        self.queue(Op::Note(run, pass, Box::new(outcome))).await
    }

    /// Waits until everything queued so far is durable.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub async fn flush(&self) -> Result<(), Failure> {
        self.write(None).await
    }

    /// The intents of all runs that have no outcome, a thousand at a time, in the order of runs and keys: the first
    /// ones, or those after the last of the page before. Without their images.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read, also when a row is not as it was written.
    pub fn open_intents(&self, after: Option<&OpenIntent>) -> Result<Vec<OpenIntent>, Failure> {
        self.catch_up()?;
        self.read(|reader| reader.open_intents(after.map(|intent| (intent.run, intent.key))))
    }
}

/// What belongs to the account and outlives its runs.
impl Checkpoint {
    /// Whether there is any link at all.
    pub fn has_links(&self) -> bool {
        self.inner.shared.links.any()
    }

    /// The id at the target that this identity value leads to, as earlier runs and this one have found.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn link(&self, identity: &IdentityValue) -> Result<Option<String>, Failure> {
        let link = Key::of_link(identity);
        match self.inner.shared.links.get(&link) {
            Recent::Known(target_id) => Ok(target_id),
            Recent::Nowhere => Ok(None),
            Recent::AskStore => {
                let stores = self.inner.shared.links.stores();
                let mut answer = self.read(|reader| reader.links(&[link]))?;
                self.inner.shared.links.answered(stores, &[link], &answer);
                Ok(answer.pop().flatten())
            }
        }
    }

    /// The ids to which these links lead, in their order, as [`Checkpoint::link`] says for each.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn links(&self, links: &[Key]) -> Result<Vec<Option<String>>, Failure> {
        let (mut found, unknown) = self.inner.shared.links.get_all(links);
        if !unknown.is_empty() {
            let asked: Vec<Key> = unknown.iter().map(|(link, _)| *link).collect();
            let answers = self.read(|reader| reader.links(&asked))?;
            for ((_, nth), answer) in unknown.into_iter().zip(answers) {
                found.get_mut(nth).into_iter().for_each(|found| found.clone_from(&answer));
            }
        }
        Ok(found)
    }

    /// Reads where these identity values lead, all at once, because [`Checkpoint::link`] will be asked soon.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn read_links_ahead<'a>(&self, identities: impl Iterator<Item = &'a IdentityValue>) -> Result<(), Failure> {
        let known = &self.inner.shared.links;
        if !known.any_stored() {
            return Ok(());
        }
        let links = identities.map(Key::of_link).filter(|link| matches!(known.get(link), Recent::AskStore));
        let mut links: Vec<Key> = links.collect();
        links.sort_unstable();
        if !links.is_empty() {
            let stores = known.stores();
            let answers = self.read(|reader| reader.links(&links))?;
            known.answered(stores, &links, &answers);
        }
        Ok(())
    }

    /// Removes a link that leads nowhere any more; seen at once, durable with the next group.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn unlink(&self, identity: &IdentityValue) -> Result<(), Failure> {
        let link = Key::of_link(identity);
        self.inner.shared.links.set(link, None);
        self.queue(Op::Unlink(link)).await
    }

    /// Remembers a value under a name, in place of an earlier one; durable when it returns.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn remember(&self, name: &str, value: &str) -> Result<(), Failure> {
        self.call(Some(Op::Remember(name.to_owned(), value.to_owned()))).map(drop)
    }

    /// What is remembered under a name.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn recall(&self, name: &str) -> Result<Option<String>, Failure> {
        let kept = self.recall_all(name)?;
        Ok(kept.into_iter().next().filter(|(known, _)| known == name).map(|(_, value)| value))
    }

    /// Names and values of everything remembered under names that begin so, in the order of names.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn recall_all(&self, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
        self.read(|reader| reader.memories(prefix))
    }

    /// How long ago the process that held the account before could still send; none where only its files tell.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn idle_for(&self) -> Result<Option<Duration>, Failure> {
        self.read(|reader| reader.idle_for())
    }

    /// Forgets what is remembered under a name; durable when it returns.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn forget(&self, name: &str) -> Result<(), Failure> {
        self.call(Some(Op::Forget(name.to_owned()))).map(drop)
    }
}
