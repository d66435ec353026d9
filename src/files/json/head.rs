//! A look at the beginning of a JSON file: is it one object or many, and where in it are the records?

use super::scan::Scan;

/// How deep the records are looked for: `{"data": {"contacts": {"items": [`.
const DEPTH_MAX: usize = 4;

/// What the first bytes of a JSON file show. What comes later is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Top {
    /// The dotted paths of arrays of objects; of empty arrays where there is no other.
    pub lists: Vec<String>,
    /// The keys of the first object.
    pub keys: Vec<String>,
    /// Whether that object ended.
    pub ended: bool,
    /// Whether another object follows it.
    pub followed: bool,
    /// Whether it is a reject: `{"record": …, "ferry": …}`.
    pub is_wrapped: bool,
}

/// Whether text that begins so is JSON rather than a table: an array of objects or nothing, an object with a key.
pub(crate) fn looks_like_json(begin: &[u8]) -> bool {
    let (Some(first), Some(rest)) = (begin.first(), begin.get(1..)) else { return false };
    let second = rest.trim_ascii_start().first();
    match first {
        b'[' => matches!(second, Some(b'{' | b']') | None),
        b'{' => matches!(second, Some(b'"' | b'}') | None),
        _ => false,
    }
}

/// Looks at a file that begins with an object.
pub(crate) fn look(begin: &[u8]) -> Top {
    let mut top = Top::default();
    let mut found = Found::default();
    let mut cursor = Cursor { text: begin, at: 0 };
    top.ended = found.object(&mut cursor, &mut Vec::new(), &mut top.keys).is_some();
    top.followed = top.ended && cursor.peek() == Some(b'{');
    top.lists = if found.lists.is_empty() { found.empty } else { found.lists };
    let has = |key: &str| top.keys.iter().any(|have| have == key);
    top.is_wrapped = top.keys.len() == 2 && has("ferry") && (has("record") || has("raw"));
    top
}

#[derive(Default)]
struct Found {
    lists: Vec<String>,
    empty: Vec<String>,
}

impl Found {
    /// Goes through the object at the cursor. `None` where the text ends or is not JSON.
    fn object(&mut self, cursor: &mut Cursor<'_>, path: &mut Vec<String>, keys: &mut Vec<String>) -> Option<()> {
        cursor.take(b'{')?;
        if cursor.take(b'}').is_some() {
            return Some(());
        }
        loop {
            let key = cursor.key()?;
            keys.push(key.clone());
            cursor.take(b':')?;
            path.push(key);
            let value = self.value(cursor, path);
            path.pop();
            value?;
            if cursor.take(b'}').is_some() {
                return Some(());
            }
            cursor.take(b',')?;
        }
    }

    fn value(&mut self, cursor: &mut Cursor<'_>, path: &mut Vec<String>) -> Option<()> {
        match cursor.peek()? {
            b'{' if path.len() < DEPTH_MAX => return self.object(cursor, path, &mut Vec::new()),
            b'[' => match cursor.second() {
                Some(b'{') => self.lists.push(path.join(".")),
                Some(b']') => self.empty.push(path.join(".")),
                _ => {}
            },
            _ => {}
        }
        cursor.skip_value()
    }
}

/// The text of the record in a reject that was written as JSON: `{"record": …, "ferry": {"code": …, …}}`. `None` where it
/// is no such reject; the record itself need not be JSON.
pub(super) fn wrapped_record(text: &str) -> Option<&str> {
    let mut cursor = Cursor { text: text.as_bytes(), at: 0 };
    let (mut record, mut ferry) = (None, None);
    cursor.take(b'{')?;
    loop {
        let key = cursor.key()?;
        cursor.take(b':')?;
        cursor.peek()?;
        let begin = cursor.at;
        cursor.skip_value()?;
        let value = text.get(begin..cursor.at)?.trim_ascii_end();
        let place = match key.as_str() {
            "record" => &mut record,
            "ferry" => &mut ferry,
            _ => return None,
        };
        if place.replace(value).is_some() {
            return None;
        }
        if cursor.take(b'}').is_some() {
            break;
        }
        cursor.take(b',')?;
    }
    let ferry: serde_json::Map<String, serde_json::Value> = serde_json::from_str(ferry?).ok()?;
    if cursor.peek().is_some() || !ferry.contains_key("code") {
        return None;
    }
    record
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next byte that is not white space; the cursor moves to it.
    fn peek(&mut self) -> Option<u8> {
        self.at += self.rest().len() - self.rest().trim_ascii_start().len();
        self.rest().first().copied()
    }

    /// The byte after the one at the cursor that is not white space.
    fn second(&self) -> Option<u8> {
        self.rest().get(1..)?.trim_ascii_start().first().copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn key(&mut self) -> Option<String> {
        if self.peek()? != b'"' {
            return None;
        }
        let len = string_len(self.rest())?;
        let key = serde_json::from_slice(self.rest().get(..len)?).ok()?;
        self.at += len;
        Some(key)
    }

    fn skip_value(&mut self) -> Option<()> {
        self.at += Scan::default().feed(self.rest(), 0, b'}')?;
        Some(())
    }
}

/// The length of the string that `text` begins with, quotes included.
pub(super) fn string_len(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        let step = memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        at += step + 1;
        match text.get(at - 1) {
            Some(b'"') => return Some(at),
            _ => at += 1,
        }
    }
}
