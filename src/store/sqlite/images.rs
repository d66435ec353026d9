//! Images in the database: many in one row, packed together.
//!
//! Images are alike: the same fields, and often the same values. So they are kept in blocks, each a row whose bytes are
//! packed with zstd; one alone would take three times as much. The block that is being filled is written again with each
//! group of operations, until it has enough. An image has the number of its block and its place there.
//!
//! Databases of earlier versions hold images in rows of their own (table `image`), which are read and removed here too.

use super::error::SqlError;
use super::rows::{has_table, image_seal, read_key, text};
use crate::packed::{Bytes, number};
use crate::store::coded::{check_seal, count, int, seal};
use crate::store::image_code::{decode, encode, key_of};
use crate::store::key::Key;
use crate::store::model::{Image, ImageNo, Intent, NumberedImage, RunNo};
use rusqlite::{Connection, Row, params};

/// The most images in a block.
const PLACES: usize = 64;

/// A block with so many images is not continued by the next group: that would write it a second time, and packs hardly better.
const PLACES_ENOUGH: usize = 32;

/// A block with so many bytes is full: a page of the database or two, when it is packed.
const BLOCK_LEN: usize = 16 * 1024;

/// The most bytes of a block before it is packed. A contact is a thousandth of it.
const UNPACKED_LEN_MAX: i64 = 256 << 20;

/// How hard blocks are packed: a higher level takes longer, and gains little with so few bytes.
const LEVEL: i32 = -1;

/// Numbers from here on are those of images in blocks.
const BLOCKS_FROM: i64 = 1 << 40;

/// Images and blocks read at a time; each image may hold two whole contacts.
const IMAGES_PAGE: i64 = 256;
const BLOCKS_PAGE: i64 = 4;

/// The blocks that are written.
pub(super) struct Images {
    open: Option<Block>,
    next_block: i64,
    packer: Option<zstd::bulk::Compressor<'static>>,
}

/// A block of images of one run.
struct Block {
    no: i64,
    run: RunNo,
    /// None: it was removed.
    images: Vec<Option<Vec<u8>>>,
    is_written: bool,
}

impl Images {
    pub(super) fn new() -> Images {
        Images { open: None, next_block: 0, packer: None }
    }

    /// Drops what is kept in memory.
    pub(super) fn drop_memory(&mut self) {
        (self.open, self.next_block) = (None, 0);
    }

    /// Adds the image of an intent; its number. It is in the database after [`Images::write`].
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        (run, key): (RunNo, &Key),
        intent: &Intent,
    ) -> Result<i64, SqlError> {
        if self.open.as_ref().is_some_and(|block| block.run != run || block.is_full()) {
            self.write(connection)?;
            self.open = None;
        }
        if self.open.is_none() {
            if self.next_block == 0 {
                let sql = "SELECT coalesce(max(no), 0) + 1 FROM image_block";
                self.next_block = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            }
            let no = self.next_block;
            self.next_block += 1;
            self.open = Some(Block { no, run, images: Vec::new(), is_written: false });
        }
        let Some(block) = &mut self.open else { return Err(SqlError::Damaged("a block that is not open")) };
        let mut bytes = Vec::with_capacity(192);
        encode(key, intent, &mut bytes);
        block.images.push(Some(bytes));
        block.is_written = false;
        Ok(BLOCKS_FROM + block.no * PLACES as i64 + block.images.len() as i64 - 1)
    }

    /// Writes the block that is being filled, unless it is as it was written.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), SqlError> {
        match &mut self.open {
            Some(block) if !block.is_written => {
                block.is_written = true;
                write_block(connection, block, &mut self.packer)?;
            }
            _ => return Ok(()),
        }
        self.open.take_if(|block| block.images.len() >= PLACES_ENOUGH);
        Ok(())
    }

    /// Removes an image of a run, if it has this key: a number may have been given twice.
    pub(super) fn remove(&mut self, connection: &Connection, run: RunNo, key: &Key, no: i64) -> Result<(), SqlError> {
        let Some(place) = no.checked_sub(BLOCKS_FROM) else { return Ok(()) };
        if place < 0 {
            let sql = "DELETE FROM image WHERE no = ?1 AND run = ?2 AND key = ?3";
            connection.prepare_cached(sql)?.execute(params![no, run.0, key.as_bytes().as_slice()])?;
            return Ok(());
        }
        let (block_no, place) = (place / PLACES as i64, (place % PLACES as i64) as usize);
        if let Some(open) = self.open.as_mut().filter(|open| open.no == block_no) {
            open.is_written &= !(open.run == run && open.remove(place, key));
            return Ok(());
        }
        let sql = "SELECT no, run, len, data, seal FROM image_block WHERE no = ?1 AND run = ?2";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([block_no, run.0])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let mut block = read_block(row)?;
        drop(rows);
        if block.remove(place, key) {
            write_block(connection, &block, &mut self.packer)?;
        }
        Ok(())
    }

    /// Removes all images of a run.
    pub(super) fn forget(&mut self, connection: &Connection, run: RunNo) -> Result<(), SqlError> {
        // What the group has written of another run so far is only there.
        self.write(connection)?;
        self.drop_memory();
        connection.prepare_cached("DELETE FROM image WHERE run = ?1")?.execute([run.0])?;
        connection.prepare_cached("DELETE FROM image_block WHERE run = ?1")?.execute([run.0])?;
        Ok(())
    }
}

impl Block {
    fn is_full(&self) -> bool {
        self.images.len() >= PLACES || self.images.iter().flatten().map(Vec::len).sum::<usize>() >= BLOCK_LEN
    }

    fn remove(&mut self, place: usize, key: &Key) -> bool {
        let held = self.images.get_mut(place).filter(|held| held.as_deref().and_then(key_of).as_ref() == Some(key));
        held.map(Option::take).is_some()
    }

    /// All images, each with its length before it; a removed one has none.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BLOCK_LEN);
        for image in &self.images {
            number(&mut bytes, image.as_ref().map_or(0, |image| image.len() as u64));
            bytes.extend_from_slice(image.as_deref().unwrap_or_default());
        }
        bytes
    }
}

fn write_block(
    connection: &Connection,
    block: &Block,
    packer: &mut Option<zstd::bulk::Compressor<'static>>,
) -> Result<(), SqlError> {
    let Block { no, run, images, .. } = block;
    if images.iter().all(Option::is_none) {
        connection.prepare_cached("DELETE FROM image_block WHERE no = ?1")?.execute([no])?;
        return Ok(());
    }
    let bytes = block.to_bytes();
    let packer = match packer {
        Some(packer) => packer,
        None => packer.insert(zstd::bulk::Compressor::new(LEVEL).map_err(cannot_pack)?),
    };
    let data = packer.compress(&bytes).map_err(cannot_pack)?;
    let len = int(bytes.len() as u64);
    let sealed = block_seal(*run, *no, len, &data);
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO image_block VALUES (?1, ?2, ?3, ?4, ?5)")?;
    statement.execute(params![no, run.0, len, data, sealed])?;
    Ok(())
}

fn cannot_pack(error: std::io::Error) -> SqlError {
    SqlError::Misuse(format!("images cannot be packed: {error}"))
}

fn block_seal(run: RunNo, no: i64, len: i64, data: &[u8]) -> i64 {
    seal(&[run.0, no, len], &[Some(data)])
}

/// Reads no, run, length, data, seal.
fn read_block(row: &Row<'_>) -> Result<Block, SqlError> {
    const DAMAGED: SqlError = SqlError::Damaged("images that cannot be unpacked");
    let (no, run, len): (i64, _, i64) = (row.get(0)?, RunNo(row.get(1)?), row.get(2)?);
    let data = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
    check_seal(row.get(4)?, block_seal(run, no, len, data))?;
    let len = usize::try_from(len).ok().filter(|_| len <= UNPACKED_LEN_MAX).ok_or(DAMAGED)?;
    let bytes = zstd::bulk::decompress(data, len).map_err(|_| DAMAGED)?;
    let (mut bytes, mut images) = (Bytes(&bytes), Vec::new());
    while !bytes.0.is_empty() {
        let len = bytes.number().ok_or(DAMAGED)?;
        let image = bytes.take(len).ok_or(DAMAGED)?;
        images.push((len > 0).then(|| image.to_vec()));
    }
    Ok(Block { no, run, images, is_written: true })
}

/// A page of the images of a run after this number; empty after the last.
pub(super) fn page(connection: &Connection, run: RunNo, after: ImageNo) -> Result<Vec<NumberedImage>, SqlError> {
    if after.0 < BLOCKS_FROM {
        let page = old_page(connection, run, after)?;
        if !page.is_empty() {
            return Ok(page);
        }
    }
    if !has_table(connection, "image_block")? {
        return Ok(Vec::new());
    }
    let sql = "SELECT no, run, len, data, seal FROM image_block WHERE run = ?1 AND no > ?2 ORDER BY no LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let after_block = (after.0 - BLOCKS_FROM).max(0) / PLACES as i64;
    let mut rows = statement.query([run.0, after_block, BLOCKS_PAGE])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        let block = read_block(row)?;
        let first = BLOCKS_FROM + block.no * PLACES as i64;
        for (no, image) in (first..).zip(block.images) {
            if let Some(image) = image {
                page.push(NumberedImage { no: ImageNo(no), image: decode(&image)? });
            }
        }
    }
    Ok(page)
}

/// Images that an earlier version has written.
fn old_page(connection: &Connection, run: RunNo, after: ImageNo) -> Result<Vec<NumberedImage>, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT no, key, target_id, at_ms, before, after, seal FROM image
         WHERE run = ?1 AND no > ?2 ORDER BY no LIMIT ?3",
    )?;
    let mut rows = statement.query(params![run.0, after.0, IMAGES_PAGE])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, target_id, at_ms) = (read_key(row.get_ref(1)?)?, text(row, 2)?, row.get(3)?);
        let (before, after) = (text(row, 4)?, text(row, 5)?);
        check_seal(row.get(6)?, image_seal(run, &key, at_ms, [target_id, before, after]))?;
        let after = serde_json::from_str(after.unwrap_or_default())?;
        let (target_id, before) = (target_id.map(str::to_owned), before.map(str::to_owned));
        let image = Image { key, target_id, at_ms: count(at_ms)?, before, after };
        page.push(NumberedImage { no: ImageNo(row.get(0)?), image });
    }
    Ok(page)
}
