//! What every store does: one suite, run against each of them. It knows no table; what only some stores can suffer (a
//! damaged row, a lost log) is done by their [`Place`].

mod passes;

use super::{folder, intent, key, new_run, note, origin, phone, settled};
use crate::support::postgres;
use ferry::change::{Written, WrittenValues};
use ferry::ids::RunStatus;
use ferry::outcome::{Exit, Failure, Outcome, Problem, Skip, Totals};
use ferry::store::postgres::PostgresStore;
use ferry::store::{
    Answer, EntryNo, Image, ImageNo, Intent, Key, Lease, Meaning, MemoryStore, NO_PASS, Op, OpenIntent, OutcomeRow,
    RunNo, Settled, SourceOutcome, SqliteStore, Store, StoreReader, Tally, TallyOf, Turns,
};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Where an account is, and what can happen to it.
pub(super) trait Place {
    /// Opens the account as a new process does.
    fn open(&self) -> Result<Box<dyn Store>, Failure>;

    /// Ends the process at once.
    fn kill(&self, store: Box<dyn Store>) {
        drop(store);
    }

    /// Ends the process in order, and changes one letter of this text on the disk; false where there is none.
    fn damage(&self, store: Box<dyn Store>, _text: &str) -> bool {
        drop(store);
        false
    }

    /// Ends the process at once, and loses what was written last; false where nothing can be lost.
    fn lose(&self, store: Box<dyn Store>) -> bool {
        drop(store);
        false
    }
}

#[derive(Default)]
pub(super) struct InMemory(MemoryStore);

impl Place for InMemory {
    fn open(&self) -> Result<Box<dyn Store>, Failure> {
        Ok(Box::new(self.0.clone()))
    }
}

pub(super) struct InFile(TempDir);

impl InFile {
    pub(super) fn new() -> InFile {
        InFile(folder())
    }

    fn file(&self, suffix: &str) -> PathBuf {
        self.0.path().join(format!("shop.db{suffix}"))
    }
}

impl Place for InFile {
    fn open(&self) -> Result<Box<dyn Store>, Failure> {
        Ok(Box::new(SqliteStore::open(&self.file(""))?))
    }

    /// The files as they are while the process lives: closing would tidy up.
    fn kill(&self, store: Box<dyn Store>) {
        let files = ["", "-wal", ".mark"].map(|suffix| (self.file(suffix), fs::read(self.file(suffix)).ok()));
        drop(store);
        let _ = fs::remove_file(self.file("-shm"));
        for (path, bytes) in files {
            if let Some(bytes) = bytes {
                fs::write(path, bytes).unwrap();
            }
        }
    }

    fn damage(&self, store: Box<dyn Store>, text: &str) -> bool {
        drop(store);
        let mut bytes = fs::read(self.file("")).unwrap();
        let at = bytes.windows(text.len()).position(|found| found == text.as_bytes()).expect("the text is there");
        bytes[at] ^= 1;
        fs::write(self.file(""), bytes).unwrap();
        true
    }

    fn lose(&self, store: Box<dyn Store>) -> bool {
        self.kill(store);
        fs::write(self.file("-wal"), "").unwrap();
        true
    }
}

/// In a database on the server of all tests.
pub(super) struct InDatabase(String);

impl InDatabase {
    /// A new database; `None`, said aloud, where there is no PostgreSQL.
    pub(super) fn new() -> Option<InDatabase> {
        postgres::database().map(InDatabase)
    }
}

impl Place for InDatabase {
    fn open(&self) -> Result<Box<dyn Store>, Failure> {
        let address = postgres::address(&self.0);
        Ok(Box::new(PostgresStore::open(address.database()?, "shop", address.lease())?))
    }

    fn damage(&self, store: Box<dyn Store>, text: &str) -> bool {
        drop(store);
        let sql = "UPDATE ferry.entry SET target_id = set_byte(target_id, 0, get_byte(target_id, 0) # 1)";
        postgres::execute(&self.0, format!("{sql} WHERE target_id = convert_to('{text}', 'UTF8')"));
        true
    }
}

/// An account that one process has open.
struct Open {
    store: Box<dyn Store>,
    lease: Lease,
    reader: Box<dyn StoreReader>,
}

fn open(place: &dyn Place) -> Open {
    let mut store = place.open().unwrap();
    let (lease, reader) = (store.acquire().unwrap(), store.reader().unwrap());
    Open { store, lease, reader }
}

impl Open {
    fn apply(&mut self, ops: &[Op]) -> Vec<Answer> {
        self.store.apply(&self.lease, ops).unwrap().answers
    }

    /// A run in its first pass.
    fn begin(&mut self, name: &str) -> RunNo {
        let [Answer::Run(run)] = self.apply(&[Op::BeginRun(new_run(name, "work"))])[..] else { panic!("a run") };
        assert_eq!(self.apply(&[Op::BeginPass(run)]), [Answer::Pass { pass: 1, has_earlier: false }]);
        run
    }

    fn entry(&mut self, run: RunNo, key: Key) -> Option<(Outcome, u32)> {
        let entry = self.reader.entries(run, &[key]).unwrap().pop().unwrap();
        entry.map(|entry| (entry.outcome, entry.pass))
    }

    fn number(&mut self, run: RunNo, key: Key) -> EntryNo {
        let mut after = EntryNo::default();
        loop {
            let page = self.reader.entry_page(run, after).unwrap();
            after = page.last().expect("it has an entry").no;
            if let Some(found) = page.iter().find(|numbered| numbered.key == key) {
                return found.no;
            }
        }
    }

    fn open_keys(&mut self) -> Vec<Key> {
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let page = self.reader.open_intents(after).unwrap();
            let Some(last) = page.last() else { return keys };
            after = Some((last.run, last.key));
            keys.extend(page.iter().map(|open| open.key));
        }
    }

    fn images(&mut self, run: RunNo) -> Vec<Image> {
        let (mut images, mut after) = (Vec::new(), ImageNo::default());
        loop {
            let page = self.reader.image_page(run, after).unwrap();
            let Some(last) = page.last() else { return images };
            after = last.no;
            images.extend(page.into_iter().map(|numbered| numbered.image));
        }
    }

    fn outcomes(&mut self, run: RunNo, pass: u32) -> Vec<OutcomeRow> {
        let mut rows = Vec::new();
        let mut keep = |row| {
            rows.push(row);
            Ok(())
        };
        self.reader.for_each_outcome(run, pass, &mut keep).unwrap();
        rows
    }

    fn totals(&mut self, run: RunNo, of: TallyOf) -> Totals {
        self.reader.tally(run, of).unwrap().totals
    }

    fn close(self) -> Box<dyn Store> {
        drop(self.reader);
        self.store
    }
}

/// Runs a test against every store.
fn every_store(test: impl Fn(&dyn Place)) {
    test(&InMemory::default());
    test(&InFile::new());
    if let Some(place) = InDatabase::new() {
        test(&place);
    }
}

fn settle(run: RunNo, number: u64, outcome: Outcome) -> Op {
    Op::Settle(run, key(number), Box::new(settled(number, outcome)))
}

fn intend(run: RunNo, number: u64) -> Op {
    Op::Intend(run, key(number), Box::new(intent(number)))
}

fn sorted(mut keys: Vec<Key>) -> Vec<Key> {
    keys.sort_unstable();
    keys
}

#[test]
fn a_run_is_kept_as_it_was_begun_and_finished() {
    every_store(|place| {
        let mut open = open(place);
        let run = open.begin("one");
        let twice = open.store.apply(&open.lease, &[Op::BeginRun(new_run("one", "other"))]);
        assert_eq!(twice.unwrap_err().exit, Exit::Failed);
        let other = open.begin("two");
        open.apply(&[Op::FinishRun(run, RunStatus::Done, json!({"seconds": 3}))]);
        let rows = open.reader.runs().unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.no, &*row.name, row.status, row.pass, &row.info)).collect();
        let (begun, finished) = (new_run("two", "").info, json!({"seconds": 3}));
        let expected = [(other, "two", RunStatus::Unfinished, 1, &begun), (run, "one", RunStatus::Done, 1, &finished)];
        assert_eq!(told, expected);
        open.apply(&[Op::ForgetRun(other)]);
        assert_eq!(open.reader.runs().unwrap().len(), 1);
    });
}

#[test]
fn a_group_is_applied_whole_or_not_at_all() {
    every_store(|place| {
        let mut open = open(place);
        let run = open.begin("one");
        let carry = Op::CarryOver(run, key(7), 1, origin(7));
        let failed = open.store.apply(&open.lease, &[settle(run, 0, Outcome::Created), carry]);
        assert_eq!(failed.unwrap_err().exit, Exit::Failed);
        assert_eq!(open.totals(run, TallyOf::Pass(1)), Totals::default());
        open.apply(&[settle(run, 1, Outcome::Updated)]);
        assert_eq!(open.totals(run, TallyOf::Pass(1)), Totals { updated: 1, ..Totals::default() });
    });
}

#[test]
fn an_intent_is_found_until_it_is_settled_or_withdrawn_also_after_a_kill() {
    every_store(|place| {
        let mut first = open(place);
        let run = first.begin("one");
        first.apply(&[intend(run, 0), intend(run, 1), intend(run, 2), intend(run, 3), intend(run, 4)]);
        first.apply(&[settle(run, 0, Outcome::Created), Op::Withdraw(run, key(1)), settle(run, 2, Outcome::Unknown)]);
        // An unknown one stays until it is disproved.
        first.apply(&[Op::Withdraw(run, key(2)), settle(run, 4, Outcome::Unknown), Op::Disprove(run, key(4))]);
        place.kill(first.close());

        let mut second = open(place);
        assert_eq!(second.open_keys(), sorted(vec![key(2), key(3)]));
        let page = second.reader.open_intents(None).unwrap();
        let found = page.iter().find(|open| open.key == key(3)).unwrap();
        let expected = OpenIntent { run, key: key(3), sent_by_ms: intent(3).at_ms, intent: intent(3) };
        assert_eq!(*found, expected);
        // Settled by the next process: the unknown one is not counted twice.
        second.apply(&[settle(run, 2, Outcome::Created), settle(run, 3, Outcome::Rejected)]);
        assert_eq!(second.open_keys(), []);
        let totals = Totals { created: 2, rejected: 1, unknown: 1, ..Totals::default() };
        assert_eq!(second.totals(run, TallyOf::Pass(1)), totals);
    });
}

#[test]
fn what_a_contact_was_stays_with_the_run_unless_the_request_was_not_sent() {
    every_store(|place| {
        let mut first = open(place);
        let run = first.begin("one");
        let written = vec![Written { field: "email".into(), new: Some("a@b.c".into()), ..Written::default() }];
        let change = |before: &str| {
            let (target_id, before) = (Some("c-1".to_owned()), Some(before.to_owned()));
            let intent = Intent { target_id, before, after: WrittenValues::from(&written[..]), ..intent(1) };
            Op::Intend(run, key(1), Box::new(intent))
        };
        first.apply(&[change("{}"), change("{\"first_name\":\"Ana\"}"), settle(run, 1, Outcome::Updated)]);
        first.apply(&[change("{\"first_name\":\"Eva\"}"), Op::Withdraw(run, key(1)), intend(run, 2)]);
        place.kill(first.close());
        let mut second = open(place);
        let (target_id, at_ms) = (Some("c-1".to_owned()), intent(1).at_ms);
        let image = |before: &str| Image {
            key: key(1),
            target_id: target_id.clone(),
            at_ms,
            before: Some(before.to_owned()),
            after: written.clone(),
        };
        assert_eq!(second.images(run), [image("{}"), image("{\"first_name\":\"Ana\"}")]);
        second.apply(&[Op::ForgetImages(run)]);
        assert_eq!(second.images(run), []);
        assert_eq!(second.totals(run, TallyOf::Pass(1)), Totals { updated: 1, ..Totals::default() });
    });
}

#[test]
fn an_image_is_not_removed_with_an_intent_of_another_run() {
    every_store(|place| {
        let mut open = open(place);
        let (old, new) = (open.begin("old"), open.begin("new"));
        let change = |run: RunNo, number: u64| {
            let intent = Intent { before: Some("{}".to_owned()), ..intent(number) };
            Op::Intend(run, key(number), Box::new(intent))
        };
        open.apply(&[change(old, 1), settle(old, 1, Outcome::Unknown), Op::ForgetImages(old)]);
        // A store may give the number of the image that is gone to this one.
        open.apply(&[change(new, 2), settle(new, 2, Outcome::Updated), Op::Disprove(old, key(1))]);
        assert_eq!(open.images(new).len(), 1);
    });
}

#[test]
fn a_tally_counts_every_outcome_once_under_its_name() {
    every_store(|place| {
        let mut open = open(place);
        let run = open.begin("one");
        let problems =
            |code: &'static str| vec![Problem::new(code, "`12` is invalid"), Problem::new("email.invalid", "")];
        let mut changed = settled(0, Outcome::Updated);
        (changed.not_carried, changed.cleared) = (vec!["tags.VIP".to_owned(), "notes".to_owned()], 2);
        let mut rejected = settled(1, Outcome::Rejected);
        rejected.problems = problems("phone.invalid");
        let noted = |number: u64, outcome, duplicate_of, problems| {
            Op::Note(run, 1, Box::new(SourceOutcome { origin: origin(number), outcome, duplicate_of, problems }))
        };
        open.apply(&[
            Op::Settle(run, key(0), Box::new(changed)),
            Op::Settle(run, key(1), Box::new(rejected)),
            noted(2, Outcome::Skipped(Skip::Filtered), None, Vec::new()),
            noted(3, Outcome::Skipped(Skip::Duplicate), Some(4), Vec::new()),
            noted(4, Outcome::Rejected, None, problems("row.ragged")),
            noted(4, Outcome::Rejected, None, problems("row.ragged")),
        ]);
        let counts = |pairs: &[(&str, u64)]| super::counts(pairs);
        let expected = Tally {
            totals: Totals { updated: 1, skipped: 2, rejected: 2, ..Totals::default() },
            skipped: counts(&[("duplicate", 1), ("filtered", 1)]),
            rejects: counts(&[("phone.invalid", 1), ("row.ragged", 1)]),
            not_carried: counts(&[("notes", 1), ("tags.VIP", 1)]),
            cleared: 2,
        };
        assert_eq!(open.reader.tally(run, TallyOf::Pass(1)).unwrap(), expected);
        let rows = open.outcomes(run, 1);
        let told: Vec<_> = rows.iter().map(|row| (row.origin.ordinal, row.duplicate_of, row.key.is_some())).collect();
        assert_eq!(told, [(0, None, true), (1, None, true), (2, None, false), (3, Some(4), false), (4, None, false)]);
        open.apply(&[Op::BeginPass(run)]);
        assert_eq!(open.totals(run, TallyOf::Pass(2)), Totals::default());
        let entries = Totals { updated: 1, rejected: 1, ..Totals::default() };
        assert_eq!(open.totals(run, TallyOf::SoFar(2)), entries, "source outcomes are those of the pass");
    });
}

#[test]
fn entries_come_in_pages_and_can_be_removed() {
    every_store(|place| {
        let mut open = open(place);
        let run = open.begin("one");
        let ops: Vec<Op> = (0..5000).map(|number| settle(run, number, Outcome::Created)).collect();
        open.apply(&ops);
        let (mut after, mut pages, mut removed, mut found) = (EntryNo::default(), 0, Vec::new(), 0);
        loop {
            let page = open.reader.entry_page(run, after).unwrap();
            let Some(last) = page.last() else { break };
            (after, pages, found) = (last.no, pages + 1, found + page.len());
            removed
                .extend(page.iter().filter(|numbered| numbered.entry.origin.ordinal > 0).map(|numbered| numbered.no));
        }
        assert!(pages > 1 && found == 5000, "{pages} pages of {found} entries");
        open.apply(&[Op::ForgetEntries(run, removed), Op::Compact]);
        let left = open.reader.entry_page(run, EntryNo::default()).unwrap();
        assert_eq!(left.iter().map(|numbered| numbered.key).collect::<Vec<_>>(), [key(0)]);
    });
}

#[test]
fn an_entry_that_was_replaced_is_not_found_when_its_successor_is_removed() {
    every_store(|place| {
        let mut open = open(place);
        let run = open.begin("one");
        // Two entries of one key in one pass, and one of another.
        open.apply(&[settle(run, 1, Outcome::Created), settle(run, 2, Outcome::Created)]);
        open.apply(&[settle(run, 1, Outcome::Updated)]);
        open.apply(&[Op::BeginPass(run)]);
        assert_eq!(open.entry(run, key(1)), Some((Outcome::Updated, 1)));
        let last = open.reader.entry_page(run, EntryNo::default()).unwrap().pop().unwrap();
        assert_eq!((last.key, last.entry.outcome), (key(1), Outcome::Updated));
        open.apply(&[Op::ForgetEntries(run, vec![last.no])]);
        assert_eq!(open.entry(run, key(1)), None);
        assert_eq!(open.entry(run, key(2)), Some((Outcome::Created, 1)));
    });
}

#[test]
fn an_entry_stays_as_long_as_an_open_intent_refers_to_it() {
    every_store(|place| {
        let mut first = open(place);
        let run = first.begin("one");
        first.apply(&[
            settle(run, 0, Outcome::Created),
            intend(run, 1),
            settle(run, 1, Outcome::Unknown),
            intend(run, 2),
        ]);
        let all = first.reader.entry_page(run, EntryNo::default()).unwrap().iter().map(|one| one.no).collect();
        first.apply(&[Op::ForgetEntries(run, all)]);
        place.kill(first.close());
        // The next process gives the next number, and then settles the intent.
        let mut second = open(place);
        second.apply(&[settle(run, 2, Outcome::Updated)]);
        second.apply(&[settle(run, 1, Outcome::Created)]);
        let totals = Totals { created: 1, updated: 1, ..Totals::default() };
        assert_eq!(second.totals(run, TallyOf::SoFar(1)), totals);
    });
}

#[test]
fn a_link_is_the_latest_and_outlives_its_run() {
    every_store(|place| {
        let mut first = open(place);
        let run = first.begin("one");
        assert!(!first.reader.has_links().unwrap());
        let linked = |number: u64, to: &str| {
            let (target_id, links) = (Some(to.to_owned()), vec![phone(number)]);
            Op::Settle(run, key(number), Box::new(Settled { target_id, links, ..settled(number, Outcome::Created) }))
        };
        first.apply(&[linked(0, "c-0"), linked(1, "c-1"), linked(2, "c-2"), linked(1, "c-9")]);
        first.apply(&[Op::Unlink(Key::of_link(&phone(2))), Op::ForgetRun(run)]);
        place.kill(first.close());
        let mut second = open(place);
        let links = [0, 1, 2, 3].map(|number| Key::of_link(&phone(number)));
        let expected = [Some("c-0".to_owned()), Some("c-9".to_owned()), None, None];
        assert_eq!(second.reader.links(&links).unwrap(), expected);
        assert!(second.reader.has_links().unwrap());
    });
}

#[test]
fn values_are_kept_under_their_names() {
    every_store(|place| {
        let mut open = open(place);
        let remember = |name: &str, value: &str| Op::Remember(name.to_owned(), value.to_owned());
        open.apply(&[remember("dropped.b", "1"), remember("rate", "10/s"), remember("dropped.a", "1")]);
        open.apply(&[remember("rate", "12/s"), Op::Forget("dropped.b".to_owned()), remember("rated", "x")]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(open.reader.memories("dropped.").unwrap(), [pair("dropped.a", "1")]);
        assert_eq!(open.reader.memories("rate").unwrap(), [pair("rate", "12/s"), pair("rated", "x")]);
    });
}

#[test]
fn processes_are_numbered_and_a_run_knows_its_first_and_last() {
    every_store(|place| {
        let mut first = open(place);
        let (one, two, three) = (first.begin("one"), first.begin("two"), first.begin("three"));
        let turn = |run, is_resumed, how: &str| Op::TakeTurn(run, Meaning { is_resumed, how: how.to_owned() });
        let answers = first.apply(&[turn(one, false, "a"), turn(two, false, "a"), turn(one, true, "a")]);
        assert_eq!(answers, [1, 2, 3].map(Answer::Turn));
        place.kill(first.close());
        let mut second = open(place);
        // Resumed with another meaning, and resumed without a number: both began before all that is known.
        let answers = second.apply(&[turn(two, true, "b"), turn(three, true, "a"), Op::EndTrust(one)]);
        assert_eq!(answers, [Answer::Turn(4), Answer::Turn(5), Answer::Done]);
        let turns = |first, last, how: Option<&str>| Turns { first, last, how: how.map(str::to_owned) };
        let expected = [(one, turns(1, 3, None)), (two, turns(0, 4, Some("b"))), (three, turns(0, 5, Some("a")))];
        assert_eq!(second.reader.turns().unwrap(), expected);
        second.apply(&[Op::ForgetRun(one)]);
        assert_eq!(second.apply(&[turn(two, true, "b")]), [Answer::Turn(6)], "a number is given once");
    });
}

#[test]
fn an_old_lease_is_refused() {
    every_store(|place| {
        let mut open = open(place);
        let run = open.begin("one");
        let old = open.lease;
        open.lease = open.store.acquire().unwrap();
        assert!(open.lease.token > old.token);
        let refused = open.store.apply(&old, &[intend(run, 0)]).unwrap_err();
        assert_eq!((refused.exit, open.store.renew(&old).unwrap_err().exit), (Exit::Busy, Exit::Busy), "{refused}");
        assert_eq!(open.open_keys(), []);
        open.store.renew(&open.lease).unwrap();
        open.apply(&[intend(run, 0)]);
        let token = open.lease.token;
        place.kill(open.close());
        assert!(super::conformance::open(place).lease.token > token, "a token is given once");
    });
}

#[test]
fn a_damaged_row_is_refused() {
    every_store(|place| {
        let mut first = open(place);
        let run = first.begin("one");
        let target_id = Some("contact-to-be-damaged".to_owned());
        first.apply(&[Op::Settle(run, key(0), Box::new(Settled { target_id, ..settled(0, Outcome::Created) }))]);
        if place.damage(first.close(), "contact-to-be-damaged") {
            let mut second = open(place);
            let failure = second.reader.tally(run, TallyOf::Pass(1)).unwrap_err();
            assert!(failure.message.ends_with("is damaged"), "{failure}");
            assert!(second.reader.entry_page(run, EntryNo::default()).is_err());
            second.apply(&[Op::FinishRun(run, RunStatus::Done, json!(null))]);
            assert!(second.reader.entries(run, &[key(0)]).is_err());
        }
    });
}

#[test]
fn a_lost_log_is_noticed() {
    every_store(|place| {
        let mut first = open(place);
        let run = first.begin("one");
        first.apply(&[intend(run, 0)]);
        if place.lose(first.close()) {
            let failure = place.open().map(drop).unwrap_err();
            assert!(failure.message.ends_with("has lost its last entries"), "{failure}");
        }
    });
}

#[test]
fn the_writer_renews_a_lease_while_there_is_nothing_to_write() {
    let store = MemoryStore::with_leases_of(Duration::from_millis(30));
    let checkpoint = ferry::store::Checkpoint::over(Box::new(store.clone()), "model").unwrap();
    let started = Instant::now();
    while store.renewals() < 3 && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(store.renewals() >= 3);
    // Another process takes the account: what this one writes is refused, and it says so from then on.
    store.clone().acquire().unwrap();
    let failure = checkpoint.remember("rate", "1/s").unwrap_err();
    assert_eq!((failure.exit, &*failure.message), (Exit::Busy, "another process has taken over the account"));
    assert_eq!(checkpoint.close().unwrap_err(), failure);
}
