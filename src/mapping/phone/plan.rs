//! Numbering plans: which digits are a number of which region.
//!
//! The table (`plans.tsv`) is made of the metadata of `rlibphonenumber` by a test (`tests/all/plans.rs`), which also fails
//! when they differ. A region's patterns become
//! one small automaton when its first number comes by: tens of KiB, shared by all threads, a table look-up a digit.
//! What writers put between digits is not its business.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};
use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

/// One line a region; see `tests/all/plans.rs` for the columns.
const TABLE: &str = include_str!("plans.tsv");
/// Calling codes have at most three digits (ITU-T E.164).
const CALLING_LEN_MAX: usize = 3;
/// One more than the highest calling code.
const CALLING_COUNT: usize = 1000;
/// Letters of a region's code.
const LETTER_COUNT: usize = 26;

/// The world's plans.
pub(super) static PLANS: LazyLock<Plans> = LazyLock::new(Plans::read);

/// All regions, those of one calling code together and the main one of them first.
pub(super) struct Plans {
    plans: Vec<Plan>,
    /// For each calling code where its plans begin, and how many there are.
    by_calling: Vec<(u16, u16)>,
    /// For each pair of letters where its plan stands.
    by_code: Vec<Option<u16>>,
}

/// A pair of letters as a number, `AA` first.
fn pair(code: &str) -> Option<usize> {
    let letter = |byte: u8| byte.is_ascii_alphabetic().then(|| usize::from(byte.to_ascii_uppercase() - b'A'));
    match *code.as_bytes() {
        [first, second] => Some(letter(first)? * LETTER_COUNT + letter(second)?),
        _ => None,
    }
}

impl Plans {
    fn read() -> Plans {
        let plans: Vec<Plan> = TABLE.lines().filter_map(Plan::read).collect();
        let mut by_calling = vec![(0, 0); CALLING_COUNT];
        for (index, plan) in (0_u16..).zip(&plans) {
            if let Some((first, count)) = by_calling.get_mut(usize::from(plan.calling_code)) {
                *first = if *count == 0 { index } else { *first };
                *count += 1;
            }
        }
        let mut by_code = vec![None; LETTER_COUNT * LETTER_COUNT];
        for (index, plan) in (0_u16..).zip(&plans) {
            if let Some(place) = pair(plan.code).and_then(|pair| by_code.get_mut(pair)) {
                *place = Some(index);
            }
        }
        Plans { plans, by_calling, by_code }
    }

    /// Where the plan of a region stands, by its two letters in any case.
    pub fn position(&self, code: &str) -> Option<u16> {
        self.by_code.get(pair(code)?).copied().flatten()
    }

    pub fn get(&self, index: u16) -> Option<&Plan> {
        self.plans.get(usize::from(index))
    }

    /// The plans of a calling code; empty when there is no such code.
    pub fn of_calling(&self, calling: &str) -> &[Plan] {
        let code = calling.parse().ok().filter(|_| !calling.starts_with('0'));
        code.map_or(&[], |code| self.of_code(code))
    }

    fn of_code(&self, calling_code: u16) -> &[Plan] {
        let (first, count) = self.by_calling.get(usize::from(calling_code)).copied().unwrap_or_default();
        let first = usize::from(first);
        self.plans.get(first..first + usize::from(count)).unwrap_or_default()
    }

    /// A number in international form, split into the main plan of its calling code and the rest.
    pub fn split_calling<'a>(&self, digits: &'a str) -> Option<(&Plan, &'a str)> {
        let mut calling_code = 0;
        for (digit, length) in digits.bytes().zip(1..=CALLING_LEN_MAX) {
            if !digit.is_ascii_digit() || (digit, length) == (b'0', 1) {
                return None;
            }
            calling_code = calling_code * 10 + u16::from(digit - b'0');
            if let Some(main) = self.of_code(calling_code).first() {
                return Some((main, digits.get(length..)?));
            }
        }
        None
    }

    /// Whether the national number belongs to a region of this plan's calling code.
    pub fn is_valid(&self, plan: &Plan, national: &str) -> bool {
        match self.of_code(plan.calling_code) {
            [] => false,
            [only] => only.fit(national).is_number(),
            several => {
                let own = several.iter().map(|plan| plan.fit(national)).find(|fit| fit.leads() || fit.is_number());
                own.is_some_and(Fit::is_number)
            }
        }
    }
}

/// How the lengths of a number compare with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Possible,
    /// Only within an area, without its code.
    Local,
    Short,
    Long,
    /// Neither shorter nor longer than all numbers of the plan, but none has it.
    Between,
}

/// The numbering plan of one region.
pub(super) struct Plan {
    /// Two capital letters, or `001` for a code that belongs to no region.
    pub code: &'static str,
    /// The calling code, in digits.
    pub calling: &'static str,
    calling_code: u16,
    abroad: Prefix,
    national: Prefix,
    /// What takes the place of the national prefix, with `$1` for what it captured; mostly empty.
    transform: &'static str,
    leading: &'static str,
    possible: u64,
    local: u64,
    pattern: &'static str,
    /// Letter, lengths and pattern of each kind of number, as columns.
    kinds: &'static str,
    automaton: OnceLock<Option<NumberAutomaton>>,
}

impl Plan {
    fn read(line: &'static str) -> Option<Plan> {
        let mut columns = line.splitn(10, '\t');
        let mut next = || columns.next();
        let (code, calling) = (next()?, next()?);
        Some(Plan {
            code,
            calling,
            calling_code: calling.parse().ok()?,
            abroad: Prefix::new(next()?),
            national: Prefix::new(next()?),
            transform: next()?,
            leading: next()?,
            possible: next()?.parse().ok()?,
            local: next()?.parse().ok()?,
            pattern: next()?,
            kinds: next().unwrap_or_default(),
            automaton: OnceLock::new(),
        })
    }

    /// How the digits fit this plan.
    pub fn fit(&self, digits: &str) -> Fit {
        let automaton = self.automaton.get_or_init(|| NumberAutomaton::new(self));
        automaton.as_ref().map_or(Fit(0), |automaton| automaton.run(digits))
    }

    /// Whether the digits have a length that numbers of this plan have.
    pub fn length(&self, digits: &str) -> Length {
        let bit = 1_u64.checked_shl(digits.len().try_into().unwrap_or(u32::MAX));
        match bit {
            _ if self.possible == 0 => Length::Between,
            None => Length::Long,
            Some(bit) if self.local & bit != 0 => Length::Local,
            Some(bit) if self.possible & bit != 0 => Length::Possible,
            Some(bit) if bit < (self.possible & self.possible.wrapping_neg()) => Length::Short,
            Some(bit) if bit > self.possible => Length::Long,
            Some(_) => Length::Between,
        }
    }

    /// The digits after the prefix for calls abroad, where they begin with it. A calling code never begins with 0.
    pub fn strip_abroad<'a>(&self, digits: &'a str) -> Option<&'a str> {
        let rest = self.abroad.strip(digits)?;
        (!rest.starts_with('0')).then_some(rest)
    }

    /// Whether the digits are a number of the plan's length behind the plan's national prefix. The `1` of `+1` is none:
    /// it is the calling code as well.
    pub fn is_trunk_form(&self, digits: &str) -> bool {
        let stripped = self.national.replace(digits, self.transform);
        let is_prefix =
            |rest: &str| rest.len() < digits.len() && !(digits.starts_with('1') && rest.len() + 1 == digits.len());
        stripped.is_some_and(|rest| is_prefix(&rest) && self.length(&rest) == Length::Possible)
    }

    /// The digits without the national prefix and a carrier's code. A number that fits as it is stays as it is when it
    /// would not fit without.
    pub fn strip_national<'a>(&self, digits: &'a str) -> Cow<'a, str> {
        if digits.is_empty() {
            return Cow::Borrowed(digits);
        }
        let Some(stripped) = self.national.replace(digits, self.transform) else {
            return Cow::Borrowed(digits);
        };
        if self.fit(digits).is_general() && !self.fit(&stripped).is_general() {
            return Cow::Borrowed(digits);
        }
        stripped
    }
}

/// Which patterns of a plan a number matches as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit(u8);

impl Fit {
    const GENERAL: u8 = 1;
    const LEADING: u8 = 2;
    const GENERAL_LENGTH: u8 = 4;
    const KIND: u8 = 8;
    const MOBILE: u8 = 16;
    const FIXED: u8 = 32;

    /// The pattern of all numbers, whatever their length.
    pub fn is_general(self) -> bool {
        self.0 & Fit::GENERAL != 0
    }

    /// A number of some kind: mobile, fixed line, toll-free, …
    pub fn is_number(self) -> bool {
        let all = Fit::GENERAL | Fit::GENERAL_LENGTH | Fit::KIND;
        self.0 & all == all
    }

    /// A mobile, or a number that may be one.
    pub fn is_mobile(self) -> bool {
        self.0 & Fit::MOBILE != 0
    }

    /// A fixed line, or a number that may be one.
    pub fn is_fixed(self) -> bool {
        self.0 & Fit::FIXED != 0
    }

    /// The digits by which the region is told from others of its calling code.
    pub fn leads(self) -> bool {
        self.0 & Fit::LEADING != 0
    }
}

/// All patterns of a plan in one automaton over digits.
struct NumberAutomaton {
    automaton: dense::DFA<Vec<u32>>,
    start: StateID,
    /// For each pattern what it tells.
    meanings: Vec<Meaning>,
}

/// What a pattern tells of a number that it matches.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Meaning {
    always: u8,
    /// Beside that, of numbers of these lengths.
    of_lengths: u8,
    lengths: u64,
}

impl NumberAutomaton {
    fn new(plan: &Plan) -> Option<NumberAutomaton> {
        let lengths = if plan.possible == 0 { u64::MAX } else { plan.possible };
        let mut patterns = vec![plan.pattern.to_owned()];
        let mut meanings = vec![Meaning { always: Fit::GENERAL, of_lengths: Fit::GENERAL_LENGTH, lengths }];
        if !plan.leading.is_empty() {
            patterns.push(format!("(?:{})[0-9]*", plan.leading));
            meanings.push(Meaning { always: Fit::LEADING, ..Meaning::default() });
        }
        let mut columns = plan.kinds.split('\t');
        while let (Some(letter), Some(lengths), Some(pattern)) = (columns.next(), columns.next(), columns.next()) {
            let kind = match letter {
                "m" => Fit::MOBILE,
                "f" => Fit::FIXED,
                "e" => Fit::MOBILE | Fit::FIXED,
                _ => 0,
            };
            let meaning = Meaning { always: 0, of_lengths: Fit::KIND | kind, lengths: lengths.parse().ok()? };
            // The fewer patterns there are, the fewer states has the automaton.
            match meanings.iter().position(|known| *known == meaning).and_then(|at| patterns.get_mut(at)) {
                Some(known) => *known = format!("{known}|(?:{pattern})"),
                None => {
                    patterns.push(format!("(?:{pattern})"));
                    meanings.push(meaning);
                }
            }
        }
        let settings = dense::Config::new().start_kind(StartKind::Anchored).match_kind(MatchKind::All);
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let automaton = dense::Builder::new().configure(settings).syntax(syntax).build_many(&patterns).ok()?;
        let start = automaton.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()?;
        Some(NumberAutomaton { automaton, start, meanings })
    }

    fn run(&self, digits: &str) -> Fit {
        let mut state = self.start;
        for digit in digits.bytes() {
            state = self.automaton.next_state(state, digit);
            if self.automaton.is_dead_state(state) {
                return Fit(0);
            }
        }
        state = self.automaton.next_eoi_state(state);
        if !self.automaton.is_match_state(state) {
            return Fit(0);
        }
        let Some(bit) = 1_u64.checked_shl(digits.len().try_into().unwrap_or(u32::MAX)) else { return Fit(0) };
        let matched = (0..self.automaton.match_len(state)).map(|at| self.automaton.match_pattern(state, at));
        let meanings = matched.filter_map(|pattern| self.meanings.get(pattern.as_usize()));
        Fit(meanings.fold(0, |all, meaning| {
            all | meaning.always | if meaning.lengths & bit != 0 { meaning.of_lengths } else { 0 }
        }))
    }
}

/// What may stand before a number: the prefix for calls abroad, the national one.
enum Prefix {
    None,
    /// These digits.
    Digits(&'static str),
    /// One of these, the first that agrees.
    OneOf(&'static str),
    /// A regular expression, compiled when it is first needed, and the digits with which all that it matches begins.
    Pattern(&'static str, &'static str, OnceLock<Option<regex::Regex>>),
}

/// The digits with which all that a pattern matches begins.
fn first_digits(pattern: &str) -> &str {
    let len = pattern.bytes().take_while(u8::is_ascii_digit).count();
    let is_repeated = matches!(pattern.as_bytes().get(len), Some(b'?' | b'*' | b'+' | b'{'));
    let mut depth = 0_u32;
    let has_others = pattern.bytes().any(|byte| {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        byte == b'|' && depth == 0
    });
    if has_others { "" } else { pattern.get(..len - usize::from(is_repeated && len > 0)).unwrap_or_default() }
}

impl Prefix {
    fn new(pattern: &'static str) -> Prefix {
        match pattern {
            "" => Prefix::None,
            _ if pattern.bytes().all(|b| b.is_ascii_digit()) => Prefix::Digits(pattern),
            _ if pattern.bytes().all(|b| b.is_ascii_digit() || b == b'|') => Prefix::OneOf(pattern),
            _ => Prefix::Pattern(pattern, first_digits(pattern), OnceLock::new()),
        }
    }

    /// The expression, where the digits may match it.
    fn regex(&self, digits: &str) -> Option<&regex::Regex> {
        let Prefix::Pattern(pattern, begin, regex) = self else { return None };
        if !digits.starts_with(begin) {
            return None;
        }
        let compile = || regex::RegexBuilder::new(&format!("^(?:{pattern})")).unicode(false).build().ok();
        regex.get_or_init(compile).as_ref()
    }

    /// The rest after the prefix.
    fn strip<'a>(&self, digits: &'a str) -> Option<&'a str> {
        match self {
            Prefix::None => None,
            Prefix::Digits(prefix) => digits.strip_prefix(prefix),
            Prefix::OneOf(alternatives) => alternatives.split('|').find_map(|prefix| digits.strip_prefix(prefix)),
            Prefix::Pattern(..) => digits.get(self.regex(digits)?.find(digits)?.end()..),
        }
    }

    /// The digits with the prefix taken off, or transformed where it captured what the transformation is for.
    fn replace<'a>(&self, digits: &'a str, transform: &str) -> Option<Cow<'a, str>> {
        let Prefix::Pattern(..) = self else {
            return self.strip(digits).map(Cow::Borrowed);
        };
        if transform.is_empty() {
            return self.strip(digits).map(Cow::Borrowed);
        }
        let captures = self.regex(digits)?.captures(digits)?;
        let rest = digits.get(captures.get(0)?.end()..)?;
        let filled = |group| captures.get(group).map(|captured| !captured.is_empty());
        let transforms = filled(1).is_some() && filled(2).unwrap_or(filled(1) == Some(true));
        if !transforms {
            return Some(Cow::Borrowed(rest));
        }
        let mut whole = String::with_capacity(digits.len());
        captures.expand(transform, &mut whole);
        whole.push_str(rest);
        Some(Cow::Owned(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_with_which_a_pattern_begins_are_those_of_all_that_it_matches() {
        for (pattern, begin) in [
            ("00(?:1[245]|31)", "00"),
            ("0[09]", "0"),
            ("0?(?:11)?9", ""),
            ("(?:0|90)(?:1)?", ""),
            ("(183[12])|0", ""),
            ("0|80?", ""),
            ("80*", "8"),
            ("[08]", ""),
        ] {
            assert_eq!(first_digits(pattern), begin, "{pattern}");
        }
    }
}
