//! Contacts of which a list shows no more than the id: each is read with a request of its own, several at a time.
//!
//! What is kept of them is not decided here.

use super::portion::text_of_contact;
use crate::clock::Clock;
use crate::http::Http;
use crate::outcome::{Exit, Failure};
use crate::platforms::{Connector, Fault, Reading};
use crate::run::target::stops;
use crate::scratch::texts::Texts;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};

/// How often a contact is asked for whose answers are unreliable.
const TRIES_MAX: u32 = 4;
/// The pause before the second try; each further one is three times as long.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// Reads contacts by their ids.
pub(super) struct Reader {
    pub connector: Arc<dyn Connector>,
    pub http: Arc<Http>,
    pub clock: Clock,
    /// Requests in flight.
    pub at_once: usize,
}

/// What came of reading some ids, in their order.
#[derive(Default)]
pub(super) struct Answers {
    /// The id and the text of each contact.
    pub read: Texts,
    /// Ids that no contact has.
    pub missing: Vec<String>,
    /// The first failure; ids behind it may not have been asked for.
    pub failure: Option<Failure>,
}

/// The place of an id, the id, and its contact; no contact has it where there is none.
type Answer = (usize, String, Option<String>);

impl Reader {
    /// Reads these.
    pub async fn read(&self, ids: Vec<String>) -> Answers {
        let (mut flight, mut done, mut failure) = (JoinSet::new(), Vec::new(), None);
        for (no, id) in ids.into_iter().enumerate() {
            while flight.len() >= self.at_once.max(1) {
                note(flight.join_next().await, &mut done, &mut failure);
            }
            if failure.is_some() {
                break;
            }
            let (connector, http, clock) = (Arc::clone(&self.connector), Arc::clone(&self.http), self.clock);
            flight.spawn(async move { read(&*connector, &http, clock, &id).await.map(|json| (no, id, json)) });
        }
        while !flight.is_empty() {
            note(flight.join_next().await, &mut done, &mut failure);
        }
        done.sort_by_key(|(no, ..)| *no);
        let mut answers = Answers { failure, ..Answers::default() };
        for (_, id, json) in done {
            match json {
                Some(json) => answers.read.push(&id, &json),
                None => answers.missing.push(id),
            }
        }
        answers
    }
}

fn note(
    joined: Option<Result<Result<Answer, Failure>, JoinError>>,
    done: &mut Vec<Answer>,
    failure: &mut Option<Failure>,
) {
    match joined {
        Some(Ok(Ok(answer))) => done.push(answer),
        Some(Ok(Err(error))) => drop(failure.get_or_insert(error)),
        Some(Err(error)) => drop(failure.get_or_insert(Failure::failed("a contact could not be read").cause(error))),
        None => {}
    }
}

/// One contact as text; none when no contact has this id.
async fn read(connector: &dyn Connector, http: &Http, clock: Clock, id: &str) -> Result<Option<String>, Failure> {
    let mut pause = PAUSE_FIRST;
    for tries_left in (0..TRIES_MAX).rev() {
        match connector.read(http, id, None).await {
            Ok(Reading::There(found)) => return text_of_contact(found).map(|(_, json)| Some(json)),
            Ok(Reading::Gone) => return Ok(None),
            Ok(Reading::Unreadable) => {
                let message = format!("`{id}` cannot be read: this server reads no contact by its id");
                return Err(Failure::new(Exit::Refused, message));
            }
            Err(Fault::InDoubt(_)) if tries_left > 0 => clock.sleep(pause).await,
            Err(Fault::InDoubt(failure)) => return Err(in_doubt(id, failure)),
            Err(fault) => return Err(stops(fault)),
        }
        pause *= 3;
    }
    Err(in_doubt(id, Failure::failed("it was not tried")))
}

fn in_doubt(id: &str, why: Failure) -> Failure {
    let hint = why.hint.clone().unwrap_or_else(|| "try again later: what was read is kept".to_owned());
    Failure::new(Exit::Unavailable, format!("contact `{id}` could not be read")).cause(why).hint(hint)
}
