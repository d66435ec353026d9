//! Phones and e-mails: values that are checked, and of which one can be left out while the contact is still sent.
//!
//! An invalid value rejects its record unless another value of the same field is valid, which is known only when all
//! rules have been applied. Until then it is a [`Fault`].

use super::compiled::{CompiledRule, placed};
use super::draft::Draft;
use super::email;
use super::phone::{self, Evidence, Part, PhoneFault, Region, Surroundings};
use super::rule::{Otherwise, Target};
use super::text::{nfc, shown};
use super::transform;
use super::value::Val;
use crate::contact::{Field, FieldSet, LeftBlank};
use crate::outcome::Problem;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// What phones and e-mails of one record are read with, and which of them were valid.
#[derive(Default)]
pub(super) struct Checked<'a> {
    pub region: RecordRegion,
    /// The given region and the connection's.
    pub homes: &'a [Region],
    pub evidence: Option<&'a Evidence>,
    pub phones: Cell<PhoneCounts>,
    pub line: u64,
    faults: RefCell<Vec<Fault>>,
    left: RefCell<Vec<LeftBlank>>,
    /// The fields of which a value is valid.
    valid: Cell<FieldSet>,
    /// The fields of which a value was left out.
    left_out: Cell<FieldSet>,
}

/// Phones that were met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PhoneCounts {
    pub seen: u64,
    /// Those with neither country code nor region.
    pub bare: u64,
}

impl PhoneCounts {
    /// Both together.
    pub fn and(self, other: PhoneCounts) -> PhoneCounts {
        PhoneCounts { seen: self.seen + other.seen, bare: self.bare + other.bare }
    }
}

/// What a record says about the region of its phones.
#[derive(Clone, Debug, Default)]
pub(super) enum RecordRegion {
    /// Nothing, and no region is given.
    #[default]
    None,
    Known(Region),
    /// A value that is no country, and the column that has it.
    Unknown {
        value: String,
        column: Arc<str>,
    },
}

/// An invalid value, while it is not known whether another one is valid.
struct Fault {
    field: Field,
    /// How many problems the record had before.
    at: usize,
    problem: Problem,
    value: String,
}

impl<'a> Checked<'a> {
    /// How many faults there are.
    pub fn faults(&self) -> usize {
        self.faults.borrow().len()
    }

    /// The faults from this number on, as problems.
    pub fn take_faults(&self, from: usize) -> Vec<Problem> {
        self.faults.borrow_mut().drain(from..).map(|fault| fault.problem).collect()
    }

    /// Says how many problems there are beside the faults from this number on.
    pub fn place_faults(&self, from: usize, problems: usize) {
        if self.faults() == from {
            return;
        }
        self.faults.borrow_mut().iter_mut().skip(from).for_each(|fault| fault.at = problems);
    }

    /// Decides about the faults: values of a field that has another, valid one are left out, the others are problems.
    pub fn settle(&self, draft: &mut Draft<'_>, problems: &mut Vec<Problem>) {
        let faults = self.faults.take();
        for (before, fault) in faults.into_iter().enumerate() {
            if self.valid.get().has(fault.field) {
                self.leave_out(fault.field, fault.problem, fault.value);
            } else {
                let at = (fault.at + before).min(problems.len());
                problems.insert(at, fault.problem);
            }
        }
        draft.marks.left_blank.append(&mut self.left.borrow_mut());
        for field in [Field::Phones, Field::Emails] {
            if self.left_out.get().has(field) {
                draft.marks.clear.remove(field);
            }
        }
    }

    /// What it gives is no value of the record: a default.
    pub fn unfound<T>(&self, read: impl FnOnce() -> T) -> T {
        let valid = self.valid.get();
        let result = read();
        self.valid.set(valid);
        result
    }

    fn surroundings<'b>(&'b self, column: &'b str) -> Surroundings<'b> {
        let (region, is_region_unknown) = match &self.region {
            RecordRegion::None => (None, false),
            RecordRegion::Known(region) => (Some(*region), false),
            RecordRegion::Unknown { .. } => (None, true),
        };
        Surroundings { region, is_region_unknown, homes: self.homes, column, evidence: self.evidence }
    }

    /// Counts a phone; a text without a digit (`-`, `no`) is none, and no region would make it one.
    fn count(&self, text: &str, fault: Option<PhoneFault>) {
        if fault.is_some() && !text.chars().any(char::is_numeric) {
            return;
        }
        let is_bare = match fault {
            None | Some(PhoneFault::Spreadsheet | PhoneFault::UnknownRegion) => false,
            Some(PhoneFault::NoRegion) => true,
            Some(PhoneFault::Invalid) => matches!(self.region, RecordRegion::None) && !phone::has_country_code(text),
        };
        self.phones.set(self.phones.get().and(PhoneCounts { seen: 1, bare: u64::from(is_bare) }));
    }

    /// A value of the field is valid.
    pub fn found(&self, field: Field) {
        let mut valid = self.valid.get();
        valid.insert(field);
        self.valid.set(valid);
    }

    fn leave_out(&self, field: Field, problem: Problem, value: String) {
        let mut left_out = self.left_out.get();
        left_out.insert(field);
        self.left_out.set(left_out);
        self.list(problem.column, problem.code, value);
    }

    fn list(&self, column: Option<String>, code: Cow<'static, str>, value: String) {
        self.left.borrow_mut().push(LeftBlank { line: self.line, column, code, value });
    }
}

impl CompiledRule {
    /// The phone that a trimmed text is; `None` where it is more, or none.
    pub(super) fn one_phone(&self, text: &str, checked: &Checked<'_>) -> Option<String> {
        self.place(checked).valid_phone(text)
    }

    /// Writes the same at the end of `out`; whether there was one.
    pub(super) fn write_phone(&self, text: &str, checked: &Checked<'_>, out: &mut Vec<u8>) -> bool {
        self.place(checked).write_phone(text, out)
    }

    /// The e-mail address that a trimmed text is; `None` where it is more, or none.
    pub(super) fn one_email<'b>(&self, text: Cow<'b, str>, checked: &Checked<'_>) -> Option<Cow<'b, str>> {
        self.place(checked).valid_email(text)
    }

    fn place<'r>(&'r self, checked: &'r Checked<'r>) -> Place<'r> {
        Place { rule: self, column: self.column.as_deref(), checked }
    }

    /// Reads the phones or e-mails of a value.
    pub(super) fn check<'a>(
        &self,
        value: Val<'a>,
        column: Option<&str>,
        checked: &Checked<'_>,
    ) -> Result<Option<Val<'a>>, Vec<Problem>> {
        let is_phone = self.rule.target == Target::Field(Field::Phones);
        let place = Place { rule: self, column, checked };
        // Nearly all cells are one valid value: it is the only thing that is allocated for them.
        let items = match value {
            Val::One(item) => {
                let item = transform::trimmed(item);
                if let Some(good) = place.valid(&item, is_phone) {
                    return Ok(Some(Val::One(good)));
                }
                vec![item]
            }
            Val::Many(items) => items,
        };
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for item in items.into_iter().map(transform::trimmed).filter(|item| !item.is_empty()) {
            match (place.valid(&item, is_phone), is_phone) {
                (Some(value), _) => good.push(value),
                (None, true) => place.phones(&item, &mut good, &mut bad),
                (None, false) => place.emails(&item, &mut good),
            }
        }
        match (bad.is_empty(), good.len()) {
            (false, _) => Err(bad),
            (true, 0) => Ok(None),
            (true, 1) => Ok(good.pop().map(Val::One)),
            (true, _) => Ok(Some(Val::Many(good))),
        }
    }
}

/// A cell that is being read.
struct Place<'r> {
    rule: &'r CompiledRule,
    column: Option<&'r str>,
    checked: &'r Checked<'r>,
}

impl Place<'_> {
    /// The value, where the whole text is one valid value.
    fn valid<'b>(&self, text: &str, is_phone: bool) -> Option<Cow<'b, str>> {
        Some(Cow::Owned(match is_phone {
            true => self.valid_phone(text)?,
            false => self.valid_email(Cow::Borrowed(text))?.into_owned(),
        }))
    }

    fn valid_email<'b>(&self, text: Cow<'b, str>) -> Option<Cow<'b, str>> {
        let address = match text {
            Cow::Borrowed(text) => email::normalise(text).ok()?,
            Cow::Owned(text) => match email::normalise(&text).ok()? {
                Cow::Borrowed(same) if same.len() == text.len() => Cow::Owned(text),
                other => Cow::Owned(other.into_owned()),
            },
        };
        self.checked.found(Field::Emails);
        Some(address)
    }

    fn valid_phone(&self, text: &str) -> Option<String> {
        let number = phone::whole(text, &self.around())?;
        self.found_phone(text);
        Some(number)
    }

    fn write_phone(&self, text: &str, out: &mut Vec<u8>) -> bool {
        let is_one = phone::write_whole(text, &self.around(), out);
        if is_one {
            self.found_phone(text);
        }
        is_one
    }

    fn around(&self) -> Surroundings<'_> {
        self.checked.surroundings(self.column.unwrap_or_default())
    }

    fn phones<'a>(&self, text: &str, good: &mut Vec<Cow<'a, str>>, bad: &mut Vec<Problem>) {
        for part in phone::parts(text, &self.around()) {
            match part {
                Part::Number(number) => {
                    self.found_phone(text);
                    good.push(Cow::Owned(number));
                }
                Part::Extension(behind) => {
                    self.checked.list(self.column.map(str::to_owned), "phone.extension".into(), behind.to_owned());
                }
                Part::Faulty(number, fault) => {
                    self.checked.count(number, Some(fault));
                    let problem = placed(phone_problem(number, fault, self.checked), self.column);
                    let is_left_to_the_rule = self.rule.rule.verbs.otherwise.is_some();
                    match fault {
                        PhoneFault::Spreadsheet => bad.push(problem),
                        // A country that is not known rejects the record, whatever other numbers it has.
                        PhoneFault::UnknownRegion if !is_left_to_the_rule => bad.push(problem),
                        _ => self.otherwise(number, problem, Field::Phones, good),
                    }
                }
            }
        }
    }

    fn found_phone(&self, text: &str) {
        self.checked.count(text, None);
        self.checked.found(Field::Phones);
    }

    fn emails<'a>(&self, text: &str, good: &mut Vec<Cow<'a, str>>) {
        let parts = email::parts(text);
        for part in if parts.is_empty() { vec![text] } else { parts } {
            match email::normalise(part) {
                Ok(address) => {
                    self.checked.found(Field::Emails);
                    good.push(Cow::Owned(address.into_owned()));
                }
                Err(reason) => self.bad_email(part, reason, good),
            }
        }
    }

    fn bad_email<'a>(&self, text: &str, reason: &str, good: &mut Vec<Cow<'a, str>>) {
        let message = format!("`{}` is not an e-mail address: {reason}", shown(text));
        let problem = Problem::new("email.invalid", message).hint("correct the address, or leave the cell blank");
        self.otherwise(text, placed(problem, self.column), Field::Emails, good);
    }

    fn otherwise<'a>(&self, text: &str, problem: Problem, field: Field, good: &mut Vec<Cow<'a, str>>) {
        match &self.rule.rule.verbs.otherwise {
            Some(Otherwise::Keep) => good.push(Cow::Owned(nfc(Cow::Borrowed(text)).into_owned())),
            Some(Otherwise::Blank) => self.checked.leave_out(field, problem, text.to_owned()),
            _ => {
                let fault = Fault { field, at: 0, problem, value: text.to_owned() };
                self.checked.faults.borrow_mut().push(fault);
            }
        }
    }
}

/// What is wrong with a phone, and what to do about it.
fn phone_problem(text: &str, fault: PhoneFault, checked: &Checked<'_>) -> Problem {
    let shown = shown(text);
    match (fault, &checked.region) {
        (PhoneFault::Spreadsheet, _) => {
            let message = format!("`{shown}` was truncated by a spreadsheet, so its last digits are lost");
            Problem::new("phone.spreadsheet", message).hint("export the column again as text, not as a number")
        }
        (PhoneFault::UnknownRegion, RecordRegion::Unknown { value, column }) => {
            let value = super::text::shown(value);
            let message = format!("`{shown}` has no country code, and `{value}` in `{column}` is not a known country");
            let hint = "write the country's name or code, or the number with `+` and its country code";
            Problem::new("phone.region", message).hint(hint)
        }
        (PhoneFault::NoRegion, _) => {
            let hint = "set `phone_region: EC` in the mapping, or use `--region EC`, with the country of the numbers";
            Problem::new("phone.invalid", format!("`{shown}` has no country code")).hint(hint)
        }
        _ if !text.chars().any(char::is_numeric) => {
            let hint = "leave the cell blank, or list the word in the mapping: `read: { blanks: [\"-\"] }`";
            Problem::new("phone.invalid", format!("`{shown}` is not a phone number")).hint(hint)
        }
        (_, RecordRegion::Known(region)) if !phone::has_country_code(text) => {
            let (name, code) = (region.name(), region.code());
            let message = format!("`{shown}` is not a valid phone number of region `{code}` ({name})");
            let hint = match phone::likely_abroad(text, Some(*region)) {
                Some((number, other)) => {
                    format!("correct the number, or write `{number}` if it is from {}", other.name())
                }
                None => "correct the number; if it is from another country, write `+` and its country code".to_owned(),
            };
            Problem::new("phone.invalid", message).hint(hint)
        }
        _ => {
            let hint = "correct the number: `+`, the country code and the national number";
            Problem::new("phone.invalid", format!("`{shown}` is not a valid phone number")).hint(hint)
        }
    }
}
