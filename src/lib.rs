//! Ferry carries contact bases: from files into platforms, out of them, between platforms, and between files.
//!
//! ```text
//!  bytes ─ files ─▶ Record ─ mapping ─▶ Contact ─ reconcile ─▶ Outcome ─▶ checkpoint
//!                      (rayon)             │      (find, diff, act)  │
//!  pages ─ gather ─▶ spool ─▶ Record       │           (async)       └─▶ totals, rejects, report
//!                                          └─ mapping ─▶ row ─ files ─▶ bytes     (convert, export)
//! ```
//!
//! Every command is this line with other ends. A dry run works on copies and sends nothing; to verify is such a rehearsal of a
//! finished run; a saved plan, and what a run wrote, are sources like a file. A write is a reconciliation: Ferry never asks whether a request worked,
//! but what is there and what should be there.
//!
//! The modules in reading order; each uses only those before it, and a test holds it to that:
//!
//! | Module | What it is |
//! |---|---|
//! | [`clock`] | the time, and waiting |
//! | [`ids`] | names and numbers that all parts share: commands, statuses, stamps |
//! | [`octets`] | bytes looked at eight at a time |
//! | [`packed`] | numbers and texts as bytes |
//! | [`json`] | JSON of others, read strictly |
//! | [`contact`] | the one model between all formats and platforms |
//! | [`record`] | what was read, and where |
//! | [`identity`] | the values by which a contact is found again |
//! | [`outcome`] | outcomes of records, failures, exit codes |
//! | [`change`] | what changes in a contact: the words that store and platforms share |
//! | [`shown`] | failures and text from outside, as a terminal shows them |
//! | [`loopback`] | which requests a server on this machine answers |
//! | [`yaml`] | YAML files that users write, and the errors in them |
//! | [`template`] | bounded templates and expressions |
//! | [`files`] | contacts in files |
//! | [`mapping`] | record → contact, contact → row |
//! | [`profile`] | what the columns of a source hold |
//! | [`suggest`] | what the columns are for: evidence, decisions, vendors' layouts |
//! | [`store`] | the truth about every run of an account: intents, outcomes, images, links |
//! | [`scratch`] | private databases of one run |
//! | [`http`] | the HTTP client, the only code that uses the network |
//! | [`platforms`] | the facts and the behaviour of each platform |
//! | [`reconcile`] | find, diff, act for one contact |
//! | [`report`] | what users see |
//! | [`plan`] | arguments, files and environment → a checked plan |
//! | [`run`] | the straight line |
//! | [`engines`] | the protocols of orchestrators: contacts as streams of messages |
//! | [`sandbox`] | the platforms on loopback, with faults |
//! | [`edit`] | the editor of mappings: a page on loopback |
//! | [`cli`] | the arguments, one file a command |

pub mod change;
pub mod cli;
pub mod clock;
pub mod contact;
pub mod edit;
pub mod engines;
pub mod files;
pub mod http;
pub mod identity;
pub mod ids;
pub mod json;
pub mod loopback;
pub mod mapping;
pub mod octets;
pub mod outcome;
pub mod packed;
pub mod plan;
pub mod platforms;
pub mod profile;
pub mod reconcile;
pub mod record;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod scratch;
pub mod shown;
pub mod store;
pub mod suggest;
pub mod template;
pub mod worker;
pub mod yaml;
