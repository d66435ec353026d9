//! The misbehaviour of a platform: which kinds there are, and which of them strike a request.
//!
//! Drawing is pure: the same seed and request ordinal draw the same faults. What a fault does is the server's business.

/// A way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The connection closes; nothing was done.
    DropBefore,
    /// The request is carried out, then the connection closes without an answer.
    DropAfter,
    /// The platform's own 500; nothing was done.
    Error500,
    /// The request is carried out, then a gateway answers 502 with a page.
    Error502After,
    /// The request is carried out; the answer's body ends short of its `Content-Length`.
    Truncate,
    /// The request is carried out at once; the answer comes late.
    Slow,
    /// A new contact is not found by lists and look-ups for a while (by its id it is).
    Lag,
}

/// One line of [`FAULTS`].
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Which.
    pub kind: FaultKind,
    /// As it is written on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
}

/// Every kind of fault. Of those that end a request, the first one configured that strikes wins.
pub const FAULTS: &[Fault] = &[
    Fault { kind: FaultKind::DropBefore, name: "drop-before", help: "close the connection, nothing done" },
    Fault {
        kind: FaultKind::DropAfter,
        name: "drop-after",
        help: "do it, then close the connection without an answer",
    },
    Fault { kind: FaultKind::Error500, name: "error-500", help: "answer 500, nothing done" },
    Fault { kind: FaultKind::Error502After, name: "error-502-after", help: "do it, then answer 502 with a web page" },
    Fault { kind: FaultKind::Truncate, name: "truncate", help: "do it, then cut the answer short of its length" },
    Fault { kind: FaultKind::Slow, name: "slow", help: "do it at once, answer seconds later" },
    Fault { kind: FaultKind::Lag, name: "lag", help: "a new contact is not found for a while" },
];

impl FaultKind {
    /// The kind of this name (`drop-before`).
    pub fn named(name: &str) -> Option<FaultKind> {
        FAULTS.iter().find(|fault| fault.name == name).map(|fault| fault.kind)
    }
}

/// What strikes one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Drawn {
    /// How the request ends, where not as it should.
    pub(super) ending: Option<FaultKind>,
    pub(super) slow: bool,
    pub(super) lag: bool,
}

/// The faults that strike the request of this ordinal.
pub(super) fn draw(faults: &[(FaultKind, f64)], seed: u64, ordinal: u64) -> Drawn {
    let mut drawn = Drawn::default();
    for (number, &(kind, probability)) in (1_u64..).zip(faults) {
        if chance(seed, ordinal, number) >= probability {
            continue;
        }
        match kind {
            FaultKind::Slow => drawn.slow = true,
            FaultKind::Lag => drawn.lag = true,
            ending => drawn.ending = drawn.ending.or(Some(ending)),
        }
    }
    drawn
}

/// A number from 0 up to, not including, 1.
fn chance(seed: u64, ordinal: u64, number: u64) -> f64 {
    /// 2⁵³: as many steps as a float has below 1.
    const STEPS: f64 = 9_007_199_254_740_992.0;
    let bits = mix(mix(mix(seed) ^ ordinal) ^ number) >> 11;
    bits as f64 / STEPS
}

/// Scatters a number over all 64 bits (SplitMix64, Steele, Lea and Flood 2014).
pub(super) fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
