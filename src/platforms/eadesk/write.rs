//! Writing: the steps from what is there to what should be, and the meaning of the responses.
//!
//! The body of a step says what it does: `{"person": …}` creates or changes one, `{"item": …}` adds an item, `{"delete": id}`
//! deletes one, `{"delete_person": true}` the person.

use super::super::answer::Purpose;
use super::super::exchange::{Address, Fault, Found, Step, StepResult};
use super::super::value::{segment, text, with_plus};
use super::person::{ITEMS, is_deleted};
use super::{Eadesk, Said};
use crate::change::{Delta, StepKind, same};
use crate::contact::{Contact, Field, TagMode, Wanted};
use crate::http::{Http, Method, Request, Response};
use crate::identity::split_handle;
use crate::outcome::Failure;
use serde_json::{Map, Value, json};

/// The fields that a person has as items.
const OF_ITEMS: [Field; 3] = [Field::Phones, Field::Emails, Field::Handles];

/// Values that the account cannot hold.
impl Eadesk {
    /// Removes the handles of messengers that the platform does not know.
    pub(super) fn resolve_handles(&self, wanted: &mut Wanted) -> Vec<String> {
        let mut not_carried = Vec::new();
        let handles = wanted.contact.list_mut(Field::Handles);
        let known = std::mem::take(handles).into_iter().filter_map(|handle| {
            let parts = split_handle(&handle);
            if let Some((service, value)) = &parts
                && self.type_of(service).is_some()
            {
                return Some(format!("{service}:{value}"));
            }
            not_carried.push(parts.map_or_else(|| "handles".to_owned(), |(service, _)| format!("handles.{service}")));
            None
        });
        let known: Vec<String> = known.collect();
        *handles = known;
        not_carried.dedup();
        not_carried
    }

    /// Removes the tags that are not a segment, because only the account's owner can create one. A tag that is to be removed
    /// needs no known segment.
    pub(super) fn resolve_tags(&self, wanted: &mut Wanted) -> Vec<String> {
        let mut not_carried = Vec::new();
        let is_kept = wanted.tag_mode == TagMode::Remove;
        let tags = wanted.contact.list_mut(Field::Tags);
        let known = std::mem::take(tags).into_iter().filter_map(|tag| {
            if let Some(name) = self.known_tag(&tag) {
                return Some(name.to_owned());
            }
            if !is_kept {
                not_carried.push(format!("tags.{tag}"));
            }
            is_kept.then_some(tag)
        });
        let known: Vec<String> = known.collect();
        *tags = known;
        not_carried
    }
}

/// Steps.
impl Eadesk {
    /// First the person, then the items to be deleted, then those to be added, one request each.
    pub(super) fn steps_to(&self, delta: &Delta, found: Option<&Found>) -> Vec<Step> {
        let mut steps = Vec::new();
        let person = self.person(delta, found);
        if found.is_none() || !person.is_empty() {
            let kind = if found.is_some() { StepKind::Change } else { StepKind::Create };
            steps.push(Step { kind, body: json!({ "person": person }).into() });
        }
        let wiped = found.map(|found| self.wiped(delta, &found.contact)).unwrap_or_default();
        steps.extend(wiped.iter().map(|item| Step { kind: StepKind::Change, body: json!({ "delete": item }).into() }));
        let added = self.added(delta, found.map(|found| &found.contact));
        steps.extend(added.map(|item| Step { kind: StepKind::Add, body: json!({ "item": item }).into() }));
        steps
    }

    /// The fields of the person itself; none if none of them changes. An update that replaces clears fields that are not
    /// sent, so all of them are sent.
    fn person(&self, delta: &Delta, found: Option<&Found>) -> Map<String, Value> {
        let after = &delta.after;
        let own = [Field::FullName, Field::Notes, Field::Tags];
        let is_whole = found.is_some() && !self.merges && own.into_iter().any(|field| delta.changed.has(field));
        let is_sent = |field| is_whole || delta.changed.has(field);
        let mut person = Map::new();
        for (field, name) in [(Field::FullName, "name"), (Field::Notes, "description")] {
            if is_sent(field) {
                person.insert(name.to_owned(), Value::from(after.text(field).unwrap_or_default()));
            }
        }
        if is_sent(Field::Tags) || found.is_none() {
            let ids: Vec<&str> = after.list(Field::Tags).iter().map(|tag| self.segment_id(tag)).collect();
            person.insert("segments".to_owned(), Value::from(ids));
        }
        person
    }

    /// The ids of the items to be deleted.
    fn wiped(&self, delta: &Delta, before: &Contact) -> Vec<String> {
        let stays = |field, value: &str| delta.after.list(field).iter().any(|item| same(field, item, value));
        let is_wiped = |field, value: &str| delta.changed.has(field) && !stays(field, value);
        let items = before.native.get(ITEMS).and_then(Value::as_array).into_iter().flatten();
        let wiped = items.filter(|item| self.read_item(item).is_some_and(|(field, value)| is_wiped(field, &value)));
        wiped.filter_map(|item| text(item.get("id")?)).collect()
    }

    /// The items to be added.
    fn added(&self, delta: &Delta, before: Option<&Contact>) -> impl Iterator<Item = Value> {
        let is_there = move |field, item: &str| {
            before.is_some_and(|before| before.list(field).iter().any(|known| same(field, known, item)))
        };
        let all = OF_ITEMS.into_iter().flat_map(|field| delta.after.list(field).iter().map(move |item| (field, item)));
        all.filter(move |(field, item)| !is_there(*field, item)).filter_map(|(field, item)| self.item(field, item))
    }

    fn item(&self, field: Field, item: &str) -> Option<Value> {
        match field {
            Field::Phones => Some(json!({ "value": with_plus(item), "type": "phone", "service": "phone" })),
            Field::Emails => Some(json!({ "value": item, "type": "mail", "service": "mail" })),
            _ => {
                let (service, value) = split_handle(item)?;
                let kind = self.type_of(&service)?;
                let value = if kind == "phone" { with_plus(value) } else { value.to_owned() };
                Some(json!({ "value": value, "type": kind, "service": service }))
            }
        }
    }
}

/// Sending steps.
impl Eadesk {
    pub(super) async fn send(&self, http: &Http, step: &Step, address: &Address) -> Result<StepResult, Fault> {
        let body = |name: &str| step.body.parts().get(name);
        match (step.kind, address) {
            (StepKind::Create, _) => self.create(http, body("person").unwrap_or(step.body.parts())).await,
            (StepKind::Change | StepKind::Add, Address::New) => {
                Err(Fault::Fatal(Failure::failed("a change has no contact to be written to")))
            }
            (StepKind::Change | StepKind::Add, Address::Id(id)) => {
                if let Some(item) = body("item") {
                    return self.add(http, item, id).await;
                }
                if body("delete_person").is_some() {
                    return self.delete_person(http, id).await;
                }
                match body("delete").and_then(text) {
                    Some(item) => self.delete(http, &item, id).await,
                    None => self.update(http, body("person").unwrap_or(step.body.parts()), id).await,
                }
            }
        }
    }

    /// The response is the person itself.
    async fn create(&self, http: &Http, person: &Value) -> Result<StepResult, Fault> {
        let (said, response) = self.write(http, "create".to_owned(), person).await?;
        match said {
            Said::Json(person) => {
                let id = person.get("_id").and_then(text);
                let id = id.ok_or_else(|| self.not_done(http, &response, "the new person"))?;
                Ok(StepResult::Done { id, after: None })
            }
            Said::Nothing => Err(self.not_done(http, &response, "the new person")),
            Said::NotFound => Err(self.account.refuses(http, &response)),
        }
    }

    /// A person that was deleted meanwhile cannot be distinguished from one that never existed.
    async fn update(&self, http: &Http, person: &Value, id: &str) -> Result<StepResult, Fault> {
        let Some(key) = segment(id) else { return Ok(StepResult::Gone) };
        let (said, response) = self.write(http, format!("update/{key}{}", self.path_end), person).await?;
        match result(&said) {
            _ if matches!(said, Said::NotFound) => Ok(StepResult::Gone),
            Some(Value::Object(person)) if is_deleted(person) => Ok(StepResult::Gone),
            Some(_) => Ok(StepResult::Done { id: id.to_owned(), after: None }),
            None => Err(self.not_done(http, &response, "`{\"result\": …}`")),
        }
    }

    /// Of the two ids, the one in the path is the person's.
    async fn add(&self, http: &Http, item: &Value, id: &str) -> Result<StepResult, Fault> {
        let Some(key) = segment(id) else { return Ok(StepResult::Gone) };
        let (said, response) = self.write(http, format!("contacts/create/{key}"), item).await?;
        match result(&said) {
            _ if matches!(said, Said::NotFound) => Ok(StepResult::Gone),
            Some(_) => Ok(StepResult::Done { id: id.to_owned(), after: None }),
            None => Err(self.not_done(http, &response, "`{\"result\": …}`")),
        }
    }

    /// A person that does not exist any more was deleted by another party.
    async fn delete_person(&self, http: &Http, id: &str) -> Result<StepResult, Fault> {
        let Some(key) = segment(id) else { return Ok(StepResult::Gone) };
        let (said, response) = self.write(http, format!("delete/{key}{}", self.path_end), &json!({})).await?;
        match result(&said) {
            _ if matches!(said, Said::NotFound) => Ok(StepResult::Gone),
            Some(_) => Ok(StepResult::Done { id: id.to_owned(), after: None }),
            None => Err(self.not_done(http, &response, "`{\"result\": true}`")),
        }
    }

    /// An item that does not exist any more is as it should be.
    async fn delete(&self, http: &Http, item: &str, id: &str) -> Result<StepResult, Fault> {
        let done = StepResult::Done { id: id.to_owned(), after: None };
        let Some(key) = segment(item) else { return Ok(done) };
        let (said, response) = self.write(http, format!("contacts/delete/{key}{}", self.path_end), &json!({})).await?;
        match result(&said) {
            None if !matches!(said, Said::NotFound) => Err(self.not_done(http, &response, "`{\"result\": true}`")),
            _ => Ok(done),
        }
    }

    async fn write(&self, http: &Http, path: String, body: &Value) -> Result<(Said, Response), Fault> {
        let request = Request::write(Method::Post, format!("{}/{path}", self.prefix), body);
        self.ask(http, request, Purpose::Write).await
    }

    fn not_done(&self, http: &Http, response: &Response, promised: &str) -> Fault {
        self.account.not_promised_of_write(http, response, promised)
    }
}

/// Whether a write returned a result.
fn result(said: &Said) -> Option<&Value> {
    let Said::Json(value) = said else { return None };
    value.get("result").filter(|result| !matches!(result, Value::Null | Value::Bool(false)))
}
