//! What a record is rejected with once the target was asked: the problems in words.

use super::TRIES_MAX;
use crate::contact::Field;
use crate::identity::IdentityValue;
use crate::outcome::{Exit, Failure, Problem};
use crate::platforms::diff::Delta;

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

/// A contact was found only by a value that another contact of the source has as well. It names no line, because it is
/// said again when the run is resumed, and the file may have been edited in between.
pub(super) fn shared(field: Field, id: &str) -> Problem {
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

/// Another record of the source has come to the same contact: each would write over the other.
pub(super) fn taken_by(line: u64, id: &str) -> Problem {
    let message = format!("line {line} is this contact already, and the target has one for both: `{id}`");
    Problem::new("identity.ambiguous", message)
        .hint("leave one of the two records out, or see at the target whose phone and e-mail these are")
}

pub(super) fn claimed(words: &str) -> Problem {
    Problem::new(
        "target.refused",
        format!("the target says that this person is there already, but does not find them: `{words}`"),
    )
    .hint("look for the phone and the e-mail at the target; somebody may hold them in another form")
}

pub(super) fn failed(why: Option<Failure>) -> Problem {
    let why = why.map_or_else(|| "it never arrived".to_owned(), |why| why.to_string());
    Problem::new(FAILED, format!("tried {TRIES_MAX} times, and it is not at the target: {why}"))
        .hint("import the rejects file again later")
}

/// Some of a change has arrived, and the rest does not.
pub(super) fn failed_in_part(delta: &Delta, why: Option<Failure>) -> Problem {
    let why = why.map_or_else(|| "it never arrived".to_owned(), |why| why.to_string());
    Problem::new(FAILED, format!("tried {TRIES_MAX} times, and not all of it is at the target: {why}"))
        .at(lacking(delta))
        .hint("import the rejects file again later")
}

/// The fields that are not as they should be.
fn lacking(delta: &Delta) -> String {
    delta.changes.iter().map(|change| change.field.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) fn not_looked_up(why: &Failure) -> Problem {
    Problem::new(FAILED, format!("tried {TRIES_MAX} times to look it up, so nothing was sent: {why}"))
        .hint("import the rejects file again later")
}

const FAILED: &str = "target.failed";

pub(super) fn is_failed(problems: &[Problem]) -> bool {
    problems.first().is_some_and(|problem| problem.code == FAILED)
}

/// A contact failed before anything had ever arrived.
pub(super) fn at_fault(problems: &[Problem]) -> Failure {
    let failure =
        Failure::new(Exit::Unavailable, "nothing has arrived at the target yet, and what was sent to it fails");
    let failure = problems.first().map_or(failure.clone(), |problem| failure.cause(&problem.message));
    failure.hint("nobody was rejected for it; the same command goes on when the platform is well again")
}

const UNKNOWN: &str = "target.unknown";

pub(super) fn unknown(why: &Failure) -> Problem {
    doubtful(&why.to_string())
}

/// The platform refuses to look up somebody whom a request may have made.
pub(super) fn unknown_for(problems: &[Problem]) -> Problem {
    doubtful(problems.first().map_or("the platform does not say why", |problem| &problem.message))
}

/// The id by which the record names somebody leads to nobody: that is known.
pub(super) fn is_nobody(problems: &[Problem]) -> bool {
    problems.first().is_some_and(|problem| problem.code == NOBODY)
}

/// The code of a reject whose id leads to nobody.
pub(super) const NOBODY: &str = "target_id.not_found";

fn doubtful(why: &str) -> Problem {
    Problem::new(UNKNOWN, format!("it may have arrived, and could not be looked up: {why}"))
        .hint("the same command, or `ferry resume`, finds out")
}

/// Somebody was made, and what they lack yet does not arrive.
pub(super) fn incomplete(delta: &Delta, why: Option<Failure>) -> Problem {
    let why = why.map_or_else(|| "it never arrived".to_owned(), |why| why.to_string());
    let message = format!("made at the target, but tried {TRIES_MAX} times without bringing it all there: {why}");
    Problem::new(UNKNOWN, message).at(lacking(delta)).hint("the same command, or `ferry resume`, brings the rest")
}

pub(super) fn is_unknown(problems: &[Problem]) -> bool {
    problems.first().is_some_and(|problem| problem.code == UNKNOWN)
}
