//! `ferry import`: from a file into a platform.
//!
//! The source is read twice. The first pass finds every problem of the source and its duplicates; the second sends. In
//! between, what earlier processes left open is settled.

use crate::clock::Clock;
use crate::files::{Format, Layout};
use crate::outcome::{Exit, Failure};
use crate::platforms::Needs;
use crate::reconcile::dropped::MEMORY;
use crate::reconcile::entries::Entries;
use crate::reconcile::guards::Guards;
use crate::reconcile::{Effects, Policy, Reconciler, reconciler};
use crate::record::Header;
use crate::report::Console;
use crate::report::words::{count, time};
use crate::run::active::ActiveRun;
use crate::run::active::begin::{RunSpec, Start, StoredRun};
use crate::run::active::close::Ended;
use crate::run::active::folder::account_at;
use crate::run::active::folder::run_folder;
use crate::run::active::runs::run_named;
use crate::run::attributes;
use crate::run::bind::{check_regions, mapper, mapper_of_plan};
use crate::run::correct::{corrected, taken_of};
use crate::run::ending::Reached;
use crate::run::evidence::{self, EvidenceAsked};
use crate::run::guards::{count_done, guard_first};
use crate::run::left_behind::clear_left_behind;
use crate::run::left_blank::LeftBlankList;
use crate::run::open::{live, open_intents, settle_others};
use crate::run::parts::{Parts, feed};
use crate::run::pass::first::{First, enough_records, first_pass, kept, last, show};
use crate::run::pass::second::{Counters, Second};
use crate::run::plan::ImportPlan;
use crate::run::preview::Stage;
use crate::run::rejects::RejectsFiles;
use crate::run::source::supply::{Supply, supply_of};
use crate::run::stop::Stop;
use crate::run::target::{Target, of_connection, remembered_rate, stops};
use crate::run::verify::Verifying;
use crate::scratch::owners::Owners;
use crate::scratch::people::People;
use crate::scratch::received::Received;
use crate::store::AccountKey;
use crate::store::{Checkpoint, Key, OpenIntent};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// Carries the contacts of a file into a platform.
///
/// # Errors
/// What stops it before a run has run. Once it has, how it ended is told in [`Ended`].
pub async fn import(plan: &ImportPlan, console: &Console, clock: Clock, stop: &Stop) -> Result<Ended, Failure> {
    let (header, layout, are_rejects) = match &plan.from {
        None => {
            let opened = Supply::File(&plan.source).open()?;
            opened.notes.iter().for_each(|note| console.note(note));
            (opened.header, opened.layout, opened.are_rejects)
        }
        Some(_) => (Header::Contact, Layout::plain(Format::Jsonl), false),
    };
    let mapper = Arc::new(match &plan.apply {
        Some(head) => {
            plan.check_account(head)?;
            mapper_of_plan(plan, head)?
        }
        None => mapper(plan, &header, are_rejects, console)?,
    });
    let account = account_at(&plan.state, &plan.connection, &plan.address)?;
    let verifying = plan.verify.as_ref().map(|verify| Verifying::open(&plan.state, &account, verify)).transpose()?;
    let verifying = verifying.map(Arc::new);
    let stage = match &plan.dry {
        Some(dry) => Some(Stage::new(&plan.state, Checkpoint::look(&account)?.as_ref(), dry)?),
        None => None,
    };
    let key = account.key.clone();
    let checkpoint = Checkpoint::open(&stage.as_ref().map_or(account, Stage::checkpoint))?;
    if let Some(of) = &plan.correct {
        corrected(of, &checkpoint, &plan.connection.name)?;
    }
    let (mut run, stored) = begin(plan, (&checkpoint, key), console, clock)?;
    let mut reached = Reached::default();
    let stage_of = stage.as_ref();
    let parts =
        Parts { plan, console, clock, stop, checkpoint: &checkpoint, stored, stage: stage_of, mapper, verifying };
    let mut answered = None;
    let read = match parts.read(&run, &mut answered, &mut reached).await {
        Err(failure) if failure.exit == Exit::Usage => return Err(run.abandon(Some((&checkpoint, stored)), failure)),
        read => read,
    };
    let of_target = |failure| of_connection(&plan.connection, failure);
    let at_least = plan.work.at_least.filter(|_| plan.verify.is_none());
    let read = read.map_err(of_target).and_then(|read| match &read {
        Some((_, (first, _))) => enough_records(first, at_least, &plan.source.shown).map(|()| read),
        None => Ok(None),
    });
    let result = async {
        let Some((supply, (first, people))) = read? else { return Ok(()) };
        let sent = async {
            let guards = Arc::new(Guards::new(&plan.work.guards, first.records(), parts.stage.is_some()));
            reached.guards = Some(Arc::clone(&guards));
            guard_first(&guards, &first)?;
            if answered.is_none() {
                let rate = remembered_rate(&checkpoint);
                let target = Target::reach(&plan.connection, clock, plan.wait, rate, stop).await;
                answered = target.map_err(|unreached| unreached.noted(&mut reached.traffic))?;
            }
            let Some(target) = &answered else { return Ok(()) };
            parts.work(target, &supply, (layout, header), (first, people, guards), &mut run, &mut reached).await
        };
        sent.await.map_err(of_target)
    }
    .await
    .map_err(|failure| if answered.is_none() { nothing_sent(failure) } else { failure });
    if let Err(failure) = &result
        && failure.exit == Exit::Usage
        && reached.read == 0
    {
        return Err(run.abandon(Some((&checkpoint, stored)), failure.clone()));
    }
    Ok(parts.close(answered.as_ref(), run, reached, result.err()).await)
}

/// Begins the run, resumes the unfinished one of the same work, or begins a preview.
fn begin(
    plan: &ImportPlan,
    (checkpoint, account): (&Checkpoint, AccountKey),
    console: &Console,
    clock: Clock,
) -> Result<(ActiveRun, StoredRun), Failure> {
    let work = plan.work_id();
    let work = match &plan.verify {
        None => work,
        Some(verify) if verify.run.work != work && !verify.anyway => {
            return Err(verify.changed("the mapping or the connection is not what it was"));
        }
        Some(verify) => verify.repair_of(),
    };
    let is_fresh = plan.work.fresh || plan.verify.is_some() && plan.dry.is_some();
    let spec = RunSpec {
        kind: plan.command(),
        source: &plan.source.shown,
        target: &plan.connection.name,
        work,
        state: &plan.state,
        typed: &plan.typed,
        start: if is_fresh { Start::Fresh } else { Start::Resume },
    };
    if plan.dry.is_some() {
        return ActiveRun::begin_preview(&spec, checkpoint, console, clock);
    }
    let others = checkpoint.other_unfinished(spec.work.as_str())?;
    let begun = ActiveRun::begin_stored(&spec, (checkpoint, account), console, clock)?;
    for other in others.iter().filter(|_| !begun.0.is_resumed) {
        let left = run_named(&plan.state, &other.name).map_or(0, |record| record.totals.settled());
        let left = count(left, "record", "records");
        console.note(&format!(
            "another run to `{}` was left unfinished at {left}: `{}`; what had arrived is found as it is",
            plan.connection.name, other.name
        ));
    }
    Ok(begun)
}

/// A platform that refuses the first request: the run is unfinished, and everything is as it was.
fn nothing_sent(failure: Failure) -> Failure {
    match (failure.exit, &failure.hint) {
        (Exit::Refused, Some(hint)) => {
            let hint = format!("{hint}; nothing was sent");
            failure.hint(hint)
        }
        _ => failure,
    }
}

impl<'a> Parts<'a> {
    /// What comes before anything is written: all that the source is, and the first pass over it. None: it was told to
    /// stop. A source platform is read only when the target has answered.
    async fn read(
        &self,
        run: &ActiveRun,
        answered: &mut Option<Target>,
        reached: &mut Reached,
    ) -> Result<Option<(Supply<'a>, (First, People))>, Failure> {
        let Parts { plan, console, clock, stop, checkpoint, .. } = *self;
        let supply = match &plan.from {
            None => Supply::File(&plan.source),
            Some(from) => {
                let rate = remembered_rate(checkpoint);
                let target = Target::reach(&plan.connection, clock, plan.wait, rate, stop).await;
                *answered = target.map_err(|unreached| unreached.noted(&mut reached.traffic))?;
                if answered.is_none() {
                    return Ok(None);
                }
                let since = clock.now();
                let supply = supply_of(from, plan, &run.folder, console, clock, stop).await;
                let Some(supply) = supply.map_err(|unreached| unreached.noted(&mut reached.traffic))? else {
                    return Ok(None);
                };
                (reached.traffic, reached.completeness) = (supply.traffic(), supply.completeness());
                reached.source_time = since.elapsed();
                if let Some(verify) = &plan.verify {
                    verify.tell_source(&from.connection.name, &run.folder, console);
                }
                supply
            }
        };
        self.fix_evidence(run, &supply)?;
        let first = self.first(run, &supply).await?;
        reached.counted = first.as_ref().map_or(0, |(first, _)| first.read);
        Ok(first.map(|first| (supply, first)))
    }

    /// What the columns say about the countries of phones, as it was when the run started.
    fn fix_evidence(&self, run: &ActiveRun, supply: &Supply<'_>) -> Result<(), Failure> {
        let plan = self.plan;
        let verified = plan.verify.iter().map(|verify| verify.folder.clone());
        let corrected = plan.correct.iter().map(|of| run_folder(&plan.state, &of.run));
        let asked = EvidenceAsked {
            folder: &run.folder,
            earlier: std::iter::once(run.earlier.clone()).chain(verified).chain(corrected).collect(),
            state: &plan.state,
            file: plan.from.is_none().then_some(&plan.source),
        };
        evidence::fix(&self.mapper.bound, &asked, self.console, || Ok(supply.open()?.source))
    }

    /// What comes after the first pass.
    async fn work(
        &self,
        target: &Target,
        supply: &Supply<'_>,
        (layout, header): (Layout, Header),
        (mut first, mut people, guards): (First, People, Arc<Guards>),
        run: &mut ActiveRun,
        reached: &mut Reached,
    ) -> Result<(), Failure> {
        let asked = self.plan.work.rejects.as_deref();
        let files = RejectsFiles::of(&self.plan.state, &run.record, asked, (&layout, &header));
        run.record.rejects_file = Some(files.shown().to_owned());
        reached.pass = self.checkpoint.begin_pass(self.stored.no)?;
        let received = self.received(run)?;
        let rejects = Arc::new(Mutex::new(files.writer(&layout, &header)));
        let reconciler = self.reconciler(target, run, reached.pass, &first, received.as_deref(), guards).await?;
        let intents = self.settle_earlier(&reconciler, run, &mut first).await?;
        if run.is_resumed {
            count_done(reconciler.guards(), self.checkpoint, self.stored.no, &intents)?;
        }
        let correction = match &self.plan.correct {
            Some(of) => {
                let row = corrected(of, self.checkpoint, &self.plan.connection.name)?;
                let (state, source) = (&self.plan.state, &self.plan.source.path);
                Some(taken_of(of, &row, self.checkpoint, state, &run.folder, source)?)
            }
            None => None,
        };
        let reconciler = Arc::new(reconciler);
        if !self.stop.is_told() {
            let people_and = (people, received.clone(), correction.clone());
            match self.rehearse(&reconciler, supply, people_and, run, &first).await {
                Ok(again) => people = again,
                Err(failure) => {
                    // The pass has sent nothing: the totals are those of the last one.
                    reached.pass = 0;
                    return Err(failure);
                }
            }
        }
        let mut opened = supply.open()?;
        opened.source = files.watch(opened.source);
        self.prove_unchanged(supply, &first)?;
        let guards = Arc::clone(reconciler.guards());
        let counters = Arc::new(Counters::default());
        let list = || Arc::new(Mutex::new(LeftBlankList::new(&run.folder)));
        let left_blank = self.verifying.is_none().then(list);
        let second = Second {
            reconciler: Arc::clone(&reconciler),
            mapper: Arc::clone(&self.mapper),
            checkpoint: self.checkpoint.clone(),
            run: self.stored.no,
            pass: reached.pass,
            has_entries: run.is_resumed,
            holds_from: first.before_pass,
            intents,
            received,
            people,
            duplicates: self.plan.duplicates(),
            rejects: Arc::clone(&rejects),
            left_blank: left_blank.clone(),
            counters: Arc::clone(&counters),
            verifying: self.verifying.clone(),
            correction,
            window: (8 * target.concurrency).clamp(32, 1024),
            stop: self.stop.clone(),
        };
        let items = feed(opened, &self.mapper, self.plan.work.limit);
        let sent = self.watch(second.run(items), target, &counters, &first, run).await;
        reached.read = counters.read.load(Ordering::Relaxed);
        // Every task that wrote rejects has ended with the pass.
        if let Some(rejects) = Arc::into_inner(rejects) {
            let rejects = rejects.into_inner().unwrap_or_else(PoisonError::into_inner);
            reached.rejects = files.finish(rejects, self.console)?;
            files.copy(reached.rejects, self.console)?;
        }
        if let Some(list) = left_blank.and_then(Arc::into_inner) {
            reached.left_blank = list.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?;
        }
        reached.over = guards.report(|_| self.stage.is_some());
        sent?;
        if self.stop.is_told() {
            return Ok(());
        }
        self.prove_unchanged(supply, &first)?;
        reached.is_whole = reached.read == first.read && !first.is_cut && supply.is_whole();
        if reached.is_whole && run.is_resumed && self.is_to_clear() {
            let how = (&*run.folder, self.plan.work.limit.is_none());
            let left = clear_left_behind(&reconciler, self.checkpoint, self.stored.no, how, self.console).await;
            reached.left_behind = left?;
        }
        match reached.is_whole || self.plan.work.limit.is_some() {
            true => Ok(()),
            false => Err(self.changed()),
        }
    }

    /// Takes the turn of this process; what was received in earlier runs, where that is passed over.
    fn received(&self, run: &ActiveRun) -> Result<Option<Arc<Received>>, Failure> {
        // A correction leaves values that another party has changed, so the contact may differ from the mapping.
        let way = if self.plan.correct.is_some() { " correct" } else { "" };
        let how = format!("{} {:?}{way}", self.plan.source.mapping_identity(), self.plan.on_existing);
        let how = blake3::hash(how.as_bytes()).to_hex();
        self.checkpoint.take_turn(self.stored.no, run.is_resumed, &how)?;
        let received = || Received::of(self.checkpoint, &how, &run.folder).map(Arc::new);
        self.plan.work.only_changed.then(received).transpose()
    }

    /// Whether it is to be seen which partially created contacts have no record any more.
    fn is_to_clear(&self) -> bool {
        self.stage.is_none() && self.verifying.is_none()
    }

    /// Both passes are to read the same: who is the same person is known by where their records stand.
    fn prove_unchanged(&self, supply: &Supply<'_>, first: &First) -> Result<(), Failure> {
        let is_same = first.stamp.is_none() || supply.stamp() == first.stamp;
        if is_same { Ok(()) } else { Err(self.changed()) }
    }

    fn changed(&self) -> Failure {
        Failure::failed(format!("`{}` changed while it was read", self.plan.source.shown))
            .hint("run the same command again: it resumes with the changed file")
    }

    /// What of the plan decides, beside the mapping, how the source is read.
    fn read_as(&self) -> String {
        let source = &self.plan.source;
        format!("{:?} {:?} {:?}", source.options, source.region, self.plan.connection_region)
    }

    /// The first pass, or what is left of an earlier one; none when the run was told to stop.
    async fn first(&self, run: &ActiveRun, supply: &Supply<'_>) -> Result<Option<(First, People)>, Failure> {
        let (opened, stamp) = (supply.open()?, supply.stamp());
        let read_as = self.read_as();
        if let (Some(verify), None) = (&self.plan.verify, &self.plan.from)
            && !verify.anyway
            && !verify.is_of(stamp, &read_as, &self.plan.source.path)
        {
            return Err(verify.changed(&format!("`{}` is not what it was", self.plan.source.shown)));
        }
        if let Some(first) = kept(&run.folder, stamp, &read_as) {
            return Ok(Some(first));
        }
        let first = match last(&run.earlier) {
            // A dry run of what another run has run: it reads for itself, and as that run would.
            Some(last) if self.stage.is_some() && last.is_of(stamp, &read_as) => last.emptied(),
            last => First {
                stamp,
                read_as,
                since_pass: self.stored.next_pass,
                before_pass: last.map_or(0, |last| last.since_pass),
                is_clean: !run.is_resumed,
                ..First::default()
            },
        };
        let progress = self.console.progress(&format!("reading {}", self.plan.source.shown), None);
        let (source, mapper, folder) = (opened.source, Arc::clone(&self.mapper), run.folder.clone());
        let found = opened.found;
        let stop = self.stop.clone();
        let (result, progress) = tokio::task::spawn_blocking(move || {
            let result = first_pass(source, mapper, &folder, first, &stop, &|first| show(&progress, first));
            (result, progress)
        })
        .await
        .map_err(|error| Failure::failed("the first pass died: a fault of Ferry").cause(error))?;
        progress.finish();
        found.notes(&self.plan.source.shown).iter().for_each(|note| self.console.note(note));
        let first = result?;
        if let Some((first, _)) = &first
            && let Err(failure) = self.check_first()
        {
            // It is to be looked at again next time, not taken for good.
            First { stamp: None, ..first.clone() }.save(&run.folder)?;
            return Err(failure);
        }
        Ok(first)
    }

    fn check_first(&self) -> Result<(), Failure> {
        if let Some(mistakes) = self.mapper.bound.unmet_names() {
            return Err(Failure::from(mistakes));
        }
        check_regions(&self.mapper.bound, &self.plan.source.shown)
    }

    async fn reconciler(
        &self,
        target: &Target,
        run: &ActiveRun,
        pass: u32,
        first: &First,
        received: Option<&Received>,
        guards: Arc<Guards>,
    ) -> Result<Reconciler, Failure> {
        let (checkpoint, connection) = (self.checkpoint, &self.plan.connection);
        let writes = self.mapper.bound.writes();
        let attributes = match connection.facts().defines_attributes {
            true => first.attributes.iter().cloned().collect(),
            false => writes.attributes.clone(),
        };
        let needs = Needs { owners: writes.owners, attributes, tags: writes.tags_static.clone() };
        let mut ready = target.connector.prepare(&target.http, &needs).await.map_err(stops)?;
        let (connector, http) = (&*target.connector, &*target.http);
        let create = self.plan.create_attributes;
        let settle = target.settle;
        ready.attributes = match self.stage {
            Some(_) if create => attributes::imagine(connector, http, &needs.attributes).await?,
            _ => attributes::ensure(connector, http, checkpoint, self.clock, settle, &needs.attributes, create).await?,
        };
        // Most contacts that were received are in the source again; the others are looked up.
        let people = first.people().saturating_sub(received.map_or(0, Received::len));
        let identity = self.mapper.finds_by.clone();
        let finder = target.finder(connection, checkpoint, self.clock, &run.folder, &identity, people).await?;
        if self.plan.work.fresh {
            for (name, _) in checkpoint.recall_all(MEMORY)? {
                checkpoint.forget(&name)?;
            }
        }
        let only_looks = self.plan.verify.is_some() && self.stage.is_some();
        let (on_existing, only_existing) = (self.plan.on_existing, self.plan.only_existing && !only_looks);
        let effects = match self.stage {
            Some(stage) => Effects::Preview(Arc::clone(&stage.recorder)),
            None => live(target, checkpoint, (&self.plan.state, self.clock), checkpoint.has_links())?,
        };
        Reconciler::new(reconciler::Parts {
            endpoint: Arc::new(target.endpoint(connection, ready, self.clock)?),
            entries: Entries { checkpoint: checkpoint.clone(), run: self.stored.no, pass },
            finder,
            identity,
            policy: Policy { on_existing, only_existing, settle: target.settle },
            guards,
            owners: Some(Arc::new(Owners::create(&run.folder)?)),
            effects,
            changed: Arc::clone(&run.metrics.changed),
            stop: self.stop.watch(),
        })
    }

    /// Settles what earlier processes left open, of whatever run. What this run left for the source as it is now is
    /// handed back instead, to be settled when its record comes by.
    async fn settle_earlier(
        &self,
        reconciler: &Reconciler,
        run: &ActiveRun,
        first: &mut First,
    ) -> Result<HashMap<Key, OpenIntent>, Failure> {
        let open = || open_intents(self.checkpoint, &self.plan.state, self.clock);
        let is_own = |open: &OpenIntent| open.run == self.stored.no;
        let others: Vec<OpenIntent> = open()?.into_iter().filter(|open| !(first.is_clean && is_own(open))).collect();
        let has_own = others.iter().any(is_own);
        settle_others(others, self.checkpoint, reconciler, self.console).await?;
        if has_own {
            self.checkpoint.index_entries(self.stored.no)?;
        }
        if self.stop.is_told() {
            return Ok(HashMap::new());
        }
        if !first.is_clean {
            first.is_clean = true;
            first.save(&run.folder)?;
        }
        let own: HashMap<Key, OpenIntent> = open()?.into_iter().filter(is_own).map(|open| (open.key, open)).collect();
        if !own.is_empty() {
            let (requests, settle) = (count(own.len() as u64, "request", "requests"), time(reconciler.policy().settle));
            self.console.note(&format!(
                "checking the outcome of {requests} of this run: a contact that is not found {settle} after its request is \
                 sent again"
            ));
        }
        Ok(own)
    }
}
