//! The door: pace, retries, pauses, secrets, time limits.

mod doors;
mod login;
mod pace;
mod rates;
mod retries;
mod secrets;
mod wire;
