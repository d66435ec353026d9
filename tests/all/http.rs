//! The HTTP client: rate, retries, pauses, secrets, timeouts.

mod auto;
mod login;
mod pace;
mod rates;
mod retries;
mod scripted;
mod secrets;
mod wire;
