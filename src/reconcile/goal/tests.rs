//! Tables of decisions: what remains to be done about a contact, for every goal. No runtime, no platform, no clock.

use super::Goal;
use super::decision::{Decision, ReadReason, Ruling, Then};
use super::exactly::Precondition;
use super::planned::{PlannedChange, seen};
use super::revert::Reversal;
use crate::change::{Delta, StepKind, Written};
use crate::contact::{Contact, Field, Wanted};
use crate::identity::identities_of;
use crate::outcome::{Exit, Failure, Problem};
use crate::platforms::diff::OnExisting;
use crate::platforms::{Found, PlatformFacts, Ready, Step, WriteRules};
use crate::reconcile::attempt::{Attempt, Doubt};
use crate::reconcile::view::{DroppedNames, Freshness, Hit, Owner, Policy, Presence, TargetFacts, View};
use crate::reconcile::who::Who;
use crate::record::Origin;
use crate::store::Key;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const NOW_MS: u64 = 10_000_000;
const SETTLE: Duration = Duration::from_secs(60);
const IDENTITY: [Field; 2] = [Field::Phones, Field::Emails];

/// A platform that writes a contact with one request, and deletes with another.
struct Rules {
    facts: PlatformFacts,
    replaces: bool,
}

impl WriteRules for Rules {
    fn facts(&self) -> &PlatformFacts {
        &self.facts
    }

    fn replaces(&self) -> bool {
        self.replaces
    }

    fn steps(&self, _ready: &Ready, delta: &Delta, found: Option<&Found>) -> Result<Vec<Step>, Vec<Problem>> {
        if delta.after.text(Field::Notes) == Some("refused") {
            return Err(vec![Problem::new("target.refused", "no notes today")]);
        }
        let kind = if found.is_some() { StepKind::Change } else { StepKind::Create };
        let is_empty = found.is_some() && delta.is_empty();
        Ok(if is_empty { Vec::new() } else { vec![Step { kind, body: json!(delta.changes.len()).into() }] })
    }
}

/// What a decision looks at, with everything as in an ordinary first attempt.
struct Case {
    rules: Rules,
    policy: Policy,
    presence: Presence,
    owner: Owner,
    attempt: Attempt,
    may_reread: bool,
}

fn contact(name: &str, phone: &str, email: &str) -> Contact {
    let mut contact = Contact::default();
    contact.set_text(Field::FirstName, name);
    for (field, value) in [(Field::Phones, phone), (Field::Emails, email)] {
        contact.list_mut(field).extend((!value.is_empty()).then(|| value.to_owned()));
    }
    contact
}

fn ana() -> Contact {
    contact("Ana", "+593987625587", "ana@example.com")
}

fn wanted(contact: Contact) -> Wanted {
    Wanted { contact, ..Wanted::default() }
}

/// A contact that was located by its phone.
fn hit(contact: Contact, freshness: Freshness) -> Hit {
    let found = Found { id: "7".to_owned(), contact };
    Hit { found, by: Some(Field::Phones), freshness }
}

fn there(contact: Contact, freshness: Freshness) -> Presence {
    Presence::One(hit(contact, freshness))
}

/// A request of this kind that was answered, or lost, so many seconds ago.
fn sent(kind: StepKind, ago_s: u64) -> Doubt {
    let at_ms = NOW_MS - ago_s * 1000;
    Doubt { kind, since_ms: at_ms, at_ms, why: Failure::new(Exit::Unavailable, "timed out") }
}

/// An attempt with such a request in doubt, at this try.
fn doubt(kind: StepKind, ago_s: u64, tries: u32) -> Attempt {
    let mut attempt = Attempt::default();
    attempt.tries.sent = tries;
    attempt.doubt_about(sent(kind, ago_s));
    attempt
}

impl Case {
    fn new(presence: Presence) -> Case {
        let mut facts = PlatformFacts::new("test", "Test", "https://test.example");
        facts.holds = vec![Field::FirstName, Field::Phones, Field::Emails, Field::Notes].into();
        facts.single = vec![Field::Phones, Field::Emails].into();
        facts.finds_by = IDENTITY.to_vec().into();
        let policy = Policy { settle: SETTLE, ..Policy::default() };
        let rules = Rules { facts, replaces: false };
        Case { rules, policy, presence, owner: Owner::This, attempt: Attempt::default(), may_reread: true }
    }

    fn decide(&self, goal: &Goal) -> Ruling {
        let identities = goal.wanted().map(|wanted| identities_of(&wanted.contact, &IDENTITY)).unwrap_or_default();
        let key = Key::of(&identities, b"");
        let origin = Origin { ordinal: 1, line: 2 };
        let who = Who { key, origin, identities, shared: Vec::new(), not_carried: Vec::new() };
        let (ready, dropped) = (Ready::default(), DroppedNames::default());
        let target = TargetFacts {
            rules: &self.rules,
            ready: &ready,
            identity: &IDENTITY,
            policy: self.policy,
            deletion: Some(Step { kind: StepKind::Change, body: json!("delete").into() }),
            dropped: &dropped,
            reads_for_plan: false,
            now_ms: NOW_MS,
        };
        let view = View {
            target: &target,
            who: &who,
            presence: &self.presence,
            owner: self.owner,
            written: None,
            may_reread: self.may_reread,
        };
        goal.decide(&view, &self.attempt)
    }

    fn upsert(&self, contact: Contact) -> String {
        shown(&self.decide(&Goal::Upsert(wanted(contact))))
    }
}

/// A decision in a line.
fn shown(ruling: &Ruling) -> String {
    match &ruling.decision {
        Decision::Done(outcome) => format!("done {outcome:?}"),
        Decision::Reject(problems) => {
            format!("reject {}", problems.iter().map(|problem| &*problem.code).collect::<Vec<_>>().join(" "))
        }
        Decision::Wait { how_long, own } => {
            format!("wait {} s{}", how_long.as_secs(), own.as_ref().map(|id| format!(" for {id}")).unwrap_or_default())
        }
        Decision::Reread(ReadReason::Stale) => "read it: out of date".to_owned(),
        Decision::Reread(ReadReason::ForPlan) => "read it: for the plan".to_owned(),
        Decision::Write(change) => {
            let fields: Vec<&str> = change.delta.changes.iter().map(|change| &*change.field).collect();
            let what = match (&change.on, change.then) {
                (None, _) => "create",
                (Some(_), Then::Deleted) => "delete",
                (Some(_), _) => "write",
            };
            format!("{what} {}", fields.join(" ")).trim_end().to_owned()
        }
    }
}

fn other_name() -> Contact {
    contact("Anita", "+593987625587", "ana@example.com")
}

#[test]
fn an_upsert_creates_completes_and_leaves_alone() {
    let case = Case::new;
    let fresh = |contact| there(contact, Freshness::Read);
    assert_eq!(case(Presence::Absent).upsert(ana()), "create first_name phone email");
    assert_eq!(case(fresh(ana())).upsert(ana()), "done Unchanged");
    assert_eq!(case(fresh(other_name())).upsert(ana()), "write first_name");
    let only = |change: fn(&mut Case), presence| {
        let mut case = Case::new(presence);
        change(&mut case);
        case.upsert(ana())
    };
    assert_eq!(only(|it| it.policy.only_existing = true, Presence::Absent), "done Skipped(Absent)");
    assert_eq!(only(|it| it.policy.on_existing = OnExisting::Skip, fresh(other_name())), "done Skipped(Existing)");
    assert_eq!(only(|it| it.policy.on_existing = OnExisting::Fill, fresh(other_name())), "done Unchanged");
    assert_eq!(only(|it| it.owner = Owner::OtherRecord(9), fresh(other_name())), "reject identity.ambiguous");
    assert_eq!(only(|it| it.owner = Owner::OtherRecord(9), fresh(ana())), "done Unchanged");
    let mut refused = ana();
    refused.set_text(Field::Notes, "refused");
    assert_eq!(case(Presence::Absent).upsert(refused), "reject target.refused");
    let several = Presence::Several(vec!["7".to_owned(), "8".to_owned()]);
    assert_eq!(case(several).upsert(ana()), "reject identity.ambiguous");
}

#[test]
fn nothing_is_written_on_what_may_be_out_of_date() {
    let listed = |contact| Case::new(there(contact, Freshness::Listed));
    // What a list says proves that nothing has to change, and a partial write overwrites nothing else.
    assert_eq!(listed(ana()).upsert(ana()), "done Unchanged");
    assert_eq!(listed(other_name()).upsert(ana()), "write first_name");
    let mut replacing = listed(other_name());
    replacing.rules.replaces = true;
    assert_eq!(replacing.upsert(ana()), "read it: out of date");
    replacing.may_reread = false;
    assert_eq!(replacing.upsert(ana()), "write first_name");
    let mut filling = listed(contact("Ana", "+593987625587", ""));
    filling.policy.on_existing = OnExisting::Fill;
    assert_eq!(filling.upsert(ana()), "read it: out of date");
    // A second record reaches a contact that the preview has recorded: nothing newer exists.
    let mut recorded = Case::new(there(other_name(), Freshness::Recorded));
    recorded.rules.replaces = true;
    assert_eq!(recorded.upsert(ana()), "write first_name");
}

#[test]
fn absence_after_a_creation_in_doubt_is_no_proof_until_its_time_is_over() {
    let table = [
        (doubt(StepKind::Create, 0, 1), "wait 60 s"),
        (doubt(StepKind::Create, 59, 3), "wait 1 s"),
        (doubt(StepKind::Create, 60, 1), "create first_name phone email"),
        (doubt(StepKind::Create, 60, 3), "reject target.failed"),
        // A change in doubt creates no contact.
        (doubt(StepKind::Change, 0, 1), "create first_name phone email"),
    ];
    for (attempt, expected) in table {
        let case = Case { attempt: attempt.clone(), ..Case::new(Presence::Absent) };
        assert_eq!(case.upsert(ana()), expected, "{attempt:?}");
    }
    let mut claimed = Attempt::default();
    for (ago_s, expected) in [(10, "wait 50 s"), (60, "reject target.refused")] {
        claimed.claimed("phone is taken".to_owned(), sent(StepKind::Change, ago_s));
        let case = Case { attempt: claimed.clone(), ..Case::new(Presence::Absent) };
        assert_eq!(case.upsert(ana()), expected);
    }
}

#[test]
fn a_contact_that_is_found_after_a_doubt_has_the_outcome_of_what_was_in_doubt() {
    let found = |contact, attempt| Case { attempt, ..Case::new(there(contact, Freshness::Read)) };
    assert_eq!(found(ana(), doubt(StepKind::Create, 0, 1)).upsert(ana()), "done Created");
    assert_eq!(found(ana(), doubt(StepKind::Change, 0, 1)).upsert(ana()), "done Updated");
    assert_eq!(found(other_name(), doubt(StepKind::Change, 0, 1)).upsert(ana()), "write first_name");
    assert_eq!(found(other_name(), doubt(StepKind::Change, 10, 3)).upsert(ana()), "wait 50 s");
    assert_eq!(found(other_name(), doubt(StepKind::Change, 60, 3)).upsert(ana()), "reject target.failed");
    // What this run created is no existing contact to be skipped: what it lacks is filled in.
    let mut skip = found(contact("", "+593987625587", ""), doubt(StepKind::Create, 0, 1));
    skip.policy.on_existing = OnExisting::Skip;
    assert_eq!(skip.upsert(ana()), "write first_name email");
    // It may have been created by this run, and there is no telling which one it is.
    let several = Presence::Several(vec!["7".to_owned(), "8".to_owned()]);
    let case = Case { attempt: doubt(StepKind::Create, 0, 1), ..Case::new(several) };
    assert_eq!(case.upsert(ana()), "reject target.unknown");
}

#[test]
fn a_value_that_two_records_share_identifies_neither() {
    let hit = hit(other_name(), Freshness::Read);
    let shared = || Case::new(Presence::Shared(hit.clone()));
    assert_eq!(shared().upsert(ana()), "reject identity.ambiguous");
    let late = Case { attempt: doubt(StepKind::Create, 20, 1), ..shared() };
    assert_eq!(late.upsert(ana()), "wait 40 s");
}

#[test]
fn a_plan_is_applied_exactly_or_not_at_all() {
    let change = |old: &str| PlannedChange {
        field: "first_name".to_owned(),
        old: Some(old.to_owned()),
        new: Some("Ana".to_owned()),
    };
    let planned = |saw: Contact, old: &str| {
        let (seen, changes) = (Some(seen(&saw)), vec![change(old)]);
        Goal::Exactly(
            wanted(ana()),
            Arc::new(Precondition { creates: false, target_id: Some("7".to_owned()), changes, seen }),
        )
    };
    let creates = Goal::Exactly(wanted(ana()), Arc::new(Precondition { creates: true, ..Precondition::default() }));
    let at = |contact: Contact| {
        let case = Case::new(there(contact, Freshness::Read));
        Case { may_reread: false, ..case }
    };
    assert_eq!(shown(&at(other_name()).decide(&planned(other_name(), "Anita"))), "write first_name");
    let changed_since = at(contact("Anabel", "+593987625587", "ana@example.com"));
    assert_eq!(shown(&changed_since.decide(&planned(other_name(), "Anita"))), "reject plan.changed");
    assert_eq!(shown(&Case::new(Presence::Absent).decide(&planned(other_name(), "Anita"))), "reject plan.changed");
    assert_eq!(shown(&at(other_name()).decide(&creates)), "reject plan.changed");
    // It was read by a lookup, and is read by its id before it is compared with what the plan saw.
    let looked_up = Case { may_reread: true, ..at(other_name()) };
    assert_eq!(shown(&looked_up.decide(&planned(other_name(), "Anita"))), "read it: for the plan");
    // The run's own write in doubt is no other party's change.
    let own = Case { attempt: doubt(StepKind::Change, 0, 1), ..at(ana()) };
    assert_eq!(shown(&own.decide(&planned(other_name(), "Anita"))), "done Updated");
}

#[test]
fn a_contact_that_the_verified_run_created_is_compared_in_every_value() {
    let mut case = Case::new(there(other_name(), Freshness::Read));
    case.policy.on_existing = OnExisting::Skip;
    let confirm = |is_created| Goal::Confirm(wanted(ana()), is_created);
    assert_eq!(shown(&case.decide(&confirm(false))), "done Skipped(Existing)");
    assert_eq!(shown(&case.decide(&confirm(true))), "write first_name");
}

/// What a run wrote to the contact `7`: another name.
fn reversal(is_created: bool) -> Goal {
    let renamed = Written {
        field: "first_name".into(),
        old: (!is_created).then(|| "Ana".to_owned()),
        new: Some("Anita".to_owned()),
        ..Written::default()
    };
    let one = |field: &str, new: &str| Written {
        field: field.to_owned().into(),
        new: Some(new.to_owned()),
        ..Written::default()
    };
    let mut written = vec![renamed];
    if is_created {
        written.extend([one("phone", "+593987625587"), one("email", "ana@example.com")]);
    }
    let known = other_name();
    let (id, is_partial, is_only) = ("7".to_owned(), false, false);
    Goal::Revert(Box::new(Reversal { id, known, written, is_created, is_partial, is_only }))
}

#[test]
fn only_values_that_are_still_as_written_go_back() {
    let at = |contact: Contact| Case::new(there(contact, Freshness::Read));
    assert_eq!(shown(&at(other_name()).decide(&reversal(false))), "write first_name");
    assert_eq!(shown(&at(ana()).decide(&reversal(false))), "done Unchanged");
    let changed = at(contact("Anabel", "+593987625587", "ana@example.com")).decide(&reversal(false));
    assert_eq!(shown(&changed), "done Skipped(Changed)");
    assert_eq!(changed.notes.left.iter().map(|left| &*left.code).collect::<Vec<_>>(), ["value.changed_since"]);
    // A contact that the run created is deleted, unless another party has changed it since.
    assert_eq!(shown(&at(other_name()).decide(&reversal(true))), "delete");
    assert_eq!(shown(&at(ana()).decide(&reversal(true))), "done Skipped(Changed)");
    let gone = |attempt| Case { attempt, ..Case::new(Presence::Absent) };
    assert_eq!(shown(&gone(Attempt::default()).decide(&reversal(true))), "done Unchanged");
    assert_eq!(shown(&gone(doubt(StepKind::Change, 0, 1)).decide(&reversal(true))), "done Deleted");
    let lost = gone(Attempt::default()).decide(&reversal(false));
    assert_eq!((shown(&lost).as_str(), &*lost.notes.left[0].code), ("done Skipped(Absent)", "contact.gone"));
    let unreadable = Case::new(Presence::Unreadable).decide(&reversal(false));
    assert_eq!((shown(&unreadable).as_str(), &*unreadable.notes.left[0].code), ("done Skipped(Kept)", "value.kept"));
}

/// Whatever is there and whatever was tried: no decision writes over a creation that may still arrive, and what is
/// decided twice is decided alike.
#[test]
fn a_decision_depends_on_what_it_sees_alone() {
    let kinds = [StepKind::Create, StepKind::Change, StepKind::Add];
    let presences = || {
        let freshness = [Freshness::Listed, Freshness::Read, Freshness::Recorded];
        let found = freshness.into_iter().flat_map(|fresh| [there(ana(), fresh), there(other_name(), fresh)]);
        [Presence::Absent, Presence::Several(vec!["7".to_owned(), "8".to_owned()])].into_iter().chain(found)
    };
    let mut decided = 0;
    for presence in presences() {
        for kind in kinds {
            for ago_s in [0, 30, 59, 60, 3600] {
                for tries in 0..4 {
                    let attempt = doubt(kind, ago_s, tries);
                    let case = Case { attempt, ..Case::new(presence.clone()) };
                    let (one, again) = (case.upsert(ana()), case.upsert(ana()));
                    assert_eq!(one, again);
                    let may_arrive = kind == StepKind::Create && ago_s < SETTLE.as_secs();
                    assert!(!(may_arrive && one.starts_with("create")), "{presence:?} {kind:?} {ago_s} {tries}");
                    assert!(!(may_arrive && one == "reject target.failed"), "{presence:?} {kind:?} {ago_s} {tries}");
                    decided += 1;
                }
            }
        }
    }
    assert_eq!(decided, 8 * 3 * 5 * 4);
}
