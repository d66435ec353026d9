//! In which order a column of whole names has the parts of a name. `Apellidos y Nombres`, `Cognome e Nome` and `ФИО` say that
//! the family name comes first; the values may say that it does not.

use super::given::is_given;
use crate::contact::Field;
use crate::mapping::FamilyFirst;
use crate::mapping::names::{Decisions, name_words};
use crate::profile::Head;

/// Words that name the family name, and the given name.
const FAMILY: [&str; 15] = [
    "apellido",
    "apellidos",
    "apelido",
    "apelidos",
    "sobrenome",
    "sobrenomes",
    "cognome",
    "фамилия",
    "nachname",
    "familienname",
    "surname",
    "last",
    "family",
    "nom",
    "name",
];
const GIVEN: [&str; 14] = [
    "nombre", "nombres", "nome", "nomes", "имя", "vorname", "vornamen", "prenom", "prenoms", "given", "first",
    "forename", "и", "name",
];
/// Family name, given name and patronymic by their letters, which dots may part.
const WHOLE: &str = "фио";
const WHOLE_LEN: usize = 3;
/// Two family names are usual where this word is in the plural.
const PLURAL: &str = "apellidos";

/// The column whose values begin with the family name.
pub(super) fn of(head: &Head, decisions: &Decisions) -> Option<FamilyFirst> {
    let column = decisions.of_field(Field::FullName).next()?;
    let words = name_words(head.names.get(column)?);
    let begins = |list: &[&str]| words.iter().position(|word| list.contains(&word.as_str()));
    let is_whole =
        words.iter().any(|word| word == WHOLE) || words.windows(WHOLE_LEN).any(|letters| letters.concat() == WHOLE);
    // `Name` and `Nom` are the family name only beside a word for the given name, and the other way round.
    let is_said = match (begins(&FAMILY), begins(&GIVEN)) {
        (Some(family), Some(given)) if words.get(family) != words.get(given) => family < given,
        (Some(family), Some(_)) => {
            words.iter().skip(family + 1).any(|word| GIVEN.contains(&word.as_str()) && word != "name")
        }
        _ => false,
    };
    let is_first = (is_whole || is_said) && !is_contradicted(head, column);
    is_first.then(|| FamilyFirst { column, has_two: words.iter().any(|word| word == PLURAL) })
}

/// Whether the first words are given names more often than the others are, or commas show the parts already.
fn is_contradicted(head: &Head, column: usize) -> bool {
    let (mut first, mut later, mut commas, mut names) = (0u32, 0u32, 0u32, 0u32);
    for cells in head.rows() {
        let cell = cells.get(column);
        let words: Vec<&str> = cell.split_whitespace().collect();
        let [one, others @ ..] = words.as_slice() else { continue };
        if others.is_empty() {
            continue;
        }
        names += 1;
        commas += u32::from(cell.contains(','));
        first += u32::from(is_given(one));
        later += u32::from(others.iter().any(|word| is_given(word)));
    }
    names == 0 || first > later || commas * 2 > names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::names::{Layout, assign};
    use crate::record::Row;

    fn is_family_first(name: &str, values: &[&str]) -> Option<bool> {
        let rows = values.iter().map(|value| (0, Row::from_cells([value]))).collect();
        let head = Head { names: vec![name.to_owned()], rows, ..Head::default() };
        let decisions = assign(Layout { names: &head.names, ..Layout::default() });
        of(&head, &decisions).map(|found| found.has_two)
    }

    #[test]
    fn the_name_of_a_column_tells_the_order_unless_its_values_show_another() {
        for (name, values, expected) in [
            ("Apellidos y Nombres", &["ZAMBRANO VERA MARIA JOSE", "LOOR PEDRO"] as &[&str], Some(true)),
            ("Apellido y Nombre", &["González María"], Some(false)),
            ("Cognome e Nome", &["Rossi Maria", "Bianchi Luca"], Some(false)),
            ("ФИО", &["Иванова Анна Петровна"], Some(false)),
            ("Ф.И.О. клиента", &["Иванова Анна Петровна"], Some(false)),
            ("Nom et prénom", &["DUPONT Claire"], Some(false)),
            ("Name, Vorname", &["Müller Anna"], Some(false)),
            ("Last Name First Name", &["Smith John"], Some(false)),
            ("Cognome e Nome", &["Maria Rossi", "Luca Bianchi"], None),
            ("ФИО", &["Анна Иванова"], None),
            ("Apellidos y Nombres", &["Vera, María"], None),
            ("Nombre y Apellidos", &["María Vera"], None),
            ("Vorname Name", &["Anna Müller"], None),
            ("First and Last Name", &["Ana Ruiz"], None),
            ("Full Name", &["Ana Ruiz"], None),
            ("Name", &["Ana Ruiz"], None),
        ] {
            assert_eq!(is_family_first(name, values), expected, "{name} {values:?}");
        }
    }
}
