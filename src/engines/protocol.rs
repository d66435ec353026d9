//! What the two protocols have in common: the messages that Ferry understands, and those that it sends. A protocol reads
//! and writes single lines; it keeps nothing and knows neither files nor platforms.

use super::bookmark::Bookmark;
use super::catalog::Selection;
use super::schema::Shape;
use std::borrow::Cow;

/// One protocol: how its lines are read and written.
pub trait Protocol: Send + Sync {
    /// Its name, as messages for users have it.
    fn name(&self) -> &'static str;

    /// What a line says.
    ///
    /// # Errors
    /// Why it is no message.
    fn message<'l>(&self, line: &'l str) -> Result<Message<'l>, String>;

    /// Whether each state is handed back; else the last one stands for all before it.
    fn hands_back_each_state(&self) -> bool;

    /// The line that hands a state back, before which so many records have arrived since the state before it.
    fn arrived(&self, state: &State, records: u64) -> String;

    /// The lines before the first record of a stream.
    fn begin(&self, stream: &Stream) -> Vec<String>;

    /// The line of a record, which is JSON.
    fn record(&self, stream: &Stream, json: &str) -> String;

    /// The line of a place in the stream, before which so many records have been sent since the place before it.
    fn place(&self, place: &Bookmark, records: u64) -> String;

    /// The lines behind the last record of a stream.
    fn end(&self) -> Vec<String>;
}

/// What a line of a stream says.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<'l> {
    /// What the records of a stream look like.
    Schema {
        /// The name of the stream.
        stream: Cow<'l, str>,
        /// The properties that identify a record.
        key: Vec<String>,
    },
    /// A record.
    Record {
        /// The name of the stream.
        stream: Cow<'l, str>,
        /// The record, in JSON.
        json: &'l str,
    },
    /// How far the source has come.
    State(State),
    /// It is left out, which is worth a warning: its kind, and why.
    LeftOut(&'static str, &'static str),
    /// It cannot be left out: what it is, and what to do.
    Refused(&'static str, &'static str),
    /// It is of a kind that is of no use here.
    Other,
}

/// How far a source has come, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The state, in JSON.
    pub json: String,
    /// The stream that it is about; none: all of them.
    pub stream: Option<String>,
}

/// A stream that is sent.
pub struct Stream {
    /// What its records look like.
    pub shape: Shape,
    /// When its records were read.
    pub read_at: jiff::Timestamp,
    /// Which properties are sent.
    pub selection: Selection,
}
