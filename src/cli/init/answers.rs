//! What a first connection is made of: what was typed, what the environment has, and what is asked for on a terminal. A secret
//! is never taken from the command line, where other users of the machine could read it, and is not shown while it is typed.

use crate::cli::args;
use crate::cli::context::Context;
use crate::outcome::Failure;
use crate::plan::config::is_name;
use crate::plan::region_named;
use crate::platforms::settings::Setting;
use crate::platforms::{PlatformFacts, Registry};
use crate::yaml::nearest;
use console::Term;
use std::io::{self, IsTerminal};

/// The setting that is asked for although no connection needs it: most lists have phones without a country code.
const REGION: &str = "phone_region";

/// A terminal to ask on; none where no question may be asked.
pub(super) struct Prompt(Option<Term>);

/// One setting of the connection.
pub(super) struct Answer {
    pub setting: String,
    pub help: String,
    pub value: Given,
}

/// Where its value is.
pub(super) enum Given {
    /// In `ferry.yaml`.
    Plain(String),
    /// In the environment file, under the name of a variable.
    Secret(String, String),
    /// In the environment already.
    FromEnvironment(String),
    /// Nowhere yet; this variable is to have it.
    Missing(String),
}

/// All answers.
pub(super) struct Answers {
    pub name: String,
    pub platform: String,
    pub settings: Vec<Answer>,
    /// Whether everything is to be tried with the sandbox first.
    pub is_rehearsal: bool,
}

impl Prompt {
    pub fn of_terminal(is_silent: bool) -> Prompt {
        let asks = !is_silent && io::stdin().is_terminal() && io::stderr().is_terminal();
        Prompt(asks.then(Term::stderr))
    }

    fn asks(&self) -> bool {
        self.0.is_some()
    }

    /// The answer; blank where there is none.
    fn ask(&self, question: &str, is_secret: bool) -> Result<String, Failure> {
        let Some(term) = &self.0 else { return Ok(String::new()) };
        let fault = |error: io::Error| Failure::failed("the answer cannot be read").cause(error);
        term.write_str(&format!("{question}: ")).map_err(fault)?;
        let answer = if is_secret { term.read_secure_line() } else { term.read_line() };
        answer.map(|answer| answer.trim().to_owned()).map_err(fault)
    }

    /// Asks until the answer will do.
    fn ask_until<T>(&self, question: &str, check: impl Fn(&str) -> Result<T, Failure>) -> Result<T, Failure> {
        loop {
            match (check(&self.ask(question, false)?), &self.0) {
                (Ok(value), _) => return Ok(value),
                (Err(failure), Some(term)) => {
                    let hint = failure.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                    let told = term.write_line(&format!("{}{hint}", failure.message));
                    told.map_err(|error| Failure::failed("the terminal cannot be written to").cause(error))?;
                }
                (Err(failure), None) => return Err(failure),
            }
        }
    }
}

impl Answers {
    /// Everything that a first connection needs.
    ///
    /// # Errors
    /// Exit 2 for what was typed and cannot be, and for what is missing where no question may be asked.
    pub fn gather(typed: &args::Init, prompt: &Prompt, context: &Context) -> Result<Answers, Failure> {
        let platforms = &context.platforms;
        let facts = match &typed.platform {
            Some(name) => named(name, platforms)?,
            None if prompt.asks() => {
                let names: Vec<&str> = platforms.facts().map(|facts| &*facts.name).collect();
                prompt.ask_until(&format!("Platform ({})", names.join(", ")), |name| named(name, platforms))?
            }
            None => {
                return Err(Failure::usage("`--platform` is missing, and without a terminal Ferry cannot ask for it")
                    .hint("`ferry platforms` lists the platforms"));
            }
        };
        let name = match &typed.name {
            Some(name) => valid(name, &facts.name)?,
            None => {
                let question = format!("Name of the connection [{}]", facts.name);
                prompt.ask_until(&question, |name| valid(name, &facts.name))?
            }
        };
        let given = typed.set.iter().map(|text| given(text, facts)).collect::<Result<Vec<_>, _>>()?;
        let mut asking = Asking { name: &name, given, prompt, context, is_rehearsal: typed.sandbox };
        let settings = asking.settings(facts)?;
        Ok(Answers { name, platform: facts.name.to_string(), settings, is_rehearsal: typed.sandbox })
    }

    /// Whether no setting is missing.
    pub fn is_complete(&self) -> bool {
        self.missing().next().is_none()
    }

    /// The variables that have no value yet.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().filter_map(|answer| match &answer.value {
            Given::Missing(variable) => Some(variable.as_str()),
            _ => None,
        })
    }

    /// The variables of the environment file, with their values.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().filter_map(|answer| match &answer.value {
            Given::Secret(variable, value) => Some((variable.as_str(), value.as_str())),
            _ => None,
        })
    }
}

/// What is asked about the settings of a platform.
struct Asking<'a> {
    name: &'a str,
    /// What was typed.
    given: Vec<(String, String)>,
    prompt: &'a Prompt,
    context: &'a Context,
    is_rehearsal: bool,
}

impl Asking<'_> {
    fn settings(&mut self, facts: &PlatformFacts) -> Result<Vec<Answer>, Failure> {
        let mut answers = Vec::new();
        for setting in facts.settings.iter().filter(|setting| setting.required || !setting.instead.is_empty()) {
            let first = self.answer(setting)?;
            let is_missing = matches!(first.value, Given::Missing(_));
            let others = || facts.settings.iter().filter(|other| setting.instead.contains(&other.name));
            let mut instead = Vec::new();
            if is_missing && (self.prompt.asks() || others().any(|other| self.is_known(other))) {
                instead = others().map(|other| self.answer(other)).collect::<Result<Vec<_>, _>>()?;
            }
            match instead.iter().any(|answer| !matches!(answer.value, Given::Missing(_))) {
                true => answers.extend(instead),
                false => answers.push(first),
            }
        }
        if self.prompt.asks() && !self.given.iter().any(|(name, _)| name == REGION) {
            let question = "Country of phones without a country code, such as EC [none]";
            let region = self.prompt.ask_until(question, |text| match text {
                "" => Ok(None),
                text => region_named(text).map(|_| Some(text.to_owned())),
            })?;
            self.given.extend(region.map(|region| (REGION.to_owned(), region)));
        }
        let rest = std::mem::take(&mut self.given).into_iter();
        answers.extend(rest.map(|(setting, value)| Answer {
            setting,
            help: String::new(),
            value: Given::Plain(value),
        }));
        Ok(answers)
    }

    fn variable(&self, setting: &Setting) -> String {
        format!("{}_{}", self.name, setting.name).to_uppercase().replace('-', "_")
    }

    fn is_known(&self, setting: &Setting) -> bool {
        self.given.iter().any(|(name, _)| *name == setting.name)
            || self.context.env.get(&self.variable(setting)).is_some()
    }

    fn answer(&mut self, setting: &Setting) -> Result<Answer, Failure> {
        let variable = self.variable(setting);
        let typed = self.given.iter().position(|(name, _)| *name == setting.name).map(|at| self.given.remove(at).1);
        let value = match typed {
            Some(value) => Given::Plain(value),
            None if self.context.env.get(&variable).is_some() => Given::FromEnvironment(variable),
            // The sandbox needs no credentials.
            None if self.is_rehearsal => Given::Missing(variable),
            None => {
                let later = if setting.secret { "; blank: later" } else { "" };
                let question = format!("{} ({}{later})", setting.name, setting.help);
                match self.prompt.ask(&question, setting.secret)? {
                    answer if answer.is_empty() => Given::Missing(variable),
                    answer if setting.secret => Given::Secret(variable, answer),
                    answer => Given::Plain(answer),
                }
            }
        };
        Ok(Answer { setting: setting.name.to_string(), help: setting.help.to_string(), value })
    }
}

fn named<'r>(name: &str, platforms: &'r Registry) -> Result<&'r PlatformFacts, Failure> {
    let names = || platforms.facts().map(|facts| &*facts.name);
    platforms.facts().find(|facts| facts.name == name || facts.is_named(name)).ok_or_else(|| {
        let failure = Failure::usage(format!("there is no platform `{name}`"));
        match nearest(name, names()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!("the platforms are {}", names().collect::<Vec<_>>().join(", "))),
        }
    })
}

/// The name of the connection; blank: the default.
fn valid(name: &str, default: &str) -> Result<String, Failure> {
    match name {
        "" => Ok(default.to_owned()),
        name if is_name(name) => Ok(name.to_owned()),
        name => Err(Failure::usage(format!("`{name}` is not a valid name for a connection"))
            .hint("use letters, digits, `-` and `_`")),
    }
}

/// A setting that was typed.
fn given(text: &str, facts: &PlatformFacts) -> Result<(String, String), Failure> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err(Failure::usage(format!("`--set`: `{text}` is not of the form SETTING=VALUE"))
            .hint(format!("`ferry platforms {}` lists the settings", facts.name)));
    };
    if facts.settings.iter().any(|setting| setting.name == name && setting.secret) {
        return Err(Failure::usage(format!("`--set`: `{name}` is a secret, and would stand in the list of processes"))
            .hint("leave it out: it is asked for on a terminal, else it goes into the environment file later"));
    }
    Ok((name.to_owned(), value.to_owned()))
}
