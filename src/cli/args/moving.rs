//! The commands that move records, with their options in the order in which help lists them. Options without a heading
//! come first.

use super::headings::{EXISTING, FILES, LIMITS, READING, SPEED};
use crate::files::{FORMATS, Format};
use crate::reconcile::guards::Allowed;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// `ferry import`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry import contacts.csv --to shop --dry-run                 show what would change
  ferry import contacts.csv --to shop --map contacts.yaml
  ferry import contacts.csv --to shop --sandbox --limit 100     rehearse with the first 100
  ferry import contacts.csv --to shop --map corrected.yaml --correct 7f3a
  zcat old.csv.gz | ferry import - --to shop --on-existing fill")]
pub struct Import {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: Target,
    /// Change only values that are still as RUN wrote them, with a corrected mapping
    ///
    /// Where the corrected value is blank, the value from before RUN is restored. No contact is created.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["on_existing", "only_existing"], help_heading = EXISTING)]
    pub correct: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dry: Dry,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub guards: Guards,
    /// Fail if the file has fewer than N records; 0 allows an empty file
    ///
    /// Nothing is changed then. The exit code is 6, and 2 for a file without any record.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = LIMITS)]
    pub at_least: u64,
    /// Import without a mapping and without a question; without a terminal Ferry never asks
    #[arg(long, short, display_order = 10)]
    pub yes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pace: Pace,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub work: Work,
    /// Without a mapping, also save the plan as a mapping
    #[arg(long, value_name = "FILE", conflicts_with = "map", help_heading = FILES)]
    pub save_map: Option<PathBuf>,
}

/// `ferry migrate`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry migrate --from shop --to support --dry-run
  ferry migrate --from shop --to support --map shop-to-support.yaml --rate 5/s
  ferry migrate --from shop --to support --sandbox --limit 100      rehearse with the first 100")]
pub struct Migrate {
    /// Connection to read: its name in ferry.yaml, or the name of a platform
    #[arg(long, value_name = "CONNECTION", display_order = 1)]
    pub from: String,
    /// Mapping of contact fields: a YAML file, or the name of a built-in mapping [default: every
    /// field that both platforms can hold]
    #[arg(long, short, value_name = "MAPPING", display_order = 3)]
    pub map: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: Target,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub phones: PhoneRegion,
    /// Skip contacts whose phone or e-mail is in this list; repeatable
    ///
    /// A list is a file of any format that is read. Its columns of phones and e-mails are found by their names and values.
    #[arg(long, value_name = "FILE", display_order = 9)]
    pub skip: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dry: Dry,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub guards: Guards,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pace: Pace,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub work: Work,
}

/// A dry run.
#[derive(Clone, Debug, ClapArgs)]
pub struct Dry {
    /// Read everything and show what would change; write nothing to the target
    #[arg(long, short = 'n', display_order = 4)]
    pub dry_run: bool,
    /// With --dry-run: write each record and what would happen to it, as CSV or JSON Lines by file name
    #[arg(long, value_name = "FILE", requires = "dry_run", display_order = 5)]
    pub plan: Option<PathBuf>,
}

/// The guards of a run, `10` or `5%` of the records of the source, and what the run skips.
#[derive(Clone, Debug, ClapArgs)]
pub struct Guards {
    /// Skip records that an earlier finished run of the same mapping has brought with this content
    ///
    /// Nothing is sent or read for such a record, so changes made at the target since then are not seen.
    #[arg(long, display_order = 9)]
    pub only_changed: bool,
    /// Stop before more than LIMIT values are erased: 10, or 5% of the records [default: 20%]
    ///
    /// A number counts values, a percentage counts records with an erased value. The exit code is 8, as for the other
    /// --max options.
    #[arg(long, value_name = "LIMIT", value_parser = Allowed::parse, help_heading = LIMITS)]
    pub max_clears: Option<Allowed>,
    /// Stop before more than LIMIT contacts are created: 10, or 5% of the records [default: no limit]
    #[arg(long, value_name = "LIMIT", value_parser = Allowed::parse, help_heading = LIMITS)]
    pub max_creates: Option<Allowed>,
    /// Stop before more than LIMIT contacts are updated: 10, or 5% of the records [default: no limit]
    #[arg(long, value_name = "LIMIT", value_parser = Allowed::parse, help_heading = LIMITS)]
    pub max_updates: Option<Allowed>,
    /// Stop before more than LIMIT records are rejected: 10, or 5% of the records [default: no limit]
    #[arg(long, value_name = "LIMIT", value_parser = Allowed::parse, help_heading = LIMITS)]
    pub max_rejects: Option<Allowed>,
}

/// How fast a platform is asked, and how long Ferry waits for it.
#[derive(Clone, Debug, ClapArgs)]
pub struct Pace {
    /// Rate limit: 10/s, 300/min, 5000/h, 100000/d, several joined by `,`, auto, auto,max=50/s or none [default: the
    /// connection's, else auto]
    #[arg(long, help_heading = SPEED)]
    pub rate: Option<String>,
    /// Requests in flight [default: the connection's]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = SPEED)]
    pub concurrency: Option<u64>,
    /// How long to wait for an unavailable platform: 30s, 10m, 2h [default: a few minutes of retries]
    ///
    /// After this time the command ends with exit code 6. The checkpoint is kept, and the same command resumes the run.
    #[arg(long, value_name = "TIME", help_heading = SPEED)]
    pub wait: Option<String>,
}

/// The platform that is written to, and how.
#[derive(Clone, Debug, ClapArgs)]
pub struct Target {
    /// Connection to write to: its name in ferry.yaml, or the name of a platform
    #[arg(long, value_name = "CONNECTION", display_order = 2)]
    pub to: String,
    /// Use the built-in sandbox instead of every platform
    ///
    /// Its data is kept in the state folder, and files that a job names are written below `sandbox/out` there.
    #[arg(long, display_order = 6)]
    pub sandbox: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub writing: Writing,
}

/// What may be created, and how contacts that exist are treated.
#[derive(Clone, Debug, ClapArgs)]
pub struct Writing {
    /// How to treat a contact that exists: overwrite with the source's values, fill its blanks, or leave it alone
    #[arg(long, value_enum, value_name = "HOW", default_value_t = OnExisting::Update, help_heading = EXISTING)]
    pub on_existing: OnExisting,
    /// Never create a contact; skip records without an existing one
    #[arg(long, help_heading = EXISTING)]
    pub only_existing: bool,
    /// Create custom attributes that the account does not define
    ///
    /// Without it, such an attribute in a mapping is an error, reported before anything is written; without a mapping it
    /// is left out and reported. Platforms that need no definition ignore it.
    #[arg(long, display_order = 10)]
    pub create_attributes: bool,
}

/// The country of phones that do not say theirs.
#[derive(Clone, Debug, ClapArgs)]
pub struct PhoneRegion {
    /// Country of phones without a country code: EC, 593, Ecuador or none [default: the mapping's, else the connection's]
    #[arg(long, value_name = "COUNTRY", help_heading = READING)]
    pub region: Option<String>,
}

/// `ferry export`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry export --from shop --out contacts.csv
  ferry export --from shop --out shop-{date}.csv.gz --retain 30d --at-least 5000
  ferry export --from shop --out shop.csv --changes changes.csv
  ferry export --from shop --what agents --format csv
  ferry export --from shop --map columns.yaml --format csv --limit 10

In the names of --out and --changes, {date} is the day on which the run started (2026-11-22) and
{time} the time (031500), in local time.")]
pub struct Export {
    /// Connection to read: its name in ferry.yaml, or the name of a platform
    #[arg(long, value_name = "CONNECTION", display_order = 1)]
    pub from: String,
    /// File to write: .csv, .tsv, .json, .jsonl or .vcf, also followed by .gz or .zst, or .xlsx [default: `-`, standard output]
    #[arg(long, value_name = "FILE", display_order = 2)]
    pub out: Option<PathBuf>,
    /// Mapping that names the columns: a YAML file, or the name of a built-in mapping [default: whole contacts]
    #[arg(long, short, value_name = "MAPPING", display_order = 3)]
    pub map: Option<PathBuf>,
    /// List to export
    #[arg(long, value_enum, value_name = "LIST", default_value_t = Listed::Contacts, display_order = 4)]
    pub what: Listed,
    /// Leave out contacts last changed before DATE: 2026-11-01 or 2026-11-01T08:00:00Z
    #[arg(long, value_name = "DATE", conflicts_with = "changes", display_order = 5)]
    pub since: Option<String>,
    /// Use the built-in sandbox instead of every platform
    ///
    /// Its data is kept in the state folder, and files that a job names are written below `sandbox/out` there.
    #[arg(long, display_order = 6)]
    pub sandbox: bool,
    /// Write only the first N contacts, as a sample
    ///
    /// --changes, --retain and --at-least have no effect then. `ferry resume` writes all contacts.
    #[arg(long, value_name = "N", value_parser = positive, display_order = 7)]
    pub limit: Option<u64>,
    /// Format of the file [default: by its name; jsonl on standard output]
    #[arg(long, value_parser = file_format(), help_heading = FILES)]
    pub format: Option<Format>,
    /// Write cells as they are, without a `'` before what a spreadsheet would run as a formula
    #[arg(long, help_heading = FILES)]
    pub raw_cells: bool,
    /// Also write what was added, changed and removed since the last finished run of this export with --changes, as CSV or
    /// JSON Lines by file name
    ///
    /// A second file of the same name on one day is written as FILE.1, and so on.
    #[arg(long, value_name = "FILE", help_heading = FILES)]
    pub changes: Option<PathBuf>,
    /// After success, delete older files of the same name pattern that Ferry wrote: 30d, 12h
    ///
    /// The age of a file is the date in its name. Nothing is deleted with --sandbox.
    #[arg(long, value_name = "AGE", requires = "out", help_heading = FILES)]
    pub retain: Option<String>,
    /// Also write the rejects to this file [default: only to the run's folder]
    ///
    /// Rejects of another run in this file are kept as PATH.1, PATH.2 and so on.
    #[arg(long, value_name = "PATH", help_heading = FILES)]
    pub rejects: Option<PathBuf>,
    /// Write each contact with its outcome and its id at the platform
    #[arg(long, value_name = "FILE", help_heading = FILES)]
    pub results: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub phones: PhoneRegion,
    /// Fail (exit 6) with fewer than N contacts, and leave the file as it was [default: no minimum]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = LIMITS)]
    pub at_least: Option<u64>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pace: Pace,
}

/// `ferry convert`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry convert contacts.csv --out contacts.jsonl
  ferry convert contacts.csv --out clean.csv.gz --map contacts.yaml --region EC
  zcat old.csv.gz | ferry convert - --out old.jsonl.zst")]
pub struct Convert {
    /// File to write: .csv, .tsv, .json, .jsonl or .vcf, also followed by .gz or .zst, or .xlsx; `-` is standard output
    #[arg(long, value_name = "FILE", display_order = 1)]
    pub out: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub work: Work,
}

/// `ferry run`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Every option of a job's command is accepted here too: see `ferry help import` for those of an import.

Examples:
  ferry run nightly
  ferry run nightly weekly --quiet
  ferry run --all --sandbox --limit 100")]
pub struct Run {
    /// Names of jobs in ferry.yaml
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Run all jobs, in the order of ferry.yaml
    #[arg(long, conflicts_with = "jobs")]
    pub all: bool,
    /// Options for the jobs' commands
    #[arg(skip)]
    pub options: Vec<TypedOption>,
}

/// An option that was typed for the command of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedOption {
    /// Its name: `--limit`.
    pub option: String,
    /// Its values; none if it is a flag.
    pub values: Vec<String>,
}

/// `ferry undo`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry undo 7f3a --dry-run                       show what would be undone
  ferry undo 7f3a
  ferry undo 7f3a --only email
  ferry undo 7f3a --dry-run --plan plan.csv       the same, contact by contact")]
pub struct Undo {
    /// Name of the run, or its end if that is unambiguous [default: on a terminal, the newest run, after a question]
    pub run: Option<String>,
    /// Read everything and show what would be undone; write nothing to the target
    #[arg(long, short = 'n', display_order = 1)]
    pub dry_run: bool,
    /// Undo one field only: email, tags, attributes.Plan; delete no contact [default: all fields]
    #[arg(long, value_name = "FIELD", display_order = 2)]
    pub only: Option<String>,
    /// With --dry-run: write each contact and what would happen to it, as CSV or JSON Lines by file name
    #[arg(long, value_name = "FILE", requires = "dry_run", help_heading = FILES)]
    pub plan: Option<PathBuf>,
    /// Write each contact with its outcome
    #[arg(long, value_name = "FILE", help_heading = FILES)]
    pub results: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pace: Pace,
}

/// `ferry apply`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry import contacts.csv --to shop --dry-run --plan plan.jsonl
  ferry apply plan.jsonl")]
pub struct Apply {
    /// Plan in JSON Lines, written by --dry-run --plan
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pace: Pace,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub work: Work,
}

/// The file that is read, and how.
#[derive(Clone, Debug, ClapArgs)]
pub struct Source {
    /// File to read: CSV, TSV, vCard, JSON or JSON Lines, also compressed with gzip or zstd, or XLSX; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Mapping: a YAML file, or the name of a built-in mapping [default: by column names]
    #[arg(long, short, value_name = "MAPPING", display_order = 3)]
    pub map: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub phones: PhoneRegion,
    /// Encoding of the file: utf-8, windows-1252 [default: detected]
    #[arg(long, value_name = "NAME", help_heading = READING)]
    pub encoding: Option<String>,
    /// Delimiter of the columns: `;` `,` `|` or tab [default: detected]
    #[arg(long, value_name = "CHAR", value_parser = delimiter, help_heading = READING)]
    pub delimiter: Option<char>,
    /// Skip contacts whose phone or e-mail is in this list; repeatable
    ///
    /// A list is a file of any format that is read. Its columns of phones and e-mails are found by their names and values.
    #[arg(long, value_name = "FILE", display_order = 9)]
    pub skip: Vec<PathBuf>,
    /// Sheet of a workbook, by its name or its number [default: the only one with contacts]
    #[arg(long, value_name = "SHEET", help_heading = READING)]
    pub sheet: Option<String>,
    /// Format of the file [default: detected]
    #[arg(long, value_parser = file_format(), help_heading = READING)]
    pub format: Option<Format>,
    /// Neither add nor remove the `'` before cells that a spreadsheet would run as a formula
    #[arg(long, help_heading = READING)]
    pub raw_cells: bool,
}

/// Where the work begins and ends, and which files it leaves.
#[derive(Clone, Debug, ClapArgs)]
pub struct Work {
    /// Stop after N source records; the same command without it resumes the run [default: all records]
    #[arg(long, value_name = "N", value_parser = positive, display_order = 7)]
    pub limit: Option<u64>,
    /// Start over instead of resuming an unfinished run of the same work
    #[arg(long, display_order = 8)]
    pub fresh: bool,
    /// Also write the rejects to this file [default: only to the run's folder]
    ///
    /// Rejects of another run in this file are kept as PATH.1, PATH.2 and so on. In the names of --rejects and --results,
    /// {date} is the day on which the run started and {time} the time.
    #[arg(long, value_name = "PATH", help_heading = FILES)]
    pub rejects: Option<PathBuf>,
    /// Write each record with its outcome and its id at the target, as a table or JSON Lines by file name
    #[arg(long, value_name = "FILE", help_heading = FILES)]
    pub results: Option<PathBuf>,
}

/// How to treat a contact that exists at the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnExisting {
    /// Overwrite with the values that the source has
    #[default]
    Update,
    /// Fill only blank fields
    Fill,
    /// Leave the contact unchanged
    Skip,
}

/// A list of a platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Contacts
    #[default]
    Contacts,
    /// Agents of the account
    Agents,
    /// Conversations with contacts
    Conversations,
    /// Message templates
    Templates,
}

/// The names that `--format` accepts, from the table of formats.
fn file_format() -> impl TypedValueParser<Value = Format> {
    let names = FORMATS.iter().map(|facts| PossibleValue::new(facts.name).help(facts.about));
    PossibleValuesParser::new(names).map(|name: String| Format::named(&name).unwrap_or(Format::Csv))
}

/// The delimiter of columns as users type it: one character, or `tab`, `\t`.
pub(super) fn delimiter(text: &str) -> Result<char, String> {
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("tab" | "\\t", _, _) => Ok('\t'),
        (_, Some(c @ (';' | ',' | '|' | '\t')), None) => Ok(c),
        _ => Err("expected `;` `,` `|` or `tab`".to_owned()),
    }
}

/// A number above 0.
pub(super) fn positive(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("expected a whole number above 0".to_owned()),
    }
}
