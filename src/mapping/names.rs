//! The names that people and programs give to columns, in four languages (contract 3.8), and the nearest name to a
//! mistyped one.
//!
//! It knows names, not values: what stands under a name is not looked at. A name that would be a guess (`Number`,
//! `Department`, `Middle Name`) is not known, so its column becomes an attribute and nothing is lost.

use crate::contact::FIELDS;
use std::collections::HashMap;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// What a column with a known name holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// One value of a contact field, by its name in contract 3.1 (`phone`, `address.city`).
    Field(&'static str),
    /// A list in one cell, its items between these characters; blank items and blanks around them mean nothing.
    List {
        /// The contact field (`tags`, `phones`).
        field: &'static str,
        /// What stands between two items.
        split: char,
    },
}

/// What stands between two items of a cell when nothing says otherwise.
const SPLIT: char = ';';
/// Google Contacts writes ` ::: ` between two items; splitting at `:` leaves blank items, which mean nothing.
const SPLIT_GOOGLE: char = ':';

/// The names by field: English, then Spanish, Portuguese, Russian. Case, accents, blanks and punctuation do not count,
/// nor does a number after a phone or an e-mail. Names of contact fields themselves are added from `FIELDS`.
///
/// Sources: the platform references; the export headers of Google Contacts (old and new), HubSpot, Salesforce and
/// Outlook; chat tools for WhatsApp.
const NAMES: &[(&str, &[&str])] = &[
    ("id", &["_id", "Contact ID", "Customer ID", "Client ID", "Record ID", "Web ID"]),
    (
        "first_name",
        &[
            "First Name",
            "Given Name",
            "Forename",
            "Client First Name",
            "Nombre",
            "Nombres",
            "Primer nombre",
            "Nombre de pila",
            "Nome",
            "Primeiro nome",
            "Имя",
        ],
    ),
    (
        "last_name",
        &[
            "Last Name",
            "Surname",
            "Family Name",
            "Client Last Name",
            "Apellido",
            "Apellidos",
            "Primer apellido",
            "Sobrenome",
            "Último nome",
            "Фамилия",
        ],
    ),
    (
        "full_name",
        &[
            "Name",
            "Full Name",
            "Display Name",
            "Contact Name",
            "Customer Name",
            "Client Name",
            "Saved Name",
            "Contact",
            "First and Last Name",
            "File As",
            "Nombre completo",
            "Nombre y apellido",
            "Nombre y apellidos",
            "Nombres y apellidos",
            "Nombre del cliente",
            "Nombre de contacto",
            "Nombre del contacto",
            "Contacto",
            "Cliente",
            "Nome completo",
            "Nome e sobrenome",
            "Nome do cliente",
            "Nome do contato",
            "Contato",
            "ФИО",
            "Полное имя",
            "Имя и фамилия",
            "Фамилия и имя",
            "Имя клиента",
            "Имя контакта",
            "Клиент",
            "Контакт",
        ],
    ),
    (
        "phone",
        &[
            "Phone",
            "Phone Number",
            "Phone Value",
            "Telephone",
            "Telephone Number",
            "Tel",
            "Mobile",
            "Mobile Phone",
            "Mobile Number",
            "Mobile Phone Number",
            "Cell",
            "Cell Phone",
            "Cellphone",
            "Cell Number",
            "Cellular",
            "Primary Phone",
            "Main Phone",
            "Home Phone",
            "Work Phone",
            "Business Phone",
            "Other Phone",
            "Contact Phone",
            "Contact Number",
            "Client Phone",
            "Customer Phone",
            "Formatted Phone",
            "WhatsApp",
            "WhatsApp Number",
            "WhatsApp Phone",
            "WhatsApp Phone Number",
            "Teléfono",
            "Número de teléfono",
            "Número telefónico",
            "Núm. de teléfono",
            "Nro. de teléfono",
            "Móvil",
            "Teléfono móvil",
            "Número móvil",
            "Número de móvil",
            "Celular",
            "Teléfono celular",
            "Número de celular",
            "Número celular",
            "Teléfono principal",
            "Teléfono de casa",
            "Teléfono particular",
            "Teléfono del trabajo",
            "Teléfono de contacto",
            "Teléfono fijo",
            "Número de WhatsApp",
            "Teléfono WhatsApp",
            "Telefone",
            "Número de telefone",
            "Telemóvel",
            "Telefone celular",
            "Telefone móvel",
            "Fone",
            "Telefone de contato",
            "Telefone comercial",
            "Telefone residencial",
            "Telefone fixo",
            "Телефон",
            "Номер телефона",
            "Номер тел.",
            "Тел.",
            "Мобильный",
            "Мобильный телефон",
            "Моб. телефон",
            "Моб. тел.",
            "Номер мобильного",
            "Сотовый",
            "Сотовый телефон",
            "Рабочий телефон",
            "Домашний телефон",
            "Основной телефон",
            "Контактный телефон",
            "Телефон клиента",
            "Ватсап",
            "Вотсап",
            "Номер WhatsApp",
        ],
    ),
    (
        "email",
        &[
            "E-mail",
            "Email Address",
            "Email Value",
            "Mail",
            "Primary Email",
            "Work Email",
            "Home Email",
            "Other Email",
            "Contact Email",
            "Client Email",
            "Customer Email",
            "Correo",
            "Correo electrónico",
            "Dirección de correo",
            "Dirección de correo electrónico",
            "Email principal",
            "Correo electrónico principal",
            "Correo de contacto",
            "Correio eletrônico",
            "Correio electrónico",
            "Endereço de e-mail",
            "Endereço de correio eletrônico",
            "Почта",
            "Эл. почта",
            "Электронная почта",
            "Адрес электронной почты",
            "Адрес эл. почты",
            "Емейл",
            "Имейл",
            "Эл. адрес",
            "Электронный адрес",
            "Email клиента",
        ],
    ),
    (
        "address.street",
        &[
            "Address",
            "Street",
            "Street Address",
            "Address Line",
            "Mailing Street",
            "Mailing Address",
            "Home Street",
            "Home Address",
            "Business Street",
            "Business Address",
            "Dirección",
            "Domicilio",
            "Calle",
            "Dirección postal",
            "Endereço",
            "Rua",
            "Logradouro",
            "Адрес",
            "Улица",
        ],
    ),
    (
        "address.city",
        &[
            "City",
            "Town",
            "Mailing City",
            "Home City",
            "Business City",
            "Ciudad",
            "Localidad",
            "Municipio",
            "Población",
            "Cidade",
            "Localidade",
            "Город",
            "Населённый пункт",
        ],
    ),
    (
        "address.state",
        &[
            "State",
            "Province",
            "Region",
            "State/Region",
            "State/Province",
            "Address Region",
            "Mailing State",
            "Mailing State/Province",
            "Home State",
            "Business State",
            "Estado",
            "Provincia",
            "Región",
            "Estado/Provincia",
            "Estado/Región",
            "Comunidad autónoma",
            "Região",
            "UF",
            "Регион",
            "Область",
            "Край",
            "Область/край",
        ],
    ),
    (
        "address.zip",
        &[
            "Zip",
            "Zip Code",
            "Postal Code",
            "Postcode",
            "Zip/Postal Code",
            "Address Postal Code",
            "Mailing Postal Code",
            "Mailing Zip",
            "Mailing Zip/Postal Code",
            "Home Postal Code",
            "Business Postal Code",
            "Código postal",
            "C.P.",
            "CEP",
            "Индекс",
            "Почтовый индекс",
        ],
    ),
    (
        "address.country",
        &[
            "Country",
            "Country/Region",
            "Country ID",
            "Mailing Country",
            "Home Country",
            "Home Country/Region",
            "Business Country",
            "Business Country/Region",
            "País",
            "País/Región",
            "País/Região",
            "Страна",
            "Страна/регион",
        ],
    ),
    (
        "document.type",
        &[
            "ID Type",
            "Type of Document",
            "Tipo de documento",
            "Tipo de identificación",
            "Tipo documento",
            "Tipo identificación",
            "Тип документа",
        ],
    ),
    (
        "document.number",
        &[
            "ID Number",
            "Document",
            "Document ID",
            "Passport",
            "Passport Number",
            "National ID",
            "Documento",
            "Número de documento",
            "Nro. de documento",
            "Identificación",
            "Número de identificación",
            "Cédula",
            "Número de cédula",
            "Cédula de identidad",
            "DNI",
            "NIF",
            "RUC",
            "RUT",
            "CURP",
            "Pasaporte",
            "CPF",
            "CPF/CNPJ",
            "Documento de identidade",
            "Passaporte",
            "Номер документа",
            "Паспорт",
            "Номер паспорта",
        ],
    ),
    (
        "notes",
        &[
            "Note",
            "Description",
            "Comment",
            "Comments",
            "Remarks",
            "Nota",
            "Notas",
            "Comentario",
            "Comentarios",
            "Observación",
            "Observaciones",
            "Descripción",
            "Comentário",
            "Comentários",
            "Observação",
            "Observações",
            "Descrição",
            "Заметка",
            "Заметки",
            "Комментарий",
            "Комментарии",
            "Примечание",
            "Примечания",
            "Описание",
        ],
    ),
    ("owner.id", &["Agent ID", "HubSpot Owner ID", "Contact Owner ID"]),
    (
        "owner.name",
        &[
            "Owner",
            "Contact Owner",
            "Account Owner",
            "Account Manager",
            "Agent",
            "Agent Name",
            "Assigned To",
            "Assignee",
            "Propietario",
            "Propietario del contacto",
            "Agente",
            "Agente asignado",
            "Asignado a",
            "Asesor",
            "Responsable",
            "Proprietário",
            "Proprietário do contato",
            "Responsável",
            "Atribuído a",
            "Ответственный",
            "Менеджер",
            "Агент",
            "Владелец контакта",
        ],
    ),
    ("owner.email", &["Agent Email", "Contact Owner Email", "Correo del agente", "Email do agente", "Email менеджера"]),
    ("created_at", &["Created Date", "Creation Date"]),
    ("updated_at", &["Last Modified Date", "Updated Date"]),
];

/// The names of lists in one cell.
const LISTS: &[(&str, char, &[&str])] = &[
    ("phones", SPLIT, &["Phone Numbers", "Teléfonos", "Telefones", "Celulares", "Телефоны", "Номера телефонов"]),
    ("emails", SPLIT, &["E-mail Addresses", "Correos", "Correos electrónicos", "Адреса электронной почты"]),
    ("handles", SPLIT, &["Messengers", "Мессенджеры"]),
    ("tags", SPLIT_GOOGLE, &["Labels", "Group Membership"]),
    (
        "tags",
        SPLIT,
        &[
            "Tag",
            "Tag Names",
            "Label",
            "Segment",
            "Segments",
            "Categories",
            "Groups",
            "Contact Tags",
            "Lists",
            "Etiqueta",
            "Etiquetas",
            "Segmento",
            "Segmentos",
            "Categorías",
            "Grupos",
            "Listas",
            "Marcadores",
            "Categorias",
            "Тег",
            "Теги",
            "Метка",
            "Метки",
            "Сегмент",
            "Сегменты",
            "Группы",
            "Категории",
            "Ярлыки",
        ],
    ),
];

/// First names where there is a column for the last name, whole names where there is none.
const FIRST_OR_FULL: &[&str] = &["Name", "Nombre", "Nombres", "Nome", "Имя"];

/// All known names, folded.
static KNOWN: LazyLock<HashMap<String, Known>> = LazyLock::new(|| {
    let fields = FIELDS.iter().map(|(field, name)| {
        let known = if field.is_list() { Known::List { field: name, split: SPLIT } } else { Known::Field(name) };
        (fold(name), known)
    });
    let names = NAMES.iter().flat_map(|(field, names)| names.iter().map(|name| (fold(name), Known::Field(field))));
    let lists = LISTS
        .iter()
        .flat_map(|(field, split, names)| names.iter().map(|name| (fold(name), Known::List { field, split: *split })));
    names.chain(lists).chain(fields).collect()
});

/// What a column of this name holds, where the name is known; case, accents, blanks and punctuation do not count.
///
/// A number after a phone or an e-mail (`Phone 2 - Value`) does not either, nor a `1` after anything.
pub fn known_column(name: &str) -> Option<Known> {
    let name = fold(name);
    let exact = KNOWN.get(&name);
    exact.or_else(|| numbered(&name)).copied()
}

/// What the columns of a header hold. Where [`known_column`] cannot tell from one name, the others do: `Nombre` beside
/// `Apellido` is the first name, alone it is the whole name.
pub fn known_columns<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Option<Known>> {
    let names: Vec<&str> = names.into_iter().collect();
    let mut known: Vec<Option<Known>> = names.iter().map(|name| known_column(name)).collect();
    let is_unsure = |name: &str| FIRST_OR_FULL.iter().any(|word| fold(word) == fold(name));
    let unsure: Vec<bool> = names.iter().map(|name| is_unsure(name)).collect();
    let sure = |field| known.iter().zip(&unsure).any(|(known, unsure)| !unsure && *known == Some(Known::Field(field)));
    let first = match (sure("first_name"), sure("last_name")) {
        (true, _) => false,
        (false, true) => true,
        (false, false) => sure("full_name"),
    };
    let field = if first { "first_name" } else { "full_name" };
    for (known, _) in known.iter_mut().zip(&unsure).filter(|(_, unsure)| **unsure) {
        *known = Some(Known::Field(field));
    }
    known
}

/// `phone2value` as `phonevalue`.
fn numbered(name: &str) -> Option<&'static Known> {
    let number: String = name.chars().filter(char::is_ascii_digit).collect();
    let word: String = name.chars().filter(|c| !c.is_ascii_digit()).collect();
    let repeats = |known: &&Known| matches!(known, Known::Field("phone" | "email"));
    match number.as_str() {
        "" => None,
        "1" => KNOWN.get(&word),
        _ => KNOWN.get(&word).filter(repeats),
    }
}

/// The name without what does not count: case, accents, blanks, punctuation.
fn fold(name: &str) -> String {
    let letters = name.nfkd().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Names longer than this are not measured: nobody mistypes a paragraph, and measuring costs the square of it.
const NEAREST_LEN_MAX: usize = 100;
/// How much of the beginning must agree for a name to be near by its beginning.
const PREFIX_LEN_MIN: usize = 3;

/// The name that was probably meant: the fewest letters added, left out, changed or swapped with their neighbour, at
/// most one in three; failing that, one that begins with what is wanted or the other way round. The first of equals.
///
/// Case, accents, blanks and punctuation do not count.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = fold(wanted).chars().collect();
    if wanted.is_empty() || wanted.len() > NEAREST_LEN_MAX {
        return None;
    }
    let ranked = names.into_iter().filter_map(|name| Some((rank(&wanted, name)?, name)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name)
}

/// How far a name is off, smaller is nearer: by its letters, then by its beginning.
fn rank(wanted: &[char], name: &str) -> Option<(bool, usize)> {
    let name: Vec<char> = fold(name).chars().collect();
    let (shorter, longer) = (wanted.len().min(name.len()), wanted.len().max(name.len()));
    if shorter == 0 || longer > NEAREST_LEN_MAX {
        return None;
    }
    let limit = (longer / 3).max(1);
    if longer - shorter <= limit && shorter > 1 {
        let distance = distance(wanted, &name);
        if distance <= limit {
            return Some((false, distance));
        }
    }
    let begins = shorter >= PREFIX_LEN_MIN && wanted.iter().zip(&name).take(shorter).all(|(a, b)| a == b);
    begins.then_some((true, longer - shorter))
}

/// Damerau-Levenshtein distance, where no letter is touched twice (optimal string alignment).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = Vec::with_capacity(last.len());
        row.push(i + 1);
        for (j, b) in other.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&last, j) + usize::from(a != b);
            let mut least = changed.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && one.get(i - 1) == Some(b) && other.get(j - 1) == Some(a);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}
