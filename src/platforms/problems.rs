//! Problems of a record that several platforms have. It does not decide when one applies.

use crate::contact::Field;
use crate::outcome::Problem;

/// A name without which the platform creates no contact.
pub(super) fn missing_name(title: &str, field: Field) -> Problem {
    let (name, words) = match field {
        Field::LastName => ("last_name", "last name"),
        _ => ("first_name", "first name"),
    };
    Problem::new(format!("{name}.missing"), format!("{title} needs a {words}, and there is none"))
        .at(name)
        .hint(format!("give it one in the mapping: `{name}: {{ from: …, default: \"-\" }}`"))
}
