//! Operations of every record as rows for a few statements: one statement takes the operations of one kind. Pure.
//!
//! One statement must not touch a row twice. So each operation has a level, which is one more than that of the operation
//! before it that touches the same record, link, note or name; a statement takes those of one level.

use super::error::DbError;
use super::sql::Kind;
use crate::identity::IdentityValue;
use crate::record::Origin;
use crate::store::coded::{
    detail_text, identities_text, int, intent_numbers, intent_seal, link_seal, note_seal, outcome_number, seal,
};
use crate::store::image_code::encode;
use crate::store::key::Key;
use crate::store::model::{Intent, RunNo, Settled, SourceOutcome};
use crate::store::op::Op;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The columns of the rows of one statement, by their types: numbers, bytes, texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub(super) account: i32,
    pub(super) numbers: Vec<Vec<Option<i64>>>,
    pub(super) bytes: Vec<Vec<Option<Vec<u8>>>>,
    pub(super) texts: Vec<Vec<Option<String>>>,
}

impl Columns {
    fn push(&mut self, numbers: &[Option<i64>], bytes: Vec<Option<Vec<u8>>>, texts: Vec<Option<String>>) {
        fn add<T>(columns: &mut Vec<Vec<T>>, row: impl ExactSizeIterator<Item = T>) {
            columns.resize_with(row.len(), Vec::new);
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
        add(&mut self.numbers, numbers.iter().copied());
        add(&mut self.bytes, bytes.into_iter());
        add(&mut self.texts, texts.into_iter());
    }
}

/// The statements of some operations, in their order.
pub(super) type Statements = Vec<(Kind, Columns)>;

/// The numbers of the next entry and image of each run.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters(pub(super) HashMap<RunNo, [i64; 2]>);

impl Counters {
    fn take(&mut self, run: RunNo, which: usize) -> Result<i64, DbError> {
        let next = self.0.get_mut(&run).and_then(|numbers| numbers.get_mut(which));
        let next = next.ok_or_else(|| DbError::Misuse(format!("the numbers of run {} are not known", run.0)))?;
        *next += 1;
        Ok(*next - 1)
    }
}

/// What two operations can both touch.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Touched<'a> {
    Record(RunNo, Key),
    Link(Key),
    Note(RunNo, u32, u64),
    Name(&'a str),
}

/// Whether an operation is one of those that every record has.
pub(super) fn is_common(op: &Op) -> bool {
    matches!(
        op,
        Op::Intend(..)
            | Op::Withdraw(..)
            | Op::Disprove(..)
            | Op::Settle(..)
            | Op::CarryOver(..)
            | Op::Note(..)
            | Op::Unlink(_)
            | Op::Remember(..)
            | Op::Forget(_)
            | Op::Compact
    )
}

/// The statements of operations that every record has.
pub(super) fn statements(account: i32, ops: &[Op], counters: &mut Counters) -> Result<Statements, DbError> {
    let mut levels: HashMap<Touched<'_>, u32> = HashMap::new();
    let mut rows = Rows { account, level: 0, by_level: BTreeMap::new() };
    for op in ops {
        let touched = touched(op);
        rows.level = touched.iter().filter_map(|one| levels.get(one)).max().map_or(0, |last| last + 1);
        levels.extend(touched.into_iter().map(|one| (one, rows.level)));
        add(op, counters, &mut rows)?;
    }
    Ok(rows.by_level.into_iter().map(|((_, kind), columns)| (kind, columns)).collect())
}

/// The rows of all statements.
struct Rows {
    account: i32,
    /// That of the operation whose rows are added.
    level: u32,
    by_level: BTreeMap<(u32, Kind), Columns>,
}

impl Rows {
    fn of(&mut self, kind: Kind) -> &mut Columns {
        let empty = || Columns { account: self.account, ..Columns::default() };
        self.by_level.entry((self.level, kind)).or_insert_with(empty)
    }
}

fn touched(op: &Op) -> Vec<Touched<'_>> {
    match op {
        Op::Intend(run, key, _) | Op::Withdraw(run, key) | Op::Disprove(run, key) | Op::CarryOver(run, key, ..) => {
            vec![Touched::Record(*run, *key)]
        }
        Op::Settle(run, key, settled) => {
            let links = settled.links.iter().map(|link| Touched::Link(Key::of_link(link)));
            std::iter::once(Touched::Record(*run, *key)).chain(links).collect()
        }
        Op::Note(run, pass, outcome) => vec![Touched::Note(*run, *pass, outcome.origin.ordinal)],
        Op::Unlink(link) => vec![Touched::Link(*link)],
        Op::Remember(name, _) | Op::Forget(name) => vec![Touched::Name(name)],
        _ => Vec::new(),
    }
}

/// Adds the rows of an operation to those of its statements.
fn add(op: &Op, counters: &mut Counters, rows: &mut Rows) -> Result<(), DbError> {
    match op {
        Op::Intend(run, key, intent) => {
            let image = (intent.before.is_some() || !intent.after.is_empty()).then(|| counters.take(*run, IMAGE));
            let image = image.transpose()?;
            if let Some(no) = image {
                add_image((*run, key), no, intent, rows.of(Kind::Image));
            }
            add_intent((*run, key), image, intent, rows.of(Kind::Intend))?;
        }
        Op::Withdraw(run, key) => rows.of(Kind::Withdraw).push(&[Some(run.0), Some(0)], vec![of_key(key)], Vec::new()),
        Op::Disprove(run, key) => rows.of(Kind::Withdraw).push(&[Some(run.0), Some(1)], vec![of_key(key)], Vec::new()),
        Op::Settle(run, key, settled) => {
            let no = counters.take(*run, ENTRY)?;
            add_settled((*run, key), no, settled, rows.of(Kind::Settle))?;
            if let Some(target_id) = settled.target_id.as_ref().filter(|_| !settled.links.is_empty()) {
                add_links(&settled.links, target_id, rows.of(Kind::Link));
            }
        }
        Op::CarryOver(run, key, pass, origin) => {
            let place = place(*run, key, *pass, *origin);
            rows.of(Kind::CarryOver).push(&place.map(Some), vec![of_key(key)], Vec::new());
        }
        Op::Note(run, pass, outcome) => add_note(*run, *pass, outcome, rows.of(Kind::Note))?,
        Op::Unlink(link) => rows.of(Kind::Unlink).push(&[], vec![of_key(link)], Vec::new()),
        Op::Remember(name, value) => {
            let bytes = [name, value].map(|text| Some(text.as_bytes().to_vec()));
            rows.of(Kind::Remember).push(&[], bytes.to_vec(), Vec::new());
        }
        Op::Forget(name) => rows.of(Kind::Forget).push(&[], vec![Some(name.as_bytes().to_vec())], Vec::new()),
        _ => {}
    }
    Ok(())
}

const ENTRY: usize = 0;
const IMAGE: usize = 1;

fn of_key(key: &Key) -> Option<Vec<u8>> {
    Some(key.as_bytes().to_vec())
}

fn of_text(text: Option<&str>) -> Option<Vec<u8>> {
    text.map(|text| text.as_bytes().to_vec())
}

fn add_image((run, key): (RunNo, &Key), no: i64, intent: &Intent, columns: &mut Columns) {
    let mut data = Vec::with_capacity(192);
    encode(key, intent, &mut data);
    let seal = image_seal(run, no, &data);
    columns.push(&[Some(run.0), Some(no), Some(seal)], vec![Some(data)], Vec::new());
}

/// The seal of an image.
pub(super) fn image_seal(run: RunNo, no: i64, data: &[u8]) -> i64 {
    seal(&[run.0, no], &[Some(data)])
}

fn add_intent(
    (run, key): (RunNo, &Key),
    image: Option<i64>,
    intent: &Intent,
    columns: &mut Columns,
) -> Result<(), DbError> {
    let identities = identities_text(&intent.identities)?;
    let numbers = intent_numbers(intent);
    let (target_id, made) = (intent.target_id.as_deref(), intent.made.as_deref());
    let [kind, ordinal, line, at_ms, attempt, begun] = numbers;
    let sealed = [run.0, kind, ordinal, line, at_ms, attempt, begun, image.unwrap_or(-1)];
    let seal = intent_seal(&sealed, key, [target_id, Some(&identities), made]);
    let numbers = [Some(run.0), Some(kind), Some(ordinal), Some(line), Some(at_ms), Some(attempt), Some(begun)];
    let numbers: Vec<Option<i64>> = numbers.into_iter().chain([image, Some(seal)]).collect();
    columns.push(&numbers, vec![of_key(key), of_text(target_id)], vec![Some(identities), intent.made.clone()]);
    Ok(())
}

fn add_settled((run, key): (RunNo, &Key), no: i64, settled: &Settled, columns: &mut Columns) -> Result<(), DbError> {
    let Settled { outcome, origin, pass, target_id, not_carried, cleared, problems, .. } = settled;
    let detail = detail_text(problems, not_carried, *cleared)?;
    let (outcome, target_id) = (outcome_number(*outcome), target_id.as_deref());
    let [_, ordinal, line, pass, place_seal] = place(run, key, *pass, *origin);
    let seal = entry_seal(run, key, outcome, [target_id, detail.as_deref()]);
    let numbers = [run.0, no, ordinal, line, pass, outcome, seal, place_seal];
    columns.push(&numbers.map(Some), vec![of_key(key), of_text(target_id)], vec![detail]);
    Ok(())
}

/// The seal of what an entry says; `texts` are id at the target and lists.
pub(super) fn entry_seal(run: RunNo, key: &Key, outcome: i64, texts: [Option<&str>; 2]) -> i64 {
    let [target_id, detail] = texts.map(|text| text.map(str::as_bytes));
    seal(&[run.0, outcome], &[Some(key.as_bytes().as_slice()), target_id, detail])
}

/// The seal of where the record of an entry was read; `numbers` are ordinal, line and pass.
pub(super) fn place_seal(run: RunNo, key: &Key, numbers: [i64; 3]) -> i64 {
    let [ordinal, line, pass] = numbers;
    seal(&[run.0, ordinal, line, pass], &[Some(key.as_bytes().as_slice())])
}

/// Run, ordinal, line, pass, and their seal.
fn place(run: RunNo, key: &Key, pass: u32, origin: Origin) -> [i64; 5] {
    let numbers = [int(origin.ordinal), int(origin.line), i64::from(pass)];
    let [ordinal, line, pass] = numbers;
    [run.0, ordinal, line, pass, place_seal(run, key, numbers)]
}

fn add_links(links: &[IdentityValue], target_id: &str, columns: &mut Columns) {
    let links: BTreeSet<Key> = links.iter().map(Key::of_link).collect();
    for link in links {
        let seal = link_seal(&link, Some(target_id));
        columns.push(&[Some(seal)], vec![of_key(&link), of_text(Some(target_id))], Vec::new());
    }
}

fn add_note(run: RunNo, pass: u32, source: &SourceOutcome, columns: &mut Columns) -> Result<(), DbError> {
    let detail = detail_text(&source.problems, &[], 0)?;
    let duplicate_of = source.duplicate_of.map(int);
    let numbers =
        [int(source.origin.ordinal), int(source.origin.line), i64::from(pass), outcome_number(source.outcome)];
    let seal = note_seal(run, &numbers, duplicate_of, detail.as_deref());
    let [ordinal, line, pass, outcome] = numbers;
    let numbers = [Some(run.0), Some(pass), Some(ordinal), Some(line), Some(outcome), duplicate_of, Some(seal)];
    columns.push(&numbers, Vec::new(), vec![detail]);
    Ok(())
}
