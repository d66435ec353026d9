//! How a token is got, and got anew when it has expired: once for all requests in flight.
//!
//! What is said to whom is the platform's; when it is said is the door's. A refused login is the run's (exit 5), a
//! login that is not to be had is, too (exit 6).

use super::message::{Request, Response};
use crate::outcome::Failure;
use secrecy::SecretString;
use url::Url;

/// What a login brought.
#[derive(Clone, Debug)]
pub struct Token {
    /// What goes with every request from now on: the name of a header, and its value.
    pub header: (&'static str, SecretString),
    /// What gets the next one without a password, where there is such a thing.
    pub refresh: Option<SecretString>,
}

/// How a platform gives tokens. Pure: requests and answers.
pub trait Login: Send + Sync {
    /// The address of the server that gives them; its requests go there, without the connection's own credentials.
    ///
    /// # Errors
    /// Exit 2 when it is no address that may be used (see [`super::check_base_url`]).
    fn base_url(&self) -> Result<Url, Failure>;

    /// Everything beside the tokens that must never be shown: the password.
    fn secrets(&self) -> Vec<SecretString>;

    /// The request that gets a first token.
    fn first(&self) -> Request;

    /// The request that gets the next token without a password; `None` when there is none.
    fn next(&self, last: &Token) -> Option<Request>;

    /// The token of a successful answer; `None` when there is none in it.
    fn token(&self, response: &Response) -> Option<Token>;

    /// What is told when the first login is refused (exit 5).
    fn refused(&self, response: &Response) -> Failure;

    /// Whether an answer says that the token is one no more, and a new one would do.
    fn has_expired(&self, response: &Response) -> bool;
}
