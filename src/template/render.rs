//! A template and its values as text, of bounded length. It does not parse.

use super::limits::VALUE_LEN_MAX;
use super::measure;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, ErrorKind, Output, State};

/// Writes a value: a list with `; ` between its items, a missing value as nothing.
pub(super) fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    if matches!(value.kind(), ValueKind::None | ValueKind::Undefined) {
        return Ok(());
    }
    measure::charge(state, value)?;
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        let items: Vec<String> = value.try_iter()?.map(|item| item.to_string()).collect();
        return minijinja::escape_formatter(out, state, &Value::from(items.join("; ")));
    }
    minijinja::escape_formatter(out, state, value)
}

/// Renders a template with these values of its roots.
///
/// # Errors
/// The reason why it could not be rendered.
pub fn render(
    env: &Environment<'static>,
    name: &str,
    roots: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<String, String> {
    let template = env.get_template(name).map_err(|error| error.to_string())?;
    let mut out = Capped(Vec::new());
    match template.render_captured_to(Value::from_pairs(roots), &mut out) {
        Ok(_) => String::from_utf8(out.0).map_err(|_| "it gave bytes that are no text".to_owned()),
        Err(_) if out.0.len() >= VALUE_LEN_MAX => Err("it gave more than 64 KiB".to_owned()),
        Err(error) if error.kind() == ErrorKind::OutOfFuel => Err("it takes too long".to_owned()),
        Err(error) => Err(error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)),
    }
}

/// A buffer that refuses to grow beyond [`VALUE_LEN_MAX`].
struct Capped(Vec<u8>);

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = VALUE_LEN_MAX.saturating_sub(self.0.len()).min(bytes.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or_default());
        match room == bytes.len() {
            true => Ok(room),
            false => Err(std::io::ErrorKind::FileTooLarge.into()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
