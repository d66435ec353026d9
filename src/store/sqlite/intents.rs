//! Open intents in the database. Those of a group are one row, a block, because their keys are hashes: a row for each would
//! cost a page for each. Which of them are open says one small row (`intent_open`), so that a group of outcomes changes
//! that row and no block; a block with no open intent is removed.
//!
//! In a row of its own (table `intent`) is an intent that stands for an unknown outcome, one that was left open while
//! many others came and went, and every one of a database of an earlier version. None is in both.

use super::error::SqlError;
use super::intent_rows;
use super::open_places::{self, OpenPlaces};
use super::rows::has_table;
use crate::packed::{Bytes, number};
use crate::store::coded::{check_seal, seal};
use crate::store::intent_code::{Announced, decode, encode};
use crate::store::key::{HashedAlready, Key};
use crate::store::model::{OpenIntent, RunNo};
use rusqlite::{Connection, Row, params};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

/// A block with so many bytes is full: the bodies of create requests can be large.
const BLOCK_LEN: usize = 256 * 1024;

/// The most blocks; then the oldest one gives its intents a row each. So many intents are in flight at most where each is a
/// group of its own, and the row that says which are open stays below a page.
const BLOCKS_MAX: usize = 512;

/// The row that says which are open.
const OPEN_ROW: i64 = 1;

/// The open intents, as the writer knows them.
pub(super) struct Intents {
    /// None: not read yet.
    known: Option<Known>,
}

struct Known {
    /// By run and key.
    places: HashMap<(RunNo, Key), Place, BuildHasherDefault<HashedAlready>>,
    /// The blocks, those of this group included.
    blocks: BTreeMap<i64, OpenPlaces>,
    /// The block of this group, until it is written.
    filling: Option<(i64, Vec<u8>)>,
    next_block: i64,
    /// Whether there may be an intent in a row of its own.
    has_rows: bool,
    is_written: bool,
}

/// Where an intent is.
#[derive(Clone, Copy)]
struct Place {
    block: i64,
    nth: usize,
    image: Option<i64>,
}

impl Intents {
    pub(super) fn new() -> Intents {
        Intents { known: None }
    }

    /// Drops what is kept in memory.
    pub(super) fn drop_memory(&mut self) {
        self.known = None;
    }

    fn known(&mut self, connection: &Connection) -> Result<&mut Known, SqlError> {
        match self.known {
            Some(ref mut known) => Ok(known),
            None => Ok(self.known.insert(Known::read(connection)?)),
        }
    }

    /// Adds an intent, in place of an earlier one with its key. It is in the database after [`Intents::write`].
    pub(super) fn add(&mut self, connection: &Connection, announced: Announced<'_>) -> Result<(), SqlError> {
        let known = self.known(connection)?;
        let (run, key) = (announced.run, announced.key);
        match known.places.remove(&(run, *key)) {
            Some(earlier) => known.close(earlier),
            None if known.has_rows && intent_rows::has(connection, run, key)? => {
                return intent_rows::put(connection, announced);
            }
            None => {}
        }
        known.append(connection, announced)
    }

    /// Removes an intent; the number of its image, if it has one. One that stands for an unknown outcome stays, unless
    /// `even_unknown`.
    pub(super) fn withdraw(
        &mut self,
        connection: &Connection,
        (run, key): (RunNo, &Key),
        even_unknown: bool,
    ) -> Result<Option<i64>, SqlError> {
        let known = self.known(connection)?;
        if let Some(place) = known.places.remove(&(run, *key)) {
            known.close(place);
            return Ok(place.image);
        }
        if known.has_rows { intent_rows::withdraw(connection, (run, key), even_unknown) } else { Ok(None) }
    }

    /// Removes an intent whose outcome is known; the entry that says that it was unknown, if there is one.
    pub(super) fn end(&mut self, connection: &Connection, run: RunNo, key: &Key) -> Result<Option<i64>, SqlError> {
        let known = self.known(connection)?;
        match known.places.remove(&(run, *key)) {
            Some(place) => known.close(place),
            None if known.has_rows => return intent_rows::end(connection, run, key),
            None => {}
        }
        Ok(None)
    }

    /// The entry that says that the outcome of an intent is unknown, if there is one.
    pub(super) fn entry(&mut self, connection: &Connection, run: RunNo, key: &Key) -> Result<Option<i64>, SqlError> {
        if self.known(connection)?.has_rows { intent_rows::entry(connection, run, key) } else { Ok(None) }
    }

    /// An intent stands for an unknown outcome from now on: this entry says so.
    pub(super) fn set_entry(
        &mut self,
        connection: &Connection,
        (run, key): (RunNo, &Key),
        entry: i64,
    ) -> Result<(), SqlError> {
        let known = self.known(connection)?;
        if let Some(place) = known.places.remove(&(run, *key)) {
            let (open, image) = known.intent_at(connection, place)?;
            known.close(place);
            known.put_row(connection, &open, image)?;
        }
        if known.has_rows { intent_rows::set_entry(connection, (run, key), Some(entry)) } else { Ok(()) }
    }

    /// Removes all intents of a run.
    pub(super) fn forget(&mut self, connection: &Connection, run: RunNo) -> Result<(), SqlError> {
        let known = self.known(connection)?;
        let gone: Vec<_> = known.places.extract_if(|(of, _), _| *of == run).map(|(_, place)| place).collect();
        gone.into_iter().for_each(|place| known.close(place));
        intent_rows::forget(connection, run)
    }

    /// Writes what has changed.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), SqlError> {
        match &mut self.known {
            Some(known) if !known.is_written => known.write(connection),
            _ => Ok(()),
        }
    }
}

impl Known {
    fn read(connection: &Connection) -> Result<Known, SqlError> {
        let mut places = HashMap::default();
        let blocks = for_each_open(connection, |(block, nth), bytes| {
            let (open, image) = decode(bytes)?;
            places.insert((open.run, open.key), Place { block, nth, image });
            Ok(())
        })?;
        let has_rows = intent_rows::any(connection)?;
        let next_block = blocks.keys().next_back().map_or(1, |last| last + 1);
        Ok(Known { places, blocks, filling: None, next_block, has_rows, is_written: true })
    }

    fn append(&mut self, connection: &Connection, announced: Announced<'_>) -> Result<(), SqlError> {
        if self.filling.as_ref().is_some_and(|(_, bytes)| bytes.len() >= BLOCK_LEN) {
            self.write_block(connection)?;
        }
        let next_block = &mut self.next_block;
        let (block, bytes) = self.filling.get_or_insert_with(|| {
            *next_block += 1;
            (*next_block - 1, Vec::with_capacity(4096))
        });
        let mut coded = Vec::with_capacity(128);
        encode(announced, &mut coded);
        number(bytes, coded.len() as u64);
        bytes.extend(coded);
        let nth = self.blocks.entry(*block).or_default().add();
        let place = Place { block: *block, nth, image: announced.image };
        self.places.insert((announced.run, *announced.key), place);
        self.is_written = false;
        Ok(())
    }

    fn close(&mut self, place: Place) {
        if let Some(open) = self.blocks.get_mut(&place.block) {
            open.close(place.nth);
        }
        self.is_written = false;
    }

    fn intent_at(&self, connection: &Connection, place: Place) -> Result<(OpenIntent, Option<i64>), SqlError> {
        let stored;
        let bytes = match &self.filling {
            Some((block, bytes)) if *block == place.block => bytes,
            _ => {
                stored = read_block(connection, place.block)?;
                &stored
            }
        };
        let coded = intents_of(bytes).nth(place.nth).ok_or(MISSING)??;
        Ok(decode(coded)?)
    }

    fn write(&mut self, connection: &Connection) -> Result<(), SqlError> {
        self.write_block(connection)?;
        if self.blocks.len() > BLOCKS_MAX {
            self.empty_oldest(connection)?;
        }
        let ended: Vec<i64> = self.blocks.iter().filter(|(_, open)| open.is_empty()).map(|(no, _)| *no).collect();
        for no in ended {
            self.blocks.remove(&no);
            connection.prepare_cached("DELETE FROM intent_block WHERE no = ?1")?.execute([no])?;
        }
        let data = open_places::encode(&self.blocks);
        let sealed = seal(&[OPEN_ROW], &[Some(data.as_slice())]);
        let sql = "INSERT INTO intent_open VALUES (?1, ?2, ?3) ON CONFLICT (no) DO UPDATE SET data = ?2, seal = ?3";
        connection.prepare_cached(sql)?.execute(params![OPEN_ROW, data, sealed])?;
        self.is_written = true;
        Ok(())
    }

    /// Writes the block of this group, unless all of it has ended.
    fn write_block(&mut self, connection: &Connection) -> Result<(), SqlError> {
        let Some((no, bytes)) = self.filling.take() else { return Ok(()) };
        if self.blocks.get(&no).is_none_or(OpenPlaces::is_empty) {
            self.blocks.remove(&no);
            return Ok(());
        }
        let sealed = block_seal(no, &bytes);
        let sql = "INSERT INTO intent_block VALUES (?1, ?2, ?3)";
        connection.prepare_cached(sql)?.execute(params![no, bytes, sealed])?;
        Ok(())
    }

    /// Gives the intents of the oldest block a row each.
    fn empty_oldest(&mut self, connection: &Connection) -> Result<(), SqlError> {
        let Some((no, places)) = self.blocks.iter_mut().next() else { return Ok(()) };
        let (no, places) = (*no, std::mem::take(places));
        for (nth, coded) in intents_of(&read_block(connection, no)?).enumerate() {
            if places.is_open(nth) {
                let (open, image) = decode(coded?)?;
                self.places.remove(&(open.run, open.key));
                self.put_row(connection, &open, image)?;
            }
        }
        Ok(())
    }

    fn put_row(&mut self, connection: &Connection, open: &OpenIntent, image: Option<i64>) -> Result<(), SqlError> {
        self.has_rows = true;
        intent_rows::put(connection, Announced { run: open.run, key: &open.key, intent: &open.intent, image })
    }
}

const MISSING: SqlError = SqlError::Damaged("an open intent is missing");

fn block_seal(no: i64, bytes: &[u8]) -> i64 {
    seal(&[no], &[Some(bytes)])
}

/// The intents of a block, one after the other as they were encoded.
fn intents_of(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], SqlError>> {
    let mut bytes = Bytes(bytes);
    std::iter::from_fn(move || {
        let has_more = !bytes.0.is_empty();
        has_more.then(|| {
            bytes.number().and_then(|len| bytes.take(len)).ok_or(SqlError::Damaged("a block of intents ends early"))
        })
    })
}

fn read_block(connection: &Connection, no: i64) -> Result<Vec<u8>, SqlError> {
    let mut statement = connection.prepare_cached("SELECT no, data, seal FROM intent_block WHERE no = ?1")?;
    let mut rows = statement.query([no])?;
    let row = rows.next()?.ok_or(MISSING)?;
    Ok(checked(row)?.1.to_vec())
}

/// Reads no, data, seal.
fn checked<'a>(row: &'a Row<'_>) -> Result<(i64, &'a [u8]), SqlError> {
    let (no, bytes) = (row.get(0)?, row.get_ref(1)?.as_blob().map_err(|_| MISSING)?);
    check_seal(row.get(2)?, block_seal(no, bytes))?;
    Ok((no, bytes))
}

/// Gives every open intent that is in a block, with its place. The blocks, with what is open of each.
fn for_each_open(
    connection: &Connection,
    mut give: impl FnMut((i64, usize), &[u8]) -> Result<(), SqlError>,
) -> Result<BTreeMap<i64, OpenPlaces>, SqlError> {
    let blocks = read_open(connection)?;
    let mut statement = connection.prepare_cached("SELECT no, data, seal FROM intent_block ORDER BY no")?;
    let (mut rows, mut met) = (statement.query([])?, 0);
    while let Some(row) = rows.next()? {
        let (no, bytes) = checked(row)?;
        let (places, mut len) = (blocks.get(&no).ok_or(MISSING)?, 0);
        for coded in intents_of(bytes) {
            let coded = coded?;
            if places.is_open(len) {
                give((no, len), coded)?;
            }
            len += 1;
        }
        if len != places.len() {
            return Err(MISSING);
        }
        met += 1;
    }
    if met == blocks.len() { Ok(blocks) } else { Err(MISSING) }
}

fn read_open(connection: &Connection) -> Result<BTreeMap<i64, OpenPlaces>, SqlError> {
    let mut statement = connection.prepare_cached("SELECT no, data, seal FROM intent_open")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(BTreeMap::new()) };
    open_places::decode(checked(row)?.1).ok_or(MISSING)
}

/// So many open intents after this one, in the order of runs and keys; for readers.
pub(super) fn page(
    connection: &Connection,
    after: Option<(RunNo, Key)>,
    len: usize,
) -> Result<Vec<OpenIntent>, SqlError> {
    // Blocks and rows as they are at one time.
    let view = connection.unchecked_transaction()?;
    let rows = intent_rows::page(&view, after, len)?;
    let mut page: BTreeMap<_, _> = rows.into_iter().map(|open| ((open.run, open.key), open)).collect();
    if has_table(&view, "intent_open")? {
        for_each_open(&view, |_, coded| {
            let (open, _) = decode(coded)?;
            let place = (open.run, open.key);
            if after.is_none_or(|after| place > after) {
                page.insert(place, open);
            }
            if page.len() > len {
                page.pop_last();
            }
            Ok(())
        })?;
    }
    Ok(page.into_values().collect())
}
