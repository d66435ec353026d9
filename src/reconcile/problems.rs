//! The problems with which a record is rejected after the target was asked.
//!
//! It holds their codes and words only. When a record is rejected is decided elsewhere.

use super::attempt::TRIES_MAX;
use crate::change::Delta;
use crate::contact::Field;
use crate::identity::IdentityValue;
use crate::outcome::{Exit, Failure, Problem};
use crate::platforms::restore::Left;

/// A record matches several contacts at the target.
pub fn ambiguous(identities: &[IdentityValue], ids: &[String]) -> Problem {
    let mut by: Vec<&str> = identities.iter().map(|identity| identity.field.name()).collect();
    by.dedup();
    Problem::new(
        "identity.ambiguous",
        format!("this record matches {} contacts at the target: `{}`", ids.len(), ids.join("`, `")),
    )
    .at(by.join(", "))
    .hint("merge them at the target, or leave one of the values out")
}

/// A contact was found only by a value that another contact of the source has too. It names no line, because it is
/// reported again when the run is resumed, and the file may have been edited in between.
pub(crate) fn shared(field: Field, id: &str) -> Problem {
    let name = match field {
        Field::Phones => "phone",
        Field::Emails => "email",
        _ => field.name(),
    };
    Problem::new(
        "identity.ambiguous",
        format!("another contact of the source has the same `{name}`, so it does not tell whose contact `{id}` is"),
    )
    .at(name)
    .hint(format!("remove the `{name}` from one of them, or give both the same phone if they are one contact"))
}

/// Another record of the source has reached the same contact: each would write over the other.
pub(crate) fn taken_by(line: u64, id: &str) -> Problem {
    let message = format!("line {line} is this contact already, and the target has one for both: `{id}`");
    Problem::new("identity.ambiguous", message)
        .hint("leave one of the two records out, or see at the target whose phone and e-mail these are")
}

/// The platform says that the contact exists, and does not find it.
pub(crate) fn claimed(words: &str) -> Problem {
    Problem::new(
        "target.refused",
        format!("the target says that this contact exists already, but does not find it: `{words}`"),
    )
    .hint("look for the phone and the e-mail at the target; they may be stored there in another form")
}

/// It was tried often enough, and is not at the target.
pub(crate) fn failed(why: Option<&Failure>) -> Problem {
    let why = words_of(why);
    Problem::new(FAILED, format!("tried {TRIES_MAX} times, and it is not at the target: {why}"))
        .hint("import the rejects file again later")
}

/// Some of a change has arrived, and the rest does not.
pub(crate) fn failed_in_part(delta: &Delta, why: Option<&Failure>) -> Problem {
    let why = words_of(why);
    Problem::new(FAILED, format!("tried {TRIES_MAX} times, and not all of it is at the target: {why}"))
        .at(lacking(delta))
        .hint("import the rejects file again later")
}

fn words_of(why: Option<&Failure>) -> String {
    why.map_or_else(|| "it never arrived".to_owned(), Failure::to_string)
}

/// The fields that are not as they should be.
fn lacking(delta: &Delta) -> String {
    delta.changes.iter().map(|change| &*change.field).collect::<Vec<_>>().join(", ")
}

pub(crate) fn not_looked_up(why: &Failure) -> Problem {
    Problem::new(FAILED, format!("tried {TRIES_MAX} times to look it up, so nothing was sent: {why}"))
        .hint("import the rejects file again later")
}

const FAILED: &str = "target.failed";

pub(crate) fn is_failed(problems: &[Problem]) -> bool {
    problems.first().is_some_and(|problem| problem.code == FAILED)
}

/// A contact failed while nothing succeeded, or before anything had ever arrived.
pub(crate) fn at_fault(problems: &[Problem], has_arrived: bool) -> Failure {
    let what = match has_arrived {
        true => "what was sent to the target has failed for as long as an unavailable platform is waited for",
        false => "nothing has arrived at the target yet, and what was sent to it fails",
    };
    let failure = Failure::new(Exit::Unavailable, what);
    let failure = problems.first().map_or(failure.clone(), |problem| failure.cause(&problem.message));
    failure.hint("no record was rejected because of it; run the same command again when the platform has recovered")
}

const UNKNOWN: &str = "target.unknown";

pub(crate) fn unknown(why: &Failure) -> Problem {
    doubtful(&why.to_string())
}

/// The platform refuses to look up a contact that a request may have created.
pub(crate) fn unknown_for(problems: &[Problem]) -> Problem {
    doubtful(problems.first().map_or("the platform does not say why", |problem| &problem.message))
}

/// Whether no contact has the id that the record names: that is known, and no doubt.
pub(crate) fn is_no_contact(problems: &[Problem]) -> bool {
    problems.first().is_some_and(|problem| problem.code == NO_CONTACT)
}

/// The code of a reject whose id no contact has.
pub(crate) const NO_CONTACT: &str = "target_id.not_found";

fn doubtful(why: &str) -> Problem {
    Problem::new(UNKNOWN, format!("it may have arrived, and could not be looked up: {why}"))
        .hint("the same command, or `ferry resume`, checks again")
}

/// The contact was created, and what it lacks does not arrive.
pub(crate) fn incomplete(delta: &Delta, why: Option<&Failure>) -> Problem {
    let why = words_of(why);
    let message = format!("created at the target, but not completely in {TRIES_MAX} tries: {why}");
    Problem::new(UNKNOWN, message).at(lacking(delta)).hint("the same command, or `ferry resume`, completes it")
}

pub(crate) fn is_unknown(problems: &[Problem]) -> bool {
    problems.first().is_some_and(|problem| problem.code == UNKNOWN)
}

/// The code of a value that another party has changed since.
pub const CHANGED: &str = "value.changed_since";
/// The code of a value that the platform cannot restore.
pub const KEPT: &str = "value.kept";

/// Another party has changed a value since a run wrote it: the three values. `is_created`: the run created the contact.
pub(crate) fn changed_since(left: &Left, is_created: bool) -> Problem {
    let Left { field, before, written, now } = left;
    let shown =
        |value: &Option<String>| value.as_ref().map_or_else(|| "blank".to_owned(), |value| format!("`{value}`"));
    let [before, written, now] = [before, written, now].map(shown);
    let message = match is_created {
        true => format!("`{field}` is {now} now, and was created as {written}"),
        false => format!("`{field}` is {now} now; it was written as {written}, and was {before} before"),
    };
    Problem::new(CHANGED, message).at(field.as_str()).hint("another party has changed it since: review it there")
}
