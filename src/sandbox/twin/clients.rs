//! The clients that the modelled account begins with, and the chats they came by: all of it made from numbers, so that a
//! client that is not written to costs nothing. All of them are invented.

use super::super::request_time::rfc3339;
use serde_json::{Value, json};
use std::time::Duration;

/// A client's number: those that the account begins with count from 1, those that came by a chat from [`STARTED`].
pub(super) type Number = u64;
/// Before the first number of a client that came by a chat.
pub(super) const STARTED: Number = 1 << 40;
/// What the ids of the first begin with, and those of the others. Twelve decimal digits follow.
const FIRST_ID: &str = "7a1e0000-0000-4000-8000-";
const STARTED_ID: &str = "7a1e0000-0000-4000-9000-";
const DIGITS: usize = 12;

/// The one chat that the first clients came by.
const CHAT: &str = "7a1e0000-0000-4000-8c00-000000000001";
/// When the first of them came: 2026-01-05T09:00:00Z; one more each minute.
const FIRST_CHAT: Duration = Duration::from_secs(1_767_603_600);
const BETWEEN_CHATS_SECS: u64 = 60;

/// The names of the attributes that the account begins with.
pub(super) const ATTRIBUTES: [&str; 4] = ["Name", "Phone", "City", "Plan"];

pub(super) fn id_of(number: Number) -> String {
    match number.checked_sub(STARTED) {
        Some(number) => format!("{STARTED_ID}{number:012}"),
        None => format!("{FIRST_ID}{number:012}"),
    }
}

/// The number that an id spells, whether there is such a client or not.
pub(super) fn number_of(id: &str) -> Option<Number> {
    let (digits, base) = match id.strip_prefix(FIRST_ID) {
        Some(digits) => (digits, 0),
        None => (id.strip_prefix(STARTED_ID)?, STARTED),
    };
    let is_number = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: Number = digits.parse().ok().filter(|&number| is_number && (1..STARTED).contains(&number))?;
    Some(base + number)
}

/// What a client of the first begins with, by the places of [`ATTRIBUTES`]: of every four, one has nothing and one has
/// neither city nor plan.
pub(super) fn values(number: Number) -> Vec<(usize, Box<str>)> {
    const NAMES: [&str; 7] = ["Ana", "Bruno", "Carla", "Diego", "Elena", "Fabio", "Gloria"];
    const SURNAMES: [&str; 5] = ["Vera", "Mena", "Ruiz", "Salas", "Prado"];
    const CITIES: [&str; 3] = ["Quito", "Cuenca", "Loja"];
    const PLANS: [&str; 2] = ["Basic", "Pro"];
    let pick =
        |texts: &[&str]| texts.get((number % texts.len() as u64) as usize).copied().unwrap_or_default().to_owned();
    if number >= STARTED || number.is_multiple_of(4) {
        return Vec::new();
    }
    let name = format!("{} {}", pick(&NAMES), pick(&SURNAMES));
    let phone = format!("+5939{:08}", (95_000_000 + number) % 100_000_000);
    let all = [name, phone, pick(&CITIES), pick(&PLANS)];
    let kept = if number % 4 == 3 { 2 } else { all.len() };
    all.into_iter().take(kept).map(String::into_boxed_str).enumerate().collect()
}

/// A conversation that a client came by, or came again.
#[derive(Clone, Debug)]
pub(super) struct Chat {
    pub(super) id: String,
    pub(super) client: Number,
    pub(super) chat: String,
    pub(super) started_at: String,
}

impl Chat {
    /// As the list has it.
    pub(super) fn listed(&self) -> Value {
        json!({
            "id": self.id, "chatId": self.chat, "name": null, "markedAsSpam": false, "ttl": 86_400,
            "operatorId": null, "status": "finished", "startedAt": self.started_at, "clientId": id_of(self.client),
            "clientBanned": false,
        })
    }
}

/// The chats of the account: those it begins with, a client each and every third client a second time, and then those
/// that were started.
pub(super) struct Chats<'a> {
    first: u64,
    again: u64,
    started: Vec<&'a Chat>,
}

impl<'a> Chats<'a> {
    /// All of them, or those by one chat. `by_client` leaves one a client: the last.
    pub(super) fn of(clients: u32, started: &'a [Chat], chat: Option<&str>, by_client: bool) -> Chats<'a> {
        let first = if chat.is_none_or(|chat| chat == CHAT) { u64::from(clients) } else { 0 };
        let again = if by_client { 0 } else { first / 3 };
        let fits = |one: &&Chat| chat.is_none_or(|chat| chat == one.chat);
        let is_last = |at: usize, one: &Chat| started.iter().skip(at + 1).all(|later| later.client != one.client);
        let started = started.iter().enumerate().filter(|&(at, one)| !by_client || is_last(at, one));
        Chats { first, again, started: started.map(|(_, one)| one).filter(fits).collect() }
    }

    pub(super) fn len(&self) -> u64 {
        self.first + self.again + self.started.len() as u64
    }

    /// The chat at a place, oldest first.
    pub(super) fn at(&self, place: u64) -> Option<Value> {
        let client = match place.checked_sub(self.first) {
            None => place + 1,
            Some(again) if again < self.again => 3 * (again + 1),
            Some(after) => return self.started.get(usize::try_from(after - self.again).ok()?).map(|one| one.listed()),
        };
        let started_at = rfc3339(FIRST_CHAT + Duration::from_secs(place * BETWEEN_CHATS_SECS));
        let id = format!("7a1e0000-0000-4000-b000-{:012}", place + 1);
        Some(Chat { id, client, chat: CHAT.to_owned(), started_at }.listed())
    }
}
