//! `GET /`: what every platform holds, which requests came and which faults are in force, as a page that stands alone.
//!
//! It shows what was acted on, whether or not a client has heard of it. It runs no script and loads nothing; its policy knows
//! its style by a hash.

use super::faults::FAULTS;
use super::locked::locked;
use super::model::Row;
use super::site::{Hosted, Site};
use super::wire::{Answer, HTML, Request};
use minijinja::{AutoEscape, Environment, Value, context};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Contacts of a platform on the first page, and on a page of its own.
const SHOWN_FIRST: usize = 20;
const SHOWN: usize = 50;
/// Contacts looked at between two looks at the account, and for one search of a platform at most.
const SEARCHED_AT_ONCE: usize = 1_000;
const SEARCHED_MAX: usize = 100_000;
/// Requests shown, the newest first.
const REQUESTS_SHOWN: usize = 100;
/// Characters of a search.
const QUERY_LEN_MAX: usize = 200;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// What the page may do; its style has this SHA-256.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'sha256-s3cVS5G7/N0lSwCFaO5SEWMR6Mp1JB+NqaK3htJoBi0='; form-action 'self'; base-uri 'none'; \
                                 frame-ancestors 'none'";

/// What is asked of the page.
struct Asked {
    /// One platform; none: all of them.
    platform: Option<String>,
    query: String,
    /// From 1.
    page: usize,
    is_live: bool,
}

impl Asked {
    fn of(request: &Request) -> Asked {
        let text = |name: &str| request.query(name).unwrap_or_default();
        Asked {
            platform: request.query("platform").filter(|name| !name.is_empty()),
            query: text("q").trim().chars().take(QUERY_LEN_MAX).collect(),
            page: text("page").parse().unwrap_or(1).clamp(1, usize::MAX / SHOWN),
            is_live: request.query("live").is_some(),
        }
    }

    /// The contacts that are passed over, and how many are shown then.
    fn window(&self) -> (usize, usize) {
        match self.platform.is_some() || !self.query.is_empty() {
            true => ((self.page - 1) * SHOWN, SHOWN),
            false => (0, SHOWN_FIRST),
        }
    }

    fn link(&self, platform: &str, page: usize) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        format!("/?platform={}&q={}&page={page}", encoded(platform), encoded(&self.query))
    }
}

/// The page, as it is now.
pub(super) fn page(site: &Site, request: &Request) -> Answer {
    let asked = Asked::of(request);
    let hosted =
        site.hosted.iter().filter(|hosted| asked.platform.as_deref().is_none_or(|name| name == hosted.model.name));
    let platforms: Vec<Value> = hosted.map(|hosted| platform(hosted, &asked)).collect();
    let (requests, requests_total) = requests(site);
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let shown = environment.render_str(
        TEMPLATE,
        context! {
            style => STYLE, platforms, requests, requests_total, faults => faults(site), rate => site.rate.clone(),
            platform => asked.platform, query => asked.query, live => asked.is_live,
        },
    );
    match shown {
        Ok(page) => Answer { policy: POLICY, ..Answer::text(200, HTML, page) },
        Err(error) => Answer::text(500, "text/plain; charset=utf-8", format!("the page cannot be shown: {error}")),
    }
}

/// A platform, as the template wants it.
fn platform(hosted: &Hosted, asked: &Asked) -> Value {
    let (skip, take) = asked.window();
    let total = locked(&hosted.account).held().total();
    let (rows, found, more) = match asked.query.is_empty() {
        true => (newest(hosted, skip, take), None, None),
        false => searched(hosted, &asked.query, skip, take),
    };
    let name = hosted.model.name;
    let (first, last, of) = (skip + 1, skip + rows.len(), found.unwrap_or(total));
    let mut links = Vec::new();
    if skip > 0 {
        links.push(context! { href => asked.link(name, asked.page - 1), text => "Newer" });
    }
    if last < of {
        let is_first = asked.platform.is_none();
        let (page, text) = if is_first { (1, format!("All {of}")) } else { (asked.page + 1, "Older".to_owned()) };
        links.push(context! { href => asked.link(name, page), text });
    }
    let contacts: Vec<Value> = rows.into_iter().map(line).collect();
    context! { title => hosted.model.title, total, found, more, contacts, links, first, last }
}

fn newest(hosted: &Hosted, skip: usize, take: usize) -> Vec<Row> {
    let mut account = locked(&hosted.account);
    let contacts = account.held().newest(skip, take);
    contacts.iter().map(|contact| account.row(contact)).collect()
}

/// The contacts that hold a text somewhere, how many there are, and how many were looked at where that is not all.
fn searched(hosted: &Hosted, query: &str, skip: usize, take: usize) -> (Vec<Row>, Option<usize>, Option<usize>) {
    let query = query.to_lowercase();
    let (mut rows, mut found, mut seen) = (Vec::new(), 0, 0);
    loop {
        let some = newest(hosted, seen, SEARCHED_AT_ONCE);
        seen += some.len();
        let is_last = some.len() < SEARCHED_AT_ONCE;
        for row in some.into_iter().filter(|row| holds(row, &query)) {
            if (skip..skip + take).contains(&found) {
                rows.push(row);
            }
            found += 1;
        }
        if is_last || seen >= SEARCHED_MAX {
            return (rows, Some(found), Some(seen).filter(|_| !is_last));
        }
    }
}

fn holds(row: &Row, query: &str) -> bool {
    let texts = [&row.id, &row.name, &row.phone, &row.email].into_iter().chain(&row.tags);
    let mut texts = texts.chain(row.attributes.iter().flat_map(|(name, value)| [name, value]));
    texts.any(|text| text.to_lowercase().contains(query))
}

/// A contact, as the template wants it.
fn line(row: Row) -> Value {
    let attributes: Vec<Value> =
        row.attributes.into_iter().map(|(name, value)| Value::from(vec![name, readable(value)])).collect();
    context! { id => row.id, attributes, name => row.name, phone => row.phone, email => row.email, tags => row.tags }
}

/// A time for readers, in local time; any other text as it is.
fn readable(value: String) -> String {
    match value.parse::<jiff::Timestamp>() {
        Ok(moment) => local(moment, "%Y-%m-%d %H:%M"),
        Err(_) => value,
    }
}

fn local(moment: jiff::Timestamp, format: &str) -> String {
    moment.to_zoned(jiff::tz::TimeZone::system()).strftime(format).to_string()
}

/// The newest requests, and how many are remembered.
fn requests(site: &Site) -> (Vec<Value>, usize) {
    let (newest, total) = locked(&site.history).newest(REQUESTS_SHOWN);
    let shown = newest.into_iter().map(|(at, exchange)| {
        let time = jiff::Timestamp::try_from(at).map(|at| local(at, "%H:%M:%S")).unwrap_or_default();
        let status = if exchange.status == 0 { "none, closed".to_owned() } else { exchange.status.to_string() };
        context! { time, method => exchange.method, path => without_secrets(&exchange.path), status, acted => exchange.acted }
    });
    (shown.collect(), total)
}

/// A path with its query, whose secrets some platforms want there.
fn without_secrets(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if ["token", "key", "secret", "password"].iter().any(|word| name.contains(word)) => {
                format!("{name}=***")
            }
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

/// The faults that are in force.
fn faults(site: &Site) -> Vec<Value> {
    let known = site.faults.iter().filter(|(_, probability)| *probability > 0.0).filter_map(|(kind, probability)| {
        let fault = FAULTS.iter().find(|fault| fault.kind == *kind)?;
        Some(context! { name => fault.name, help => fault.help, share => format!("{:.3} %", probability * 100.0)
        .replace(".000", "") })
    });
    known.collect()
}
