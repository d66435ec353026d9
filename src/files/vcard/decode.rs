//! Values of properties as text: quoted-printable, character sets, and the escapes of each version. Pure.

use super::lines::Line;
use crate::files::encoding::{encode, undecodable};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

/// How the values of a card are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writing {
    /// The encoding of the file.
    pub encoding: &'static Encoding,
    /// Whether it is a vCard 2.1, which knows fewer escapes.
    pub is_old: bool,
}

/// A value that is no text, as a message shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoText {
    pub bytes: String,
    pub encoding: &'static str,
}

impl Writing {
    /// The value as one text.
    pub fn text(self, line: &Line) -> Result<String, NoText> {
        Ok(self.unescaped(&self.decoded(line, &line.value)?))
    }

    /// The parts of a value between semicolons.
    pub fn parts(self, line: &Line) -> Result<Vec<String>, NoText> {
        let parts = split(&line.value, b';');
        parts.iter().map(|part| Ok(self.unescaped(&self.decoded(line, part)?))).collect()
    }

    /// The parts of a name; what stands between commas in one of them is several names.
    pub fn name(self, line: &Line) -> Result<Vec<String>, NoText> {
        let joined = |part: &[u8]| -> Result<String, NoText> {
            let names = if self.is_old { vec![part.to_vec()] } else { split(part, b',') };
            let names = names.iter().map(|name| Ok(self.unescaped(&self.decoded(line, name)?)));
            let names: Vec<String> = names.collect::<Result<_, NoText>>()?;
            Ok(names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" "))
        };
        split(&line.value, b';').iter().map(|part| joined(part)).collect()
    }

    /// The items of a value between commas; in vCard 2.1 also between semicolons, which is how phones write them.
    pub fn items(self, line: &Line) -> Result<Vec<String>, NoText> {
        let mut items = Vec::new();
        for part in split(&line.value, if self.is_old { b';' } else { b',' }) {
            let text = self.decoded(line, &part)?;
            let pieces = if self.is_old { split(text.as_bytes(), b',') } else { vec![text.into_owned().into_bytes()] };
            items.extend(pieces.iter().map(|piece| self.unescaped(&String::from_utf8_lossy(piece))));
        }
        items.iter_mut().for_each(|item| *item = item.trim().to_owned());
        items.retain(|item| !item.is_empty());
        Ok(items)
    }

    /// The bytes of a part as text.
    fn decoded<'a>(self, line: &Line, part: &'a [u8]) -> Result<Cow<'a, str>, NoText> {
        let label = line.head.parameter("CHARSET").and_then(|label| Encoding::for_label(label.as_bytes()));
        if line.head.is_quoted_printable() {
            let bytes = unquoted_printable(part);
            let other = if self.encoding == UTF_8 { WINDOWS_1252 } else { self.encoding };
            let text = match label {
                Some(encoding) => in_encoding(&bytes, encoding)?,
                None => in_encoding(&bytes, UTF_8).or_else(|_| in_encoding(&bytes, other))?,
            };
            return Ok(Cow::Owned(text));
        }
        match (std::str::from_utf8(part), label) {
            // The file is in one encoding, and the property says another: its bytes as they stand in the file.
            (_, Some(label)) if self.encoding != UTF_8 && label != self.encoding && !part.is_ascii() => {
                let mut bytes = Vec::new();
                encode(part, self.encoding, &mut bytes);
                in_encoding(&bytes, label).map(Cow::Owned)
            }
            (Ok(text), _) => Ok(Cow::Borrowed(text)),
            (Err(_), Some(label)) if label != UTF_8 => in_encoding(part, label).map(Cow::Owned),
            (Err(error), _) => {
                Err(NoText { bytes: undecodable(part, error.valid_up_to()), encoding: self.encoding.name() })
            }
        }
    }

    /// Without the backslashes of the version.
    fn unescaped(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let next = if c == '\\' { rest.clone().next() } else { None };
            let meant = next.and_then(|next| match (next, self.is_old) {
                (';' | ':' | '\n', _) => Some(next),
                ('\\' | ',' | '"', false) => Some(next),
                ('n' | 'N', false) => Some('\n'),
                _ => None,
            });
            out.push(meant.unwrap_or(c));
            if meant.is_some() {
                rest.next();
            }
        }
        out.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned()
    }
}

fn in_encoding(bytes: &[u8], encoding: &'static Encoding) -> Result<String, NoText> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(Cow::into_owned).ok_or_else(|| {
        let at = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), |_| 0);
        NoText { bytes: undecodable(bytes, at), encoding: encoding.name() }
    })
}

/// The parts of a value between separators that no backslash stands before.
pub(super) fn split(value: &[u8], separator: u8) -> Vec<Vec<u8>> {
    let (mut parts, mut part, mut is_escaped) = (Vec::new(), Vec::new(), false);
    for &byte in value {
        if byte == separator && !is_escaped {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        is_escaped = byte == b'\\' && !is_escaped;
        part.push(byte);
    }
    parts.push(part);
    parts
}

/// The bytes of quoted-printable text; what is no escape stays as it is.
fn unquoted_printable(text: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = text.get(at) {
        match (byte, digit(text.get(at + 1)), digit(text.get(at + 2))) {
            (b'=', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::property::Head;
    use super::*;
    use encoding_rs::{SHIFT_JIS, WINDOWS_1251};

    fn line(text: &[u8]) -> Line {
        let (head, value) = Head::of(text).unwrap();
        Line { head, value: value.to_vec(), ..Line::default() }
    }

    #[test]
    fn values_are_decoded() {
        let new = Writing { encoding: UTF_8, is_old: false };
        let old = Writing { encoding: UTF_8, is_old: true };
        for (text, writing, expected) in [
            ("NOTE:a\\, b\\; c\\\\ d\\ne\\Nf\\:g", new, "a, b; c\\ d\ne\nf:g"),
            ("NOTE:a\\, b\\; c\\\\ d\\ne", old, "a\\, b; c\\\\ d\\ne"),
            ("NOTE;ENCODING=QUOTED-PRINTABLE:caf=C3=A9=0D=0Ab=3D", old, "café\nb="),
            ("NOTE;ENCODING=QUOTED-PRINTABLE:caf=E9", old, "café"),
            ("NOTE;QUOTED-PRINTABLE;CHARSET=windows-1251:=C0=ED=F2=EE=ED", old, "Антон"),
            ("NOTE;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:=88=C0=93=A1", old, "安藤"),
            ("NOTE;ENCODING=QUOTED-PRINTABLE:100=, =zz", old, "100=, =zz"),
            ("NOTE;CHARSET=UTF-8:é", old, "é"),
            ("NOTE:  \\n x \\n ", new, "x"),
        ] {
            assert_eq!(writing.text(&line(text.as_bytes())).as_deref(), Ok(expected), "{text}");
        }
        let bad = NoText { bytes: "\\xE9".to_owned(), encoding: "UTF-8" };
        assert_eq!(new.text(&line(b"NOTE:caf\xE9")), Err(bad.clone()));
        assert_eq!(new.text(&line(b"NOTE;CHARSET=utf-8;QUOTED-PRINTABLE:=E9")), Err(bad));
        assert_eq!(new.text(&line(b"NOTE;CHARSET=iso-8859-1:caf\xE9")).as_deref(), Ok("café"));
        // The file was taken for one in Windows-1251, and the property says otherwise.
        let file = Writing { encoding: WINDOWS_1251, is_old: true };
        assert_eq!(file.text(&line("NOTE;CHARSET=windows-1252:cafй".as_bytes())).as_deref(), Ok("café"));
        assert_eq!(file.text(&line("NOTE:Антон".as_bytes())).as_deref(), Ok("Антон"));
        assert_ne!(SHIFT_JIS, WINDOWS_1251);
    }

    #[test]
    fn values_are_split_before_they_are_decoded() {
        let writing = |is_old| Writing { encoding: UTF_8, is_old };
        let parts = |text: &str, is_old| writing(is_old).parts(&line(text.as_bytes())).unwrap();
        assert_eq!(parts("N:a\\;b;c;;", false), ["a;b", "c", "", ""]);
        assert_eq!(parts("N;ENCODING=QUOTED-PRINTABLE:a=3Bb;c", true), ["a;b", "c"]);
        assert_eq!(parts("N:a\\\\;b", false), ["a\\", "b"]);
        let items = |text: &str, is_old| writing(is_old).items(&line(text.as_bytes())).unwrap();
        assert_eq!(items("CATEGORIES:VIP,Quito\\, Norte, ,b", false), ["VIP", "Quito, Norte", "b"]);
        assert_eq!(items("CATEGORIES:VIP;b,c", true), ["VIP", "b", "c"]);
    }
}
