//! The filters, tests and functions of templates, each measuring what it is given and what it makes.
//!
//! The engine counts steps and does not look at values, so one step could make gigabytes. Here, a value that a template
//! makes is at most [`VALUE_LEN_MAX`] long (or as long as what it was made of), and all values that pass through one
//! rendering are at most [`WORK_MAX`] long together.

use super::limits::VALUE_LEN_MAX;
use minijinja::value::{Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, filters, functions, tests};

/// Steps of the engine for one value: a thousand times what a sensible template takes.
const FUEL_MAX: u64 = 50_000;
/// Bytes that the operations of one rendering may read and make.
const WORK_MAX: usize = 2 * 1024 * 1024;
/// Lists inside of lists.
const DEPTH_MAX: usize = 50;
/// Characters that `trim` is told to remove: each is compared with each of the text.
const TRIM_LEN_MAX: usize = 256;
/// The width or the precision in a pattern of `format`.
const WIDTH_DIGITS_MAX: usize = 3;

/// Filters that [`super::rewrite`] puts around operands and results.
pub(super) const SEEN: &str = "ferry_seen";
pub(super) const MADE: &str = "ferry_made";
pub(super) const NUMBER: &str = "ferry_number";
/// The function that stands for `~`.
pub(super) const TEXT: &str = "ferry_text";

/// What a filter would make of its arguments, in bytes, where that can be much more than they are.
type Forecast = fn(&[Value]) -> Result<usize, Error>;

/// Bytes that the operations of a rendering have read and made.
#[derive(Default)]
struct Work(usize);

/// The engine, with what templates may use.
pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Chainable);
    env.set_fuel(Some(FUEL_MAX));
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    add_filters(&mut env);
    add_tests(&mut env);
    env.add_function("range", functions::range);
    env.add_function("dict", functions::dict);
    env.add_function(TEXT, side_by_side);
    env.add_filter(SEEN, |state: &mut State<'_, '_>, value: Value| charge(state, &value).map(|_| value));
    env.add_filter(MADE, |state: &mut State<'_, '_>, value: Value| made(state, value, 0));
    env.add_filter(NUMBER, number);
    env
}

/// The filters, with what some of them would make.
fn add_filters(env: &mut Environment<'static>) {
    macro_rules! add {
        ($($name:literal $filter:ident $($forecast:ident)?),* $(,)?) => {$({
            let forecast: &[Forecast] = &[$($forecast)?];
            let forecast = forecast.first().copied();
            let filter = Value::from_function(filters::$filter);
            env.add_filter($name, move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
                call(state, &filter, &args.into_values(), forecast)
            });
        })*};
    }
    add! {
        "upper" upper, "lower" lower, "title" title, "capitalize" capitalize, "trim" trim trimmed,
        "replace" replace replaced, "default" default, "d" default, "join" join joined, "split" split parted,
        "lines" lines parted, "list" list parted, "first" first, "last" last, "length" length, "count" length,
        "int" int, "float" float, "round" round, "abs" abs, "string" string, "bool" bool, "unique" unique,
        "sort" sort, "reverse" reverse, "min" min, "max" max, "sum" sum, "attr" attr, "items" items,
        "dictsort" dictsort, "map" map, "select" select, "reject" reject, "selectattr" selectattr,
        "rejectattr" rejectattr, "indent" indent indented, "format" format formatted, "safe" safe, "escape" escape,
        "e" escape,
    }
}

fn add_tests(env: &mut Environment<'static>) {
    macro_rules! add {
        ($($name:literal $test:ident),* $(,)?) => {$({
            let test = Value::from_function(tests::$test);
            env.add_test($name, move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
                call(state, &test, &args.into_values(), None).map(|holds| holds.is_true())
            });
        })*};
    }
    add! {
        "undefined" is_undefined, "defined" is_defined, "none" is_none, "boolean" is_boolean, "odd" is_odd,
        "even" is_even, "divisibleby" is_divisibleby, "number" is_number, "integer" is_integer, "int" is_integer,
        "float" is_float, "string" is_string, "sequence" is_sequence, "iterable" is_iterable, "mapping" is_mapping,
        "startingwith" is_startingwith, "endingwith" is_endingwith, "lower" is_lower, "upper" is_upper, "eq" is_eq,
        "equalto" is_eq, "==" is_eq, "ne" is_ne, "!=" is_ne, "lt" is_lt, "lessthan" is_lt, "<" is_lt, "le" is_le,
        "<=" is_le, "gt" is_gt, "greaterthan" is_gt, ">" is_gt, "ge" is_ge, ">=" is_ge, "in" is_in, "true" is_true,
        "false" is_false,
    }
}

/// Calls a filter or a test, measuring before and after.
fn call(state: &mut State<'_, '_>, callee: &Value, args: &[Value], forecast: Option<Forecast>) -> Result<Value, Error> {
    let mut longest = 0;
    for arg in args {
        longest = longest.max(charge(state, arg)?);
    }
    if let Some(forecast) = forecast
        && forecast(args)? > VALUE_LEN_MAX.max(longest)
    {
        return Err(too_long());
    }
    let value = callee.call(state, args)?;
    made(state, value, longest)
}

/// A value that was made of one that is `longest` bytes long.
fn made(state: &mut State<'_, '_>, value: Value, longest: usize) -> Result<Value, Error> {
    if charge(state, &value)? > VALUE_LEN_MAX.max(longest) {
        return Err(too_long());
    }
    Ok(value)
}

/// Adds the length of a value to the work of this rendering, and gives it.
pub(super) fn charge(state: &mut State<'_, '_>, value: &Value) -> Result<usize, Error> {
    let work = state.get_or_insert_extension_with(Work::default);
    let room = WORK_MAX.saturating_sub(work.0);
    let mut len = 0;
    let is_whole = add_len(value, &mut len, room, 0);
    work.0 = work.0.saturating_add(len.max(1));
    if is_whole { Ok(len) } else { Err(invalid("it reads and makes more than 2 MiB of text")) }
}

/// Adds the length of a value with all that is in it; `false` once it is longer than there is room, or too deep.
fn add_len(value: &Value, len: &mut usize, room: usize, depth: usize) -> bool {
    if depth > DEPTH_MAX {
        return false;
    }
    *len += 1;
    match value.kind() {
        ValueKind::String => *len += value.as_str().map_or(0, str::len),
        ValueKind::Bytes => *len += value.as_bytes().map_or(0, <[u8]>::len),
        ValueKind::Seq | ValueKind::Iterable => {
            let Ok(items) = value.try_iter() else { return true };
            for item in items {
                if !add_len(&item, len, room, depth + 1) {
                    return false;
                }
            }
        }
        ValueKind::Map | ValueKind::Plain => {
            let Ok(keys) = value.try_iter() else { return true };
            for key in keys {
                let entry = value.get_item(&key).unwrap_or_default();
                if !add_len(&key, len, room, depth + 1) || !add_len(&entry, len, room, depth + 1) {
                    return false;
                }
            }
        }
        _ => {}
    }
    *len <= room
}

/// The values of `a ~ b ~ c` as one text.
fn side_by_side(state: &mut State<'_, '_>, values: Rest<Value>) -> Result<Value, Error> {
    let mut len = 0;
    for value in values.iter() {
        len += charge(state, value)?;
    }
    if len > VALUE_LEN_MAX + values.len() {
        return Err(too_long());
    }
    let text: String = values.iter().map(ToString::to_string).collect();
    made(state, Value::from(text), 0)
}

/// An operand of `*`, `/`, `//`, `%` or `**`, which would repeat a text or a list.
fn number(value: Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Number | ValueKind::Bool => Ok(value),
        kind => Err(invalid(format!("it calculates with a {kind}; write `… | int` or `… | float`"))),
    }
}

fn text_at(args: &[Value], index: usize) -> &str {
    args.get(index).and_then(Value::as_str).unwrap_or_default()
}

/// `text | replace(from, to)`.
fn replaced(args: &[Value]) -> Result<usize, Error> {
    let (text, from, to) = (text_at(args, 0), text_at(args, 1), text_at(args, 2));
    Ok(text.len().saturating_add(text.matches(from).count().saturating_mul(to.len())))
}

/// `list | join(between)`.
fn joined(args: &[Value]) -> Result<usize, Error> {
    let items = args.first().and_then(Value::len).unwrap_or_default();
    let between = args.get(1).map_or(0, |between| between.as_str().map_or(VALUE_LEN_MAX, str::len));
    Ok(items.saturating_mul(between))
}

/// A text that becomes a list: each item takes more room than its letters.
fn parted(args: &[Value]) -> Result<usize, Error> {
    match args.first().and_then(Value::as_str) {
        Some(text) if text.len() > VALUE_LEN_MAX => Err(too_long()),
        _ => Ok(0),
    }
}

/// `text | trim(characters)`.
fn trimmed(args: &[Value]) -> Result<usize, Error> {
    let characters = text_at(args, 1).len();
    if characters > TRIM_LEN_MAX { Err(invalid("`trim` takes at most 256 characters to remove")) } else { Ok(0) }
}

/// `text | indent(width)`.
fn indented(args: &[Value]) -> Result<usize, Error> {
    let width = args.iter().skip(1).find_map(|arg| arg.as_usize().or_else(|| arg.get_attr("width").ok()?.as_usize()));
    let lines = text_at(args, 0).matches(['\n', '\r']).count() + 1;
    Ok(text_at(args, 0).len().saturating_add(lines.saturating_mul(width.unwrap_or(4))))
}

/// `pattern | format(values)`: a width says how long its value becomes at least.
fn formatted(args: &[Value]) -> Result<usize, Error> {
    let pattern = text_at(args, 0);
    let has_long_width = pattern.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > WIDTH_DIGITS_MAX);
    let takes_width =
        pattern.split('%').skip(1).any(|part| part.chars().take_while(|c| !c.is_alphabetic()).any(|c| c == '*'));
    if has_long_width || takes_width {
        return Err(invalid("the pattern of `format` may have widths up to 999"));
    }
    Ok(pattern.len().saturating_add(pattern.matches('%').count().saturating_mul(1_000)))
}

fn too_long() -> Error {
    invalid("it makes a value of more than 64 KiB")
}

fn invalid(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}
