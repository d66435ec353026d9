//! E-mail addresses of the kind that nearly all are (ASCII letters, digits and few signs), told by one look-up for each byte.
//! What it says no to may still be an address.

/// The longest address: no local part and no label of its domain is too long then.
const LEN_MAX: usize = 64;

/// What a byte is.
#[derive(Clone, Copy)]
enum Class {
    Small,
    Capital,
    Digit,
    /// A sign that may stand anywhere before the `@`.
    Sign,
    Hyphen,
    Stop,
    At,
    Other,
}

const CLASSES: usize = 8;

/// Where in an address one is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Dead,
    /// Before the `@`: at the beginning of a word, or in it.
    LocalBegin,
    Local,
    /// In the first label of the domain: at its beginning, behind a letter or digit, behind a hyphen.
    FirstBegin,
    First,
    FirstHyphen,
    /// In a later label: at its beginning, behind its first letter, behind its first digit.
    LabelBegin,
    OneLetter,
    OneDigit,
    /// The same behind more of it, with or without a letter so far.
    Lettered,
    Digits,
    /// Behind a hyphen in it.
    LetteredHyphen,
    DigitsHyphen,
}

const STATES: usize = 16;

const fn class_of(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' => Class::Small,
        b'A'..=b'Z' => Class::Capital,
        b'0'..=b'9' => Class::Digit,
        b'_' | b'+' => Class::Sign,
        b'-' => Class::Hyphen,
        b'.' => Class::Stop,
        b'@' => Class::At,
        _ => Class::Other,
    }
}

const fn next(state: State, class: Class) -> State {
    use Class::{At, Capital, Digit, Hyphen, Sign, Small, Stop};
    match (state, class) {
        (State::LocalBegin | State::Local, Small | Capital | Digit | Sign | Hyphen) => State::Local,
        (State::Local, Stop) => State::LocalBegin,
        (State::Local, At) => State::FirstBegin,
        (State::FirstBegin | State::First | State::FirstHyphen, Small | Digit) => State::First,
        (State::First, Hyphen) => State::FirstHyphen,
        (State::First | State::OneLetter | State::OneDigit | State::Lettered | State::Digits, Stop) => {
            State::LabelBegin
        }
        (State::LabelBegin, Small) => State::OneLetter,
        (State::LabelBegin, Digit) => State::OneDigit,
        (State::OneLetter | State::Lettered | State::LetteredHyphen, Small | Digit) => State::Lettered,
        (State::OneDigit | State::Digits | State::DigitsHyphen, Small) => State::Lettered,
        (State::OneDigit | State::Digits | State::DigitsHyphen, Digit) => State::Digits,
        (State::OneLetter | State::Lettered, Hyphen) => State::LetteredHyphen,
        (State::OneDigit | State::Digits, Hyphen) => State::DigitsHyphen,
        _ => State::Dead,
    }
}

const ALL_STATES: [State; 13] = [
    State::Dead,
    State::LocalBegin,
    State::Local,
    State::FirstBegin,
    State::First,
    State::FirstHyphen,
    State::LabelBegin,
    State::OneLetter,
    State::OneDigit,
    State::Lettered,
    State::Digits,
    State::LetteredHyphen,
    State::DigitsHyphen,
];

const ALL_CLASSES: [Class; CLASSES] =
    [Class::Small, Class::Capital, Class::Digit, Class::Sign, Class::Hyphen, Class::Stop, Class::At, Class::Other];

/// The class of each byte; with capitals as small letters where the text will be brought into those.
static OF_BYTES: [u8; 256] = classes(false);
static OF_LOWERED: [u8; 256] = classes(true);
/// The next state, by state and class.
static NEXT: [u8; STATES * CLASSES] = transitions();

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn classes(are_lowered: bool) -> [u8; 256] {
    let (mut classes, mut byte) = ([0; 256], 0);
    while byte < 256 {
        let mut class = class_of(byte as u8);
        if are_lowered && let Class::Capital = class {
            class = Class::Small;
        }
        classes[byte] = class as u8;
        byte += 1;
    }
    classes
}

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn transitions() -> [u8; STATES * CLASSES] {
    let (mut transitions, mut state) = ([State::Dead as u8; STATES * CLASSES], 0);
    while state < ALL_STATES.len() {
        let mut class = 0;
        while class < CLASSES {
            transitions[state * CLASSES + class] = next(ALL_STATES[state], ALL_CLASSES[class]) as u8;
            class += 1;
        }
        state += 1;
    }
    transitions
}

/// Whether a text is an address in its form already; `is_lowered`: in lower case.
pub(super) fn is_plain(text: &str, is_lowered: bool) -> bool {
    let classes = if is_lowered { &OF_LOWERED } else { &OF_BYTES };
    let mut state = State::LocalBegin as u8;
    for byte in text.bytes() {
        let class = classes.get(usize::from(byte)).copied().unwrap_or_default();
        let at = usize::from(state) % STATES * CLASSES + usize::from(class) % CLASSES;
        state = NEXT.get(at).copied().unwrap_or_default();
    }
    state == State::Lettered as u8 && text.len() <= LEN_MAX
}

#[cfg(test)]
mod tests {
    use super::super::{careful, normalise};
    use super::*;

    #[test]
    fn what_is_plain_is_an_address_as_it_stands() {
        let mut random = 1_u64;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % below
        };
        let (mut plain, mut lowered) = (0, 0);
        for _ in 0..200_000 {
            let text: String = (0..next(12)).map(|_| char::from(b"aaZ1-..@@_b "[next(12)])).collect();
            if is_plain(&text, false) {
                assert_eq!(careful(&text).as_deref(), Ok(&*text));
                plain += 1;
            }
            if is_plain(&text, true) {
                let low = text.to_ascii_lowercase();
                assert_eq!(careful(&low).as_deref(), Ok(&*low));
                lowered += 1;
            }
        }
        assert!(plain > 50 && lowered > plain, "{plain} {lowered}");
    }

    #[test]
    fn a_long_address_is_looked_at_with_care() {
        for len in 55..70 {
            for text in [format!("{}@x.org", "a".repeat(len)), format!("a@{}.org", "x".repeat(len))] {
                assert_eq!(normalise(&text), careful(&text), "{text}");
            }
        }
    }
}
