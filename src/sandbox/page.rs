//! `GET /`: what every platform holds, as a page that stands alone and shows itself anew every two seconds.
//!
//! It shows what was acted on, whether or not a client has heard of it.

use super::model::Row;
use super::server::{Hosted, Site, locked};
use super::wire::{Answer, HTML};
use minijinja::{AutoEscape, Environment, Value, context};

/// Contacts of a platform that are shown, the newest first; a browser has trouble with more.
const SHOWN_MAX: usize = 500;
const TEMPLATE: &str = include_str!("page.html");

/// The page, as it is now.
pub(super) fn page(site: &Site) -> Answer {
    let platforms: Vec<Value> = site.hosted.iter().map(platform).collect();
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    match environment.render_str(TEMPLATE, context! { platforms, shown_max => SHOWN_MAX }) {
        Ok(page) => Answer::text(200, HTML, page),
        Err(error) => Answer::text(500, "text/plain; charset=utf-8", format!("the page cannot be shown: {error}")),
    }
}

/// A platform, as the template wants it.
fn platform(hosted: &Hosted) -> Value {
    let mut account = locked(&hosted.account);
    let total = account.held().total();
    let newest = account.held().newest(SHOWN_MAX);
    let contacts: Vec<Value> = newest.iter().map(|contact| line(account.row(contact))).collect();
    context! { name => hosted.model.name, total, contacts }
}

/// A contact, as the template wants it.
fn line(row: Row) -> Value {
    let attributes: Vec<Value> =
        row.attributes.into_iter().map(|(name, value)| Value::from(vec![name, value])).collect();
    context! { id => row.id, attributes, name => row.name, phone => row.phone, email => row.email, tags => row.tags }
}
