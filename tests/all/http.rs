//! The HTTP client: rate, retries, pauses, secrets, timeouts.

mod login;
mod pace;
mod rates;
mod retries;
mod scripted;
mod secrets;
mod wire;
