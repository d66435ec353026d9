//! What a run that wrote contacts to a target led to, and what imports and migrations have in common.

use super::dice::Dice;
use super::site::{Cut, Wire, cut, may_end_so, one_start, silent};
use super::view::{Held, View};
use ferry::clock::Clock;
use ferry::outcome::{Exit, Failure};
use ferry::run::active::close::Ended;
use ferry::run::commands::transfer;
use ferry::run::plan::TransferPlan;
use ferry::sandbox::Sandbox;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// More starts than this for one run mean that it never ends.
pub const STARTS_MAX: u32 = 60;

/// What a run that came to its end led to.
#[derive(Debug, PartialEq)]
pub struct Led {
    read: u64,
    /// There in the end, whichever start wrote them: after a kill a created contact may be met as an existing one.
    arrived: u64,
    skipped: BTreeMap<String, u64>,
    rejects: BTreeMap<String, u64>,
    reject_lines: BTreeSet<String>,
    held: Held,
}

pub fn led(ended: &Ended, sandbox: &Sandbox, view: &dyn View) -> Led {
    let records = ended.summary.records;
    assert!(records.balance() && records.pending == 0 && records.unknown == 0, "{records:?}");
    let mut skipped: BTreeMap<String, u64> =
        ended.summary.skipped.iter().map(|(name, n)| (name.to_owned(), n)).collect();
    let existing = skipped.remove("existing").unwrap_or_default();
    Led {
        read: records.read,
        arrived: records.created + records.updated + records.unchanged + existing,
        skipped,
        rejects: ended.summary.rejects.iter().map(|(name, n)| (name.to_owned(), n)).collect(),
        reject_lines: rejects(ended),
        held: view.held(&Wire::to(sandbox), sandbox),
    }
}

/// Fails with what is different.
pub fn same(mut led: Led, expected: &Led) {
    if led.held != expected.held {
        let differs = |one: &Held, other: &Held| -> Held {
            one.iter()
                .filter(|(key, value)| other.get(*key) != Some(value))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        };
        assert_eq!(differs(&led.held, &expected.held), differs(&expected.held, &led.held), "{:?}", led.reject_lines);
    }
    led.held.clear();
    led.held.append(&mut expected.held.clone());
    assert_eq!(led, *expected);
}

/// Lines and codes of the rejects.
fn rejects(ended: &Ended) -> BTreeSet<String> {
    let Some(path) = &ended.summary.rejects_file else { return BTreeSet::new() };
    let text = std::fs::read_to_string(path).unwrap();
    if path.ends_with(".jsonl") {
        // The places of people who are read of a platform are those of the pages.
        return text.lines().map(of_platform).collect();
    }
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    assert!(header.ends_with("ferry_line,ferry_column,ferry_code,ferry_message,ferry_hint"), "{header}");
    lines.map(without_id).collect()
}

fn of_platform(line: &str) -> String {
    let reject: Value = serde_json::from_str(line).unwrap();
    let message = without_id(reject["ferry"]["message"].as_str().unwrap());
    format!("{} {} {message}", reject["record"]["id"], reject["ferry"]["code"])
}

/// A reject without the id at the target, which chance has made.
fn without_id(line: &str) -> String {
    let Some((before, after)) = line.split_once("whose contact `") else { return line.to_owned() };
    format!("{before}{}", after.split_once('`').map_or("", |(_, rest)| rest))
}

/// One start of an import or a migration.
pub fn start(plan: &TransferPlan, cut: Cut) -> Option<Result<Ended, Failure>> {
    one_start(cut, async |stop| transfer(plan, &silent(), Clock::start(), &stop).await)
}

/// A start that nothing cuts off.
pub fn whole_start(plan: &TransferPlan) -> Ended {
    start(plan, Cut::Never).unwrap().unwrap_or_else(|failure| panic!("{failure}"))
}

/// Done, and no record was rejected because the target failed three times: those are sent again.
pub fn is_final(ended: &Ended) -> bool {
    ended.failure.is_none()
        && matches!(ended.exit, Exit::Done | Exit::Rejects)
        && ended.summary.records.pending == 0
        && !ended.summary.rejects.iter().any(|(code, _)| code == "target.failed")
}

/// Starts it again and again, cut off a few times, until it has come to its end. `in_between` does what is done while
/// it is down, and learns when nothing cuts it off any more; it returns whether all of that is done.
pub fn to_its_end(
    dice: &mut Dice,
    mut plan: impl FnMut() -> TransferPlan,
    mut in_between: impl FnMut(&mut Dice, bool) -> bool,
) -> Ended {
    let mut cuts = 1 + dice.below(4);
    let mut is_all_done = false;
    for _ in 0..STARTS_MAX {
        let cut = if cuts > 0 { cut(dice) } else { Cut::Never };
        let ended = start(&plan(), cut);
        tell(cut, &ended);
        cuts = cuts.saturating_sub(1);
        match ended {
            Some(Ok(ended)) if cuts == 0 && is_all_done && is_final(&ended) => return ended,
            Some(Ok(ended)) => assert!(may_end_so(ended.exit), "{:?} {:?}", ended.exit, ended.failure),
            Some(Err(failure)) => {
                assert!(matches!(failure.exit, Exit::Unavailable | Exit::Interrupted), "{failure}");
            }
            None => {}
        }
        is_all_done = in_between(dice, cuts == 0);
    }
    panic!("it never ends")
}

pub fn tell(cut: Cut, ended: &Option<Result<Ended, Failure>>) {
    if std::env::var_os("FERRY_SEED").is_none() {
        return;
    }
    match ended {
        None => eprintln!("{cut:?}"),
        Some(Err(failure)) => eprintln!("{cut:?}: {failure}"),
        Some(Ok(ended)) => eprintln!(
            "{cut:?}: {:?} {:?} {:?} {:?} {:?}",
            ended.exit, ended.summary.status, ended.failure, ended.summary.records, ended.summary.rejects
        ),
    }
}
