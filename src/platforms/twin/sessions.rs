//! The clients of all sessions, page by page.
//!
//! The documents are not clear about how pages are requested. A server that returns the same page again does not know the
//! parameter, and one that has no more although it counts more counts something else. In both cases the list continues with
//! the other parameter; if there is none, the server has returned less than it holds.

use super::super::answer::Purpose;
use super::super::exchange::{Cursor, Fault, Page};
use super::super::value::text;
use super::{FACTS, Item, Twin, with_offset};
use crate::http::{Http, Request};
use crate::outcome::{Exit, Failure};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Where a page begins, and how it is requested.
struct Place {
    /// From 1.
    number: u64,
    /// How many sessions came before it.
    offset: u64,
    by_page: bool,
    groups: bool,
    /// Whether it is requested in another way than the settings say, because their way returned nothing new.
    has_turned: bool,
    /// A fingerprint of the page before it: 0 for the first.
    print: u64,
}

impl Place {
    fn cursor(&self) -> Cursor {
        let Place { number, offset, print, .. } = self;
        let flags = [self.by_page, self.groups, self.has_turned].map(u8::from).map(|flag| flag.to_string()).concat();
        format!("{number},{offset},{flags},{print}")
    }

    fn read(cursor: &str) -> Option<Place> {
        let mut parts = cursor.split(',');
        let (number, offset) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let mut flags = parts.next()?.chars().map(|flag| flag == '1');
        let (by_page, groups, has_turned) = (flags.next()?, flags.next()?, flags.next()?);
        let print = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Place { number, offset, by_page, groups, has_turned, print })
    }
}

impl Twin {
    /// Sessions are not clients: the list has ids, the same one perhaps on several pages, and no number of clients.
    pub(super) async fn page_of_sessions(&self, http: &Http, after: Option<&Cursor>) -> Result<Page, Fault> {
        let place = match after {
            Some(cursor) => Place::read(cursor).ok_or_else(|| no_page(cursor))?,
            None => self.first_place(),
        };
        let response = self.ask(http, self.sessions_at(&place), Purpose::List).await?;
        let (count, sessions) = self.items(http, &response, Purpose::List)?;
        let print = print_of(&sessions);
        let is_echo = !sessions.is_empty() && print == place.print;
        if sessions.is_empty() || is_echo {
            let next = self.after_the_last(&place, is_echo, count)?;
            return Ok(Page { next: next.map(|place| place.cursor()), ..Page::default() });
        }
        let mut met = HashSet::new();
        let ids = sessions.iter().filter_map(|session| text(session.get("clientId")?));
        let unread = ids.filter(|id| met.insert(id.clone())).collect();
        let offset = place.offset.saturating_add(sessions.len() as u64);
        let next = Place { number: place.number.saturating_add(1), offset, print, ..place };
        Ok(Page { found: Vec::new(), unread, total: None, next: Some(next.cursor()) })
    }

    fn first_place(&self) -> Place {
        Place { number: 1, offset: 0, by_page: self.by_page, groups: self.groups, has_turned: false, print: 0 }
    }

    fn sessions_at(&self, place: &Place) -> Request {
        let request = Request::get("/sessions").query("limit", self.page_size.to_string());
        let request = match place.by_page {
            true => request.query("page", place.number.to_string()),
            false => with_offset(request, place.offset),
        };
        if place.groups { request.query("groupByClientId", "true") } else { request }
    }

    /// Where the list continues after a page without anything new; `None` at its end. The length of a page proves nothing,
    /// nor does a count, which may be that of the page: only a page without anything new is the end.
    fn after_the_last(&self, place: &Place, is_echo: bool, count: Option<u64>) -> Result<Option<Place>, Fault> {
        if is_echo && !place.has_turned {
            return Ok(Some(Place { by_page: !place.by_page, has_turned: true, ..*place }));
        }
        match count.filter(|&count| count > place.offset) {
            None => Ok(None),
            // It may count the sessions, and return one of each client.
            Some(_) if place.groups && !is_echo => {
                Ok(Some(Place { number: 1, offset: 0, groups: false, print: 0, ..*place }))
            }
            Some(count) => Err(Fault::Fatal(self.too_few(place.offset, count))),
        }
    }

    fn too_few(&self, read: u64, count: u64) -> Failure {
        let (title, name) = (&FACTS.title, &self.account.connection);
        let message = format!("{title} returned {read} of the {count} sessions that it counts for connection `{name}`");
        let hint = "try again later; if it persists, list the ids of the clients in a file (`client_ids`)";
        Failure::new(Exit::Unavailable, message).hint(hint)
    }
}

fn no_page(cursor: &Cursor) -> Fault {
    Fault::Fatal(Failure::failed(format!("`{cursor}` is not a page of the list")))
}

/// A fingerprint of these sessions; never 0.
fn print_of(sessions: &[Item]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for session in sessions {
        [session.get("id").and_then(text), session.get("clientId").and_then(text)].hash(&mut hasher);
    }
    hasher.finish().max(1)
}
