//! Reading a source account: everything that it holds, each once, onto the disk, and proven to be whole.
//!
//! Pages shift while they are read, repeat, are cut, or end too early. So what was read is counted against what the
//! platform says it holds; where that is no proof, it is read again, until a pass brings no new contact (`verdict`). Several
//! pages may be in flight, but they are kept in their order, each together with where the next one begins, so a killed
//! process continues there. What is done with the contacts is not decided here.

mod each;
mod held_secrets;
mod ids;
mod portion;
mod same;
mod verdict;
mod what;

pub use what::What;

use crate::clock::Clock;
use crate::outcome::{Exit, Failure};
use crate::plan::Connection;
use crate::platforms::{Cursor, Pages};
use crate::run::active::folder::SPOOL_FILE;
use crate::run::stop::Stop;
use crate::run::target::{Target, stops};
use crate::scratch::spool::{Batch, Completeness, Reading, Spool, Sums};
use crate::scratch::texts::Texts;
use each::{Answers, Reader};
use ids::IdsFile;
use portion::{Portion, pages_of, read};
use same::{Same, Seen, SoFar};
use std::collections::{HashSet, VecDeque};
use std::num::NonZeroU64;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use verdict::{PageEnd, after_part, begun};

/// Contacts that are read one at a time and kept together: what a killed process has to read again.
const GROUP: usize = 64;

/// What is to be read, from where to where.
#[derive(Clone, Copy)]
pub struct FetchAll<'a> {
    /// The HTTP client and the connector of the source.
    pub source: &'a Target,
    /// Its connection.
    pub connection: &'a Connection,
    /// The folder to which paths in its settings are relative ([`crate::plan::Config::folder`]).
    pub config_folder: &'a Path,
    /// What is read.
    pub what: What,
    /// The folder of the run.
    pub folder: &'a Path,
    /// Enough is read when so many are held. There may be more of them: a page is kept whole.
    pub limit: Option<u64>,
    /// The time.
    pub clock: Clock,
    /// Told when to stop.
    pub stop: &'a Stop,
    /// Told how far it is, after every page.
    pub progress: &'a (dyn Fn(&FetchState) + Send + Sync),
    /// Given what is kept, page by page, as long as pages bring new contacts only ([`Fetched::is_given`]).
    pub given: Option<&'a (dyn Fn(Texts) + Send + Sync)>,
}

/// How far a reading is, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchState {
    /// How many are held.
    pub held: u64,
    /// How many ids no contact has.
    pub missing: u64,
    /// The pass over the source, from 1.
    pub pass: u32,
    /// How many the platform says there are.
    pub total: Option<u64>,
}

/// What was read.
pub struct Fetched {
    /// Every contact, each once.
    pub spool: Spool,
    /// How it is known that no contact is missing.
    pub completeness: Completeness,
    /// How many ids no contact has (see [`Spool::for_each_missing`]): each is a reject.
    pub missing: u64,
    /// Not, when `limit` was reached before the end.
    pub is_whole: bool,
    /// Whether all that is held was given to [`FetchAll::given`], in this order and as it is.
    pub is_given: bool,
}

/// Reads everything, or goes on where an earlier process was. None: it was told to stop before its end; what was read is
/// kept.
///
/// # Errors
/// What stopped it. Exit 6 when the platform gave less than it says it holds: then nothing is to be made of it.
pub async fn fetch_all(asked: FetchAll<'_>) -> Result<Option<Fetched>, Failure> {
    let spool = Spool::open(&asked.folder.join(SPOOL_FILE), asked.what.kind())?;
    let reading = begun(spool.reading()?);
    let ids = match asked.what {
        What::Contacts if !reading.is_whole => IdsFile::of(asked.connection, asked.config_folder)?,
        _ => None,
    };
    let so_far = SoFar::new(&reading);
    let pages = pages_of(asked.source, asked.what, &so_far.pages)?;
    let is_given = asked.given.is_some() && spool.is_as_added();
    let work = Work { asked, spool, reading, ids, pages, page_len: 0, so_far, is_given };
    let mut work = pin!(work.run());
    let (mut told, http) = (asked.stop.watch(), Arc::clone(&asked.source.http));
    tokio::select! {
        biased;
        done = &mut work => return done,
        _ = told.wait_for(|told| *told) => http.stop(),
    }
    work.await
}

/// What an earlier process has read to its end: then the source is not asked for anything. None: it is to be continued.
///
/// # Errors
/// Exit 1 when what was read cannot be read again.
pub fn fetched_before(folder: &Path, what: What) -> Result<Option<Fetched>, Failure> {
    let (path, kind) = (folder.join(SPOOL_FILE), what.kind());
    if !path.exists() {
        return Ok(None);
    }
    let spool = Spool::open(&path, kind)?;
    let Reading { is_whole, completeness, .. } = begun(spool.reading()?);
    let missing = spool.sums().missing;
    Ok(is_whole.then_some(Fetched { spool, completeness, missing, is_whole, is_given: false }))
}

struct Work<'a> {
    asked: FetchAll<'a>,
    spool: Spool,
    reading: Reading,
    /// The file of ids that stands in place of the platform's own list.
    ids: Option<IdsFile>,
    pages: Pages<Portion>,
    /// Contacts on the largest page that this process has read.
    page_len: u64,
    /// How far the pages of the pass are those of the pass before.
    so_far: SoFar,
    /// Whether all that was kept was given on.
    is_given: bool,
}

impl Work<'_> {
    async fn run(mut self) -> Result<Option<Fetched>, Failure> {
        let done = self.read_all().await;
        // What was read is kept, however the reading ended.
        let kept = self.spool.commit();
        let is_enough = done?;
        kept?;
        self.spool.shrink()?;
        Ok(is_enough.then(|| self.fetched()))
    }

    /// Whether everything is read, or enough; not, when it was told to stop.
    async fn read_all(&mut self) -> Result<bool, Failure> {
        loop {
            if self.reading.is_whole || self.is_enough() {
                return Ok(true);
            }
            if self.asked.stop.is_requested() {
                return Ok(false);
            }
            match self.next().await {
                Err(failure) if self.asked.stop.is_requested() && is_of_stop(&failure) => return Ok(false),
                done => done?,
            }
            if self.reading.is_short {
                return Err(self.short());
            }
        }
    }

    fn is_enough(&self) -> bool {
        self.asked.limit.is_some_and(|limit| self.spool.len() >= limit)
    }

    fn fetched(self) -> Fetched {
        let Reading { completeness, is_whole, .. } = self.reading;
        let is_given = self.is_given && self.spool.is_as_added();
        Fetched { missing: self.spool.sums().missing, spool: self.spool, completeness, is_whole, is_given }
    }

    /// Reads one page, and keeps it.
    async fn next(&mut self) -> Result<(), Failure> {
        let portion = self.portion().await?;
        let portion = match portion.same {
            Some(same) if self.so_far.is_same(&self.reading) => return self.keep_same(portion.end, same.contacts),
            Some(same) => self.read_after_all(&same)?,
            None => portion,
        };
        let Portion { read, unread, end, hash, .. } = portion;
        let (unknown, known) = self.sort(unread, &read)?;
        let (contacts, held) = (read.len() as u64, self.spool.len());
        let batch = Batch { read, known, missing: Vec::new() };
        if unknown.is_empty() {
            let (before, next) = (self.reading.clone(), end.next.clone());
            let news = self.keep(&batch, |reading, sums| end.reading(reading, sums, sums.news))?;
            let hash = hash.filter(|_| batch.known.is_empty());
            let seen = Seen { after: before.after.as_ref(), next: next.as_ref(), hash, contacts };
            self.so_far.was_read(&before, &seen, news);
            self.give(batch.read, held);
            return Ok(());
        }
        self.is_given = false;
        self.so_far.was_read(&self.reading, &Seen { after: None, next: None, hash: None, contacts }, 0);
        let mut news = self.keep(&batch, after_part)?;
        if self.read_each(unknown, &mut news).await? {
            self.keep(&Batch::default(), |reading, sums| end.reading(reading, sums, news))?;
        }
        Ok(())
    }

    /// Gives on what was kept of a page, before which so many were held.
    fn give(&mut self, read: Texts, held: u64) {
        let news = self.spool.len() - held;
        self.is_given &= news == 0 || news == read.len() as u64;
        if let Some(given) = self.asked.given.filter(|_| self.is_given && news > 0) {
            given(read);
        }
    }

    /// Keeps that the pass has met what is on a page that is the same as before.
    fn keep_same(&mut self, end: PageEnd, contacts: u64) -> Result<(), Failure> {
        let met_as_before = self.reading.met_as_before + contacts;
        let then = |reading: &Reading, sums: &Sums| {
            let sums = Sums { news: contacts, ..*sums };
            end.reading(&Reading { met_as_before, ..reading.clone() }, &sums, contacts)
        };
        self.keep(&Batch::default(), then).map(drop)
    }

    /// Reads a page that is the same as before, on which the pass has not met the same.
    fn read_after_all(&self, same: &Same) -> Result<Portion, Failure> {
        let Target { connector, http, .. } = self.asked.source;
        let pages = connector.capabilities().reads_pages.ok_or_else(|| Failure::failed("the platform has no pages"))?;
        let read = read(pages, http, self.reading.after.as_ref(), &same.response).map_err(stops)?;
        Ok(read.0)
    }

    async fn portion(&mut self) -> Result<Portion, Failure> {
        if let Some(ids) = &mut self.ids {
            let (unread, next) = ids.page()?;
            if next.is_none() && unread.is_empty() && self.spool.sums().known() == 0 {
                return Err(ids.is_empty());
            }
            return Ok(Portion::new(Texts::default(), unread, PageEnd::of_given(next)));
        }
        let left = self.pages_left();
        let after = self.reading.after.as_ref();
        if !self.pages.is_here(after) {
            // A process that waits for the platform has kept all that it has read.
            self.spool.commit()?;
        }
        let (portion, _) = self.pages.read(after, left).await.map_err(stops)?;
        self.page_len = self.page_len.max(portion.read.len() as u64);
        match (&portion.end.next, after) {
            (Some(next), Some(after)) if next == after => Err(self.stands_still(next)),
            _ => Ok(portion),
        }
    }

    /// How many pages there are still to be read, the empty one at the end among them, as far as that is known: by the
    /// number that the platform says, or by what the pass before has met.
    fn pages_left(&self) -> Option<u64> {
        let page_len = NonZeroU64::new(self.page_len)?;
        let pages = |contacts: u64| contacts.div_ceil(page_len.get());
        let Reading { pass, met, known_before, total, .. } = self.reading;
        let left = pages(total.or((pass > 1).then_some(known_before))?.saturating_sub(met)).saturating_add(1);
        let wanted = self.asked.limit.map_or(u64::MAX, |limit| pages(limit.saturating_sub(self.spool.len())));
        Some(left.min(wanted).max(1))
    }

    /// The ids that are to be read, and those that are known, each once; a contact that is on the page with content is neither.
    fn sort(&self, ids: Vec<String>, read: &Texts) -> Result<(VecDeque<String>, Vec<String>), Failure> {
        let (mut unknown, mut known) = (VecDeque::new(), Vec::new());
        let mut met: HashSet<String> = if ids.is_empty() { HashSet::new() } else { ids_of(read) };
        for id in ids {
            if !met.insert(id.clone()) {
                continue;
            }
            if self.spool.knows(&id)? { known.push(id) } else { unknown.push_back(id) }
        }
        Ok((unknown, known))
    }

    /// Reads these one at a time, and keeps them in groups. Whether all of them are read: not, when it is enough.
    async fn read_each(&mut self, mut ids: VecDeque<String>, news: &mut u64) -> Result<bool, Failure> {
        let Target { connector, http, concurrency, .. } = self.asked.source;
        let (connector, http, clock) = (Arc::clone(connector), Arc::clone(http), self.asked.clock);
        let reader = Reader { connector, http, clock, at_once: *concurrency };
        while !ids.is_empty() {
            if self.is_enough() {
                return Ok(false);
            }
            let room = self.asked.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.spool.len()));
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let group: Vec<String> = ids.drain(..ids.len().min(GROUP).min(room)).collect();
            self.spool.commit()?;
            let Answers { read, missing, failure } = reader.read(group).await;
            *news += self.keep(&Batch { read, known: Vec::new(), missing }, after_part)?;
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
        Ok(true)
    }

    /// Keeps a batch with how far the reading is then; how many of it were new to the pass.
    fn keep(&mut self, batch: &Batch, then: impl FnOnce(&Reading, &Sums) -> Reading) -> Result<u64, Failure> {
        let before = &self.reading;
        self.reading = self.spool.add(before, batch, |sums| then(before, sums))?;
        let sums = self.spool.sums();
        let Reading { pass, total, .. } = self.reading;
        (self.asked.progress)(&FetchState { held: sums.held, missing: sums.missing, pass, total });
        Ok(sums.news)
    }

    fn stands_still(&self, cursor: &Cursor) -> Failure {
        let (title, name) = (&self.asked.connection.facts().title, &self.asked.connection.name);
        Failure::new(
            Exit::Unavailable,
            format!("{title} does not go on: the page after `{cursor}` of connection `{name}` is `{cursor}` again"),
        )
        .hint("try again later; if it stays so, the platform has changed")
    }

    /// What it says when it asks for more than was given.
    fn short(&self) -> Failure {
        let (title, name) = (&self.asked.connection.facts().title, &self.asked.connection.name);
        let (known, total) = (self.spool.sums().known(), self.reading.total.unwrap_or_default());
        let what = self.asked.what.name();
        Failure::new(
            Exit::Unavailable,
            format!(
                "{title} gave {known} of the {total} {what} that connection `{name}` holds by its own count, in {} passes",
                verdict::PASSES_MAX
            ),
        )
        .hint("try again later: `ferry resume` asks for the others, and keeps what was read")
    }
}

fn ids_of(read: &Texts) -> HashSet<String> {
    read.iter().map(|(id, _)| id.to_owned()).collect()
}

/// Whether it may come of an HTTP client that was stopped: what waited for another attempt gives up.
fn is_of_stop(failure: &Failure) -> bool {
    matches!(failure.exit, Exit::Interrupted | Exit::Terminated | Exit::Unavailable)
}
