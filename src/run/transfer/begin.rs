//! Which pass of a run sends: a new one, or the one that an earlier process has begun.
//!
//! A pass is continued where everything that decided about its records is as it was. Then what it has settled is passed over
//! unread. Otherwise each record is read again, and compared by its content with what earlier passes did.

use super::parts::{ReadRecords, Transfer};
use crate::outcome::Failure;
use crate::run::pass::first::First;
use crate::run::source::Source;
use crate::run::standing::{Standing, StandingAsked};
use crate::scratch::owners::EarlierOwners;
use std::sync::Arc;

/// What earlier processes have done in the pass that sends; nothing in a new one.
#[derive(Default)]
pub(in crate::run) struct Continued {
    /// Which records they have settled.
    pub standing: Option<Arc<Standing>>,
    /// Which contacts these have reached.
    pub owners: Option<EarlierOwners>,
}

impl Transfer<'_> {
    /// Begins the pass that sends, or continues the latest one.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint fails.
    pub fn begin_pass(&mut self, first: &mut First, records: Option<&ReadRecords<'_>>) -> Result<Continued, Failure> {
        let sent_as = self.sent_as();
        if let Some(read) = records.filter(|_| self.may_continue(first, &sent_as))
            && let Some(continued) = self.continued(read)?
        {
            self.reached.pass = self.checkpoint.continue_pass(self.stored.no)?;
            if let Some(standing) = &continued.standing {
                // What an earlier process has read counts, also where this one ends before it comes so far.
                self.reached.read = standing.read;
                let (pass, settled) = (self.reached.pass, standing.totals.settled());
                tracing::debug!("pass {pass} is continued: {settled} of {} records are settled", first.read);
            }
            return Ok(continued);
        }
        self.reached.pass = self.checkpoint.begin_pass(self.stored.no)?;
        // After the pass has begun: what it says is true of the latest one, or nothing was sent in that.
        if self.preview.is_none() && first.stamp.is_some() && first.sent_as != sent_as {
            first.sent_as = sent_as;
            first.save(&self.run.folder)?;
        }
        Ok(Continued::default())
    }

    fn continued(&self, read: &ReadRecords<'_>) -> Result<Option<Continued>, Failure> {
        let Source::Records(source) = &self.job.source else { return Ok(None) };
        let standing = Standing::of(&StandingAsked {
            checkpoint: &self.checkpoint,
            pass: (self.stored.no, self.stored.next_pass.saturating_sub(1)),
            folder: &self.run.folder,
            people: (&read.people, source.duplicates),
        })?;
        Ok(standing.map(|(standing, owners)| Continued { standing: Some(Arc::new(standing)), owners: Some(owners) }))
    }

    /// Whether the latest pass read the source as it is now, and decided about its records as this process does. A
    /// correction and a verification look at every record.
    fn may_continue(&self, first: &First, sent_as: &str) -> bool {
        let is_same = first.stamp.is_some() && first.sent_as == sent_as;
        let is_of_pass = (1..self.stored.next_pass).contains(&first.since_pass);
        let sends_records = self.job.carries_records() && self.job.aim.corrects.is_none();
        self.run.is_resumed && self.preview.is_none() && is_same && is_of_pass && sends_records
    }

    /// What decides about records, beside what makes two runs the same work.
    fn sent_as(&self) -> String {
        let suppressed = match &self.job.source {
            Source::Records(records) => records.mapper.suppressed.as_ref().map(|suppressed| suppressed.fingerprint()),
            Source::Written(_) => None,
        };
        let only_changed = if self.job.limits.only_changed { "only changed" } else { "all" };
        format!("{only_changed}, without {}, {}", suppressed.as_deref().unwrap_or("none"), self.job.meaning)
    }
}
