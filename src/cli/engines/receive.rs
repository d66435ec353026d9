//! A stream that is received: each portion of it is imported like a file, and its states are handed back when all records
//! before them have arrived or are among the rejects.

use super::{folder_of, name_of, show};
use crate::cli::args::{self, OnExisting};
use crate::cli::context::{Context, stopped};
use crate::cli::import::{self, Prepared, carry_until, guarded, written_so};
use crate::clock::Clock;
use crate::contact::Field;
use crate::engines::{Inbox, InboxAsked, Next, Portion, Protocol, Streams};
use crate::files::Format;
use crate::ids::CommandKind;
use crate::mapping::names::{Known, known_column};
use crate::mapping::{ByNames, Mapping};
use crate::outcome::{Exit, Failure};
use crate::plan::work::{Effect, Transfer, TransferSource};
use crate::plan::{self, Mistakes, SourceAsked, SourcePlan, TargetAsked, WorkAsked};
use crate::platforms::PlatformFacts;
use crate::reconcile::guards::{Allowed, GuardsAsked};
use crate::report::words::{count, shell};
use crate::report::{Console, Counts, Look, Summary};
use crate::run::active::close::Ended;
use crate::run::plan::{Transfer as Contacts, Work};
use crate::run::stop::Stop;
use crate::run::unmapped::{by_names, suggested};
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// More names than this are not counted apart.
const NAMES_MAX: usize = 1_000;

/// The usual name of the state folder.
const STATE_NAME: &str = ".ferry";

/// More files of rejects than this are not named.
const FILES_SHOWN_MAX: usize = 8;

/// In fewer records, phones without a country are a few invalid ones, and no missing `region`.
const RECORDS_WITH_REGION: u64 = 100;

/// What is received.
pub(crate) struct Receiving {
    pub target: args::EngineTarget,
    pub protocol: Arc<dyn Protocol>,
    /// The streams that are announced already, with the properties that identify a record.
    pub announced: Vec<(String, Vec<String>)>,
}

/// Receives the stream on standard input to its end.
///
/// # Errors
/// What stopped it. The states that were handed back hold.
pub(crate) fn receive(receiving: &Receiving, context: &Context) -> Result<Exit, Failure> {
    let to = receiving.target.to.as_deref().ok_or_else(|| {
        Failure::usage("no connection is named").hint("name it with `--to`, or as `connection` in the settings")
    })?;
    check(receiving, to, context)?;
    context.make_state(false)?;
    let folder = folder_of(&context.state)?;
    let name = format!("to-{}", name_of(&[receiving.protocol.name(), to]));
    context.block_on(|clock, stop| async move {
        let asked = InboxAsked {
            protocol: Arc::clone(&receiving.protocol),
            streams: Streams::new(receiving.target.stream.clone()),
            folder: &folder,
            name: &name,
            console: &context.console,
        };
        let inbox = Inbox::begin(asked, receiving.announced.clone(), std::io::stdin())?;
        let mut received = Received { receiving, to, context, sums: Sums::default(), decided: None };
        let ended = received.all(&inbox, clock, &stop).await;
        received.show();
        ended.map(|()| inbox.remove())
    })?;
    Ok(Exit::Done)
}

/// Whether all that does not depend on the records is right.
fn check(receiving: &Receiving, to: &str, context: &Context) -> Result<(), Failure> {
    let mut mistakes = Mistakes::default();
    let asked = target_asked(&receiving.target, to);
    mistakes.take(context.configuration().and_then(|config| import::connection(&config, &asked)));
    let map = receiving.target.map.as_deref();
    map.and_then(|map| mistakes.take(plan::load_mapping(map)));
    let region = receiving.target.phones.region.as_deref();
    region.and_then(|region| mistakes.take(plan::region_choice(region)));
    mistakes.end(Some(()))
}

fn target_asked(typed: &args::EngineTarget, to: &str) -> TargetAsked {
    let asked = TargetAsked { to: to.to_owned(), sandbox: typed.sandbox, ..TargetAsked::default() };
    written_so(asked, &typed.writing, &typed.pace)
}

/// What has been received so far.
struct Received<'a> {
    receiving: &'a Receiving,
    to: &'a str,
    context: &'a Context,
    sums: Sums,
    /// Without a mapping, what was decided about the names in the first portion, for records that are identified so.
    decided: Option<(Vec<String>, Mapping)>,
}

impl Received<'_> {
    async fn all(&mut self, inbox: &Inbox, clock: Clock, stop: &Stop) -> Result<(), Failure> {
        loop {
            match inbox.next(stop).await? {
                Next::End => return Ok(()),
                Next::Stopped => return Err(stopped()),
                Next::Portion(portion) => {
                    if portion.records > 0 {
                        let begun = clock.now();
                        self.import(&portion, clock, stop).await?;
                        inbox.adapt(portion.records, begun.elapsed());
                    }
                    self.hand_back(&portion)?;
                }
            }
        }
    }

    /// Imports a portion.
    ///
    /// # Errors
    /// What stopped it; exit 4 when the outcome of a record is unknown.
    async fn import(&mut self, portion: &Portion, clock: Clock, stop: &Stop) -> Result<(), Failure> {
        let mut own = self.context.in_state(self.context.state.clone());
        if self.sums.portions > 0 {
            // What there is to say about names and columns was said for the first one; a failure shows it again.
            own.console = Console::new(Look { quiet: true, ..self.context.console.look() });
            own.knows_notes = true;
        }
        let ended = match self.prepared(portion, &own) {
            Ok(prepared) => carry_until(&own, prepared, clock, stop).await,
            Err(failure) => Err(failure),
        };
        let exit = ended.as_ref().map_or_else(|failure| failure.exit, |ended| ended.exit);
        let has_arrived = matches!(exit, Exit::Done | Exit::Rejects);
        if self.sums.portions > 0 {
            own.console.finish(if has_arrived { Exit::Done } else { exit });
        }
        let ended = ended?;
        self.sums.add(&ended.summary);
        if has_arrived { Ok(()) } else { Err(why(ended)) }
    }

    fn prepared(&mut self, portion: &Portion, context: &Context) -> Result<Prepared, Failure> {
        let typed = &self.receiving.target;
        let protocol = self.receiving.protocol.name().to_lowercase();
        let source = SourceAsked {
            file: portion.file.clone(),
            shown: Some(format!("{protocol}:{}", portion.stream)),
            map: typed.map.clone(),
            format: Some(Format::Jsonl),
            encoding: Some("utf-8".to_owned()),
            region: typed.phones.region.clone(),
            ..SourceAsked::default()
        };
        let limits = guarded(WorkAsked { rejects: typed.rejects.clone(), ..WorkAsked::default() }, &typed.guards);
        let limits = WorkAsked { guards: self.sums.left_of(limits.guards), ..limits };
        let target = target_asked(typed, self.to);
        let transfer = Transfer { source: TransferSource::Import(source), target, limits };
        let mut prepared = import::prepare(&transfer, &Effect::Write, context)?;
        let (connection, region) = &prepared.connection;
        let Work::Transfer(Contacts::Import(source), _) = &mut prepared.work else { return Ok(prepared) };
        source.is_part = self.sums.portions > 0 || portion.records < RECORDS_WITH_REGION;
        if source.mapping.is_none() {
            let facts = connection.facts();
            let decided = match self.decided.take().filter(|(key, _)| *key == portion.key) {
                Some((_, mapping)) => mapping,
                None => decide(source, (facts, *region), &portion.key, &context.console)?,
            };
            source.decided = Some(decided.clone());
            self.decided = Some((portion.key.clone(), decided));
        }
        Ok(prepared)
    }

    /// Prints the totals, where the rejects are, and what to do with them.
    fn show(&mut self) {
        let (sums, console) = (&self.sums, &self.context.console);
        let command = sums.summary.rejects_file.as_deref().map(|rejects| self.import_of(rejects));
        if !sums.earlier_rejects.is_empty() {
            let named: Vec<String> = sums.earlier_rejects.iter().map(|path| format!("`{path}`")).collect();
            let more = match sums.further_rejects {
                0 => String::new(),
                more => format!(", and in {more} more, which `ferry runs` lists"),
            };
            console.note(&format!("rejects of earlier portions are in {}{more}", named.join(", ")));
        }
        self.sums.summary.rejects_command = command;
        self.sums.show(console);
    }

    /// The command that imports rejects, once they are fixed.
    fn import_of(&self, rejects: &str) -> String {
        let (typed, context) = (&self.receiving.target, self.context);
        let mut words = vec![CommandKind::Import.name().to_owned(), rejects.to_owned()];
        let path = |path: &Path| path.display().to_string();
        let how =
            typed.writing.on_existing.to_possible_value().filter(|_| typed.writing.on_existing != OnExisting::Update);
        let with_values = [
            ("--to", Some(self.to.to_owned())),
            ("--map", typed.map.as_deref().map(path)),
            ("--region", typed.phones.region.clone()),
            ("--on-existing", how.map(|how| how.get_name().to_owned())),
            ("--config", context.config.as_deref().map(path)),
        ];
        words.extend(with_values.into_iter().filter_map(|(option, value)| Some([option.to_owned(), value?])).flatten());
        let flags = [
            ("--sandbox", typed.sandbox),
            ("--only-existing", typed.writing.only_existing),
            ("--create-attributes", typed.writing.create_attributes),
        ];
        words.extend(flags.iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| (*flag).to_owned()));
        let beside = context.config.as_ref().map(|config| config.with_file_name(STATE_NAME));
        words.extend(context.state_words(&context.folder.join(beside.unwrap_or_else(|| STATE_NAME.into()))));
        let words: Vec<_> = words.iter().map(|word| shell(word)).collect();
        format!("ferry {}", words.join(" "))
    }

    /// Prints the states of a portion whose records have arrived.
    fn hand_back(&self, portion: &Portion) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let mut written = Ok(());
        for (state, records) in &portion.states {
            written = written.and_then(|()| writeln!(out, "{}", self.receiving.protocol.arrived(state, *records)));
        }
        written.and_then(|()| out.flush()).map_err(|error| {
            Failure::failed("the state cannot be written to standard output")
                .cause(error)
                .hint("the records have arrived; run both sides again, and they are found as they are")
        })
    }
}

/// The mapping by the names of the first records. It is printed.
fn decide(
    source: &SourcePlan,
    target: (&PlatformFacts, Option<crate::mapping::phone::Region>),
    key: &[String],
    console: &Console,
) -> Result<Mapping, Failure> {
    let (facts, region) = target;
    let suggestion = suggested(source, Some(facts), region)?;
    let ByNames { mut mapping, plan } = by_names(source, &suggestion)?;
    console.plan_line("there is no mapping, so properties are taken by their names (`-v` lists every one):");
    plan.lines().iter().for_each(|line| console.plan_line(&format!("  {line}")));
    plan.every_column().iter().for_each(|line| console.detail(1, &format!("  {line}")));
    if let Some(identity) = identity_of(key, facts) {
        let names: Vec<String> = key.iter().map(|name| format!("`{name}`")).collect();
        console.plan_line(&format!("  contacts are found by {}, the key of the stream", names.join(" and ")));
        mapping.identity = Some(identity);
    }
    Ok(mapping)
}

/// The key of a stream as an identity; none where the target does not find contacts by all of it.
fn identity_of(key: &[String], facts: &PlatformFacts) -> Option<Vec<Field>> {
    let field = |name: &String| {
        let known = match known_column(name) {
            Some(Known::Field(known)) => Field::named(known),
            _ => Field::named(name),
        };
        known.filter(|field| facts.finds_by.contains(field))
    };
    key.iter().map(field).collect::<Option<Vec<Field>>>().filter(|fields| !fields.is_empty())
}

/// What a portion that was not imported to its end says.
fn why(ended: Ended) -> Failure {
    if let Some(failure) = ended.failure {
        return failure;
    }
    let unknown = ended.summary.records.unknown;
    match ended.exit {
        Exit::Unknown => {
            let records = count(unknown, "record", "records");
            Failure::new(Exit::Unknown, format!("the outcomes of {records} are unknown")).hint(
                "run both sides again from the last state: each of these records is looked for before anything is sent",
            )
        }
        Exit::Interrupted | Exit::Terminated => stopped(),
        exit => Failure::new(exit, "the records were not imported to their end"),
    }
}

/// The totals of all portions.
#[derive(Default)]
struct Sums {
    portions: u64,
    /// Files of rejects before the last one, and how many there are besides.
    earlier_rejects: Vec<String>,
    further_rejects: u64,
    summary: Summary,
}

impl Sums {
    fn add(&mut self, of: &Summary) {
        self.portions += 1;
        let sums = &mut self.summary;
        let (all, one) = (&mut sums.records, &of.records);
        all.read += one.read;
        all.created += one.created;
        all.updated += one.updated;
        all.unchanged += one.unchanged;
        all.skipped += one.skipped;
        all.rejected += one.rejected;
        all.unknown += one.unknown;
        all.pending += one.pending;
        let of_names = [
            (&mut sums.skipped, &of.skipped),
            (&mut sums.rejects, &of.rejects),
            (&mut sums.not_carried, &of.not_carried),
            (&mut sums.left_blank, &of.left_blank),
        ];
        for (all, one) in of_names {
            *all = together(all, one);
        }
        sums.cleared += of.cleared;
        sums.requests.sent += of.requests.sent;
        sums.requests.retried += of.requests.retried;
        sums.requests.rate_limited += of.requests.rate_limited;
        sums.seconds += of.seconds;
        sums.left_behind.extend(of.left_behind.iter().take(NAMES_MAX.saturating_sub(sums.left_behind.len())).cloned());
        (sums.run, sums.command, sums.status) = (of.run.clone(), of.command, of.status);
        (sums.source, sums.target) = (of.source.clone(), of.target.clone());
        if let Some(path) = &of.rejects_file {
            let before = sums.rejects_file.replace(path.clone()).filter(|before| before != path);
            match before {
                Some(before) if self.earlier_rejects.len() < FILES_SHOWN_MAX => self.earlier_rejects.push(before),
                Some(_) => self.further_rejects += 1,
                None => {}
            }
        }
        sums.unknown_records.clone_from(&of.unknown_records);
    }

    /// The limits that are left of those for the whole stream.
    fn left_of(&self, asked: GuardsAsked) -> GuardsAsked {
        let records = &self.summary.records;
        let left = |allowed: Option<Allowed>, used: u64| match allowed {
            Some(Allowed::Number(number)) => Some(Allowed::Number(number.saturating_sub(used))),
            allowed => allowed,
        };
        GuardsAsked {
            rejects: left(asked.rejects, records.rejected),
            creates: left(asked.creates, records.created),
            updates: left(asked.updates, records.updated),
            clears: left(asked.clears, self.summary.cleared),
        }
    }

    fn show(&self, console: &Console) {
        if self.portions > 1 {
            console.note(&format!(
                "the stream was imported in {} portions, each a run; the last one is named",
                self.portions
            ));
        }
        if self.portions > 0 {
            show(&self.summary, console);
        }
    }
}

/// Both counts, of so many names.
fn together(one: &Counts, other: &Counts) -> Counts {
    let mut sums: BTreeMap<String, u64> = one.iter().map(|(name, n)| (name.to_owned(), n)).collect();
    for (name, n) in other.iter() {
        let has_room = sums.len() < NAMES_MAX || sums.contains_key(name);
        *sums.entry(if has_room { name.to_owned() } else { "others".to_owned() }).or_default() += n;
    }
    sums.into_iter().collect::<Counts>().ranked()
}
