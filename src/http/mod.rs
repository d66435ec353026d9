//! The HTTP client, the only code that uses the network: it applies the rate limit, sends, retries and redacts.
//!
//! A request has one of three results: it was [not sent](Sent::NotSent), it was [answered](Sent::Answered), or it is
//! [in doubt](Sent::InDoubt). The connectors decide what a response means.
//!
//! ```text
//!  Request ─ queue (slot, pause, rate) ─▶ wire ─▶ retry: again? ─▶ secrets ─▶ Sent
//!                   ▲                                  │
//!                   └────────── pause, back-off ◀──────┘
//! ```
//!
//! A token that goes with every request is obtained before the first one and renewed when it has expired (`login`). The
//! client does not follow redirects or unpack compressed responses (it asks for none).

mod address;
mod auto;
mod client;
mod login;
pub mod message;
mod notify;
pub mod pace;
mod queue;
mod rate;
mod retry;
mod route;
mod secrets;
mod times;
mod token;
mod transport;
mod wire;

pub use address::{check_base_url, segment};
pub use auto::Auto;
pub use client::Http;
pub use message::{Method, Pause, Request, Response, Sent, Traffic};
pub use notify::{Webhook, notify};
pub use rate::Rate;
pub use secrets::Credentials;
pub use times::{BOUNDS_S, Spread, Times};
pub use token::{Login, Token};
pub use transport::{HttpOptions, Transport, drawn_seed};
