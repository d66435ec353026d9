//! The lists of Mercately beside customers: agents, conversations and WhatsApp templates (Retailers API).
//!
//! Agents and templates come in one response. Conversations are two lists, one per channel, which are read one after the
//! other as if they were one; the cursor is `channel:page:how many conversations the channels before it hold`.

use super::super::answer::Purpose;
use super::super::exchange::{Cursor, Fault, ListPage};
use super::super::facts::List;
use super::super::value::{text, with_plus};
use super::{Mercately, not_a_page};
use crate::http::{Http, Request};
use serde_json::{Map, Value};

/// The channels, in the order in which they are read, and the names of their lists.
const CHANNELS: [(&str, &str); 2] = [("whatsapp", "whatsapp_conversations"), ("messenger", "messenger_conversations")];
/// Conversations on a page: the platform's default.
const PAGE_LEN: &str = "100";

type Item = (String, Map<String, Value>);

/// The place of a page in the conversations.
struct Place {
    channel: usize,
    number: u64,
    /// How many conversations the channels before hold; `None` if one of them did not say.
    before: Option<u64>,
}

impl Place {
    fn of(cursor: Option<&Cursor>) -> Option<Place> {
        let Some(cursor) = cursor else { return Some(Place { channel: 0, number: 1, before: Some(0) }) };
        let mut parts = cursor.split(':');
        let name = parts.next()?;
        let channel = CHANNELS.iter().position(|(channel, _)| *channel == name)?;
        let number = parts.next()?.parse().ok()?;
        let before = match parts.next()? {
            "" => None,
            number => Some(number.parse().ok()?),
        };
        Some(Place { channel, number, before })
    }

    fn cursor(&self) -> Option<Cursor> {
        let (channel, _) = CHANNELS.get(self.channel)?;
        let before = self.before.map(|before| before.to_string()).unwrap_or_default();
        Some(format!("{channel}:{}:{before}", self.number))
    }
}

impl Mercately {
    /// A page of a list.
    pub(super) async fn page_of(&self, http: &Http, list: List, after: Option<&Cursor>) -> Result<ListPage, Fault> {
        match list {
            List::Agents => self.whole(http, "agents", "agents", "id").await,
            List::Templates => self.whole(http, "whatsapp_templates", "templates", "internal_id").await,
            List::Conversations => self.conversations(http, after).await,
        }
    }

    /// A list without pages.
    async fn whole(&self, http: &Http, path: &str, name: &str, id: &str) -> Result<ListPage, Fault> {
        let request = Request::get(format!("{}/{path}", self.prefix));
        let response = self.ask(http, request, Purpose::List).await?;
        let mut answer = self.success(http, &response, Purpose::List)?;
        let with_id = |item: Value| match item {
            Value::Object(item) => Some((item.get(id).and_then(text)?, item)),
            _ => None,
        };
        let items = match answer.shift_remove(name) {
            Some(Value::Array(items)) => items.into_iter().map(with_id).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let promised = || self.account.not_promised(http, &response, &format!("`{{\"{name}\": […]}}`"));
        Ok(ListPage { items: items.ok_or_else(promised)?, total: None, next: None })
    }

    async fn conversations(&self, http: &Http, after: Option<&Cursor>) -> Result<ListPage, Fault> {
        let wrong = || after.map_or_else(|| not_a_page(&Cursor::new()), not_a_page);
        let place = Place::of(after).ok_or_else(wrong)?;
        let (channel, name) = *CHANNELS.get(place.channel).ok_or_else(wrong)?;
        let request = Request::get(format!("{}/{name}", self.prefix))
            .query("page", place.number.to_string())
            .query("results_per_page", PAGE_LEN);
        let response = self.ask(http, request, Purpose::List).await?;
        let mut answer = self.success(http, &response, Purpose::List)?;
        let items = match answer.shift_remove(name) {
            Some(Value::Array(items)) => items.into_iter().map(|item| conversation(channel, item)).collect(),
            // The account has no page linked: the number 0 comes in place of a list.
            Some(Value::Number(zero)) if zero.as_u64() == Some(0) => Some(Vec::new()),
            _ => None,
        };
        let promised = || self.account.not_promised(http, &response, &format!("`{{\"{name}\": […]}}`"));
        let items: Vec<Item> = items.ok_or_else(promised)?;
        Ok(page(&place, items, &answer))
    }
}

/// A channel ends with an empty page, or with the one past the last: `total_pages` is never too small.
fn page(place: &Place, items: Vec<Item>, answer: &Map<String, Value>) -> ListPage {
    let told = |name: &str| answer.get(name).and_then(Value::as_u64);
    let is_over = items.is_empty() || told("total_pages").is_some_and(|pages| place.number > pages);
    let held = told("results").or_else(|| (is_over && place.number == 1).then_some(0));
    let total = held.and_then(|held| place.before?.checked_add(held));
    let is_last_channel = place.channel + 1 == CHANNELS.len();
    let next = match is_over {
        false => Place { number: place.number.saturating_add(1), ..*place }.cursor(),
        true => Place { channel: place.channel + 1, number: 1, before: total }.cursor(),
    };
    ListPage { items, total: total.filter(|_| is_last_channel), next }
}

/// A conversation and an id that is unique over all channels. The platform gives most of them no id, and its number for the
/// customer is not the customer's id; the customer is to be matched by phone.
fn conversation(channel: &str, item: Value) -> Option<Item> {
    let Value::Object(mut item) = item else { return None };
    let part = |name: &str| item.get(name).and_then(text);
    let id = part("id").or_else(|| Some(format!("customer/{}", part("customer_id")?)))?;
    let phone = part("phone");
    item.entry("channel").or_insert_with(|| Value::from(channel));
    if let Some(phone) = phone {
        item.entry("contact_phone").or_insert_with(|| Value::from(with_plus(&phone)));
    }
    Some((format!("{channel}/{id}"), item))
}
