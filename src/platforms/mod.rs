//! The platforms: what each can hold, needs, finds by and can take back (facts), and how it is spoken to (behaviour).
//!
//! A platform file cannot sleep, retry, log, or read the clock or the environment. It turns contacts into requests and
//! answers into findings. All of them look alike: the same parts in the same order. [`PLATFORMS`] is the only list of
//! platforms; help, tables and checks are derived from it.

pub mod diff;
pub mod restore;
pub mod settings;

mod answer;
mod atom;
mod eadesk;
mod fit;
mod mercately;
mod names;
mod twin;
mod value;

pub use crate::change::StepKind;

use crate::contact::{Contact, Field, Wanted};
use crate::http::{Credentials, Http, Login};
use crate::outcome::{Failure, Problem};
use async_trait::async_trait;
use diff::Delta;
use serde_json::{Map, Value};
use settings::{Setting, Settings};

/// Every platform there is, in the order in which they are shown.
pub const PLATFORMS: &[&PlatformFacts] = &[&atom::PLATFORM, &mercately::PLATFORM, &twin::PLATFORM, &eadesk::PLATFORM];

/// The facts of a platform, each from its reference under the vendor's documents.
pub struct PlatformFacts {
    /// In `ferry.yaml` and on the command line.
    pub name: &'static str,
    /// Other names of the same platform.
    pub aliases: &'static [&'static str],
    /// As people write it.
    pub title: &'static str,
    /// Fields that can be written. `Phones` or `Emails` here with `single` below: only the first is held.
    pub holds: &'static [Field],
    /// List fields of which only the first item is held.
    pub single: &'static [Field],
    /// Fields that can be read but not written.
    pub reads: &'static [Field],
    /// Whether custom attributes are held.
    pub attributes: bool,
    /// Whether the account has to define a custom attribute before anybody can have it.
    pub defines_attributes: bool,
    /// Whether a contact can be created at all.
    pub creates: bool,
    /// Whether a contact can be deleted.
    pub deletes: bool,
    /// Whether it takes several requests to make somebody, so that they can be left half made.
    pub half_makes: bool,
    /// Fields without which a contact cannot be created; of each inner list one is enough.
    pub needs: &'static [&'static [Field]],
    /// The fields by which somebody is found, first the one that is tried first.
    pub finds_by: &'static [Field],
    /// Fields whose values the platform may drop without a word (a tag that the account does not have): what was
    /// written is read back at a name's first use.
    pub drops: &'static [Field],
    /// The same for custom attributes, each by its name.
    pub drops_attributes: bool,
    /// Whether a write replaces the whole contact, so that it has to be read before.
    pub replaces: fn(&Settings) -> bool,
    /// What a run did and can be taken back, in words.
    pub takes_back: &'static str,
    /// The rate at which `auto` begins, requests per second.
    pub rate_start_per_s: f64,
    /// Requests in flight, when nothing else is said.
    pub concurrency: usize,
    /// What it lists beside contacts.
    pub lists: &'static [List],
    /// The setting that may name a file of ids, one a line, in place of the platform's own list.
    pub ids_setting: Option<&'static str>,
    /// Its settings beside the common ones.
    pub settings: &'static [Setting],
    /// The address when none is set.
    pub base_url: &'static str,
    /// What goes with every request to prove who we are.
    pub credentials: fn(&Settings) -> Credentials,
    /// How a token is got that proves it, where the settings do not hold one.
    pub login: fn(&Settings) -> Option<Box<dyn Login>>,
    /// Makes the connector; fails (exit 2) with all that is wrong with the settings, that which
    /// [`settings::validate`] finds among it.
    pub connect: fn(&Settings) -> Connected,
}

/// A connector, or all that is wrong with the settings (exit 2 each).
pub type Connected = Result<Box<dyn Connector>, Vec<Failure>>;

/// The platform of this name or alias.
pub fn platform_named(name: &str) -> Option<&'static PlatformFacts> {
    PLATFORMS.iter().find(|platform| platform.name == name || platform.aliases.contains(&name)).copied()
}

/// What the account said when it was asked whether the settings work.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// How many contacts it holds, when it says so.
    pub contacts: Option<u64>,
    /// The first page of contacts, for proving look-ups on somebody who is known to exist. The last of them proves
    /// most: a platform that overlooks the question and answers with its first contacts does not answer with that one.
    pub sample: Vec<Found>,
}

/// A contact at a platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its id there.
    pub id: String,
    /// What the platform holds for it.
    pub contact: Contact,
}

/// Where in a list the next page begins, in the platform's own words (kept between runs).
pub type Cursor = String;

/// One page of contacts.
///
/// A connector keeps nothing between two pages. Whoever reads a list stops where `next` is `None`, and also after a
/// page that brings no id not met before: some platforms answer a page past the end with an earlier one.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The contacts on it.
    pub found: Vec<Found>,
    /// The ids of contacts on it of which the list tells no more: they are to be read one at a time. An id can occur on
    /// several pages.
    pub unread: Vec<String>,
    /// How many the platform says there are in all; `None` when it does not say so in a way that can be relied on.
    pub total: Option<u64>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// A list that a platform has beside its contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    /// The people of the account to whom contacts can belong.
    Agents,
    /// What was said with contacts. Each has the contact's phone, where it is known, as `contact_phone` (E.164), and the
    /// e-mail as `email`.
    Conversations,
    /// Prepared messages.
    Templates,
}

/// Every list beside the contacts, and how the command line calls it.
pub const LISTS: [(List, &str); 3] =
    [(List::Agents, "agents"), (List::Conversations, "conversations"), (List::Templates, "templates")];

/// One page of another list than the contacts.
#[derive(Clone, Debug, Default)]
pub struct ListPage {
    /// The id and the object of each, as the platform sends them.
    pub items: Vec<(String, Map<String, Value>)>,
    /// How many the platform says there are in all; `None` when it does not say so in a way that can be relied on.
    pub total: Option<u64>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// What came of reading somebody by id.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is nearly always the large one, and lives shortly")]
pub enum Reading {
    /// They are there.
    There(Found),
    /// Nobody has this id (any more).
    Gone,
    /// This server has no way of telling: it reads nobody by id, and the other look-up did not find them either.
    Unreadable,
}

impl Reading {
    /// Whoever was found.
    pub fn there(self) -> Option<Found> {
        match self {
            Reading::There(found) => Some(found),
            Reading::Gone | Reading::Unreadable => None,
        }
    }
}

/// One way of looking somebody up.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// The field.
    pub field: Field,
    /// Its value as the contact has it (E.164 with `+` for phones); the connector gives it the platform's forms.
    pub value: String,
}

/// What a run is going to write, as far as the platform has to be asked about it beforehand.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Whether owners are written (by id, name or e-mail).
    pub owners: bool,
    /// The custom attributes that are written.
    pub attributes: Vec<String>,
    /// The tags that are written, as far as they are known beforehand.
    pub tags: Vec<String>,
}

/// What the platform said to [`Needs`].
#[derive(Clone, Debug, Default)]
pub struct Ready {
    /// Agents: id, name, e-mail.
    pub agents: Vec<Agent>,
    /// The custom attributes that the account defines, where it has to.
    pub attributes: Vec<Definition>,
}

/// A custom attribute that the account defines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// Its id.
    pub id: String,
    /// Its name, exactly.
    pub name: String,
}

/// A person of the account to whom contacts can belong.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Agent {
    pub id: String,
    pub name: String,
    pub email: String,
}

/// One request that brings the target nearer to what is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// The body, complete but for the id of somebody who is created by an earlier step.
    pub body: Value,
}

/// A change of the attributes that an account defines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Define {
    Add { name: String },
    Rename { id: String, name: String },
    Remove { id: String },
}

/// Whom a step is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Whom {
    /// Nobody yet.
    Nobody,
    /// Somebody with this id.
    Id(String),
}

/// What the platform did with a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// Done; the id of the contact, and the contact itself where the answer holds it.
    Done {
        #[allow(missing_docs)]
        id: String,
        #[allow(missing_docs)]
        after: Option<Box<Contact>>,
    },
    /// Somebody with this phone or e-mail is there already, in the platform's words: find again.
    AlreadyThere(String),
    /// The contact to be changed is not there any more: find again.
    Gone,
}

/// The three fates of anything that goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is this record's: the record is rejected.
    Refused(Vec<Problem>),
    /// Nobody knows: find out.
    InDoubt(Failure),
    /// It is the run's: stop.
    Fatal(Failure),
}

/// How a platform is spoken to.
///
/// Faults: [`Fault::Fatal`] for what is wrong with the account, the address or the network, so that nobody's record is
/// blamed for it; [`Fault::Refused`] for what is wrong with this contact; [`Fault::InDoubt`] for a write whose fate is
/// not known, and for a single read that gave no answer that could be relied on. `check`, `page` and `prepare` never
/// answer with a doubt: for them it is fatal (exit 6).
#[async_trait]
pub trait Connector: Send + Sync {
    /// Its facts.
    fn platform(&self) -> &'static PlatformFacts;

    /// Proves the settings with one cheap request.
    async fn check(&self, http: &Http) -> Result<Checked, Fault>;

    /// A page of all contacts; the first without a cursor.
    async fn page(&self, http: &Http, after: Option<&Cursor>) -> Result<Page, Fault>;

    /// Everybody the platform answers with when asked for one value, each compared locally. Whoever the platform
    /// answers with although the value is another is left out; where it answers with several others only, the look-up
    /// proves nothing and is a doubt.
    async fn find(&self, http: &Http, by: &Lookup) -> Result<Vec<Found>, Fault>;

    /// Somebody by id, or, with a server that reads nobody by id, by the other look-up.
    async fn read(&self, http: &Http, id: &str, or_by: Option<&Lookup>) -> Result<Reading, Fault>;

    /// Asks the platform about what is going to be written.
    async fn prepare(&self, http: &Http, needs: &Needs) -> Result<Ready, Fault>;

    /// Gives the wanted values the forms that this account knows (an owner's name becomes the owner's id), between
    /// [`diff::fit`] and [`diff::diff`]. What the account cannot hold is taken out, and named in the answer as in
    /// `not_carried`. Pure.
    fn fit(&self, ready: &Ready, wanted: &mut Wanted) -> Vec<String> {
        let _ = (ready, wanted);
        Vec::new()
    }

    /// The steps that remain from what is there to what should be. Pure. None: as it should be. The problems, when the
    /// platform could not take it.
    fn steps(&self, ready: &Ready, delta: &Delta, found: Option<&Found>) -> Result<Vec<Step>, Vec<Problem>>;

    /// Who may have come of a step that creates and is in doubt, although nobody finds them by phone or e-mail yet: made,
    /// and nothing added. `made` is the step's body, `since_ms` (milliseconds since 1970) when it was sent at the
    /// earliest. Only where [`PlatformFacts::half_makes`].
    async fn half_made(&self, http: &Http, made: &Value, since_ms: u64) -> Result<Vec<Found>, Fault> {
        let _ = (http, made, since_ms);
        Ok(Vec::new())
    }

    /// The custom attributes that the account defines. Only where [`PlatformFacts::defines_attributes`].
    async fn attributes(&self, http: &Http) -> Result<Vec<Definition>, Fault> {
        let _ = http;
        Ok(Vec::new())
    }

    /// Changes the attributes that the account defines. A definition that is in doubt is found out by listing them.
    /// Only where [`PlatformFacts::defines_attributes`].
    async fn define(&self, http: &Http, what: &Define) -> Result<(), Fault> {
        let _ = (http, what);
        Err(Fault::Fatal(Failure::usage(format!("{} defines no attributes", self.platform().title))))
    }

    /// A page of another list than the contacts; the first without a cursor. Only those of [`PlatformFacts::lists`].
    async fn list(&self, http: &Http, list: List, after: Option<&Cursor>) -> Result<ListPage, Fault> {
        let _ = (http, list, after);
        Err(Fault::Fatal(Failure::usage(format!("{} has no such list", self.platform().title))))
    }

    /// The step that takes a contact away; only where the platform lets us.
    fn deletion(&self) -> Option<Step> {
        None
    }

    /// Takes one step. A step that changes needs somebody with an id; one that creates does not look at `whom`, unless
    /// an earlier step made them.
    async fn take(&self, http: &Http, step: &Step, whom: &Whom) -> Result<Taken, Fault>;
}

/// A name without which the platform takes nobody.
fn missing_name(title: &str, field: Field) -> Problem {
    let (name, words) = match field {
        Field::LastName => ("last_name", "last name"),
        _ => ("first_name", "first name"),
    };
    Problem::new(format!("{name}.missing"), format!("{title} needs a {words}, and there is none"))
        .at(name)
        .hint(format!("give it one in the mapping: `{name}: {{ from: …, default: \"-\" }}`"))
}
