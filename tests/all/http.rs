//! The door: pace, retries, pauses, secrets, time limits.

mod doors;
mod pace;
mod rates;
mod retries;
mod wire;
