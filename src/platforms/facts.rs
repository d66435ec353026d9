//! What a platform can hold, needs, finds by and can undo: data, from which help, tables and checks are derived. It does
//! not know how a platform is reached.
//!
//! The facts of a built-in platform are a `static`; those of a description are owned.

use super::setting::Setting;
use super::text::{Slice, Text};
use crate::contact::Field;

/// The facts of a platform, each from its reference in the vendor's documents.
#[derive(Clone, Debug)]
pub struct PlatformFacts {
    /// In `ferry.yaml` and on the command line.
    pub name: Text,
    /// Other names of the same platform.
    pub aliases: Slice<Text>,
    /// As the vendor writes it.
    pub title: Text,
    /// Fields that can be written. `Phones` or `Emails` here with `single` below: only the first is held.
    pub holds: Slice<Field>,
    /// List fields of which only the first item is held.
    pub single: Slice<Field>,
    /// Fields that can be read but not written.
    pub reads: Slice<Field>,
    /// Whether custom attributes are held.
    pub attributes: bool,
    /// Whether the account has to define a custom attribute before a contact can have it.
    pub defines_attributes: bool,
    /// Whether a contact can be created at all.
    pub creates: bool,
    /// Whether a contact can be deleted.
    pub deletes: bool,
    /// Whether creating a contact takes several requests, so that it can be left partially created.
    pub creates_in_steps: bool,
    /// Fields without which a contact cannot be created; of each inner list one is enough.
    pub needs: Slice<Slice<Field>>,
    /// The lookup fields, in the order in which they are tried.
    pub finds_by: Slice<Field>,
    /// Fields whose values the platform may drop silently (a tag that the account does not have): what was written is
    /// read back at a name's first use.
    pub drops: Slice<Field>,
    /// The same for custom attributes, each by its name.
    pub drops_attributes: bool,
    /// The changes that an undo restores, for help.
    pub undoes: Text,
    /// The rate at which `auto` begins, requests per second.
    pub rate_start_per_s: f64,
    /// Requests in flight, unless the settings say otherwise.
    pub concurrency: usize,
    /// Whether the pages of contacts are numbered, so that several can be requested at a time.
    pub numbered_pages: bool,
    /// What it lists beside contacts.
    pub lists: Slice<List>,
    /// The setting that may name a file of ids, one a line, in place of the platform's own list.
    pub ids_setting: Option<Text>,
    /// Its settings beside the common ones.
    pub settings: Slice<Setting>,
    /// The address when none is set.
    pub base_url: Text,
}

impl PlatformFacts {
    /// A platform that holds nothing yet, with the usual limits.
    pub fn new(name: impl Into<Text>, title: impl Into<Text>, base_url: impl Into<Text>) -> PlatformFacts {
        PlatformFacts {
            name: name.into(),
            aliases: Slice::default(),
            title: title.into(),
            holds: Slice::default(),
            single: Slice::default(),
            reads: Slice::default(),
            attributes: false,
            defines_attributes: false,
            creates: true,
            deletes: false,
            creates_in_steps: false,
            needs: Slice::default(),
            finds_by: Slice::default(),
            drops: Slice::default(),
            drops_attributes: false,
            undoes: Text::default(),
            rate_start_per_s: 1.0,
            concurrency: 4,
            numbered_pages: false,
            lists: Slice::default(),
            ids_setting: None,
            settings: Slice::default(),
            base_url: base_url.into(),
        }
    }

    /// Whether this is a name of the platform.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Whether the platform holds several values of this list field.
    pub fn holds_several(&self, field: Field) -> bool {
        field.is_list() && !self.single.contains(&field)
    }
}

/// A list that a platform has beside its contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    /// The users of the account that can own contacts.
    Agents,
    /// What was said with contacts. Each has the contact's phone, where it is known, as `contact_phone` (E.164), and the
    /// e-mail as `email`.
    Conversations,
    /// Prepared messages.
    Templates,
}

/// Every list beside the contacts, and its name on the command line.
pub const LISTS: [(List, &str); 3] =
    [(List::Agents, "agents"), (List::Conversations, "conversations"), (List::Templates, "templates")];
