//! What the source alone shows: an account is read to disk, the evidence about phones is fixed, and the first pass counts.

use super::parts::{ReadRecords, Shown, Transfer};
use crate::ids::SourceStamp;
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::run::evidence::{self, EvidenceAsked};
use crate::run::item::Mapper;
use crate::run::pass::first::{First, FirstAsked, first_pass, kept, last, read_as, show};
use crate::run::plan::FromPlatform;
use crate::run::regions::check_regions;
use crate::run::source::supply::{AccountAsked, Supply, supply_of};
use crate::run::source::{Records, Source};
use crate::scratch::people::People;
use std::sync::Arc;

impl<'a> Transfer<'a> {
    /// What the source alone shows; none: the run was stopped. An account is read only when the target has answered.
    ///
    /// # Errors
    /// Everything that is wrong with the source; what stopped the reading of an account.
    pub async fn read(&mut self) -> Result<Option<Shown<'a>>, Failure> {
        let Source::Records(Records { plan, from, ref mapper, .. }) = self.job.source else {
            // What a run wrote is known when the requests that are in doubt are settled.
            return Ok(Some(Shown { records: None, first: First { is_clean: true, ..First::default() } }));
        };
        let mapper = Arc::clone(mapper);
        let supply = match from {
            None => Supply::File(plan),
            Some(from) => match self.read_account(from).await? {
                Some(supply) => supply,
                None => return Ok(None),
            },
        };
        self.fix_evidence((plan, from), &mapper, &supply)?;
        let first = self.first(plan, &mapper, &supply).await?;
        self.reached.counted = first.as_ref().map_or(0, |(first, _)| first.read);
        Ok(first.map(|(first, people)| Shown { records: Some(ReadRecords { supply, people }), first }))
    }

    async fn read_account(&mut self, from: &FromPlatform) -> Result<Option<Supply<'a>>, Failure> {
        if self.reach().await?.is_none() {
            return Ok(None);
        }
        let since = self.io.clock.now();
        let asked = AccountAsked {
            from,
            state: self.job.state,
            folder: &self.run.folder,
            limit: self.job.limits.limit,
            wait: self.job.to.wait,
        };
        let supply = supply_of(&asked, self.io.console, self.io.clock, self.io.stop).await;
        let Some(supply) = supply.map_err(|unreached| unreached.noted(&mut self.reached.traffic))? else {
            return Ok(None);
        };
        (self.reached.traffic, self.reached.completeness) = (supply.traffic(), supply.completeness());
        self.reached.source_time = since.elapsed();
        if let Some(verified) = &self.job.aim.confirms {
            verified.note_source(&from.connection.name, &self.run.folder, self.io.console);
        }
        Ok(Some(supply))
    }

    /// What the columns say about the countries of phones, as it was when the run started.
    fn fix_evidence(
        &self,
        (plan, from): (&SourcePlan, Option<&FromPlatform>),
        mapper: &Mapper,
        supply: &Supply<'_>,
    ) -> Result<(), Failure> {
        let asked = EvidenceAsked {
            folder: &self.run.folder,
            earlier: std::iter::once(&self.run.earlier).chain(&self.job.evidence).cloned().collect(),
            state: self.job.state,
            file: from.is_none().then_some(plan),
        };
        evidence::fix(&mapper.bound, &asked, self.io.console, || Ok(supply.open()?.source))
    }

    /// What is known about the first pass before it is done.
    fn unread(&self, stamp: Option<SourceStamp>, read_as: String) -> First {
        match last(&self.run.earlier) {
            // A preview of what another run has run: it reads for itself, and as that run would.
            Some(last) if self.job.is_preview() && last.is_of(stamp, &read_as) => last.emptied(),
            last => First {
                stamp,
                read_as,
                since_pass: self.stored.next_pass,
                before_pass: last.map_or(0, |last| last.since_pass),
                is_clean: !self.run.is_resumed,
                ..First::default()
            },
        }
    }

    /// The first pass, or what is left of an earlier one; none when the run was stopped.
    async fn first(
        &self,
        plan: &SourcePlan,
        mapper: &Arc<Mapper>,
        supply: &Supply<'_>,
    ) -> Result<Option<(First, People)>, Failure> {
        let (opened, stamp) = (supply.open()?, supply.stamp());
        let read_as = read_as(plan, self.job.to.region);
        if let Some(first) = kept(&self.run.folder, stamp, &read_as) {
            return Ok(Some(first));
        }
        let first = self.unread(stamp, read_as);
        let progress = self.io.console.progress(&format!("reading {}", plan.shown), None);
        let asked =
            FirstAsked { mapper: Arc::clone(mapper), folder: self.run.folder.clone(), stop: self.io.stop.clone() };
        let (source, found) = (opened.source, opened.found);
        let (result, progress) = tokio::task::spawn_blocking(move || {
            let result = first_pass(source, &asked, first, &|first| show(&progress, first));
            (result, progress)
        })
        .await
        .map_err(|error| Failure::failed("the first pass ended unexpectedly: this is a bug in Ferry").cause(error))?;
        progress.finish();
        found.notes(&plan.shown).iter().for_each(|note| self.io.console.note(note));
        let first = result?;
        if let Some((first, _)) = &first
            && let Err(failure) = check_first(mapper, plan)
        {
            // The next process reads the source again.
            First { stamp: None, ..first.clone() }.save(&self.run.folder)?;
            return Err(failure);
        }
        Ok(first)
    }
}

fn check_first(mapper: &Mapper, plan: &SourcePlan) -> Result<(), Failure> {
    if let Some(mistakes) = mapper.bound.unmet_names() {
        return Err(Failure::from(mistakes));
    }
    if plan.is_part { Ok(()) } else { check_regions(&mapper.bound, &plan.shown) }
}
