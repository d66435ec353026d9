//! The meaning of a response, as far as it is the same for every platform: what is at fault, and how to fix it.
//!
//! It knows no platform. A meaning that a response has at one platform only is in that platform's file, and is checked
//! first.

use super::exchange::Fault;
use super::settings::environment_name;
use super::text::Text;
use crate::http::{Http, Request, Response, Sent};
use crate::outcome::{Exit, Failure, Problem};
use serde_json::{Map, Value};

/// The longest part of a platform's message that is shown, in characters: enough for a sentence in one line.
const SAMPLE_LEN_MAX: usize = 200;
/// How much of a response is searched for that part, in characters: secrets are removed before it is shortened.
pub(super) const SAMPLED_LEN_MAX: usize = 4_096;

/// The purpose of a request, which decides what is at fault when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Reads data of the whole run.
    List,
    /// Reads one contact.
    Read,
    /// Writes one contact.
    Write,
}

/// The account, as messages name it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The platform's title.
    pub title: Text,
    /// The connection's name.
    pub connection: String,
}

/// Sends a request. A response with any status is a response.
pub async fn send(http: &Http, request: Request, purpose: Purpose) -> Result<Response, Fault> {
    match http.send(request).await {
        Sent::Answered(response) => Ok(response),
        Sent::NotSent(failure) => Err(Fault::Fatal(failure)),
        Sent::InDoubt(failure) => Err(in_doubt(failure, purpose)),
    }
}

/// A doubt about one contact is settled. A doubt about a list is fatal, and so is a read that a retry would not help.
fn in_doubt(failure: Failure, purpose: Purpose) -> Fault {
    match purpose {
        Purpose::List => Fault::Fatal(failure),
        Purpose::Read if failure.exit != Exit::Unavailable => Fault::Fatal(failure),
        Purpose::Read | Purpose::Write => Fault::InDoubt(failure),
    }
}

impl Account {
    /// The platform refuses the credentials (exit 5): these settings are to be corrected.
    pub fn refuses_us(&self, response: &Response, settings: &[&str]) -> Fault {
        let message = format!("{} refuses connection `{}` (HTTP {})", self.title, self.connection, response.status);
        Fault::Fatal(Failure::new(Exit::Refused, message).hint(format!("correct {}", self.settings(settings))))
    }

    /// Nothing responds under this path (exit 5): these settings are to be corrected.
    pub fn wrong_address(&self, http: &Http, response: &Response, settings: &[&str]) -> Fault {
        let message = format!(
            "the address of connection `{}` is wrong: {} does not respond there (HTTP {})",
            self.connection, self.title, response.status
        );
        let failure = Failure::new(Exit::Refused, message).hint(format!("correct {}", self.settings(settings)));
        Fault::Fatal(with_sample(failure, http, response))
    }

    /// The response is not the documented one: a web page comes from another server (exit 5), anything else from a platform
    /// that fails (exit 6).
    pub fn not_promised(&self, http: &Http, response: &Response, promised: &str) -> Fault {
        let is_page = is_page(response);
        let (exit, hint) = match is_page {
            true => (Exit::Refused, format!("correct {}", self.settings(&["base_url"]))),
            false => (Exit::Unavailable, "try again later; if it persists, the platform has changed".to_owned()),
        };
        let what = match response.repeated_key() {
            _ if is_page => "a web page".to_owned(),
            Some(key) => format!("JSON in which `{}` stands twice", shown(&http.redact(&key))),
            None => "something else".to_owned(),
        };
        let message = format!(
            "{} answered connection `{}` with {what} instead of {promised} (HTTP {})",
            self.title, self.connection, response.status
        );
        Fault::Fatal(with_sample(Failure::new(exit, message).hint(hint), http, response))
    }

    /// The same in response to a write, which may have been carried out.
    pub fn not_promised_of_write(&self, http: &Http, response: &Response, promised: &str) -> Fault {
        match self.not_promised(http, response, promised) {
            Fault::Fatal(failure) => Fault::InDoubt(failure),
            fault => fault,
        }
    }

    /// The meaning of a response that is not a success, if the platform has no meaning of its own for it.
    pub fn judge(&self, http: &Http, response: &Response, purpose: Purpose, secret: &str) -> Fault {
        match response.status {
            401..=403 | 407 => self.refuses_us(response, &[secret]),
            300..=399 | 404 | 405 | 501 => self.wrong_address(http, response, &["base_url"]),
            429 => Fault::Fatal(self.unavailable(http, response)),
            408 | 425 | 500.. => in_doubt(self.unavailable(http, response), purpose),
            _ if purpose == Purpose::List => Fault::Fatal(self.fails(http, response, Exit::Refused)),
            _ => self.refuses(http, response),
        }
    }

    /// The platform refuses this contact, with its message.
    pub fn refuses(&self, http: &Http, response: &Response) -> Fault {
        let message = format!("{} refused it (HTTP {}): {}", self.title, response.status, words(http, response));
        let problem = Problem::new("target.refused", message);
        Fault::Refused(vec![problem.hint("correct what the platform names, and import the rejects file again")])
    }

    fn unavailable(&self, http: &Http, response: &Response) -> Failure {
        self.fails(http, response, Exit::Unavailable).hint("try again later")
    }

    fn fails(&self, http: &Http, response: &Response, exit: Exit) -> Failure {
        let verb = if exit == Exit::Refused { "refuses the request" } else { "failed" };
        let message = format!("{} {verb} for connection `{}` (HTTP {})", self.title, self.connection, response.status);
        with_sample(Failure::new(exit, message), http, response)
    }

    /// `api_key` of connection `shop` in `ferry.yaml`, or `FERRY_SHOP_API_KEY`.
    fn settings(&self, names: &[&str]) -> String {
        let quoted = |name: &dyn Fn(&str) -> String| {
            names.iter().map(|setting| format!("`{}`", name(setting))).collect::<Vec<_>>().join(" or ")
        };
        let in_file = quoted(&|setting| setting.to_owned());
        let in_environment = quoted(&|setting| environment_name(&self.connection, setting));
        format!("{in_file} of connection `{}` in `ferry.yaml`, or {in_environment} in the environment", self.connection)
    }
}

fn with_sample(failure: Failure, http: &Http, response: &Response) -> Failure {
    let words = words(http, response);
    if words.is_empty() { failure } else { failure.cause(words) }
}

/// The object of a response.
pub fn object(response: &Response) -> Option<Map<String, Value>> {
    match response.json() {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// The sentences of a response's `errors`, in any form; empty when there are none.
pub fn errors(object: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    match object.get("errors") {
        Some(Value::Array(items)) => found.extend(items.iter().filter_map(sentence)),
        Some(Value::Object(fields)) => {
            let told = |(name, said): (&String, &Value)| sentence(said).map(|said| format!("{name}: {said}"));
            found.extend(fields.iter().filter_map(told));
        }
        Some(other) => found.extend(sentence(other)),
        None => {}
    }
    found
}

fn sentence(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Array(items) => Some(items.iter().filter_map(sentence).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}

/// The platform's message: its `errors`, its `message`, `error` or `err` with the `details`, or the beginning of the body.
pub fn words(http: &Http, response: &Response) -> String {
    let told = object(response).and_then(|object| {
        let errors = errors(&object).join("; ");
        let said = |name: &str| object.get(name).and_then(sentence);
        let details = said("details").map(|details| format!(": {details}")).unwrap_or_default();
        let message = ["message", "error", "err"].into_iter().find_map(said).map(|message| message + &details);
        if errors.is_empty() { message } else { Some(errors) }
    });
    let text = told.unwrap_or_else(|| {
        let text = response.text(SAMPLED_LEN_MAX);
        if is_page(response) { words_of_page(&text) } else { text }
    });
    shown(&http.redact(&text))
}

/// Whether a response is a web page.
fn is_page(response: &Response) -> bool {
    response.body.trim_ascii_start().starts_with(b"<")
}

/// The message of a web page: its title, or else its text without the tags.
fn words_of_page(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let from = at + lower.get(at..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</title")?;
        page.get(from..to).map(str::trim)
    });
    match title.filter(|title| !title.is_empty()) {
        Some(title) => title.to_owned(),
        None => without_tags(page),
    }
}

fn without_tags(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut is_tag = false;
    for c in page.chars() {
        match c {
            '<' => is_tag = true,
            '>' => {
                is_tag = false;
                text.push(' ');
            }
            _ if is_tag => {}
            c => text.push(c),
        }
    }
    text
}

/// One line of at most [`SAMPLE_LEN_MAX`] characters, without those that move the cursor or reverse the text.
fn shown(text: &str) -> String {
    let is_marker = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain: String = text.chars().map(|c| if c.is_control() || is_marker(c) { ' ' } else { c }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SAMPLE_LEN_MAX) {
        Some((end, _)) => line.get(..end).unwrap_or_default().to_owned(),
        None => line,
    }
}
