//! The commands that move records, and the options that they share.

use super::{EXISTING, LIMITS, OUTPUT, SOURCE, TARGET};
use crate::files::{FORMATS, Format};
use crate::reconcile::guards::Allowed;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// `ferry import`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry import contacts.csv --to shop --map contacts.yaml
  ferry import contacts.csv --to shop --sandbox --limit 100     rehearse with the first 100
  ferry import contacts.csv --to shop --map corrected.yaml --correct 7f3a
  zcat old.csv.gz | ferry import - --to shop --on-existing fill")]
pub struct Import {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: Target,
    /// Correct what this run wrote, with a corrected mapping: only values that are still as it wrote them change; where
    /// the right one is blank, the one from before the run comes back. Nobody is created [default: nothing is corrected]
    #[arg(long, value_name = "RUN", conflicts_with_all = ["on_existing", "only_existing"], help_heading = EXISTING)]
    pub correct: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dry: Dry,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub guards: Guards,
    /// Fewer records in the file than this are a failure (exit 6; none at all exit 2), and nothing is changed; 0 allows an
    /// empty file
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = LIMITS)]
    pub at_least: u64,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub work: Work,
}

/// `ferry migrate`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry migrate --from shop --to support
  ferry migrate --from shop --to support --map shop-to-support.yaml --rate 5/s
  ferry migrate --from shop --to support --sandbox --limit 100      rehearse with the first 100")]
pub struct Migrate {
    /// The connection to read from: its name in ferry.yaml, or a platform's
    #[arg(long, value_name = "CONNECTION", help_heading = SOURCE)]
    pub from: String,
    /// The mapping, whose sources are fields of the contact: a YAML file, or the name of a built-in one [default: every
    /// field that both can hold]
    #[arg(long, short, value_name = "MAPPING", help_heading = SOURCE)]
    pub map: Option<PathBuf>,
    /// The country of phones written without a country code: `EC`, `593`, `Ecuador`, or `none` [default: the mapping's, the
    /// connection's]
    #[arg(long, value_name = "COUNTRY", help_heading = SOURCE)]
    pub region: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: Target,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dry: Dry,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub guards: Guards,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub work: Work,
}

/// A look before the leap.
#[derive(Clone, Debug, ClapArgs)]
pub struct Dry {
    /// Read everything, write nothing at the target: tell what would be written, field by field, and how long it takes
    #[arg(long, short = 'n', help_heading = LIMITS)]
    pub dry_run: bool,
    /// With --dry-run: write every record and what would become of it (CSV, or JSON Lines, by its name)
    #[arg(long, value_name = "FILE", requires = "dry_run", help_heading = OUTPUT)]
    pub plan: Option<PathBuf>,
}

/// What a run passes over, and its limits: `10`, or `5%` of the records of the source.
#[derive(Clone, Debug, ClapArgs)]
pub struct Guards {
    /// Pass over records whose content arrived in an earlier finished run of the same mapping: nothing is sent or read for
    /// them, so changes made at the target since are not seen
    #[arg(long, help_heading = LIMITS)]
    pub only_changed: bool,
    /// Stop (exit 8) before more records than this are rejected: 10, or 5% of the records [default: no limit]
    #[arg(long, value_name = "LIMIT", value_parser = Allowed::parse, help_heading = LIMITS)]
    pub max_rejects: Option<Allowed>,
    /// Stop (exit 8) before more contacts than this are created [default: no limit]
    #[arg(long, value_name = "LIMIT", value_parser = Allowed::parse, help_heading = LIMITS)]
    pub max_creates: Option<Allowed>,
    /// Stop (exit 8) before more contacts than this are changed [default: no limit]
    #[arg(long, value_name = "LIMIT", value_parser = Allowed::parse, help_heading = LIMITS)]
    pub max_updates: Option<Allowed>,
    /// Stop (exit 8) before more values than this are erased, or values of more records than this percentage [default: 20%]
    #[arg(long, value_name = "LIMIT", value_parser = Allowed::parse, help_heading = LIMITS)]
    pub max_clears: Option<Allowed>,
}

/// How fast a platform is asked, and how patiently.
#[derive(Clone, Debug, ClapArgs)]
pub struct Pace {
    /// Requests per time: 10/s, 300/min, 5000/h, several joined by `,`, auto, auto,max=50/s, none [default: the
    /// connection's, else auto]
    #[arg(long, help_heading = LIMITS)]
    pub rate: Option<String>,
    /// Requests in flight [default: the connection's]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = LIMITS)]
    pub concurrency: Option<u64>,
    /// How long to wait for an unavailable platform, such as 30s, 10m, 2h [default: a few minutes of retries]
    ///
    /// It goes on by itself when the platform is back. When the time is over it ends with exit code 6; the checkpoint is
    /// kept, and the same command goes on.
    #[arg(long, value_name = "TIME", help_heading = LIMITS)]
    pub wait: Option<String>,
}

/// The platform that is written to, and how.
#[derive(Clone, Debug, ClapArgs)]
pub struct Target {
    /// The connection to write to: its name in ferry.yaml, or a platform's
    #[arg(long, value_name = "CONNECTION", help_heading = TARGET)]
    pub to: String,
    /// Use the built-in sandbox for every platform; its data is kept in the state folder, and files that a job names are
    /// written below `sandbox/out` there
    #[arg(long, help_heading = TARGET)]
    pub sandbox: bool,
    /// A contact that is there already: overwrite with what the source has, fill only its blanks, or leave it alone
    #[arg(long, value_enum, value_name = "HOW", default_value_t = OnExisting::Update, help_heading = EXISTING)]
    pub on_existing: OnExisting,
    /// Never create; who is not there is skipped
    #[arg(long, help_heading = EXISTING)]
    pub only_existing: bool,
    /// Define custom attributes that the account does not have, where it has to define them; without this they are a
    /// mistake that is told before anything is written
    #[arg(long, help_heading = TARGET)]
    pub create_attributes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pace: Pace,
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

In the names of --out and --changes, {date} is the day on which the run began (2026-11-22) and {time} its time (031500),
local time.")]
pub struct Export {
    /// The connection to read: its name in ferry.yaml, or a platform's
    #[arg(long, value_name = "CONNECTION", help_heading = SOURCE)]
    pub from: String,
    /// Which of its lists
    #[arg(long, value_enum, value_name = "LIST", default_value_t = Listed::Contacts, help_heading = SOURCE)]
    pub what: Listed,
    /// The mapping: a YAML file, or the name of a built-in one [default: whole contacts]
    #[arg(long, short, value_name = "MAPPING", help_heading = SOURCE)]
    pub map: Option<PathBuf>,
    /// Leave out contacts that were last changed before this day (2026-11-01) or moment (2026-11-01T08:00:00Z) [default:
    /// none are left out]
    #[arg(long, value_name = "DATE", conflicts_with = "changes", help_heading = SOURCE)]
    pub since: Option<String>,
    /// The country of phones written without a country code: `EC`, `593`, `Ecuador`, or `none` [default: the mapping's, the
    /// connection's]
    #[arg(long, value_name = "COUNTRY", help_heading = SOURCE)]
    pub region: Option<String>,
    /// Use the built-in sandbox for every platform; its data is kept in the state folder, and files that a job names are
    /// written below `sandbox/out` there
    #[arg(long, help_heading = SOURCE)]
    pub sandbox: bool,
    /// The file to write; its name says how: .csv, .tsv, .json, .jsonl, and .gz or .zst after it [default: `-`, standard
    /// output]
    #[arg(long, value_name = "FILE", help_heading = TARGET)]
    pub out: Option<PathBuf>,
    /// The format, whatever the name says [default: by the name; of standard output jsonl]
    #[arg(long, value_parser = file_format(), help_heading = TARGET)]
    pub format: Option<FileFormat>,
    /// Write cells as they are: without this, a `'` keeps a spreadsheet from running a cell as a formula
    #[arg(long, help_heading = TARGET)]
    pub raw_cells: bool,
    /// Write what was added, changed and removed since the last finished run of the same export that told it (CSV or
    /// JSON Lines by name); a second time on one day to `FILE.1`, and so on [default: not written]
    #[arg(long, value_name = "FILE", help_heading = TARGET)]
    pub changes: Option<PathBuf>,
    /// After a success, remove files of the same name that Ferry wrote and whose date in it is older than this, such as
    /// 30d; never with --sandbox [default: none]
    #[arg(long, value_name = "AGE", requires = "out", help_heading = TARGET)]
    pub retain: Option<String>,
    /// Fewer contacts than this are a failure, and the file stays as it was [default: any number will do]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = LIMITS)]
    pub at_least: Option<u64>,
    /// Write the first N contacts, as a sample: --changes, --retain and --at-least do nothing; `ferry resume` writes all
    /// [default: all]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = LIMITS)]
    pub limit: Option<u64>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pace: Pace,
    /// Copy the rejects to this file too; rejects in it that another run left are kept as `PATH.1`, `PATH.2` … [default:
    /// only the run's folder]
    #[arg(long, value_name = "PATH", help_heading = OUTPUT)]
    pub rejects: Option<PathBuf>,
    /// Write every contact with its outcome and the id it has on the platform [default: not written]
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub results: Option<PathBuf>,
}

/// `ferry convert`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry convert contacts.csv --out contacts.jsonl
  ferry convert contacts.csv --out clean.csv.gz --map contacts.yaml --region EC
  zcat old.csv.gz | ferry convert - --out old.jsonl.zst")]
pub struct Convert {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
    /// The file to write; its name says how: .csv, .tsv, .json, .jsonl, and .gz or .zst after it
    #[arg(long, value_name = "FILE", help_heading = TARGET)]
    pub out: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub work: Work,
}

/// `ferry undo`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  ferry undo 7f3a --dry-run                       what would be taken back
  ferry undo 7f3a
  ferry undo 7f3a --only email
  ferry undo 7f3a --dry-run --plan plan.csv       contact by contact")]
pub struct Undo {
    /// The run, or the end of its name where that is unambiguous [default: on a terminal, the newest is shown, and asked
    /// about]
    pub run: Option<String>,
    /// Take back one field only, such as email, tags, attributes.Plan; nobody is deleted [default: all of them]
    #[arg(long, value_name = "FIELD")]
    pub only: Option<String>,
    /// Read everything, write nothing: what would be taken back, in sums
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// With --dry-run: write every contact with what would become of it, value by value (CSV or JSON Lines by name)
    /// [default: not written]
    #[arg(long, value_name = "FILE", requires = "dry_run", help_heading = OUTPUT)]
    pub plan: Option<PathBuf>,
    /// Write every contact with its outcome [default: not written]
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
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
    /// The plan, as --dry-run --plan wrote it: JSON Lines
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
    /// The file: CSV, JSON or JSON Lines, also compressed with gzip or zstd; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The mapping: a YAML file, or the name of a built-in one [default: by column names]
    #[arg(long, short, value_name = "MAPPING", help_heading = SOURCE)]
    pub map: Option<PathBuf>,
    /// The format of the file [default: what its content says]
    #[arg(long, value_parser = file_format(), help_heading = SOURCE)]
    pub format: Option<FileFormat>,
    /// The encoding of the file, such as utf-8 or windows-1252 [default: what its content says]
    #[arg(long, value_name = "NAME", help_heading = SOURCE)]
    pub encoding: Option<String>,
    /// What separates the columns: `;` `,` `|` or tab [default: what the content says]
    #[arg(long, value_name = "CHAR", value_parser = delimiter, help_heading = SOURCE)]
    pub delimiter: Option<char>,
    /// The country of phones written without a country code: `EC`, `593`, `Ecuador`, or `none` [default: the mapping's, the
    /// connection's]
    #[arg(long, value_name = "COUNTRY", help_heading = SOURCE)]
    pub region: Option<String>,
    /// Take cells as they are: without this, a `'` that keeps a spreadsheet from running a cell is written and taken off
    #[arg(long, help_heading = SOURCE)]
    pub raw_cells: bool,
}

/// The work: where it begins and ends, and what it leaves.
#[derive(Clone, Debug, ClapArgs)]
pub struct Work {
    /// Begin anew instead of going on with an unfinished run of the same work
    #[arg(long, help_heading = LIMITS)]
    pub fresh: bool,
    /// Stop after N records of the source; the same command without it goes on [default: all]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = LIMITS)]
    pub limit: Option<u64>,
    /// Copy the rejects to this file too; rejects in it that another run left are kept as `PATH.1`, `PATH.2` … [default:
    /// only the run's folder]
    #[arg(long, value_name = "PATH", help_heading = OUTPUT)]
    pub rejects: Option<PathBuf>,
    /// Write every record with its outcome and the id it has at the target [default: not written]
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub results: Option<PathBuf>,
}

/// What becomes of a contact that is at the target already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnExisting {
    /// Overwrite with what the source has
    #[default]
    Update,
    /// Fill only its blanks
    Fill,
    /// Leave it alone
    Skip,
}

/// A list of a platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// The contacts
    #[default]
    Contacts,
    /// The people of the account to whom contacts can belong
    Agents,
    /// What was said with contacts
    Conversations,
    /// Prepared messages
    Templates,
}

/// A format as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// One of the table of formats.
    Known(Format),
    /// One that is planned: its name, and what to do until then.
    Planned(&'static str, &'static str),
}

/// Formats that are planned, which are not listed.
const PLANNED: [(&str, &str); 2] = [
    ("xlsx", "use CSV in its place: spreadsheet programs save a sheet as `CSV UTF-8`"),
    ("vcf", "use CSV in its place: address books import and export it"),
];

/// The names that `--format` takes, from the table of formats.
fn file_format() -> impl TypedValueParser<Value = FileFormat> {
    let known = FORMATS.iter().map(|facts| PossibleValue::new(facts.name).help(facts.about));
    let planned = PLANNED.iter().map(|(name, _)| PossibleValue::new(*name).hide(true));
    let planned_of = |name: &str| PLANNED.into_iter().find(|(planned, _)| *planned == name);
    PossibleValuesParser::new(known.chain(planned)).map(move |name: String| match planned_of(&name) {
        Some((name, hint)) => FileFormat::Planned(name, hint),
        None => FileFormat::Known(Format::named(&name).unwrap_or(Format::Csv)),
    })
}

/// The separator of columns as people type it: one character, or `tab`, `\t`.
fn delimiter(text: &str) -> Result<char, String> {
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("tab" | "\\t", _, _) => Ok('\t'),
        (_, Some(c @ (';' | ',' | '|' | '\t')), None) => Ok(c),
        _ => Err("expected `;` `,` `|` or `tab`".to_owned()),
    }
}

/// A number above 0.
fn positive(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("expected a whole number above 0".to_owned()),
    }
}
