//! What columns are for, by their names alone: names one by one, and the headers of whole files.

use ferry::mapping::names::{Known, known_column, known_columns};
use ferry::mapping::{BindOptions, FirstRecords, Mapped, Mapping, NamesTarget};
use ferry::record::{Fields, Header, Origin, Record, Row};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::PathBuf;

#[test]
fn columns_are_known_by_names_alone() {
    let cases: &[(&str, &[&str])] = &[
        ("id", &["id", "ID", "_id"]),
        ("target_id", &["target_id", "Target ID"]),
        ("first_name", &["first_name", "First Name", "firstName", "clientFirstName", "Nombres", "Nome", "ИМЯ"]),
        ("last_name", &["last-name", "lastName", "Family Name", "Apellidos", "Sobrenome", "Фамилия"]),
        ("full_name", &["name", "full_name", "Display Name", "Nombre completo", "Nome completo", "ФИО", "Ф.И.О."]),
        (
            "phone",
            &[
                "phone",
                "Phone",
                " PHONE ",
                "\u{FEFF}Phone",
                "Phone#2",
                "Mobile Phone",
                "MobilePhone",
                "Phone 1 - Value",
                "Phone 2 - Value",
                "WhatsApp Phone Number",
                "WHATSAPP",
                "clientPhone",
                "Teléfono",
                "telefono",
                "TELÉFONO",
                "Tele\u{301}fono",
                "Teléfono 2",
                "Celular",
                "Móvil",
                "Telefone",
                "Telemóvel",
                "Телефон",
                "Номер телефона",
                "Моб. тел.",
                "Сотовый",
            ],
        ),
        (
            "email",
            &[
                "email",
                "E-mail",
                "E-mail Address",
                "E-mail 2 Address",
                "E-mail 1 - Value",
                "Correo electrónico",
                "Correo",
                "Endereço de e-mail",
                "Почта",
                "Эл. почта",
                "Электронная почта",
            ],
        ),
        ("address.street", &["address", "Mailing Street", "address.street", "Dirección", "Endereço", "Адрес"]),
        ("address.city", &["City", "Home City", "Address 1 - City", "Ciudad", "Cidade", "Город", "address.city"]),
        ("address.state", &["State", "State/Region", "Address 1 - Region", "Provincia", "Estado", "UF", "Область"]),
        ("address.zip", &["Zip", "zip_code", "MailingPostalCode", "Código postal", "CEP", "Индекс"]),
        ("address.country", &["Country", "Country/Region", "country_id", "País", "Страна"]),
        ("document.type", &["id_type", "Tipo de documento", "Тип документа"]),
        ("document.number", &["id_number", "Cédula", "DNI", "CPF", "Паспорт", "Número de documento"]),
        (
            "phone",
            &[
                "Handy-Nr.",
                "Mobilnummer",
                "Tél. portable",
                "N° de téléphone",
                "Cellulare",
                "Work Mobile",
                "SMS",
                "phones",
            ],
        ),
        ("email", &["E-Mail-Adresse", "Courriel", "Adresse e-mail", "Posta elettronica", "Work Email 2", "user_email"]),
        ("first_name", &["Vorname", "Prénom", "Nome di battesimo"]),
        ("last_name", &["Nachname", "Nom de famille", "Cognome"]),
        ("address.street", &["Straße", "STRASSE", "Rue", "Indirizzo", "Billing Address", "Address Line 1"]),
        ("address.city", &["Ort", "Ville", "Città", "City 2"]),
        ("address.state", &["Bundesland", "Provincia", "Région"]),
        ("address.zip", &["PLZ", "Code postal", "CAP"]),
        ("address.country", &["Land", "Pays", "Paese", "Billing Country Code"]),
        ("tags", &["Schlagworte", "Étiquettes", "Etichette", "Labels", "Group Membership"]),
        ("notes", &["Bemerkungen", "Remarques", "Note"]),
        ("notes", &["notes", "Description", "Notas", "Observações", "Комментарий"]),
        ("owner.id", &["agent_id", "owner.id", "OwnerId"]),
        ("owner.name", &["Contact owner", "Account Manager", "Agente", "Responsável", "Ответственный"]),
        ("owner.email", &["owner.email", "Agent Email"]),
        ("created_at", &["created_at", "createdAt", "creation_date", "CreatedDate"]),
        ("updated_at", &["updatedAt", "LastModifiedDate"]),
    ];
    for (field, names) in cases {
        for name in *names {
            assert_eq!(known_column(name), Some(Known::Field(field)), "`{name}`");
        }
    }
    for (known, names) in [
        (Known::Label, ["Phone 1 - Type", "E-mail 1 - Label", "Tipo de teléfono"]),
        (Known::OwnId, ["Record ID", "hs_object_id", "ID контакта"]),
        (Known::Counter, ["#", "Row Number", "№"]),
        (Known::Region, ["Country Code", "Код страны", "Phone Country Code"]),
    ] {
        for name in names {
            assert_eq!(known_column(name), Some(known), "`{name}`");
        }
    }
    for name in [
        "",
        " ",
        "Plan",
        "Lead Score",
        "Middle Name",
        "Отчество",
        "Company",
        "Número",
        "Departamento",
        "ferry_line",
        "2",
        "Birthday",
        "Fecha de nacimiento",
        "native.phone",
        "attributes.phone",
        "Company Phone",
        "Assistant's Phone",
        "Email Opt Out",
        "No Email",
        "Is Mobile",
        "User Name",
        "Business Name",
        "Number of Emails",
        "Street Number",
        "Fax",
        "Pager",
        "Work Fax",
        "Estado del cliente",
        "Vía de contacto",
        "Shipping Phone",
        "Last Contacted",
        "File As",
    ] {
        assert_eq!(known_column(name), None, "`{name}`");
    }
}

#[test]
fn the_other_columns_show_whether_a_name_is_a_first_or_a_full_name() {
    let cases: &[(&[&str], &[Option<&str>])] = &[
        (&["Nombre", "Teléfono"], &[Some("full_name"), Some("phone")]),
        (&["Nombre", "Apellido"], &[Some("first_name"), Some("last_name")]),
        (&["name", "surname", "plan"], &[Some("first_name"), Some("last_name"), None]),
        (&["Name", "Given Name", "Family Name"], &[Some("full_name"), Some("first_name"), Some("last_name")]),
        (&["Nombre", "Nombre completo"], &[Some("first_name"), Some("full_name")]),
        (&["Имя", "Фамилия"], &[Some("first_name"), Some("last_name")]),
        (&["Имя"], &[Some("full_name")]),
        (&["First Name"], &[Some("first_name")]),
        (&[], &[]),
    ];
    for (names, expected) in cases {
        let expected: Vec<Option<Known>> = expected.iter().map(|field| field.map(Known::Field)).collect();
        assert_eq!(known_columns(names.iter().copied()), expected, "{names:?}");
    }
}

/// The layouts of whole files, each a heading and a line a column: `Mobile → phone`.
const LAYOUTS: &str = include_str!("names/layouts.txt");

fn header(names: &[&str]) -> Header {
    Header::Columns(names.iter().map(|name| (*name).to_owned()).collect())
}

/// The headings of the layouts, with their columns.
fn layouts() -> Vec<(&'static str, Vec<&'static str>)> {
    let blocks = LAYOUTS.split("== ").skip(1);
    let layout = |block: &'static str| {
        let (heading, columns) = block.split_once('\n').unwrap();
        (heading, columns.lines().filter_map(|line| Some(line.split_once(" → ")?.0)).collect())
    };
    blocks.map(layout).collect()
}

/// Every layout, with what its columns become. `FERRY_TEST_WRITE=1` writes the file again; read the difference before
/// keeping it.
#[test]
fn each_layout_is_recognised() {
    let mut found = String::new();
    for (heading, columns) in layouts() {
        let plan = Mapping::by_names(&header(&columns)).plan;
        found.push_str(&format!("== {heading}\n{}\n\n", plan.every_column().join("\n")));
    }
    let found = found.trim_end().to_owned() + "\n";
    if std::env::var_os("FERRY_TEST_WRITE").is_some() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/all/names/layouts.txt");
        std::fs::write(path, found).unwrap();
        return;
    }
    for (expected, found) in LAYOUTS.lines().zip(found.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), LAYOUTS.lines().count());
}

#[test]
fn an_address_is_taken_from_the_group_that_is_filled_most() {
    let names = ["Name", "Home Street", "Home City", "Business Street", "Business City", "Country"];
    let cases: &[(&[u64], [&str; 2])] = &[
        (&[], ["Home Street", "Home City"]),
        (&[9, 3, 3, 3, 3, 0], ["Home Street", "Home City"]),
        (&[9, 3, 3, 9, 0, 0], ["Business Street", "Business City"]),
        (&[9, 0, 0, 1, 0, 0], ["Business Street", "Business City"]),
    ];
    for (filled, expected) in cases {
        let first = FirstRecords { filled: filled.to_vec(), ..FirstRecords::default() };
        let plan = Mapping::by_names_of(&header(&names), &first, None).plan;
        let of_address = plan.every_column().iter().filter(|line| line.contains("→ address."));
        let taken: Vec<&str> = of_address.filter_map(|line| Some(line.split_once(" → ")?.0)).collect();
        assert_eq!(taken, expected, "{filled:?}");
    }
}

/// Columns with the name of their cell's content, in a row.
fn row(cells: &[(&str, &str)]) -> (Header, Record) {
    let names: Vec<&str> = cells.iter().map(|(name, _)| *name).collect();
    let texts: Vec<&str> = cells.iter().map(|(_, text)| *text).collect();
    let fields = Fields::Row(Row::from_cells(&texts));
    (header(&names), Record { origin: Origin { ordinal: 0, line: 2 }, fields, raw: Box::default() })
}

fn mapped(cells: &[(&str, &str)], target: Option<NamesTarget<'_>>) -> serde_json::Value {
    let (header, record) = row(cells);
    let mapping = Mapping::by_names_of(&header, &FirstRecords::default(), target).mapping;
    let bound = mapping.bind(&header, &BindOptions::default()).unwrap_or_else(|errors| panic!("{errors}"));
    match bound.apply(&record) {
        Mapped::Contact(wanted) => {
            let mut contact = wanted.contact.to_json();
            let left: Vec<String> =
                wanted.left_blank.iter().map(|left| format!("{} {}", left.code, left.value)).collect();
            if !left.is_empty() {
                contact.insert("left_blank".to_owned(), left.into());
            }
            contact.into()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn phones_are_in_the_order_for_messages() {
    const FIXED: &str = "+59322345678";
    const MOBILE: &str = "+593995017733";
    const FURTHER: &str = "+593995017734";
    let cases: &[(&[(&str, &str)], &[&str])] = &[
        (&[("Phone", FIXED), ("Mobile", MOBILE)], &[MOBILE, FIXED]),
        (&[("Teléfono", MOBILE), ("Celular", FIXED), ("WhatsApp", FURTHER)], &[FURTHER, FIXED, MOBILE]),
        (&[("Work Phone", FIXED), ("Home Phone", MOBILE)], &[MOBILE, FIXED]),
        (&[("Phone", FURTHER), ("Phone 2", FIXED), ("Phone 3", MOBILE)], &[FURTHER, MOBILE, FIXED]),
        (&[("Phone", "+12125550123"), ("Phone 2", FIXED), ("Phone 3", MOBILE)], &[MOBILE, "+12125550123", FIXED]),
        (&[("Business Fax", FIXED), ("Phone", MOBILE), ("Pager", FURTHER)], &[MOBILE]),
        (&[("Company Main Phone", FIXED), ("Phone", MOBILE)], &[MOBILE]),
        (&[("phone", FIXED), ("phones", MOBILE)], &[FIXED, MOBILE]),
    ];
    for (cells, expected) in cases {
        let mut cells = cells.to_vec();
        cells.insert(0, ("Name", "Ana"));
        assert_eq!(mapped(&cells, None)["phones"], serde_json::json!(expected), "{cells:?}");
    }
}

#[test]
fn what_a_neighbour_calls_a_fax_is_no_phone() {
    let cells = [
        ("Name", "Ana"),
        ("Phone 1 - Type", "Work Fax"),
        ("Phone 1 - Value", "+59322345678"),
        ("Phone 2 - Type", "Mobile"),
        ("Phone 2 - Value", "+593995017733"),
    ];
    let contact = mapped(&cells, None);
    assert_eq!(contact["phones"], serde_json::json!(["+593995017733"]));
    assert_eq!(contact["left_blank"], serde_json::json!(["phone.fax +59322345678"]));
}

#[test]
fn names_are_taken_whole_and_none_is_lost() {
    let shop = NamesTarget { title: "Shop", needs_last_name: true };
    for (cells, target, expected) in [
        (
            [("First Name", "Ana"), ("Last Name", "Ruiz"), ("Full Name", "Ana Ruiz")],
            None,
            serde_json::json!({"first_name": "Ana", "last_name": "Ruiz"}),
        ),
        (
            [("First Name", "Ana"), ("Last Name", "Ruiz"), ("Full Name", "Anita")],
            None,
            serde_json::json!({"first_name": "Ana", "last_name": "Ruiz", "attributes": {"Full Name": "Anita"}}),
        ),
        (
            [("First Name", ""), ("Last Name", ""), ("Full Name", "Ana Ruiz")],
            None,
            serde_json::json!({"full_name": "Ana Ruiz"}),
        ),
        (
            [("First Name", "Ana"), ("Last Name", ""), ("Full Name", "Ana Ruiz")],
            Some(shop),
            serde_json::json!({"first_name": "Ana", "last_name": "Ruiz"}),
        ),
        (
            [("First Name", "Ana"), ("Last Name", ""), ("Full Name", "")],
            Some(shop),
            serde_json::json!({"first_name": "Ana", "last_name": "-"}),
        ),
        (
            [("Name", "Ana"), ("Phone", "+593995017733"), ("Nombre", "Anita")],
            Some(shop),
            serde_json::json!({"last_name": "-", "full_name": "Ana", "phone": "+593995017733",
                "phones": ["+593995017733"], "attributes": {"Nombre": "Anita"}}),
        ),
        (
            [("first_name", "Ana"), ("last_name", "Ruiz"), ("full_name", "Anita")],
            None,
            serde_json::json!({"first_name": "Ana", "last_name": "Ruiz", "full_name": "Anita"}),
        ),
    ] {
        assert_eq!(mapped(&cells, target), expected, "{cells:?}");
    }
}

#[test]
fn the_country_of_a_record_is_the_region_of_its_phones() {
    let cells = [("Name", "Ana"), ("Phone", "099 501 7733"), ("País", "EC")];
    assert_eq!(mapped(&cells, None)["phone"], "+593995017733");
}

/// Names of all layouts, those of one column once.
fn all_names() -> Vec<&'static str> {
    let names: BTreeSet<&str> = layouts().into_iter().flat_map(|(_, columns)| columns).collect();
    names.into_iter().collect()
}

proptest! {
    /// Whatever columns stand together: each has one decision, and its value is in the contact unless the plan leaves
    /// the column out. A column that is not known changes no other decision.
    #[test]
    fn every_column_is_accounted_for(names in proptest::sample::subsequence(all_names(), 1..30).prop_shuffle()) {
        let value = |at: usize, name: &str| match known_column(name) {
            Some(Known::Field("phone")) => format!("+59399501{:04}", 7000 + at),
            Some(Known::Field("email")) => format!("v{at}x@example.com"),
            _ => format!("v{at}x"),
        };
        let texts: Vec<String> = names.iter().enumerate().map(|(at, name)| value(at, name)).collect();
        let cells: Vec<(&str, &str)> = names.iter().copied().zip(texts.iter().map(String::as_str)).collect();
        let plan = Mapping::by_names(&header(&names)).plan;
        let told: Vec<(&str, &str)> = plan.every_column().iter().filter_map(|line| line.split_once(" → ")).collect();
        prop_assert_eq!(told.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names.clone());
        let contact = mapped(&cells, None).to_string();
        for ((name, becomes), text) in told.iter().zip(&texts) {
            prop_assert_eq!(contact.contains(text.as_str()), !becomes.starts_with("left out"), "{}: {}", name, contact);
        }
        let mut more = names.clone();
        more.insert(0, "Zapatos");
        let with_more = Mapping::by_names(&header(&more)).plan;
        prop_assert_eq!(&with_more.every_column()[1..], plan.every_column());
    }
}
