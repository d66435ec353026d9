//! The platforms: what each can hold, needs, finds by and can undo (facts), and how it is used (behaviour).
//!
//! A platform file cannot sleep, retry, log, or read the clock or the environment. It turns contacts into requests and
//! responses into findings. All of them look alike: the same parts in the same order. [`Registry`] is the only list of
//! platforms; help, tables and checks are derived from it.

pub mod diff;
pub mod restore;
pub mod settings;

mod answer;
mod atom;
mod connector;
mod eadesk;
mod exchange;
mod facts;
mod mercately;
mod names;
mod pages;
mod problems;
mod project;
mod reading;
mod registry;
mod setting;
mod single;
mod text;
mod twin;
mod value;

pub use connector::{
    Capabilities, Connected, Connector, DefinesAttributes, Deletes, Driver, Lists, PartialCreates, ReadsPages, Take,
    WriteRules, read_page,
};
pub use exchange::{
    Address, Agent, Body, Checked, Cursor, Define, Definition, Fault, Found, ListPage, Lookup, Needs, Page, Reading,
    Ready, Step, StepResult,
};
pub use facts::{LISTS, List, PlatformFacts};
pub use pages::{Numbering, PageRead, Pages};
pub use project::{BOOKKEEPING, Projection, project, project_bookkeeping};
pub use reading::{Given, Incoming};
pub use registry::Registry;
pub use text::{Slice, Text};
