//! Reading a whole mapping: the keys of the page, each checked; every error is noted and the reading goes on.

use super::phone::Region;
use super::rule::{CONTACT_NAME, ROW_NAME};
use super::sections::{ContactRules, contact_names, read_columns};
use super::shapes;
use super::verb::Reader;
use super::{Duplicates, Mapping, Overflow, PhoneRegion, Unmapped};
use crate::contact::Field;
use crate::files::{CARD_VERSIONS, FORMATS};
use crate::template::{Roots, Source, Templates};
use crate::yaml::shape::{described, map_of, or_blank};
use crate::yaml::{Document, Errors, FileError, FileErrors, Kind, Node, Place, Shape, Text, read};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// The only version there is.
const VERSION: &str = "1";

/// A template of a contact refers to the source record.
pub(super) const ROW: Roots = Roots { names: &[ROW_NAME], hint: hint_for_row };
/// A template of `columns` refers to the contact, too.
const ROW_AND_CONTACT: Roots = Roots { names: &[ROW_NAME, CONTACT_NAME], hint: hint_for_row };

fn hint_for_row(name: &str) -> String {
    match name {
        CONTACT_NAME => "`contact` is known under `columns` only; here it is `row`".to_owned(),
        _ => format!("a value of the record is `row.{name}`"),
    }
}

type ReadKey = fn(&mut Mapping, &Node, &mut Reader<'_>);

/// A key of a mapping.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it says, in one line.
    does: &'static str,
    /// What stands behind it.
    shape: Shape,
    read: ReadKey,
}

const fn key(name: &'static str, does: &'static str, shape: Shape, read: ReadKey) -> Key {
    Key { name, does, shape, read }
}

const OVERFLOWS: [(&str, Overflow); 3] =
    [("report", Overflow::Report), ("attributes", Overflow::Attributes), ("reject", Overflow::Reject)];
const DUPLICATES: [(&str, Duplicates); 2] = [("merge", Duplicates::Merge), ("first", Duplicates::First)];
const UNMAPPED: [(&str, Unmapped); 4] = [
    ("ignore", Unmapped::Ignore),
    ("attributes", Unmapped::Attributes),
    ("error", Unmapped::Error),
    ("carry", Unmapped::Carry),
];

/// The words of a choice.
fn words<T: Copy, const N: usize>(choices: [(&'static str, T); N]) -> Vec<&'static str> {
    choices.map(|(word, _)| word).to_vec()
}

/// The keys of a mapping.
pub(super) const KEYS: [Key; 12] = [
    key("version", "the version of the mapping language", Shape::Own(version_schema), |_, node, reader| {
        read_version(node, reader);
    }),
    key(
        "read",
        "how the file is read; what is not said is detected",
        Shape::Own(|| keys_schema(&READ_KEYS)),
        read_read,
    ),
    key(
        "phone_region",
        "the country of phones without a country code, or the column that names it",
        Shape::Own(shapes::phone_region),
        read_region,
    ),
    key("contact", "where each field of a contact comes from", Shape::Own(shapes::contact), |mapping, node, reader| {
        mapping.contact = Some(ContactRules::read(node, reader));
    }),
    key("only_if", "an expression; records for which it is not true are skipped", Shape::Text, read_only_if),
    key(
        "skip",
        "suppression lists: files with the phones and e-mails of contacts that are skipped",
        Shape::Texts,
        |mapping, node, reader| {
            mapping.skip = reader.texts(node, "`skip`").into_iter().map(|text| text.text).collect();
        },
    ),
    key("identity", "the fields by which a contact is found again", Shape::Own(shapes::identity), read_identity),
    key(
        "unmapped",
        "how fields are handled that no rule uses",
        Shape::Words(|| words(UNMAPPED)),
        |mapping, node, reader| {
            mapping.unmapped = reader.choice(node, "unmapped", &UNMAPPED);
            mapping.unmapped_at = Place::clone(&node.at);
        },
    ),
    key(
        "overflow",
        "how a value is handled that the target has no field for",
        Shape::Words(|| words(OVERFLOWS)),
        |mapping, node, reader| mapping.overflow = reader.choice(node, "overflow", &OVERFLOWS).unwrap_or_default(),
    ),
    key(
        "duplicates",
        "how further records of a contact are handled",
        Shape::Words(|| words(DUPLICATES)),
        |mapping, node, reader| mapping.duplicates = reader.choice(node, "duplicates", &DUPLICATES).unwrap_or_default(),
    ),
    key("columns", "the columns of a file that is written", Shape::Own(shapes::columns), |mapping, node, reader| {
        reader.roots = &ROW_AND_CONTACT;
        mapping.columns = Some(read_columns(node, reader));
        reader.roots = &ROW;
    }),
    key("write", "how a file is written", Shape::Own(|| keys_schema(&WRITE_KEYS)), read_write),
];

/// The keys of `read`.
const READ_KEYS: [Key; 8] = [
    key("delimiter", "what stands between cells: one character, or `tab`", Shape::Text, |mapping, node, reader| {
        mapping.read.delimiter = delimiter(node, reader);
    }),
    key("encoding", "the encoding: utf-8, windows-1252", Shape::Text, |mapping, node, reader| {
        mapping.read.encoding = encoding(node, reader);
    }),
    key("root", "JSON: where the records are (`data.items`)", Shape::Text, |mapping, node, reader| {
        mapping.read.root = reader.text(node, "`root`");
    }),
    key("sheet", "workbooks: the sheet, by its name or its number", Shape::Text, |mapping, node, reader| {
        mapping.read.sheet = reader.filled(node, "sheet");
    }),
    key("header_row", "the line of the header, from 1", Shape::Own(header_row_schema), |mapping, node, reader| {
        mapping.read.header_row = header_row(node, reader);
    }),
    key("columns", "the names of the columns of a file without a header", Shape::List, |mapping, node, reader| {
        mapping.read.columns = file_columns(node, reader);
    }),
    key("blanks", "cells that mean nothing", Shape::Texts, |mapping, node, reader| {
        mapping.read.blanks = reader.texts(node, "`blanks`").into_iter().map(|text| text.text).collect();
    }),
    key("format", "the format of the file", Shape::Words(|| words(formats())), |mapping, node, reader| {
        mapping.read.format = reader.choice(node, "format", &formats()).map(str::to_owned);
    }),
];

fn formats() -> [(&'static str, &'static str); FORMATS.len()] {
    FORMATS.each_ref().map(|facts| (facts.name, facts.name))
}

/// The keys of `write`.
const WRITE_KEYS: [Key; 5] = [
    key("delimiter", "what stands between cells: one character, or `tab`", Shape::Text, |mapping, node, reader| {
        mapping.write.delimiter = delimiter(node, reader);
    }),
    key("encoding", "the encoding: utf-8, windows-1252", Shape::Text, |mapping, node, reader| {
        mapping.write.encoding = encoding(node, reader);
    }),
    key("bom", "whether a byte-order mark goes first", Shape::Flag, |mapping, node, reader| {
        mapping.write.bom = reader.flag(node, "bom");
    }),
    key("version", "the version of vCards: 3.0 or 4.0", Shape::Own(card_version_schema), |mapping, node, reader| {
        mapping.write.version = reader.choice(node, "version", &CARD_VERSIONS);
    }),
    key("excel", "short for what Excel opens by a double click", Shape::Flag, |mapping, node, reader| {
        mapping.write.excel = reader.flag(node, "excel") == Some(true);
    }),
];

impl Mapping {
    /// Reads a mapping; `path` is for messages.
    ///
    /// # Errors
    /// Everything that is wrong with the page, each with its place.
    ///
    /// ```
    /// use ferry::mapping::Mapping;
    /// use std::path::Path;
    ///
    /// let mapping = Mapping::parse("contact: { first_name: First Name, phone: [Mobile, Phone] }", Path::new("m.yaml"));
    /// assert!(mapping.is_ok());
    /// let errors = Mapping::parse("contact: { frist_name: First Name }", Path::new("m.yaml")).unwrap_err();
    /// assert_eq!(errors.list()[0].hint.as_deref(), Some("did you mean `first_name`?"));
    /// ```
    pub fn parse(text: &str, path: &Path) -> Result<Mapping, FileErrors> {
        Mapping::parse_beside(text, path, |_| Vec::new())
    }

    /// The same; where it has errors, `more` finds those of the part that could be read, so that all are reported at once.
    ///
    /// # Errors
    /// As [`Mapping::parse`], and those of `more`, in the order of the file.
    pub fn parse_beside(
        text: &str,
        path: &Path,
        more: impl FnOnce(&Mapping) -> Vec<FileError>,
    ) -> Result<Mapping, FileErrors> {
        let (mapping, mut errors) = parse(text, path);
        if !errors.is_empty() && !mapping.is_read_unsure {
            errors.extend(more(&mapping));
        }
        let page = Arc::clone(&mapping.page);
        errors.end(&page, mapping)
    }
}

/// Reads a mapping as far as that is possible, with everything that is wrong with it.
fn parse(text: &str, path: &Path) -> (Mapping, Errors) {
    let page = Document::new(path, text);
    let mut errors = Errors::default();
    let mut mapping = Mapping::empty(&page);
    let mut templates = Templates::new(&page);
    let root = read(text, "the mapping", &mut errors);
    if let Some(root) = &root {
        let mut hasher = blake3::Hasher::new();
        root.hash_into(&mut hasher);
        mapping.fingerprint = hasher.finalize().to_hex().to_string();
        let mut reader = Reader { errors: &mut errors, templates: &mut templates, roots: &ROW };
        read_keys(root, "a mapping", &KEYS, &mut mapping, &mut reader);
    }
    if root.is_none() && errors.is_empty() {
        errors.add(&(0..0), "the mapping is empty").set_hint("it begins with `contact:`, and the fields below it");
    }
    mapping.env = templates.into_env();
    (mapping, errors)
}

/// Reads the known keys of a map; the others are errors.
fn read_keys(node: &Node, what: &str, keys: &[Key], mapping: &mut Mapping, reader: &mut Reader<'_>) {
    let Kind::Map(entries) = &node.kind else {
        let error = reader.errors.add(&node.at, format!("{what} must be a map, not {}", node.kind_name()));
        if what == "a mapping" {
            error.set_hint("it begins with `contact:`; is this the file with the contacts?");
        }
        return;
    };
    for (key, value) in entries {
        match keys.iter().find(|known| known.name == key.text) {
            Some(_) if matches!(value.kind, Kind::Null) => {}
            Some(known) => (known.read)(mapping, value, reader),
            None => unknown_key(key, what, keys.iter().map(|known| known.name), reader),
        }
    }
}

fn unknown_key<'a>(key: &Text, what: &str, names: impl Iterator<Item = &'a str> + Clone, reader: &mut Reader<'_>) {
    let error = reader.errors.add(&key.at, format!("{what} has no key `{}`", key.text));
    match crate::yaml::nearest(&key.text, names.clone()) {
        Some(name) => error.set_hint(format!("did you mean `{name}`?")),
        None => error.set_hint(format!("the keys are {}", names.collect::<Vec<_>>().join(", "))),
    }
}

fn read_version(node: &Node, reader: &mut Reader<'_>) {
    let Some(text) = reader.text(node, "`version`") else { return };
    if text != VERSION {
        let message = format!("`version` must be `{VERSION}`, not `{text}`");
        reader.errors.add(&node.at, message).set_hint("this Ferry knows version 1 only");
    }
}

/// The JSON Schema of a map with these keys; a blank value is as good as none.
pub(super) fn keys_schema(keys: &[Key]) -> Value {
    let key = |key: &Key| (key.name.to_owned(), described(or_blank(key.shape.schema()), key.does));
    map_of(keys.iter().map(key).collect())
}

fn version_schema() -> Value {
    json!({ "enum": [1, VERSION] })
}

/// Without quotes, editors take a version for a number.
fn card_version_schema() -> Value {
    json!({ "enum": [3, 4, "3.0", "4.0"] })
}

fn header_row_schema() -> Value {
    json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^0*[1-9][0-9]*$" }] })
}

fn read_read(mapping: &mut Mapping, node: &Node, reader: &mut Reader<'_>) {
    let before = reader.errors.len();
    read_keys(node, "`read`", &READ_KEYS, mapping, reader);
    mapping.is_read_unsure = reader.errors.len() > before;
    if mapping.read.header_row.is_some() && mapping.read.columns.is_some() {
        let message = "`read` has both `header_row` and `columns`";
        reader.errors.add(&node.at, message).set_hint("keep `columns` for a file without a header, else `header_row`");
    }
}

/// The line of the header, from 1.
fn header_row(node: &Node, reader: &mut Reader<'_>) -> Option<u64> {
    let text = reader.text(node, "`header_row`")?;
    let line = text.parse().ok().filter(|line| *line > 0);
    if line.is_none() {
        let message = format!("`header_row` must be the number of a line, not `{text}`");
        reader.errors.add(&node.at, message).set_hint("count the lines of the file from 1, as in `header_row: 3`");
    }
    line
}

/// The names of the columns of a file without a header: all of them, in its order, none twice.
fn file_columns(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let Kind::List(_) = node.kind else {
        let message = format!("`columns` must be a list, not {}", node.kind_name());
        reader
            .errors
            .add(&node.at, message)
            .set_hint("name all columns in their order, as in `columns: [Name, Phone]`");
        return None;
    };
    let names = reader.texts(node, "`columns`");
    for (index, name) in names.iter().enumerate() {
        if !name.text.trim().is_empty() && names.iter().take(index).any(|other| other.text == name.text) {
            let message = format!("`columns` names `{}` twice", name.text);
            reader.errors.add(&name.at, message).set_hint("give each column a name of its own");
        }
    }
    (!names.is_empty()).then(|| names.into_iter().map(|name| name.text).collect())
}

fn read_write(mapping: &mut Mapping, node: &Node, reader: &mut Reader<'_>) {
    read_keys(node, "`write`", &WRITE_KEYS, mapping, reader);
    let write = &mut mapping.write;
    if write.excel {
        write.delimiter = write.delimiter.or(Some(b';'));
        write.encoding = write.encoding.take().or_else(|| Some("utf-8".to_owned()));
        write.bom = write.bom.or(Some(true));
    }
}

/// One ASCII character that is no letter, digit, quote or line end; `tab` is one too.
fn delimiter(node: &Node, reader: &mut Reader<'_>) -> Option<u8> {
    let text = reader.text(node, "`delimiter`")?;
    let byte = match (text.as_str(), text.as_bytes()) {
        ("tab" | "\\t", _) => Some(b'\t'),
        (_, [byte]) => Some(*byte).filter(|byte| {
            byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\r' | b'\n' | 0)
        }),
        _ => None,
    };
    if byte.is_none() {
        let message = format!("`delimiter` must be one sign such as `;`, not `{text}`");
        reader.errors.add(&node.at, message).set_hint("a tab is written `tab`");
    }
    byte
}

/// An encoding by any of the labels that the web knows it by.
fn encoding(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    /// Those that contact files come in; more are understood.
    const COMMON: [&str; 5] = ["utf-8", "utf-16le", "utf-16be", "windows-1252", "windows-1251"];
    let text = reader.text(node, "`encoding`")?;
    if encoding_rs::Encoding::for_label(text.as_bytes()).is_some() {
        return Some(text);
    }
    let error = reader.errors.add(&node.at, format!("there is no encoding `{text}`"));
    match crate::yaml::nearest(&text, COMMON) {
        Some(name) => error.set_hint(format!("did you mean `{name}`?")),
        None => error.set_hint(format!("common ones are {}", COMMON.join(", "))),
    }
    None
}

fn read_region(mapping: &mut Mapping, node: &Node, reader: &mut Reader<'_>) {
    let (mut names, mut default) = (Vec::new(), None);
    match &node.kind {
        Kind::Map(entries) => {
            for (key, value) in entries {
                match key.text.as_str() {
                    "from" => names = reader.texts(value, "`from`"),
                    "default" => default = region(value, reader),
                    _ => unknown_key(key, "`phone_region`", ["from", "default"].into_iter(), reader),
                }
            }
            if !entries.iter().any(|(key, _)| key.text == "from") {
                let message = "`phone_region` has no `from`";
                reader.errors.add(&node.at, message).set_hint("one country for all is written `phone_region: EC`");
            }
        }
        _ => default = region(node, reader),
    }
    mapping.region = Some(PhoneRegion { names, default, is_by_name: false });
}

fn region(node: &Node, reader: &mut Reader<'_>) -> Option<Region> {
    let text = reader.text(node, "`phone_region`")?;
    let region = Region::named(&text);
    if region.is_none() {
        let message = format!("`{text}` is not a known country");
        reader.errors.add(&node.at, message).set_hint("use its code (`EC`), its calling code (`593`) or its name");
    }
    region
}

fn read_only_if(mapping: &mut Mapping, node: &Node, reader: &mut Reader<'_>) {
    let Some(text) = reader.text(node, "`only_if`") else { return };
    mapping.only_if = reader.templates.add_condition(Source { text: &text, at: &node.at, roots: &ROW }, reader.errors);
}

fn read_identity(mapping: &mut Mapping, node: &Node, reader: &mut Reader<'_>) {
    let mut fields: Vec<Field> = Vec::new();
    for name in reader.texts(node, "`identity`") {
        match Field::named(&name.text) {
            Some(field) if fields.contains(&field) => {
                reader.errors.add(&name.at, format!("`{}` stands here a second time", name.text));
            }
            Some(field) => fields.push(field),
            None => {
                let message = format!("a contact has no field `{}`", name.text);
                reader.errors.add(&name.at, message).did_you_mean(&name.text, contact_names());
            }
        }
    }
    mapping.identity_at = node.at.clone();
    mapping.identity = Some(fields).filter(|fields| !fields.is_empty());
}
