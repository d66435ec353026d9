//! A file of ids, one a line, in place of the platform's own list.
//!
//! Every process reads it again from its beginning, because a contact that is known already costs no request.

use crate::outcome::Failure;
use crate::plan::Connection;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Ids that are taken from the file at a time.
const PAGE_LEN: usize = 200;
/// The longest line: no id is nearly as long.
const LINE_LEN_MAX: u64 = 4_096;

/// The file, and how far it is read.
pub(super) struct IdsFile {
    reader: BufReader<File>,
    path: PathBuf,
    line: u64,
    setting: String,
    connection: String,
    /// What the setting says when the platform's own list is meant.
    word: String,
}

impl IdsFile {
    /// The file that the connection names, if it names one. `folder` is the one to which its path is relative.
    pub fn of(connection: &Connection, folder: &Path) -> Result<Option<IdsFile>, Failure> {
        let platform = connection.facts();
        let name = platform.ids_setting.as_deref();
        let Some(name) = name else { return Ok(None) };
        let word = platform.settings.iter().find(|setting| setting.name == name);
        let word = word.and_then(|setting| setting.default.as_deref()).unwrap_or_default().to_owned();
        let Some(path) = connection.settings.get(name).filter(|path| *path != word) else { return Ok(None) };
        let path = folder.join(path);
        let file = File::open(&path).and_then(|file| match file.metadata()?.is_dir() {
            true => Err(std::io::ErrorKind::IsADirectory.into()),
            false => Ok(file),
        });
        let (setting, connection) = (name.to_owned(), connection.name.clone());
        let file = file.map_err(|error| {
            cannot_read(&setting, &connection, &path, &error)
                .hint(format!("name a file with an id on each line, or say `{setting}: {word}`"))
        })?;
        Ok(Some(IdsFile { reader: BufReader::new(file), path, line: 0, setting, connection, word }))
    }

    /// The next ids, and the line after which the page after them begins.
    pub fn page(&mut self) -> Result<(Vec<String>, Option<String>), Failure> {
        let mut ids = Vec::new();
        while ids.len() < PAGE_LEN {
            let Some(line) = self.next_line()? else { return Ok((ids, None)) };
            let id = line.trim();
            if !id.is_empty() && !id.starts_with('#') {
                ids.push(id.to_owned());
            }
        }
        Ok((ids, Some(self.line.to_string())))
    }

    fn next_line(&mut self) -> Result<Option<String>, Failure> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(LINE_LEN_MAX).read_until(b'\n', &mut bytes);
        match read {
            Err(error) => return Err(cannot_read(&self.setting, &self.connection, &self.path, &error)),
            Ok(0) => return Ok(None),
            Ok(_) => self.line += 1,
        }
        let is_first = self.line == 1;
        let is_cut = bytes.last() != Some(&b'\n') && bytes.len() as u64 == LINE_LEN_MAX;
        let text = String::from_utf8(bytes).map_err(|_| self.no_id("is no text in UTF-8"))?;
        if is_cut {
            return Err(self.no_id("is too long for an id"));
        }
        Ok(Some(if is_first { text.trim_start_matches('\u{feff}').to_owned() } else { text }))
    }

    fn no_id(&self, what: &str) -> Failure {
        Failure::usage(format!("line {} of `{}` {what}", self.line, self.path.display())).hint(format!(
            "`{}` of connection `{}` names a text file with an id on each line",
            self.setting, self.connection
        ))
    }

    /// What is told of a file without a single id.
    pub fn is_empty(&self) -> Failure {
        let (setting, connection, word) = (&self.setting, &self.connection, &self.word);
        Failure::usage(format!(
            "`{}`, named by `{setting}` of connection `{connection}`, holds no id",
            self.path.display()
        ))
        .hint(format!("write an id on each line, or say `{setting}: {word}`"))
    }
}

fn cannot_read(setting: &str, connection: &str, path: &Path, error: &std::io::Error) -> Failure {
    let shown = path.display();
    Failure::usage(format!("`{setting}` of connection `{connection}` names `{shown}`, which cannot be read"))
        .cause(error)
}
