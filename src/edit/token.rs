//! The token that lets the page ask: 128 random bits in the part of the address that a browser does not send. The browser
//! that the command opens gets another one that works once, because the arguments of a program can be read by other users.

use crate::outcome::Failure;
use std::sync::{Mutex, PoisonError};

/// The tokens of one server.
#[derive(Debug)]
pub(super) struct Tokens {
    lasting: String,
    once: Mutex<Option<String>>,
}

impl Tokens {
    pub fn drawn() -> Result<Tokens, Failure> {
        Ok(Tokens { lasting: draw()?, once: Mutex::new(Some(draw()?)) })
    }

    /// The token that works until the end.
    pub fn lasting(&self) -> &str {
        &self.lasting
    }

    /// The token that works once; blank after that.
    pub fn once(&self) -> String {
        self.once.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    /// Whether a request with this token may pass.
    pub fn has(&self, given: &str) -> bool {
        is_same(given, &self.lasting)
    }

    /// The lasting token for one of both; the other one is used up by it.
    pub fn exchange(&self, given: &str) -> Option<&str> {
        let mut once = self.once.lock().unwrap_or_else(PoisonError::into_inner);
        let is_once = once.as_deref().is_some_and(|once| is_same(given, once));
        if is_once {
            *once = None;
        }
        (is_once || self.has(given)).then_some(&*self.lasting)
    }
}

/// 128 bits of the system, in hexadecimal digits.
fn draw() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| Failure::failed("the system gives no random numbers for a token"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Compares in a time that does not depend on where two texts differ.
fn is_same(one: &str, other: &str) -> bool {
    let differs = one.bytes().zip(other.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
    one.len() == other.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_works_once_and_the_other_always() {
        let tokens = Tokens::drawn().unwrap();
        let (lasting, once) = (tokens.lasting().to_owned(), tokens.once());
        assert_eq!((lasting.len(), once.len()), (32, 32));
        assert_ne!(lasting, once);
        assert!(tokens.has(&lasting) && !tokens.has(&once) && !tokens.has("") && !tokens.has(lasting.split_at(1).1));
        assert_eq!(tokens.exchange(&once), Some(lasting.as_str()));
        assert_eq!(tokens.exchange(&once), None);
        assert_eq!(tokens.exchange(""), None);
        assert_eq!(tokens.exchange(&lasting), Some(lasting.as_str()));
    }
}
