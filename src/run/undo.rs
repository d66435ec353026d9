//! `ferry undo`: restores what a run changed.
//!
//! It is a run of its own, with the contacts that the other one wrote as its source: it has entries and intents, can be
//! killed and resumed, and what it writes has images, so that it can be undone itself.

mod end;
mod look;
mod wrote;

use crate::clock::Clock;
use crate::contact::Field;
use crate::http::Traffic;
use crate::identity::IdentityValue;
use crate::ids::{CommandKind, RunStatus, WorkId};
use crate::outcome::{Exit, Failure, Outcome, Problem};
use crate::plan::Connection;
use crate::plan::suggest::Typed;
use crate::platforms::Needs;
use crate::reconcile::entries::Entries;
use crate::reconcile::goal::Goal;
use crate::reconcile::goal::revert::Reversal;
use crate::reconcile::guards::{Guards, GuardsAsked};
use crate::reconcile::slot::Slot;
use crate::reconcile::subject::Subject;
use crate::reconcile::who::Who;
use crate::reconcile::{Earlier, Effects, End, Parts, Policy, Reconciler};
use crate::record::Origin;
use crate::report::{Console, Progress, State};
use crate::run::active::ActiveRun;
use crate::run::active::begin::{RunSpec, Start, StoredRun};
use crate::run::active::close::Ended;
use crate::run::active::folder::{account_at, account_of};
use crate::run::active::record::RunRecord;
use crate::run::active::runs::all_runs;
use crate::run::open::{NO_PASS, live, open_intents, settle_others};
use crate::run::stop::Stop;
use crate::run::target::{Target, Unreached, of_connection, remembered_rate, stops};
use crate::scratch::written::WrittenContact;
use crate::store::{AccountAddress, Checkpoint, Key, RunNo, RunRow, SourceOutcome};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use wrote::Wrote;

/// After so many contacts `run.json` is brought up to date.
const SAVE_EVERY: u64 = 256;

/// How often it says at least that this process is alive (see [`crate::run::open`]).
const ALIVE: Duration = Duration::from_secs(2);

/// A checked undo.
pub struct UndoPlan {
    /// The run that is undone.
    pub of: RunRecord,
    /// Where it wrote to.
    pub connection: Connection,
    /// The address without what may change between two processes of one run.
    pub address: String,
    /// Only this field is restored.
    pub only: Option<String>,
    /// Where a dry run says, contact by contact, what would be done.
    pub plan: Option<PathBuf>,
    /// Every contact with its outcome.
    pub results: Option<PathBuf>,
    /// How long to wait for an unavailable platform.
    pub wait: Duration,
    /// The folder of all runs and checkpoints.
    pub state: PathBuf,
    /// What was typed.
    pub typed: Typed,
}

/// What all parts need.
struct Line<'a> {
    plan: &'a UndoPlan,
    console: &'a Console,
    clock: Clock,
    stop: &'a Stop,
    checkpoint: &'a Checkpoint,
    /// The undo in it; none of a dry run.
    stored: Option<StoredRun>,
    /// The run that is undone.
    of: RunRow,
}

/// How far it came.
#[derive(Default)]
struct Worked {
    pass: u32,
    read: AtomicU64,
    settled: AtomicU64,
    is_whole: bool,
    /// What was sent to a target that did not answer.
    unreached: Traffic,
}

/// Says what an undo would do; only reads.
///
/// # Errors
/// As [`undo`].
pub async fn look(plan: &UndoPlan, console: &Console, clock: Clock, stop: &Stop) -> Result<Ended, Failure> {
    let checkpoint = Checkpoint::look(&plan.account()?)?.ok_or_else(|| plan.forgotten())?;
    let of = plan.row(&checkpoint)?;
    Line { plan, console, clock, stop, checkpoint: &checkpoint, stored: None, of }.look().await
}

/// Restores what a run changed.
///
/// # Errors
/// What stops it before a run has begun. Once it has, how it ended is told in [`Ended`].
pub async fn undo(plan: &UndoPlan, console: &Console, clock: Clock, stop: &Stop) -> Result<Ended, Failure> {
    let account = plan.account()?;
    if !account.exists() {
        return Err(plan.forgotten());
    }
    let checkpoint = Checkpoint::open(&account)?;
    let of = plan.row(&checkpoint)?;
    let spec = RunSpec {
        kind: CommandKind::Undo,
        source: &plan.of.run,
        target: &plan.connection.name,
        work: plan.work(),
        state: &plan.state,
        typed: &plan.typed,
        start: Start::Resume,
    };
    let (mut run, stored) = ActiveRun::begin_stored(&spec, (&checkpoint, account.key), console, clock)?;
    let line = Line { plan, console, clock, stop, checkpoint: &checkpoint, stored: Some(stored), of };
    if !run.is_resumed {
        line.tell_earlier()?;
    }
    let (mut worked, mut target) = (Worked::default(), None);
    let result = line.work(&mut run, &mut worked, &mut target).await;
    let result = result.map_err(|failure| of_connection(&plan.connection, failure));
    Ok(end::close(&line, target.as_ref(), run, worked, result.err()).await)
}

/// Whether a run wrote to this connection at this address.
pub fn wrote_to(of: &RunRecord, connection: &Connection, address: &str) -> bool {
    of.account.as_ref() == Some(&account_of(connection, address))
}

impl UndoPlan {
    /// The account that the run wrote to, if the connection still leads there.
    fn account(&self) -> Result<AccountAddress, Failure> {
        let account = account_at(&self.state, &self.connection, &self.address)?;
        if self.of.account.as_ref().is_some_and(|was| *was != account.key) {
            let name = &self.connection.name;
            return Err(Failure::usage(format!(
                "`{name}` leads to another address than when `{}` wrote to it",
                self.of.run
            ))
            .hint("give the connection the address back that it had, and run the same command again"));
        }
        Ok(account)
    }

    fn row(&self, checkpoint: &Checkpoint) -> Result<RunRow, Failure> {
        checkpoint.runs()?.into_iter().find(|row| row.name == self.of.run).ok_or_else(|| self.forgotten())
    }

    fn forgotten(&self) -> Failure {
        Failure::usage(format!("nothing is known any more about what `{}` wrote", self.of.run))
            .hint("its checkpoint was moved or removed; `ferry runs` lists the runs")
    }

    fn work(&self) -> WorkId {
        let parts = format!("{}\n{}\n{}", CommandKind::Undo, self.of.run, self.only.as_deref().unwrap_or_default());
        WorkId::of(&parts)
    }
}

impl Line<'_> {
    /// The number of the undo; of a dry run, which writes nothing, that of the run that it looks at.
    fn no(&self) -> RunNo {
        self.stored.map_or(self.of.no, |stored| stored.no)
    }

    /// Says that the run was undone before. It is looked at again all the same: what was left then may go back now.
    fn tell_earlier(&self) -> Result<(), Failure> {
        let runs = all_runs(&self.plan.state)?;
        let (name, work) = (&self.plan.of.run, self.plan.work());
        let undos = runs.iter().filter(|info| info.command == CommandKind::Undo && info.is_done());
        let is_undone = |run: &str| undos.clone().any(|info| info.source == run);
        // An undo that was undone itself is none.
        let earlier = undos.clone().filter(|info| info.work == work && !is_undone(&info.run));
        if let Some(undo) = earlier.map(|info| &info.run).max() {
            self.console
                .note(&format!("`{name}` was undone before, by `{undo}`: only what was left then is tried again"));
        }
        Ok(())
    }

    async fn work(
        &self,
        run: &mut ActiveRun,
        worked: &mut Worked,
        reached: &mut Option<Target>,
    ) -> Result<(), Failure> {
        self.checkpoint.end_trust(self.of.no)?;
        let target = self.reach().await.map_err(|unreached| unreached.noted(&mut worked.unreached))?;
        let target = &*reached.insert(target);
        self.checkpoint.take_turn(self.no(), run.is_resumed, CommandKind::Undo.name())?;
        worked.pass = self.checkpoint.begin_pass(self.no())?;
        let effects = live(target, self.checkpoint, (&self.plan.state, self.clock), true)?;
        let entries = Entries { checkpoint: self.checkpoint.clone(), run: self.no(), pass: worked.pass };
        let reconciler = Arc::new(self.reconciler(target, &run.folder, entries, effects).await?);
        let intents = self.settle_earlier(&reconciler).await?;
        if self.stop.is_told() {
            return Ok(());
        }
        self.close_run()?;
        let wrote = Wrote::gather(self, &run.record.run, &run.folder)?;
        let progress = self.console.progress(&format!("taking back `{}`", self.plan.of.run), Some(wrote.len()));
        let window = (8 * target.concurrency).clamp(32, 1024);
        let sent = self.send(&wrote, &reconciler, intents, run, worked, window, &progress).await;
        progress.finish();
        sent?;
        self.tell_nothing(worked.read.load(Ordering::Relaxed));
        worked.is_whole = !self.stop.is_told();
        Ok(())
    }

    /// A run that changed nothing, or not the field that was asked for, is not left to three zeros.
    fn tell_nothing(&self, read: u64) {
        let run = &self.plan.of.run;
        match (read, &self.plan.only) {
            (0, Some(only)) => self.console.note(&format!("`{run}` wrote no `{only}`, so there is nothing to undo")),
            (0, None) => self.console.note(&format!("`{run}` changed nothing, so there is nothing to undo")),
            _ => {}
        }
    }

    /// The target, once it has responded. From now on a stop also stops its HTTP client.
    async fn reach(&self) -> Result<Target, Unreached> {
        let plan = self.plan;
        let rate = remembered_rate(self.checkpoint);
        let target = Target::reach(&plan.connection, self.clock, plan.wait, rate, self.stop).await?;
        let exit = Stop::signal().unwrap_or(Exit::Interrupted);
        target.ok_or_else(|| Failure::new(exit, "stopped before the platform had answered").into())
    }

    /// A reconciler of these entries. `recorder`: nothing is written, and what would be is recorded there.
    async fn reconciler(
        &self,
        target: &Target,
        folder: &Path,
        entries: Entries,
        effects: Effects,
    ) -> Result<Reconciler, Failure> {
        let (checkpoint, connection) = (self.checkpoint, &self.plan.connection);
        let ready = target.connector.prepare(&target.http, &Needs::default()).await.map_err(stops)?;
        let fields = &connection.facts().finds_by;
        Reconciler::new(Parts {
            endpoint: Arc::new(target.endpoint(connection, ready, self.clock)?),
            entries,
            finder: target.finder(connection, checkpoint, self.clock, folder, fields, 0).await?,
            identity: vec![Field::TargetId],
            policy: Policy { settle: target.settle, ..Policy::default() },
            guards: Arc::new(Guards::new(&GuardsAsked::none(), 0, false)),
            owners: None,
            effects,
            changed: Arc::default(),
            stop: self.stop.watch(),
        })
    }

    /// Settles what earlier processes left open, of whatever run: only then it is known what the run wrote. What this
    /// undo left itself is handed back.
    async fn settle_earlier(&self, reconciler: &Reconciler) -> Result<HashMap<Key, Earlier>, Failure> {
        let open = open_intents(self.checkpoint, &self.plan.state, self.clock)?;
        let (own, others): (Vec<_>, Vec<_>) = open.into_iter().partition(|open| open.run == self.no());
        settle_others(others, self.checkpoint, reconciler, self.console).await?;
        self.checkpoint.flush().await?;
        Ok(own.into_iter().map(|open| (open.key, Earlier::Meant(open))).collect())
    }

    /// Closes the run that is undone: it cannot be resumed, because its entries no longer hold.
    fn close_run(&self) -> Result<(), Failure> {
        if self.of.status == RunStatus::Done {
            return Ok(());
        }
        self.checkpoint.finish(self.of.no, RunStatus::Done, self.of.info.clone())?;
        let mut info = self.plan.of.clone();
        if !info.is_done() {
            info.status = RunStatus::Undone;
            info.save(&self.plan.state)?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is made in one place, and used in this one")]
    async fn send(
        &self,
        wrote: &Wrote,
        reconciler: &Arc<Reconciler>,
        mut intents: HashMap<Key, Earlier>,
        run: &mut ActiveRun,
        worked: &mut Worked,
        window: usize,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let slots = Arc::new(Semaphore::new(window));
        let stopped: Arc<Mutex<Option<Failure>>> = Arc::default();
        let (settled, mut tasks) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
        let (mut next, mut end, mut saved) = (0, Ok(()), self.clock.now());
        'source: loop {
            let page = match wrote.page(next) {
                Ok(page) => page,
                Err(failure) => {
                    end = Err(failure);
                    break;
                }
            };
            let Some(last) = page.last() else { break };
            next = last.no + 1;
            for contact in page {
                if self.stop.is_told() {
                    break 'source;
                }
                let given = self.give(contact, run, worked, &mut intents, &slots).await;
                let (subject, earlier, slot) = match given {
                    Ok(Some(given)) => given,
                    Ok(None) => continue,
                    Err(failure) => {
                        end = Err(failure);
                        break 'source;
                    }
                };
                let (reconciler, stopped) = (Arc::clone(reconciler), Arc::clone(&stopped));
                let (stop, sent) = (self.stop.clone(), Arc::clone(&settled));
                tasks.spawn(async move {
                    match undo_one(&reconciler, &subject, earlier.as_ref(), slot).await {
                        Ok(()) => drop(sent.fetch_add(1, Ordering::Relaxed)),
                        Err(failure) => {
                            stopped.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
                            stop.stop();
                        }
                    }
                });
                while let Some(joined) = tasks.try_join_next() {
                    end = end.and(check_join(joined));
                }
                let done = settled.load(Ordering::Relaxed) + worked.settled.load(Ordering::Relaxed);
                progress.set(State { done, ..State::default() });
                if contact_is_due(done, saved.elapsed()) {
                    saved = self.clock.now();
                    run.record.totals.read = worked.read.load(Ordering::Relaxed);
                    run.record.totals.pending = run.record.totals.read.saturating_sub(done);
                    // Only a help: the truth is the checkpoint.
                    let _ = run.save();
                }
            }
        }
        // Contacts in flight are finished, whatever stopped the others.
        let mut alive = tokio::time::interval(ALIVE);
        loop {
            tokio::select! {
                joined = tasks.join_next() => match joined {
                    Some(joined) => end = end.and(check_join(joined)),
                    None => break,
                },
                _ = alive.tick() => drop(run.save()),
            }
            let done = settled.load(Ordering::Relaxed) + worked.settled.load(Ordering::Relaxed);
            progress.set(State { done, ..State::default() });
        }
        let failure = stopped.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(end, Err)
    }

    /// The person of a contact, unless there is nothing to be done for it.
    async fn give(
        &self,
        contact: WrittenContact,
        run: &ActiveRun,
        worked: &Worked,
        intents: &mut HashMap<Key, Earlier>,
        slots: &Arc<Semaphore>,
    ) -> Result<Option<(Subject, Option<Earlier>, Slot)>, Failure> {
        let origin = Origin { ordinal: contact.no, line: contact.line };
        let only = self.plan.only.as_deref();
        if only.is_some_and(|only| !contact.written.iter().any(|value| value.is_of(only))) {
            return Ok(None);
        }
        worked.read.fetch_add(1, Ordering::Relaxed);
        let Some(reversal) = Reversal::of(contact, only) else {
            worked.settled.fetch_add(1, Ordering::Relaxed);
            let (outcome, problems) = (Outcome::Unknown, vec![unknown()]);
            let pure = SourceOutcome { origin, outcome, duplicate_of: None, problems };
            self.checkpoint.note(self.no(), worked.pass, pure).await?;
            return Ok(None);
        };
        let subject = subject_of(reversal, origin);
        let mut earlier = intents.remove(&subject.who.key);
        if run.is_resumed
            && earlier.is_none()
            && let Some(entry) = self.checkpoint.entry(self.no(), &subject.who.key)?
        {
            if entry.outcome != Outcome::Unknown && entry.pass != NO_PASS {
                worked.settled.fetch_add(1, Ordering::Relaxed);
                self.checkpoint.carry_over(self.no(), subject.who.key, worked.pass, origin).await?;
                return Ok(None);
            }
            earlier = Some(Earlier::Did(entry.outcome));
        }
        let mut slot = Slot::none(Arc::clone(slots));
        slot.retake().await;
        Ok(Some((subject, earlier, slot)))
    }
}

fn contact_is_due(done: u64, since: Duration) -> bool {
    since >= ALIVE || (done > 0 && done.is_multiple_of(SAVE_EVERY))
}

/// The contact as one to be reconciled: it is known by its id alone.
fn subject_of(reversal: Reversal, origin: Origin) -> Subject {
    let identities = vec![IdentityValue { field: Field::TargetId, value: reversal.id.clone() }];
    let key = Key::of(&identities, b"undo");
    let who = Who { key, origin, identities, shared: Vec::new(), not_carried: Vec::new() };
    Subject { who, goal: Goal::Revert(Box::new(reversal)) }
}

async fn undo_one(
    reconciler: &Reconciler,
    subject: &Subject,
    earlier: Option<&Earlier>,
    mut slot: Slot,
) -> Result<(), Failure> {
    match reconciler.reconcile(subject, earlier, &mut slot).await? {
        End::Pending => Ok(()),
        End::Settled(settled) => reconciler.settle(&subject.who.key, settled).await,
    }
}

fn check_join(joined: Result<(), tokio::task::JoinError>) -> Result<(), Failure> {
    joined.map_err(|error| Failure::failed("a task of the run died: a fault of Ferry").cause(error))
}

fn unknown() -> Problem {
    Problem::new("target.unknown", "this contact may have been made or not, and could not be found out about")
        .hint("the same command finds it out when the platform is well again")
}
