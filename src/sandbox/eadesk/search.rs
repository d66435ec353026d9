//! An expression that a search came with: what it matches, and by which keys those that it matches are found.
//!
//! The dialect is taken to be JavaScript's, where `\d` is 0 to 9; upper and lower case differ. An expression that is
//! anchored at both ends and is a text, or digits with separators between them, names keys; any other has to be tested
//! on every person.

use regex::Regex;
use std::cell::OnceCell;

/// What stands for anything without a digit in it.
const ESCAPED_GAPS: [char; 3] = ['D', 's', 'W'];

/// A search expression.
pub(super) struct Search {
    expression: String,
    /// Built when there is a person to test: building takes longer than finding that there is none.
    regex: OnceCell<Option<Regex>>,
    /// The keys of everything that it can match, where that can be said.
    keys: Option<Vec<String>>,
}

impl Search {
    /// Nothing for an expression that is none.
    pub(super) fn parse(expression: &str) -> Option<Search> {
        let keys = keys_of(expression);
        let search = Search { expression: with_ascii_digits(expression), regex: OnceCell::new(), keys };
        (search.keys.is_some() || search.regex().is_some()).then_some(search)
    }

    pub(super) fn keys(&self) -> Option<&[String]> {
        self.keys.as_deref()
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&self.expression).ok()).as_ref()
    }
}

/// The key of everything that is this text, in whatever case.
pub(super) fn text_key(text: &str) -> String {
    format!("text {}", text.chars().flat_map(char::to_lowercase).collect::<String>())
}

/// The key of everything that has these digits, and no others, in this order.
fn digits_key(digits: &str) -> String {
    format!("digits {digits}")
}

/// The keys of a value: by these it is found.
pub(super) fn keys_of_value(value: &str) -> impl Iterator<Item = String> + use<> {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    std::iter::once(text_key(value)).chain((!digits.is_empty()).then(|| digits_key(&digits)))
}

/// The expression with `\d` and `\D` spelled out, since they are more digits than ten where it is tried.
fn with_ascii_digits(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut letters = expression.chars();
    while let Some(letter) = letters.next() {
        let escaped = if letter == '\\' { letters.next() } else { None };
        match escaped {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            _ => {
                out.push(letter);
                out.extend(escaped);
            }
        }
    }
    out
}

/// The keys of all that an expression can match; nothing where it could match something else too.
fn keys_of(expression: &str) -> Option<Vec<String>> {
    let inner = expression.strip_prefix('^')?.strip_suffix('$')?;
    let escapes = inner.chars().rev().take_while(|&letter| letter == '\\').count();
    if escapes % 2 == 1 {
        return None;
    }
    let group = inner.strip_prefix("(?:").or_else(|| inner.strip_prefix('('));
    match group.and_then(|group| group.strip_suffix(')')) {
        Some(group) => group.split('|').map(key_of).collect(),
        None => key_of(inner).map(|key| vec![key]),
    }
}

/// The key of all that an expression without its anchors matches.
fn key_of(expression: &str) -> Option<String> {
    let (mut text, mut has_gap) = (String::new(), false);
    let mut rest = expression;
    while let Some((atom, after)) = first_atom(rest) {
        let repeated = after.strip_prefix(['*', '+', '?']);
        rest = repeated.map_or(after, |after| after.strip_prefix('?').unwrap_or(after));
        match atom {
            Atom::Letter(letter) if repeated.is_none() => text.push(letter),
            Atom::Letter(letter) if letter.is_ascii_digit() => return None,
            Atom::Letter(_) | Atom::Gap => has_gap = true,
        }
    }
    if !rest.is_empty() {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match (has_gap, digits.is_empty()) {
        (false, _) => Some(text_key(&text)),
        (true, false) => Some(digits_key(&digits)),
        (true, true) => None,
    }
}

/// A piece of an expression that a repetition can follow.
enum Atom {
    Letter(char),
    /// One of several letters, none of which is a digit.
    Gap,
}

/// The first piece, and what comes after it; nothing at the end, and where it is something else.
fn first_atom(expression: &str) -> Option<(Atom, &str)> {
    let mut letters = expression.chars();
    match letters.next()? {
        '\\' => match letters.next()? {
            letter if ESCAPED_GAPS.contains(&letter) => Some((Atom::Gap, letters.as_str())),
            letter if letter.is_ascii_punctuation() => Some((Atom::Letter(letter), letters.as_str())),
            _ => None,
        },
        '[' => {
            let (set, after) = letters.as_str().split_once(']')?;
            is_without_digits(set).then_some((Atom::Gap, after))
        }
        '.' | '^' | '$' | '|' | '(' | ')' | '{' | '}' | ']' | '*' | '+' | '?' => None,
        letter => Some((Atom::Letter(letter), letters.as_str())),
    }
}

/// Whether what stands between brackets matches no digit, as far as that is plain to see.
fn is_without_digits(set: &str) -> bool {
    if let Some(excluded) = set.strip_prefix('^') {
        return ["0-9", "\\d"].contains(&excluded);
    }
    let mut letters = set.chars().peekable();
    let mut is_first = true;
    while let Some(letter) = letters.next() {
        let fits = match letter {
            '\\' => letters.next().is_some_and(|l| ESCAPED_GAPS.contains(&l) || l.is_ascii_punctuation()),
            // Between two letters it is a range.
            '-' => is_first || letters.peek().is_none(),
            '[' | '&' | '~' => false,
            letter => !letter.is_ascii_digit(),
        };
        if !fits {
            return false;
        }
        is_first = false;
    }
    !set.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    /// Texts put together from a few pieces.
    fn made_of(pieces: &'static [&'static str], max: usize) -> impl Strategy<Value = String> {
        prop::collection::vec(select(pieces), 0..max).prop_map(|pieces| pieces.concat())
    }

    const PIECES: &[&str] = &[
        "1", "2", "a", "Я", "-", r"\+", r"\.", r"\D*", r"\D", r"\d", r"\s?", r"\w", r"\W*?", ".", ".*", "[^0-9]*",
        r"[^\d]", "[ -.]*", "[-. ]*", "[1a]", r"[\s(]?", "a?", "1?", "-+?", "|", "{2}",
    ];

    proptest! {
        #[test]
        fn everything_that_an_expression_matches_has_one_of_its_keys(
            expression in made_of(PIECES, 7),
            group in any::<bool>(),
            value in made_of(&["1", "2", "a", "A", "Я", "-", "+", ".", " ", "٣"], 6),
        ) {
            let expression = if group { format!("^(?:{expression})$") } else { format!("^{expression}$") };
            if let Some(search) = Search::parse(&expression)
                && let Some(keys) = search.keys()
                && {
                    prop_assert!(search.regex().is_some(), "{expression} names keys and is no expression");
                    search.matches(&value)
                }
            {
                prop_assert!(keys_of_value(&value).any(|key| keys.contains(&key)), "{expression} {value} {keys:?}");
            }
        }
    }

    #[test]
    fn keys_are_named_where_an_expression_is_a_text_or_digits_with_separators() {
        let (text, digits) = (|text: &str| text_key(text), |digits: &str| digits_key(digits));
        for (expression, keys) in [
            (r"^Ana@Example\.com$", Some(vec![text("ana@example.com")])),
            (r"^\+?7\D*9\D*8$", Some(vec![digits("798")])),
            (r"^[^0-9]*7[-\s().]*98$", Some(vec![digits("798")])),
            (r"^(?:\+79|Eva)$", Some(vec![text("+79"), text("eva")])),
            (r"^$", Some(vec![text("")])),
            (r"^\D+$", None),
            (r"79", None),
            (r"^79", None),
            (r"^79\$", None),
            (r"^7|9$", None),
            (r"^7.9$", None),
            (r"^79?$", None),
            (r"^7{2}$", None),
            (r"^7[ -9]8$", None),
            (r"^7\d$", None),
            (r"^(?:7|\d)$", None),
        ] {
            assert_eq!(keys_of(expression), keys, "{expression}");
        }
    }
}
