//! What a framed card is: the values of a contact, or why it is none. It does not know where cards end.

use super::card::{BadProperty, card_of};
use super::decode::Writing;
use super::lines::{PROPERTIES_MAX, ferry_lines_removed, lines_of};
use crate::files::found::Found;
use crate::outcome::{Problem, Reject};
use crate::record::{Fields, Origin, Record};
use encoding_rs::Encoding;
use serde_json::Value;
use std::sync::Arc;

/// What is known of the cards of a file before they are parsed. It is shared with the threads that parse them.
#[derive(Clone, Debug)]
pub(crate) struct Cards {
    pub encoding: &'static Encoding,
    /// Where it is noted what is left out of cards.
    pub found: Arc<Found>,
}

impl Cards {
    /// The same for cards that are looked at before their time: nothing is noted.
    pub fn unnoted(&self) -> Cards {
        Cards { found: Arc::default(), ..self.clone() }
    }

    /// The record whose bytes these are.
    pub fn record(&self, origin: Origin, raw: &[u8]) -> Result<Record, Reject> {
        let raw = ferry_lines_removed(raw).into_boxed_slice();
        match self.fields(&raw, origin.line) {
            Ok(fields) => Ok(Record { origin, fields, raw }),
            Err(problem) => Err(Reject { origin, raw, problems: vec![problem] }),
        }
    }

    /// The values of a card.
    fn fields(&self, raw: &[u8], line: u64) -> Result<Fields, Problem> {
        let lines = lines_of(raw);
        if lines.too_many {
            let message = format!("the card has more than {PROPERTIES_MAX} properties");
            return Err(Problem::new("row.card", message).hint("is an `END:VCARD` missing? a card is one contact"));
        }
        let is_old = lines.all.iter().any(|line| line.head.name == "VERSION" && line.value.trim_ascii() == b"2.1");
        let card = card_of(&lines, Writing { encoding: self.encoding, is_old }).map_err(|bad| no_text(&bad, line))?;
        if card.is_group {
            let message = "the card is a group of contacts, not a contact";
            return Err(Problem::new("row.group", message).hint("give its members a tag (`CATEGORIES`), and delete it"));
        }
        self.found.left_out_of_card((card.media.0 + lines.nested, card.media.1), card.long);
        Ok(Fields::Json(Value::Object(card.object)))
    }
}

fn no_text(bad: &BadProperty, line: u64) -> Problem {
    let message =
        format!("the bytes `{}` in line {} are not {}", bad.no_text.bytes, line + bad.line, bad.no_text.encoding);
    let hint = "fix the text, or name the encoding of the file with `--encoding`";
    Problem::new("row.encoding", message).at(bad.name.clone()).hint(hint)
}
