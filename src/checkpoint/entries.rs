//! What the checkpoint says and is told about entries, intents and links: the part that is asked for every record.

use super::links::Recent;
use super::model::{Entry, Intent, OpenIntent, Pure, RunNo, Settled};
use super::writer::Op;
use super::{Checkpoint, Key, links, reader};
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use crate::record::Origin;

/// Entries of a run. Each key is settled or claimed once a pass; one settled as unknown may be settled again.
impl Checkpoint {
    /// Whether there is anything to look up: entries of earlier passes, or any at all when no pass was begun here.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn has_entries(&self, run: RunNo) -> Result<bool, Failure> {
        match self.inner.shared.indexed(run) {
            Some(last) => Ok(last > 0),
            None => self.read(|connection| reader::has_entries(connection, run)),
        }
    }

    /// What earlier passes of a run found out about a record. What this pass has settled is not seen. Quick after
    /// [`Checkpoint::begin_pass`]; without it (a run that is only looked at) all entries are gone through.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read, also when the row is not as it was written.
    pub fn entry(&self, run: RunNo, key: &Key) -> Result<Option<Entry>, Failure> {
        self.read(|connection| reader::entry(connection, &self.inner.shared, run, key))
    }

    /// Announces a step. When this returns, the intent is on the disk; then the step may be sent. Whoever drops the
    /// future before it returns does not know, and has to withdraw.
    ///
    /// An intent for a key that has one takes its place.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written; then nothing must be sent.
    pub async fn intend(&self, run: RunNo, key: Key, intent: Intent) -> Result<(), Failure> {
        self.write(Op::Intend(run, key, Box::new(intent))).await
    }

    /// Takes back an intent that was never sent, with its before-image; queued. One that stands for an unknown outcome
    /// stays.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn withdraw(&self, run: RunNo, key: Key) -> Result<(), Failure> {
        self.queue(Op::Withdraw(run, key)).await
    }

    /// Ends an intent that is proven not to have come about, with its before-image, also one that stands for an unknown
    /// outcome; queued.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn disprove(&self, run: RunNo, key: Key) -> Result<(), Failure> {
        self.queue(Op::Disprove(run, key)).await
    }

    /// Reports what became of a record; queued, durable with the next group. Ends the intent, except when the outcome is
    /// unknown: then whoever comes next finds it. The links are seen at once.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn settle(&self, run: RunNo, key: Key, settled: Settled) -> Result<(), Failure> {
        if settled.target_id.is_some() {
            for link in &settled.links {
                self.inner.shared.links.set(Key::of_link(link), settled.target_id.as_deref());
            }
        }
        self.queue(Op::Settle(run, key, Box::new(settled))).await
    }

    /// Claims an entry of an earlier pass for this one: its record was met again, here; queued.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more; an entry that is not there stops the writer.
    pub async fn claim(&self, run: RunNo, key: Key, pass: u32, origin: Origin) -> Result<(), Failure> {
        self.queue(Op::Claim(run, key, pass, origin)).await
    }

    /// Notes an outcome that follows from the source alone; queued. A second one for the same ordinal takes its place.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written any more.
    pub async fn note(&self, run: RunNo, pass: u32, pure: Pure) -> Result<(), Failure> {
        self.queue(Op::Note(run, pass, Box::new(pure))).await
    }

    /// Waits until everything queued so far is durable.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub async fn flush(&self) -> Result<(), Failure> {
        self.write(Op::Call(Box::new(|_| Ok(())))).await
    }

    /// The intents of all runs that have no outcome, a thousand at a time, in the order of runs and keys: the first
    /// ones, or those after the last of the page before. Without their before-images.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read, also when a row is not as it was written.
    pub fn open_intents(&self, after: Option<&OpenIntent>) -> Result<Vec<OpenIntent>, Failure> {
        self.catch_up()?;
        self.read(|connection| reader::open_intents(connection, after.map(|intent| (intent.run, intent.key))))
    }
}

/// What belongs to the connection and outlives its runs.
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
            Recent::AskTable => self.read(|connection| links::stored(connection, &link)),
        }
    }

    /// Forgets a link that leads nowhere any more; seen at once, durable with the next group.
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
        let (name, value) = (name.to_owned(), value.to_owned());
        self.call(move |tables| tables.remember(&name, &value))
    }

    /// What is remembered under a name.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn recall(&self, name: &str) -> Result<Option<String>, Failure> {
        self.read(|connection| reader::recall(connection, name))
    }

    /// Names and values of everything remembered under names that begin so, in the order of names.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn recall_all(&self, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
        self.read(|connection| reader::recall_all(connection, prefix))
    }

    /// Forgets what is remembered under a name; durable when it returns.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn forget(&self, name: &str) -> Result<(), Failure> {
        let name = name.to_owned();
        self.call(move |tables| tables.forget(&name))
    }
}
