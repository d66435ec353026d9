//! The second pass of a transfer: with what it is done, and what follows from how far it came.

use super::begin::Continued;
use super::guard::count_done;
use super::parts::{Passing, ReadRecords, Shown, Transfer};
use super::settle::Before;
use crate::files::RejectsWriter;
use crate::outcome::Failure;
use crate::reconcile::Reconciler;
use crate::run::active::counters::{Counters, load};
use crate::run::active::watch::Watched;
use crate::run::correction::{corrected, correction_of, is_same_source};
use crate::run::left_behind::clear_left_behind;
use crate::run::left_blank::LeftBlankList;
use crate::run::pass::first::First;
use crate::run::pass::flight;
use crate::run::pass::goals::Goals;
use crate::run::pass::merge::Merging;
use crate::run::pass::second::{Known, Second};
use crate::run::pass::settled::Outcomes;
use crate::run::rejects::RejectsFiles;
use crate::run::source::supply::Supply;
use crate::run::source::{Items, MapAsked, Records, Source, items_of};
use crate::run::target::Target;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the rejects of the pass go.
struct Rejects {
    files: RejectsFiles,
    writer: Arc<Mutex<RejectsWriter>>,
}

/// The contacts of the pass, ready to be taken.
struct Contacts<'a> {
    /// Where they were read; none where they come from no records.
    supply: Option<Supply<'a>>,
    merging: Option<Merging>,
    items: Items,
    /// How many records there are.
    total: u64,
}

impl<'a> Transfer<'a> {
    /// What comes when the target has answered.
    ///
    /// # Errors
    /// What stops the run.
    pub async fn write(&mut self, target: &Target, shown: Shown<'a>) -> Result<(), Failure> {
        let Shown { mut records, mut first } = shown;
        let rejects = self.rejects();
        let Continued { standing, owners } = self.begin_pass(&mut first, records.as_ref())?;
        let received = self.received()?;
        let settled = standing.as_ref().map_or(0, |standing| standing.contacts);
        let before = Before { received: received.as_deref(), settled, owners };
        let reconciler = Arc::new(self.reconciler(target, &first, before).await?);
        let intents = self.settle_earlier(&reconciler, &mut first).await?;
        if self.run.is_resumed {
            count_done(&self.guards, &self.checkpoint, self.stored.no, &intents)?;
        }
        let known = Known { holds_from: first.before_pass, intents, received, ..Known::default() };
        let passing = Passing { reconciler, goals: self.goals()?, known, first, standing };
        if let Some(read) = records.take_if(|_| !self.io.stop.is_requested()) {
            match self.guard_second(&passing, read).await {
                Ok(read) => records = Some(read),
                Err(failure) => {
                    // The pass has sent nothing: the totals are those of the last one.
                    self.reached.pass = 0;
                    return Err(failure);
                }
            }
        }
        let Some(contacts) = self.contacts(records, rejects.as_ref(), &passing).await? else { return Ok(()) };
        self.send(target, passing, contacts, rejects).await
    }

    /// Where the rejects go; none where the contacts come from no records.
    fn rejects(&mut self) -> Option<Rejects> {
        let Source::Records(Records { layout, header, .. }) = &self.job.source else { return None };
        let asked = self.job.limits.rejects.as_deref();
        let files = RejectsFiles::of(self.job.state, &self.run.record, asked, (layout, header));
        self.run.record.rejects_file = Some(files.shown().to_owned());
        let writer = Arc::new(Mutex::new(files.writer(layout, header)));
        Some(Rejects { files, writer })
    }

    fn goals(&self) -> Result<Goals, Failure> {
        let confirms = self.job.aim.confirms.clone();
        let (Some(of), Source::Records(records)) = (self.job.aim.corrects, &self.job.source) else {
            return Ok(Goals { confirms, corrects: None });
        };
        let row = corrected(of, &self.checkpoint, &self.job.to.connection.name)?;
        let is_same = is_same_source(of, self.job.state, &records.plan.path);
        let corrects = Some(correction_of(&row, &self.checkpoint, &self.run.folder, is_same)?);
        Ok(Goals { confirms, corrects })
    }

    /// How many records there are for the pass.
    pub fn total(&self, first: &First) -> u64 {
        self.job.limits.limit.map_or(first.read, |limit| first.read.min(limit))
    }

    /// The contacts, from the beginning; none: the run was stopped before it was known what they are.
    async fn contacts(
        &self,
        records: Option<ReadRecords<'a>>,
        rejects: Option<&Rejects>,
        passing: &Passing,
    ) -> Result<Option<Contacts<'a>>, Failure> {
        let first = &passing.first;
        match (&self.job.source, records) {
            (Source::Records(source), Some(ReadRecords { supply, people })) => {
                let mut opened = supply.open()?;
                if let Some(rejects) = rejects {
                    opened.source = rejects.files.watch(opened.source);
                }
                self.prove_unchanged(&supply, first)?;
                let (mapper, duplicates) = (Arc::clone(&source.mapper), source.duplicates);
                let reconciler = passing.goals.are_of_records().then(|| Arc::clone(&passing.reconciler));
                let (limit, standing) = (self.job.limits.limit, passing.standing.clone());
                let items = items_of(opened, MapAsked { mapper: Arc::clone(&mapper), limit, reconciler, standing });
                let (merging, total) = (Some(Merging { mapper, people, duplicates }), self.total(first));
                Ok(Some(Contacts { supply: Some(supply), merging, items, total }))
            }
            (Source::Written(written), _) if !self.io.stop.is_requested() => {
                self.checkpoint.flush().await?;
                written.close(&self.checkpoint, self.job.state, self.job.is_preview())?;
                let folders = (self.job.state, &*self.run.folder);
                let written = written.collect(&self.checkpoint, self.stored.no, folders)?;
                let (items, total) = (written.items(), written.len());
                Ok(Some(Contacts { supply: None, merging: None, items, total }))
            }
            _ => Ok(None),
        }
    }

    async fn send(
        &mut self,
        target: &Target,
        passing: Passing,
        contacts: Contacts<'a>,
        rejects: Option<Rejects>,
    ) -> Result<(), Failure> {
        let Passing { reconciler, goals, known, first, standing } = passing;
        let Contacts { supply, merging, items, total } = contacts;
        let earlier = standing.as_ref().map(|standing| standing.totals).unwrap_or_default();
        let counters = Arc::new(Counters::after(earlier));
        let list = || Arc::new(Mutex::new(LeftBlankList::new(&self.run.folder)));
        let left_blank = self.job.carries_records().then(list);
        let outcomes = Outcomes {
            checkpoint: self.checkpoint.clone(),
            run: self.stored.no,
            pass: self.reached.pass,
            rejects: rejects.as_ref().map(|rejects| Arc::clone(&rejects.writer)),
            left_blank: left_blank.clone(),
            counters: Arc::clone(&counters),
            guards: Arc::clone(&self.guards),
            has_entries: self.run.is_resumed,
            standing,
        };
        let (window, stop) = ((8 * target.concurrency).clamp(32, 1024), self.io.stop.clone());
        let second = Second {
            reconciler: Arc::clone(&reconciler),
            merging,
            known,
            goals,
            outcomes,
            window,
            stop,
            settled: Vec::new(),
        };
        let (console, title, sending) = (self.io.console, &*self.job.title, Some((&*target.http, self.io.stop)));
        let watched = Watched { console, title, total: Some(total), counters: &counters, sending };
        let sent = self.run.watch(flight::run(second, items), &watched).await;
        let (read, passed) = (load(&counters.read), load(&counters.passed));
        tracing::debug!("{} records were mapped, and {passed} passed over", read.saturating_sub(passed));
        self.reached.read = self.reached.read.max(read);
        self.put_in_place(rejects, left_blank)?;
        self.reached.over = self.guards.report(|_| self.preview.is_some());
        sent?;
        if self.io.stop.is_requested() {
            return Ok(());
        }
        self.end_pass(&reconciler, supply.as_ref(), &first, read).await
    }

    /// Every task that wrote rejects and left values has ended with the pass.
    fn put_in_place(
        &mut self,
        rejects: Option<Rejects>,
        left_blank: Option<Arc<Mutex<LeftBlankList>>>,
    ) -> Result<(), Failure> {
        if let Some(Rejects { files, writer }) = rejects
            && let Some(writer) = Arc::into_inner(writer)
        {
            let writer = writer.into_inner().unwrap_or_else(PoisonError::into_inner);
            self.reached.rejects = files.finish(writer, self.io.console)?;
            files.copy(self.reached.rejects, self.io.console)?;
        }
        if let Some(list) = left_blank.and_then(Arc::into_inner) {
            self.reached.left_blank = list.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?;
        }
        Ok(())
    }

    /// What follows when the pass has come to its end, after so many records.
    async fn end_pass(
        &mut self,
        reconciler: &Reconciler,
        supply: Option<&Supply<'a>>,
        first: &First,
        read: u64,
    ) -> Result<(), Failure> {
        let Some(supply) = supply else {
            self.reached.is_whole = true;
            return Ok(());
        };
        self.prove_unchanged(supply, first)?;
        self.reached.is_whole = read == first.read && !first.is_cut && supply.is_whole();
        let limit = self.job.limits.limit;
        if self.reached.is_whole && self.run.is_resumed && self.job.carries_records() && !self.job.is_preview() {
            let checkpoint = (&self.checkpoint, self.stored.no);
            let left = clear_left_behind(reconciler, checkpoint, &self.run.folder, limit.is_none(), self.io.console);
            self.reached.left_behind = left.await?;
        }
        match self.reached.is_whole || limit.is_some() {
            true => Ok(()),
            false => Err(self.changed()),
        }
    }
}
