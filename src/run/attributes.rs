//! The custom attributes that an account knows: listed, and changed where it defines them.
//!
//! A definition is made once. That one is about to be made is remembered before the request leaves; whether a doubtful
//! one was made is found out by listing, and it is not sent again before the settle time is over. What contacts have as
//! values is not looked at here, except to list names where nothing is defined.

use crate::clock::Clock;
use crate::contact::Contact;
use crate::files::ReadFault;
use crate::http::Http;
use crate::outcome::{Exit, Failure};
use crate::platforms::{Connector, Define, DefinesAttributes, Definition, Fault};
use crate::record::{Fields, Record};
use crate::run::source::account::{FetchAll, fetch_all};
use crate::run::target::stops;
use crate::scratch::spool::Completeness;
use crate::store::Checkpoint;
use crate::yaml::nearest;
use std::collections::BTreeMap;
use std::time::Duration;

/// Under what name it is remembered when a definition was about to be made, milliseconds since 1970.
const DEFINING: &str = "defining:";
/// A request that stays in doubt and is proven not to have been done is sent no more often than this.
const TRIES_MAX: u32 = 3;
/// The first and the longest time between two looks at what is defined.
const LOOK: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];
/// More names than this are data that became names.
pub const NAMES_MAX: usize = 10_000;

/// The definitions of an account, and how they are changed. A process that changes them holds the connection's checkpoint.
pub struct Attributes<'a> {
    /// The account that defines them.
    pub account: &'a dyn DefinesAttributes,
    /// The HTTP client.
    pub http: &'a Http,
    /// Where it is remembered what may have been sent.
    pub checkpoint: &'a Checkpoint,
    /// The time.
    pub clock: Clock,
    /// How long after a doubtful request what is not listed counts as not there.
    pub settle: Duration,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It was as it should be; nothing was sent. The definition, where there is one.
    AsItWas(Definition),
    /// It was changed; what was changed, as it is or was.
    Done(Definition),
}

/// All that the account defines, and those that are missing as if it did: for a dry run, which defines none.
///
/// # Errors
/// What the platform answered instead.
pub async fn imagine(connector: &dyn Connector, http: &Http, names: &[String]) -> Result<Vec<Definition>, Failure> {
    let Some(account) = connector.capabilities().attributes else { return Ok(Vec::new()) };
    let mut defined = account.attributes(http).await.map_err(stops)?;
    for name in names {
        if !defined.iter().any(|known| known.name == *name) {
            defined.push(Definition { id: format!("new:{name}"), name: name.clone() });
        }
    }
    Ok(defined)
}

fn undefined(name: &str, defined: &[Definition], title: &str) -> Failure {
    let failure = Failure::usage(format!("the account has no attribute `{name}`, and {title} takes none undefined"));
    let create = "`--create-attributes` defines what is missing";
    match nearest(name, defined.iter().map(|one| one.name.as_str())) {
        Some(near) => failure.hint(format!("did you mean `{near}`? {create}")),
        None => failure.hint(create),
    }
}

/// The definition of exactly this name.
fn only(defined: &[Definition], name: &str) -> Result<Option<Definition>, Failure> {
    let mut same = defined.iter().filter(|one| one.name == name);
    match (same.next(), same.next()) {
        (Some(one), Some(other)) => Err(Failure::usage(format!(
            "the account has two attributes `{name}`, with the ids `{}` and `{}`",
            one.id, other.id
        ))
        .hint("rename or remove one of them on the platform's own page, because it is unclear which is meant")),
        (found, _) => Ok(found.cloned()),
    }
}

impl Attributes<'_> {
    /// Sees to it that the account defines these attributes, before anything is written that has them. Gives back all that
    /// it defines. `title` is what the platform is called.
    ///
    /// # Errors
    /// Exit 2: some are missing and `create` is not set (all are told, each with the nearest name), or two have one of the
    /// names. Otherwise as [`Attributes::add`].
    pub async fn ensure(&self, title: &str, names: &[String], create: bool) -> Result<Vec<Definition>, Failure> {
        let mut defined = self.list().await?;
        let (mut missing, mut failures) = (Vec::<&String>::new(), Vec::new());
        for name in names {
            match only(&defined, name) {
                Ok(None) if !missing.contains(&name) => missing.push(name),
                Ok(_) => {}
                Err(failure) if failures.contains(&failure) => {}
                Err(failure) => failures.push(failure),
            }
        }
        if !create {
            failures.extend(missing.iter().map(|name| undefined(name, &defined, title)));
        }
        if let Some(failure) = Failure::together(failures) {
            return Err(failure);
        }
        for name in missing {
            let (Changed::AsItWas(made) | Changed::Done(made)) = self.add(name).await?;
            defined.push(made);
        }
        Ok(defined)
    }

    /// All that the account defines.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn list(&self) -> Result<Vec<Definition>, Failure> {
        self.account.attributes(self.http).await.map_err(stops)
    }

    /// Defines an attribute, unless there is one of exactly this name.
    ///
    /// # Errors
    /// Exit 2 when two have the name; 4 when it is unknown whether it was defined; otherwise what the platform answered.
    pub async fn add(&self, name: &str) -> Result<Changed, Failure> {
        if let Some(found) = only(&self.list().await?, name)? {
            self.checkpoint.forget(&memory(name))?;
            return Ok(Changed::AsItWas(found));
        }
        if let Some(left) = self.doubt_left(name)?
            && let Some(found) = self.look_out(left, |defined| only(defined, name)).await?
        {
            // An earlier process had sent it.
            self.checkpoint.forget(&memory(name))?;
            return Ok(Changed::Done(found));
        }
        let what = Define::Add { name: name.to_owned() };
        let found = self.change(&what, Some(name), |defined| only(defined, name)).await?;
        self.checkpoint.forget(&memory(name))?;
        Ok(Changed::Done(found))
    }

    /// Gives an attribute another name.
    ///
    /// # Errors
    /// Exit 2 when there is none of the old name, two of it, or one of the new name; otherwise what the platform said.
    pub async fn rename(&self, old: &str, new: &str) -> Result<Changed, Failure> {
        let defined = self.list().await?;
        let found = self.named(&defined, old)?;
        if old == new {
            return Ok(Changed::AsItWas(found));
        }
        if let Some(other) = only(&defined, new)? {
            let message = format!("the account has an attribute `{new}` already, with the id `{}`", other.id);
            return Err(Failure::usage(message).hint("choose another name, or remove that one first"));
        }
        let what = Define::Rename { id: found.id.clone(), name: new.to_owned() };
        let is = |one: &&Definition| one.id == found.id && one.name == new;
        self.change(&what, None, |defined| Ok(defined.iter().find(is).cloned())).await.map(Changed::Done)
    }

    /// Removes an attribute, and with it the values that contacts have.
    ///
    /// # Errors
    /// Exit 2 when there is none of this name, or two; otherwise what the platform said.
    pub async fn remove(&self, name: &str) -> Result<Changed, Failure> {
        let found = self.named(&self.list().await?, name)?;
        let what = Define::Remove { id: found.id.clone() };
        let is_gone = |defined: &[Definition]| !defined.iter().any(|one| one.id == found.id);
        let gone = self.change(&what, None, |defined| Ok(is_gone(defined).then(|| found.clone()))).await?;
        Ok(Changed::Done(gone))
    }

    fn named(&self, defined: &[Definition], name: &str) -> Result<Definition, Failure> {
        only(defined, name)?.ok_or_else(|| {
            let failure = Failure::usage(format!("the account has no attribute `{name}`"));
            match nearest(name, defined.iter().map(|one| one.name.as_str())) {
                Some(near) => failure.hint(format!("did you mean `{near}`? names are compared exactly")),
                None => failure.hint("`ferry attributes CONNECTION` lists them"),
            }
        })
    }

    /// Sends a change, and finds out whether it was made. `created` is the name of what may not be made twice.
    async fn change(
        &self,
        what: &Define,
        created: Option<&str>,
        seen: impl Fn(&[Definition]) -> Result<Option<Definition>, Failure>,
    ) -> Result<Definition, Failure> {
        let mut last = None;
        for _ in 0..TRIES_MAX {
            self.remember(created)?;
            let doubt = match self.account.define(self.http, what).await {
                Ok(()) => None,
                Err(Fault::InDoubt(failure)) => Some(failure),
                Err(fault) => {
                    // It was not defined, unless another party has defined it meanwhile.
                    created.map_or(Ok(()), |name| self.checkpoint.forget(&memory(name)))?;
                    return match (fault, seen(&self.list().await?)?) {
                        (Fault::Refused(_), Some(found)) => Ok(found),
                        (fault, _) => Err(stops(fault)),
                    };
                }
            };
            // From now on the doubt is as old as it can be.
            self.remember(created)?;
            if let Some(found) = self.look_out(self.settle, &seen).await? {
                return Ok(found);
            }
            let Some(failure) = doubt else { return Err(not_shown(what)) };
            last = Some(failure);
        }
        let message = format!("`{}` could not be {}: {TRIES_MAX} requests came to nothing", subject(what), done(what));
        let failure = Failure::new(Exit::Unavailable, message).hint("try the same again later");
        Err(last.into_iter().fold(failure, |failure, last| failure.cause(last)))
    }

    fn remember(&self, created: Option<&str>) -> Result<(), Failure> {
        let Some(name) = created else { return Ok(()) };
        self.checkpoint.remember(&memory(name), &self.clock.wall_ms().to_string())
    }

    /// How long what an earlier process may have sent is still to be looked out for.
    fn doubt_left(&self, name: &str) -> Result<Option<Duration>, Failure> {
        let Some(text) = self.checkpoint.recall(&memory(name))? else { return Ok(None) };
        // A clock that was set back makes it no longer than a settle time.
        let since_ms = text.parse().unwrap_or(u64::MAX).min(self.clock.wall_ms());
        let old = Duration::from_millis(self.clock.wall_ms().saturating_sub(since_ms));
        Ok(Some(self.settle.saturating_sub(old)).filter(|left| !left.is_zero()))
    }

    /// Looks at what is defined again and again, until it is seen or the time is over.
    async fn look_out<T>(
        &self,
        time: Duration,
        seen: impl Fn(&[Definition]) -> Result<Option<T>, Failure>,
    ) -> Result<Option<T>, Failure> {
        let end = self.clock.now() + time;
        let [mut pause, longest] = LOOK;
        loop {
            let is_over = self.clock.now() >= end;
            if let Some(found) = seen(&self.list().await?)? {
                return Ok(Some(found));
            }
            if is_over {
                return Ok(None);
            }
            self.clock.sleep_until(end.min(self.clock.now() + pause)).await;
            pause = longest.min(pause * 2);
        }
    }
}

fn memory(name: &str) -> String {
    format!("{DEFINING}{name}")
}

fn subject(what: &Define) -> &str {
    match what {
        Define::Add { name } | Define::Rename { name, .. } => name,
        Define::Remove { id } => id,
    }
}

fn done(what: &Define) -> &'static str {
    match what {
        Define::Add { .. } => "defined",
        Define::Rename { .. } => "given as a name",
        Define::Remove { .. } => "removed",
    }
}

fn not_shown(what: &Define) -> Failure {
    let message = format!("the platform says that `{}` is {}, and does not show it", subject(what), done(what));
    Failure::new(Exit::Unknown, message).hint("look at it on the platform's own page; the same command finds out again")
}

/// The attributes that contacts have, where an account defines none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// How many contacts have each.
    pub names: BTreeMap<String, u64>,
    /// How it is known that every contact was read.
    pub completeness: Completeness,
}

/// The names of the attributes that contacts have: every contact is read, as an export reads them, and counted once. None:
/// it was told to stop.
///
/// # Errors
/// Why not every contact can be read (exit 6 when the platform gives fewer than it says it holds), or that there are more
/// than [`NAMES_MAX`] names.
pub async fn names_in_use(asked: FetchAll<'_>) -> Result<Option<InUse>, Failure> {
    let Some(fetched) = fetch_all(asked).await? else { return Ok(None) };
    let mut names = BTreeMap::new();
    for record in fetched.spool.source()? {
        match record {
            Ok(Record { fields: Fields::Contact(contact), .. }) => count(&mut names, &contact)?,
            // A spool of contacts holds nothing else.
            Ok(_) | Err(ReadFault::Reject(_) | ReadFault::Blank(_)) => {}
            Err(ReadFault::Fatal(failure)) => return Err(failure),
        }
    }
    Ok(Some(InUse { names, completeness: fetched.completeness }))
}

fn count(names: &mut BTreeMap<String, u64>, contact: &Contact) -> Result<(), Failure> {
    for attribute in &contact.attributes {
        if names.len() >= NAMES_MAX && !names.contains_key(&*attribute.name) {
            return Err(Failure::failed(format!("the contacts have more than {NAMES_MAX} attributes"))
                .hint("these are data that became names: look at how they came there"));
        }
        *names.entry(attribute.name.to_string()).or_default() += 1;
    }
    Ok(())
}
