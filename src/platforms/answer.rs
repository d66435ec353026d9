//! What an answer means, as far as it means the same with every platform: who is to blame, and what to do about it.
//!
//! It knows no platform. What an answer means with one platform only stands in that platform's file, and is looked at
//! first.

use super::exchange::Fault;
use super::settings::environment_name;
use super::text::Text;
use crate::http::{Http, Request, Response, Sent};
use crate::outcome::{Exit, Failure, Problem};
use serde_json::{Map, Value};

/// The longest piece of a platform's own words that is shown, in characters: enough for a sentence, one line.
const SAMPLE_LEN_MAX: usize = 200;
/// How much of an answer is looked at for that piece, in characters: secrets are taken out before it is cut.
pub(super) const SAMPLED_LEN_MAX: usize = 4_096;

/// What a request is for: it decides who is to blame when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Reads what concerns the whole run.
    List,
    /// Reads one contact.
    Look,
    /// Writes one contact.
    Write,
}

/// The account that is spoken to, as messages call it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The platform, as people write it.
    pub title: Text,
    /// The connection's name.
    pub connection: String,
}

/// Sends a request; an answer of any status is an answer.
pub async fn send(http: &Http, request: Request, purpose: Purpose) -> Result<Response, Fault> {
    match http.send(request).await {
        Sent::Answered(response) => Ok(response),
        Sent::NotSent(failure) => Err(Fault::Fatal(failure)),
        Sent::InDoubt(failure) => Err(in_doubt(failure, purpose)),
    }
}

/// A doubt about one contact is found out. About a list it is not to be had; nor is a read that no other try mends.
fn in_doubt(failure: Failure, purpose: Purpose) -> Fault {
    match purpose {
        Purpose::List => Fault::Fatal(failure),
        Purpose::Look if failure.exit != Exit::Unavailable => Fault::Fatal(failure),
        Purpose::Look | Purpose::Write => Fault::InDoubt(failure),
    }
}

impl Account {
    /// The platform does not accept what proves who we are (exit 5): these settings are to be mended.
    pub fn refuses_us(&self, response: &Response, settings: &[&str]) -> Fault {
        let message = format!("{} refuses connection `{}` (HTTP {})", self.title, self.connection, response.status);
        Fault::Fatal(Failure::new(Exit::Refused, message).hint(format!("correct {}", self.settings(settings))))
    }

    /// Nothing answers under this path (exit 5): these settings are to be mended.
    pub fn wrong_address(&self, http: &Http, response: &Response, settings: &[&str]) -> Fault {
        let message = format!(
            "the address of connection `{}` is wrong: {} is not there (HTTP {})",
            self.connection, self.title, response.status
        );
        let failure = Failure::new(Exit::Refused, message).hint(format!("correct {}", self.settings(settings)));
        Fault::Fatal(with_sample(failure, http, response))
    }

    /// The platform promised something else: a web page is another server (exit 5), anything else a platform that is
    /// not well (exit 6).
    pub fn not_promised(&self, http: &Http, response: &Response, promised: &str) -> Fault {
        let is_page = is_page(response);
        let (exit, hint) = match is_page {
            true => (Exit::Refused, format!("correct {}", self.settings(&["base_url"]))),
            false => (Exit::Unavailable, "try again later; if it stays so, the platform has changed".to_owned()),
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

    /// The same in answer to a write: it may have been done all the same.
    pub fn not_promised_of_write(&self, http: &Http, response: &Response, promised: &str) -> Fault {
        match self.not_promised(http, response, promised) {
            Fault::Fatal(failure) => Fault::InDoubt(failure),
            fault => fault,
        }
    }

    /// What any answer but a success means when the platform has no meaning of its own for it.
    pub fn judge(&self, http: &Http, response: &Response, purpose: Purpose, secret: &str) -> Fault {
        match response.status {
            401..=403 | 407 => self.refuses_us(response, &[secret]),
            300..=399 | 404 | 405 | 501 => self.wrong_address(http, response, &["base_url"]),
            429 => Fault::Fatal(self.not_to_be_had(http, response)),
            408 | 425 | 500.. => in_doubt(self.not_to_be_had(http, response), purpose),
            _ if purpose == Purpose::List => Fault::Fatal(self.fails(http, response, Exit::Refused)),
            _ => self.refuses(http, response),
        }
    }

    /// The platform does not take this contact, in its own words.
    pub fn refuses(&self, http: &Http, response: &Response) -> Fault {
        let message = format!("{} refused it (HTTP {}): {}", self.title, response.status, words(http, response));
        Fault::Refused(vec![Problem::new("target.refused", message)])
    }

    fn not_to_be_had(&self, http: &Http, response: &Response) -> Failure {
        self.fails(http, response, Exit::Unavailable).hint("try again later")
    }

    fn fails(&self, http: &Http, response: &Response, exit: Exit) -> Failure {
        let verb = if exit == Exit::Refused { "refuses what was asked" } else { "failed" };
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

/// The object that an answer holds.
pub fn object(response: &Response) -> Option<Map<String, Value>> {
    match response.json() {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// The sentences of an answer's `errors`, whatever their form; empty when there are none.
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

/// What the platform says, in its own words: its `errors`, its `message`, `error` or `err` with the `details`, or the
/// beginning of whatever it sent.
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

/// Whether an answer is a web page.
fn is_page(response: &Response) -> bool {
    response.body.trim_ascii_start().starts_with(b"<")
}

/// What a web page says: its title, or else its text without the tags.
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

/// One line of at most [`SAMPLE_LEN_MAX`] characters, without those that move the cursor or turn the writing round.
fn shown(text: &str) -> String {
    let is_marker = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain: String = text.chars().map(|c| if c.is_control() || is_marker(c) { ' ' } else { c }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SAMPLE_LEN_MAX) {
        Some((end, _)) => line.get(..end).unwrap_or_default().to_owned(),
        None => line,
    }
}
