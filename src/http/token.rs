//! How a platform issues tokens: the requests of a login and what its responses mean. When they are sent is decided in
//! [`super::login`].

use super::message::{Request, Response};
use crate::outcome::Failure;
use secrecy::SecretString;
use url::Url;

/// The result of a login.
#[derive(Clone, Debug)]
pub struct Token {
    /// The header that goes with every request from now on: its name and value.
    pub header: (&'static str, SecretString),
    /// What obtains the next token without a password, if there is such a thing.
    pub refresh: Option<SecretString>,
}

/// How a platform issues tokens. Pure: requests and responses.
pub trait Login: Send + Sync {
    /// The address of the server that issues them; its requests go there, without the connection's own credentials.
    ///
    /// # Errors
    /// Exit 2 when it is no address that may be used (see [`super::check_base_url`]).
    fn base_url(&self) -> Result<Url, Failure>;

    /// Everything beside the tokens that must never be shown: the password.
    fn secrets(&self) -> Vec<SecretString>;

    /// The request that obtains a first token.
    fn first(&self) -> Request;

    /// The request that obtains the next token without a password; `None` when there is none.
    fn next(&self, last: &Token) -> Option<Request>;

    /// The token of a successful response; `None` if it has none.
    fn token(&self, response: &Response) -> Option<Token>;

    /// The failure when the first login is refused (exit 5).
    fn refused(&self, response: &Response) -> Failure;

    /// Whether a response says that the token has expired.
    fn has_expired(&self, response: &Response) -> bool;
}
