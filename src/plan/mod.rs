//! Arguments, files and environment, made into a checked plan. What is wrong with them is found here, before anything is
//! sent; what only a source or a platform can tell is the run's business.

pub mod checks;
pub mod config;
mod connection;
mod destinations;
pub mod env;
mod env_file;
mod filling;
mod job_keys;
pub mod jobs;
pub mod on_finish;
mod references;
pub mod schedule;
pub mod schema;
mod secrets;
pub mod suggest;
mod tenants;
pub mod work;

pub use config::{Config, ConfigError};
pub use connection::{Connection, default_settings, variable};
pub use destinations::{Around, SANDBOX_OUT, check_files, check_state};
pub use env::Env;
pub use references::{COMMAND_PLACES, end_group, secret_of};
pub use schedule::Schedule;
pub use tenants::Tenants;

use crate::files::{self, Format, KnownNames, PrivateCopy, ReadOptions};
use crate::http::Rate;
use crate::mapping::names::known_column;
use crate::mapping::phone::Region;
use crate::mapping::{BindOptions, Mapping, RegionChoice};
use crate::outcome::{Failure, Page};
use crate::platforms::diff::OnExisting;
use crate::platforms::settings::{COMMON, environment_name};
use crate::reconcile::guards::GuardsAsked;
use crate::yaml::{FileError, nearest};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Mappings that come with the program, by their names.
const BUILT_IN: &[(&str, &str)] = &[("contacts", include_str!("../../mappings/contacts.yaml"))];

/// What was said about the file that is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SourceAsked {
    pub file: PathBuf,
    /// How messages name the file, where that is not its path.
    #[serde(default)]
    pub shown: Option<String>,
    pub map: Option<PathBuf>,
    pub format: Option<Format>,
    pub encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    pub delimiter: Option<u8>,
    pub region: Option<String>,
    pub raw_cells: bool,
    /// Suppression lists, beside those of the mapping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<PathBuf>,
}

/// What was said about the work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct WorkAsked {
    pub fresh: bool,
    pub limit: Option<u64>,
    pub rejects: Option<PathBuf>,
    pub results: Option<PathBuf>,
    /// Records whose content arrived in an earlier run are skipped.
    pub only_changed: bool,
    /// How much it may bring about.
    pub guards: GuardsAsked,
    /// Fewer records in the source are a failure; none where any number will do.
    pub at_least: Option<u64>,
}

/// What was said about the target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TargetAsked {
    pub to: String,
    pub sandbox: bool,
    pub on_existing: OnExisting,
    pub only_existing: bool,
    pub create_attributes: bool,
    pub rate: Option<String>,
    pub concurrency: Option<u64>,
    pub wait: Option<String>,
}

/// The file that is read, and how.
#[derive(Debug)]
pub struct SourcePlan {
    /// Where it is; for standard input, a private copy.
    pub path: PathBuf,
    /// The name in messages and in the run: the path as typed, or `-`.
    pub shown: String,
    /// Kept as long as the plan, when it is a copy.
    _copy: Option<PrivateCopy>,
    /// How it is read.
    pub options: ReadOptions,
    /// The mapping and the name by which it was asked for; none: by the names of the columns.
    pub mapping: Option<(Mapping, String)>,
    /// Without a mapping, what was decided about the names in an earlier part of the same source.
    pub decided: Option<Mapping>,
    /// It is a part of a source, from whose proportions nothing follows.
    pub is_part: bool,
    /// What `--region` says.
    pub region: Option<RegionChoice>,
    /// It is a saved plan: the first record says so, the others are people.
    pub is_plan: bool,
    /// Suppression lists: those that were typed, and those of the mapping.
    pub skip: Vec<SourcePlan>,
}

/// What the records of a source become, and which of them are skipped.
struct Rules {
    mapping: Option<(Mapping, String)>,
    region: Option<RegionChoice>,
    skip: Vec<SourcePlan>,
}

impl SourcePlan {
    /// Reads the mapping and checks what was asked. Standard input is copied to a private file in `state`.
    ///
    /// # Errors
    /// Everything that is wrong with the mapping, the options and the file, at once.
    pub fn new(asked: &SourceAsked, state: &Path) -> Result<SourcePlan, Failure> {
        let mut mistakes = Mistakes::default();
        let source = SourcePlan::gather(asked, state, &mut mistakes);
        mistakes.end(source)
    }

    /// A platform as the source: what it holds is read to disk by the run, so there is no file.
    pub fn of_platform(
        connection: &str,
        asked: &SourceAsked,
        state: &Path,
        mistakes: &mut Mistakes,
    ) -> Option<SourcePlan> {
        let mapping = asked.map.as_deref().map(|map| mistakes.take(load_mapping(map)));
        let region = asked.region.as_deref().map(|region| mistakes.take(region_choice(region)));
        let shown = connection.to_owned();
        let options = ReadOptions::default();
        let (mapping, region) =
            (mapping.map_or(Some(None), |it| it.map(Some))?, region.map_or(Some(None), |it| it.map(Some))?);
        let skip = lists_of(asked, mapping.as_ref(), state, mistakes);
        Some(SourcePlan::begun(PathBuf::new(), shown, options, Rules { mapping, region, skip }))
    }

    /// A whole source that is no plan.
    fn begun(path: PathBuf, shown: String, options: ReadOptions, rules: Rules) -> SourcePlan {
        let Rules { mapping, region, skip } = rules;
        SourcePlan {
            path,
            shown,
            _copy: None,
            options,
            mapping,
            decided: None,
            is_part: false,
            region,
            is_plan: false,
            skip,
        }
    }

    /// The same beside other parts of a plan. Where there are mistakes, the file is looked at for more of them; standard
    /// input is then left alone.
    pub fn gather(asked: &SourceAsked, state: &Path, mistakes: &mut Mistakes) -> Option<SourcePlan> {
        let mapping = asked.map.as_deref().and_then(|map| mistakes.take(mapping_beside(map, asked)));
        let region = asked.region.as_deref().and_then(|region| mistakes.take(region_choice(region)));
        let options = options_of(asked, mapping.as_ref().map(|(mapping, _)| mapping));
        let shown = asked.shown.clone().unwrap_or_else(|| asked.file.display().to_string());
        let is_stream = shown == "-" || is_pipe(&asked.file);
        if is_stream && !mistakes.is_empty() {
            return None;
        }
        let copy = if is_stream { Some(mistakes.take(copy_of_stream(&asked.file, &shown, state))?) } else { None };
        let path = copy.as_ref().map_or_else(|| asked.file.clone(), |copy| copy.path().to_owned());
        let skip = lists_of(asked, mapping.as_ref(), state, mistakes);
        let begun = SourcePlan::begun(path, shown, options, Rules { mapping, region, skip });
        let source = SourcePlan { _copy: copy, ..begun };
        if mistakes.is_empty() {
            return Some(source);
        }
        mistakes.take(source.look());
        None
    }

    /// Opens the file and reads its names, for the mistakes in them only.
    fn look(&self) -> Result<(), Failure> {
        let opened = files::open(&self.path, &self.shown, &self.options)?;
        let Some((mapping, _)) = &self.mapping else { return Ok(()) };
        mapping.bind(&opened.header, &BindOptions { region: self.region, ..BindOptions::default() })?;
        Ok(())
    }

    /// The same source, read as another mapping says.
    ///
    /// # Errors
    /// What is wrong with the suppression lists that it names.
    pub fn set_mapping(&mut self, asked: &SourceAsked, named: (Mapping, String), state: &Path) -> Result<(), Failure> {
        let mut mistakes = Mistakes::default();
        let lists = lists_of(asked, Some(&named), state, &mut mistakes);
        self.skip = mistakes.end(Some(lists))?;
        self.options = options_of(asked, Some(&named.0));
        self.mapping = Some(named);
        Ok(())
    }

    /// What identifies the source among works: its full path, or `-`.
    pub fn identity(&self) -> String {
        match self._copy {
            Some(_) => "-".to_owned(),
            None => std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone()).display().to_string(),
        }
    }

    /// What was said about how to read it, as far as it makes two runs different work (contract 1.3).
    pub fn reading_identity(&self) -> String {
        let ReadOptions { format, encoding, delimiter, sheet, .. } = &self.options;
        // A run that was begun before there were sheets is the same work without one.
        let sheet = sheet.as_ref().map(|sheet| format!(" {sheet:?}")).unwrap_or_default();
        format!("{format:?} {encoding:?} {delimiter:?} {:?}{sheet}", self.region)
    }

    /// Whether it is a private copy of what can be read only once.
    pub fn is_copy(&self) -> bool {
        self._copy.is_some()
    }

    /// The fingerprint of the mapping.
    pub fn mapping_identity(&self) -> String {
        self.mapping.as_ref().map_or_else(|| "by names".to_owned(), |(mapping, _)| mapping.fingerprint())
    }
}

/// The suppression lists, each as a source of its own. One without a header has columns that are named by their values.
fn lists_of(
    asked: &SourceAsked,
    mapping: Option<&(Mapping, String)>,
    state: &Path,
    mistakes: &mut Mistakes,
) -> Vec<SourcePlan> {
    let of_mapping = mapping.map(|(mapping, _)| mapping.skip_lists()).unwrap_or_default();
    let mut lists: Vec<PathBuf> = Vec::new();
    for list in asked.skip.iter().cloned().chain(of_mapping) {
        if list.as_os_str() == "-" {
            let failure = Failure::usage("`skip`: a list cannot be standard input").hint("put it into a file");
            mistakes.take::<()>(Err(failure));
        } else if !lists.contains(&list) {
            lists.push(list);
        }
    }
    let list = |file: PathBuf| {
        let asked = SourceAsked { file, ..SourceAsked::default() };
        let mut list = SourcePlan::gather(&asked, state, mistakes)?;
        list.options.names_by_values = files::open(&list.path, &list.shown, &list.options).is_err();
        Some(list)
    };
    lists.into_iter().filter_map(list).collect()
}

/// How the file is read: what was typed wins over what the mapping says.
fn options_of(asked: &SourceAsked, mapping: Option<&Mapping>) -> ReadOptions {
    let hints = mapping.map(|mapping| mapping.read_hints().clone()).unwrap_or_default();
    ReadOptions {
        format: asked.format.or_else(|| hints.format.as_deref().and_then(Format::named)),
        encoding: asked.encoding.clone().or(hints.encoding),
        delimiter: asked.delimiter.or(hints.delimiter),
        sheet: asked.sheet.clone().or(hints.sheet),
        root: hints.root,
        raw_cells: asked.raw_cells,
        header_row: hints.header_row,
        columns: hints.columns,
        names_by_values: false,
        names: KnownNames::new(&mapping.map(Mapping::source_names).unwrap_or_default(), is_known_column),
    }
}

/// Whether a column of this name is understood without a mapping.
fn is_known_column(name: &str) -> bool {
    known_column(name).is_some()
}

/// What `--region` says.
pub fn region_choice(text: &str) -> Result<RegionChoice, Failure> {
    if text == "none" {
        return Ok(RegionChoice::Nowhere);
    }
    region_named(text).map(RegionChoice::Region).map_err(|failure| of_option("--region", failure))
}

/// The same failure, of an option.
fn of_option(option: &str, mut failure: Failure) -> Failure {
    failure.message = format!("`{option}`: {}", failure.message);
    failure
}

/// Everything that is found to be wrong before a run begins, to be told at once.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<Failure>);

impl Mistakes {
    /// The value, or one mistake more.
    pub fn take<T>(&mut self, result: Result<T, Failure>) -> Option<T> {
        result.map_err(|failure| self.0.push(failure)).ok()
    }

    /// Adds the mistakes that were found elsewhere.
    pub fn append(&mut self, later: Mistakes) {
        self.0.extend(later.0);
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, when nothing is wrong.
    ///
    /// # Errors
    /// All mistakes as one failure.
    pub fn end<T>(self, value: Option<T>) -> Result<T, Failure> {
        match (Failure::together(self.0), value) {
            (None, Some(value)) => Ok(value),
            (Some(failure), _) => Err(failure),
            (None, None) => Err(Failure::failed("there is no plan and no error: this is a bug in Ferry")),
        }
    }
}

/// The country of this code or name.
pub fn region_named(text: &str) -> Result<Region, Failure> {
    Region::named(text).ok_or_else(|| {
        Failure::usage(format!("`{text}` is not a known country"))
            .hint("use its code (`EC`), its calling code (`593`) or its name")
    })
}

/// The mapping for a file: not both can be standard input.
fn mapping_beside(map: &Path, asked: &SourceAsked) -> Result<(Mapping, String), Failure> {
    let is_stdin = asked.file.as_os_str() == "-";
    if map.as_os_str() == "-" && is_stdin {
        return Err(Failure::usage("the mapping and the file cannot both be standard input")
            .hint("put one of them into a file"));
    }
    load_mapping_beside(map, |mapping| match is_stdin || is_pipe(&asked.file) {
        true => Vec::new(),
        false => unknown_names(mapping, asked),
    })
}

/// The names of a mapping with errors that the file does not have either. What is wrong with the file is told elsewhere.
fn unknown_names(mapping: &Mapping, asked: &SourceAsked) -> Vec<FileError> {
    let shown = asked.file.display().to_string();
    let opened = files::open(&asked.file, &shown, &options_of(asked, Some(mapping)));
    opened.map_or_else(|_| Vec::new(), |opened| mapping.unknown_names(&opened.header))
}

/// The mapping in a file, or the built-in one of this name; `-` is standard input.
pub fn load_mapping(path: &Path) -> Result<(Mapping, String), Failure> {
    load_mapping_beside(path, |_| Vec::new())
}

/// The same; `more` finds further errors of a mapping that has some.
fn load_mapping_beside(
    path: &Path,
    more: impl FnOnce(&Mapping) -> Vec<FileError>,
) -> Result<(Mapping, String), Failure> {
    let mapping = Mapping::parse_beside(&mapping_text(path)?, path, more).map_err(Failure::from)?;
    Ok((mapping, path.display().to_string()))
}

/// The text of such a mapping, whether or not it has errors.
pub fn mapping_text(path: &Path) -> Result<String, Failure> {
    let shown = path.display().to_string();
    match BUILT_IN.iter().find(|(name, _)| *name == shown && !path.exists()) {
        Some((_, text)) => Ok((*text).to_owned()),
        None => page_of(path).map_err(|error| no_mapping(&shown, &error)),
    }
}

/// A little more than a mapping may have is read, so that what is too long is told as such.
fn page_of(path: &Path) -> io::Result<String> {
    let mut page = String::new();
    let most = crate::yaml::FILE_LEN_MAX as u64 + 1;
    match path.as_os_str() == "-" {
        true => io::stdin().lock().take(most).read_to_string(&mut page)?,
        false => File::open(path)?.take(most).read_to_string(&mut page)?,
    };
    Ok(page)
}

fn no_mapping(shown: &str, error: &io::Error) -> Failure {
    let names = || BUILT_IN.iter().map(|(name, _)| *name);
    let list = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let failure = Failure::usage(format!("the mapping `{shown}` cannot be read")).cause(error);
    match (error.kind(), nearest(shown, names())) {
        (io::ErrorKind::NotFound, Some(near)) => failure.hint(format!("did you mean the built-in `{near}`?")),
        (io::ErrorKind::InvalidData, _) => failure.hint("a mapping is a YAML file in UTF-8"),
        _ => failure.hint(format!("a mapping is a YAML file, or the name of a built-in one: {list}")),
    }
}

/// Whether a path leads to something that can be read only once.
fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|facts| !facts.is_file() && !facts.is_dir())
}

/// What can be read only once, in a private file.
fn copy_of_stream(path: &Path, shown: &str, state: &Path) -> Result<PrivateCopy, Failure> {
    let named = if shown == "-" { "standard input".to_owned() } else { format!("`{shown}`") };
    let fault = |error: io::Error| Failure::failed(format!("{named} cannot be copied to disk")).cause(error);
    let input: Box<dyn Read> =
        if shown == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(fault)?) };
    PrivateCopy::of(input, state).map_err(fault)
}

/// How long to wait for an unavailable platform; zero: a few minutes.
pub fn wait_of(asked: Option<&str>) -> Result<Duration, Failure> {
    asked.map_or(Ok(Duration::ZERO), |text| duration_of("--wait", text))
}

/// The length of time that an option gives.
pub fn duration_of(option: &str, text: &str) -> Result<Duration, Failure> {
    checks::duration(text).ok_or_else(|| {
        Failure::usage(format!("`{option}`: `{text}` is not a duration"))
            .hint("write a whole number and a unit: `30s`, `10m`, `2h`, `90d`")
    })
}

/// The connection of this name with what the command line says about it.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn connection(config: &Config, asked: &TargetAsked) -> Result<Connection, Failure> {
    let mut mistakes = Mistakes::default();
    let rate = asked.rate.as_deref();
    let of_rate = |text: &str| Rate::parse(text).map_err(|failure| of_option("--rate", failure));
    rate.and_then(|text| mistakes.take(of_rate(text)));
    let concurrency = asked.concurrency.map(|number| number.to_string());
    concurrency.as_deref().and_then(|text| mistakes.take(checks::concurrency_option("--concurrency", text)));
    mistakes.take(wait_of(asked.wait.as_deref()));
    let found = if asked.sandbox { config.rehearsed(&asked.to) } else { config.connection(&asked.to) };
    let mut connection = mistakes.take(found.map_err(Failure::from));
    if let Some(connection) = &mut connection {
        rate.into_iter().for_each(|text| connection.settings.set("rate", text));
        concurrency.into_iter().for_each(|text| connection.settings.set("concurrency", text));
        if mistakes.is_empty()
            && !asked.sandbox
            && let Err(failures) = connection.driver.connect(&connection.settings)
        {
            mistakes.0.extend(failures);
        }
    }
    mistakes.end(connection)
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        match error {
            ConfigError::Failed(failure) => failure,
            ConfigError::Mistakes(errors) => {
                let page = Page { colored: errors.render(true) + "\n", mistakes: errors.mistakes() };
                Failure::page(errors.render(false) + "\n", page)
            }
        }
    }
}

/// The address of a connection without what may change between two processes of one run: on this machine, the port.
pub fn address_of(connection: &Connection) -> String {
    let text = connection.settings.get("base_url").unwrap_or(&connection.facts().base_url);
    let Ok(mut url) = url::Url::parse(text) else { return text.to_owned() };
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if is_loopback && url.set_port(None).is_err() {
        return text.to_owned();
    }
    url.to_string()
}

/// Points a connection at a sandbox: `credentials` are the variables that the sandbox prints.
pub fn use_sandbox(connection: &mut Connection, credentials: &[(&'static str, String)]) {
    for (variable, value) in credentials {
        let driver = Arc::clone(&connection.driver);
        let mut settings = COMMON.iter().chain(&*driver.facts().settings);
        let setting = settings.find(|setting| environment_name(&connection.facts().name, &setting.name) == *variable);
        match setting {
            Some(setting) if setting.secret => {
                connection.settings.set_secret(&setting.name, secrecy::SecretString::from(value.as_str()));
            }
            Some(setting) => connection.settings.set(&setting.name, value.as_str()),
            None => {}
        }
    }
    connection.settings.set("settle", SANDBOX_SETTLE);
    // It has no limit to be found out; a limit that the user has set is rehearsed. A rate that cannot be read is reported
    // where it is used.
    if let Ok(rate) = Rate::parse(connection.settings.get("rate").unwrap_or("auto")) {
        connection.settings.set("rate", rate.without_auto().to_string());
    }
}

/// What the sandbox has not shown after this time it does not hold, whatever its faults.
const SANDBOX_SETTLE: &str = "5s";
