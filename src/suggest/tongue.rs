//! The language of a header, voted by its words. It settles the order of day and month and which countries a phone may be
//! of; it does not translate.

use crate::yaml::fold;

/// The languages whose column names are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tongue {
    English,
    Spanish,
    Portuguese,
    Russian,
    German,
    French,
    Italian,
}

/// Words that speak for a language, without accents.
const WORDS: [(Tongue, &str); 7] = [
    (
        Tongue::English,
        "name first last phone mobile address city street birthday country company state tags notes number postal \
         zip created owner date status",
    ),
    (
        Tongue::Spanish,
        "nombre nombres apellido apellidos telefono celular movil correo ciudad direccion pais fecha nacimiento cedula \
         etiquetas observaciones cumpleanos calle provincia notas cliente vendedor saldo",
    ),
    (
        Tongue::Portuguese,
        "sobrenome telefone telemovel cidade endereco rua nascimento cpf cep cnpj bairro estado observacoes etiquetas \
         aniversario nome contato pais data",
    ),
    (Tongue::Russian, "имя фамилия телефон почта город адрес дата рождения компания теги"),
    (
        Tongue::German,
        "vorname nachname telefon handy strasse plz ort stadt geburtstag geburtsdatum firma bemerkung bemerkungen notizen \
         anrede mobiltelefon kundennummer land",
    ),
    (
        Tongue::French,
        "prenom nom telephone portable courriel ville adresse rue naissance pays societe remarques date code postal",
    ),
    (
        Tongue::Italian,
        "cognome cellulare citta indirizzo nascita paese provincia azienda nominativo cap data nome telefono via comune",
    ),
];

/// The language of these names; `None` where none is ahead.
pub(super) fn of(names: &[String]) -> Option<Tongue> {
    let mut votes: Vec<(Tongue, usize)> = WORDS.iter().map(|(tongue, _)| (*tongue, 0)).collect();
    for name in names {
        let words: Vec<String> = name.split(|c: char| !c.is_alphanumeric()).map(fold).collect();
        for (tongue, count) in &mut votes {
            *count += usize::from(words.iter().any(|word| is_word_of(*tongue, word)));
        }
    }
    votes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    match votes.as_slice() {
        [(tongue, first), (_, second), ..] if *first > *second => Some(*tongue),
        _ => None,
    }
}

fn is_word_of(tongue: Tongue, word: &str) -> bool {
    let is_cyrillic = tongue == Tongue::Russian && word.chars().any(|c| ('а'..='я').contains(&c));
    let mut lists = WORDS.iter().filter(|(known, _)| *known == tongue);
    is_cyrillic || !word.is_empty() && lists.any(|(_, words)| words.split_whitespace().any(|known| known == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_header_tell_its_language() {
        for (names, tongue) in [
            (&["Nombre y Apellidos", "Celular", "País"] as &[&str], Some(Tongue::Spanish)),
            (&["Nome", "Sobrenome", "Telefone", "CEP"], Some(Tongue::Portuguese)),
            (&["Nome", "Cognome", "Cellulare", "Città"], Some(Tongue::Italian)),
            (&["Prénom", "Nom", "Téléphone", "Ville"], Some(Tongue::French)),
            (&["Vorname", "Nachname", "Ort", "PLZ"], Some(Tongue::German)),
            (&["ФИО", "Телефон"], Some(Tongue::Russian)),
            (&["First Name", "Phone", "City"], Some(Tongue::English)),
            (&["A", "B"], None),
        ] {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(of(&names), tongue, "{names:?}");
        }
    }
}
