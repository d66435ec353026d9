//! A copy of an account as an SQLite database, for a preview: whatever is written meanwhile, it is the account of one moment.

use crate::outcome::Failure;
use crate::store::contract::StoreReader;
use crate::store::key::Key;
use crate::store::model::{EntryNo, ImageNo, RunNo, RunRow};
use crate::store::sqlite::Fill;
use std::path::Path;

/// A page of links after this one, in the order of their keys.
type LinkPage<'a> = &'a dyn Fn(Option<Key>) -> Result<Vec<(Key, String)>, Failure>;

/// Copies what this reader sees, and its links.
pub(super) fn copy(from: &mut dyn StoreReader, links: LinkPage<'_>, file: &Path) -> Result<(), Failure> {
    let mut to = Fill::create(file)?;
    let runs = from.runs()?;
    runs.iter().try_for_each(|run| to.run(run))?;
    from.turns()?.iter().try_for_each(|(run, turns)| to.turns(*run, turns))?;
    for run in &runs {
        copy_entries(from, run.no, &mut to)?;
        copy_images(from, run.no, &mut to)?;
        copy_notes(from, run, &mut to)?;
    }
    copy_account(from, links, &mut to)?;
    to.end()
}

fn copy_entries(from: &mut dyn StoreReader, run: RunNo, to: &mut Fill) -> Result<(), Failure> {
    let mut after = EntryNo::default();
    loop {
        let page = from.entry_page(run, after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.no;
        page.iter().try_for_each(|entry| to.entry(run, entry))?;
    }
}

fn copy_images(from: &mut dyn StoreReader, run: RunNo, to: &mut Fill) -> Result<(), Failure> {
    let mut after = ImageNo::default();
    loop {
        let page = from.image_page(run, after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.no;
        page.iter().try_for_each(|numbered| to.image(run, &numbered.image))?;
    }
}

/// The source outcomes of the latest pass; earlier ones were dropped when it began.
fn copy_notes(from: &mut dyn StoreReader, run: &RunRow, to: &mut Fill) -> Result<(), Failure> {
    from.for_each_outcome(run.no, run.pass, &mut |row| match row.key {
        Some(_) => Ok(()),
        None => to.note(run.no, run.pass, row),
    })
}

/// Intents, links and what is remembered.
fn copy_account(from: &mut dyn StoreReader, links: LinkPage<'_>, to: &mut Fill) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let page = from.open_intents(after)?;
        let Some(last) = page.last() else { break };
        after = Some((last.run, last.key));
        page.iter().try_for_each(|open| to.intent(open))?;
    }
    let mut after = None;
    loop {
        let page = links(after)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        page.iter().try_for_each(|(link, target_id)| to.link(link, target_id))?;
    }
    from.memories("")?.into_iter().try_for_each(|(name, value)| to.memory(&name, &value))
}
