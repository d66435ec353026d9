//! Countries by their names: ISO codes, calling codes, and names in seven languages.
//!
//! The names are those of Unicode CLDR 48.2 (`territories.tsv`: two letters, three letters, names; English first, then
//! Spanish, Portuguese, Russian, German, French and Italian, with CLDR's short forms and variants). `just territories`
//! writes the file again from a newer CLDR. What CLDR does not have, and address lists do, is [`EVERYDAY`].

use super::plan::PLANS;
use std::collections::HashMap;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// One line a country.
const TERRITORIES: &str = include_str!("territories.tsv");
/// Names are at most this long, in bytes; a longer cell is no country.
const NAME_LEN_MAX: usize = 120;
/// Digits after a calling code that tell countries which share it apart (`1 809`, `44 1481`).
const LEADING_LEN_MAX: usize = 4;

/// Everyday forms that are in no CLDR table: formal names, old names, and parts of a country that stand for it.
const EVERYDAY: &[(&str, &[&str])] = &[
    (
        "US",
        &[
            "U.S.A.",
            "United States of America",
            "America",
            "Estados Unidos de América",
            "Estados Unidos de Norteamérica",
            "Estados Unidos da América",
            "Estados Unidos de Norteamerica EEUU",
            "EEUU",
            "Соединённые Штаты Америки",
            "Америка",
            "Vereinigte Staaten von Amerika",
            "Amerika",
            "États-Unis d'Amérique",
            "Stati Uniti d'America",
        ],
    ),
    (
        "GB",
        &[
            "UK",
            "Great Britain",
            "Britain",
            "England",
            "Scotland",
            "Wales",
            "Northern Ireland",
            "Gran Bretaña",
            "Inglaterra",
            "Grã-Bretanha",
            "Соединённое Королевство",
            "Англия",
            "Großbritannien",
            "England und Wales",
            "Grande-Bretagne",
            "Angleterre",
            "Gran Bretagna",
            "Inghilterra",
        ],
    ),
    ("RU", &["Russian Federation", "Российская Федерация", "РФ", "Federación Rusa", "Federación de Rusia"]),
    ("RU", &["Federação Russa", "Russische Föderation", "Fédération de Russie", "Federazione Russa"]),
    ("NL", &["Holland", "Holanda", "Голландия", "Hollande", "Olanda"]),
    ("AE", &["UAE", "EAU", "ОАЭ", "VAE"]),
    ("KR", &["Korea", "Republic of Korea", "Korea, Republic of", "Corea", "República de Corea", "Корея", "Corée"]),
    ("KP", &["Korea, Democratic People's Republic of", "Democratic People's Republic of Korea"]),
    ("CN", &["People's Republic of China", "PRC", "República Popular China", "КНР", "Китайская Народная Республика"]),
    ("CD", &["Democratic Republic of the Congo", "Congo, Democratic Republic of the", "DR Congo", "Zaire"]),
    (
        "CD",
        &["Democratic Republic of Congo", "Congo, Democratic Republic of", "Congo, Dem. Rep.", "Congo, DR", "Congo DR"],
    ),
    ("KP", &["Korea, Dem. People's Rep.", "Korea, DPR", "DPR Korea", "DPRK"]),
    ("TW", &["Republic of China", "Republic of China (Taiwan)", "República de China"]),
    ("CG", &["Republic of the Congo", "Congo, Republic of the", "Congo-Brazzaville"]),
    ("CZ", &["Czech", "Чешская Республика"]),
    ("DO", &["Rep. Dominicana", "R. Dominicana", "Rep. Dom.", "Santo Domingo", "Доминикана"]),
    ("SV", &["Salvador"]),
    ("MK", &["Macedonia", "FYROM", "Македония"]),
    ("MM", &["Burma", "Birmania", "Бирма"]),
    ("BY", &["Белоруссия", "Belorussia", "Bielorrusia", "Belorus"]),
    ("MD", &["Молдавия", "Moldavia"]),
    ("KG", &["Киргизия"]),
    ("TM", &["Туркмения"]),
    ("VE", &["Bolivarian Republic of Venezuela", "República Bolivariana de Venezuela"]),
    ("BO", &["Plurinational State of Bolivia", "Estado Plurinacional de Bolivia"]),
    ("IR", &["Islamic Republic of Iran"]),
    ("SY", &["Syrian Arab Republic"]),
    ("LA", &["Lao", "Lao People's Democratic Republic"]),
    ("LY", &["Libyan Arab Jamahiriya"]),
    ("TZ", &["United Republic of Tanzania"]),
    ("VA", &["Vatican", "Holy See", "Vaticano", "Santa Sede"]),
    ("CV", &["Cape Verde"]),
    ("TL", &["East Timor"]),
    ("VI", &["Virgin Islands, U.S.", "Virgin Islands, US"]),
    ("VG", &["Virgin Islands, British"]),
    ("BA", &["Bosnia", "Босния"]),
    ("XK", &["XKX"]),
];

/// Words before a name that are no part of it, in the form of [`key_of`].
const BEFORE: [&str; 8] = [
    "the",
    "republicof",
    "republicofthe",
    "republicade",
    "republicadel",
    "republicadela",
    "republiquede",
    "repubblicadi",
];

static NAMES: LazyLock<Names> = LazyLock::new(Names::read);

struct Names {
    /// Where a country's plan stands, by the key of each of its names.
    by_key: HashMap<Box<str>, u16>,
    /// The English name of each plan's country.
    english: HashMap<u16, &'static str>,
}

impl Names {
    fn read() -> Names {
        let mut names = Names { by_key: HashMap::with_capacity(4096), english: HashMap::with_capacity(256) };
        // A part of a name stands for the country only where no other country has it.
        let mut parts: HashMap<String, Option<u16>> = HashMap::new();
        for line in TERRITORIES.lines() {
            let mut cells = line.split('\t');
            let (code, three, listed) = (cells.next(), cells.next(), cells.next());
            let Some(at) = code.and_then(|code| PLANS.position(code)) else { continue };
            names.add(three.unwrap_or_default(), at);
            for name in listed.unwrap_or_default().split('|') {
                names.english.entry(at).or_insert(name);
                names.add(name, at);
                for part in parts_of(name) {
                    parts
                        .entry(part)
                        .and_modify(|known| *known = known.filter(|known| *known == at))
                        .or_insert(Some(at));
                }
            }
        }
        for (code, everyday) in EVERYDAY {
            let Some(at) = PLANS.position(code) else { continue };
            everyday.iter().for_each(|name| names.add(name, at));
        }
        for (part, at) in parts.into_iter().filter_map(|(part, at)| Some((part, at?))) {
            names.add(&part, at);
        }
        names
    }

    fn add(&mut self, name: &str, at: u16) {
        let key = key_of(name);
        // Two letters are an ISO code, and nothing else: `É.-U.` must not make `EU` the United States.
        if key.chars().count() > 2 || matches!(&*key, "uk" | "рф") {
            self.by_key.entry(key.into()).or_insert(at);
        }
    }
}

/// Names that stand for a longer one: without what is in brackets, and `and` or `Saint` written out.
fn parts_of(name: &str) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some((before, _)) = name.split_once(" (") {
        parts.push(before.to_owned());
    }
    if name.contains('&') {
        parts.push(name.replace('&', "and"));
    }
    if let Some(rest) = name.strip_prefix("St. ") {
        parts.push(format!("Saint {}", rest.replace('&', "and")));
    }
    parts
}

/// Letters and digits alone, without case and accents.
fn key_of(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for c in name.nfkd().filter(|c| c.is_alphanumeric() && !is_combining_mark(*c)) {
        match c {
            'ß' => key.push_str("ss"),
            'ł' | 'Ł' => key.push('l'),
            'ø' | 'Ø' => key.push('o'),
            _ => key.extend(c.to_lowercase()),
        }
    }
    key
}

/// Where the plan of a country stands: by its two or three letters, its calling code or its name.
pub(super) fn position(text: &str) -> Option<u16> {
    if text.len() > NAME_LEN_MAX {
        return None;
    }
    named(text).or_else(|| {
        // `Ecuador (EC)`, `Bolivia, Plurinational State of`, `EC - Ecuador`.
        let ends = [text.split_once('('), text.split_once(',')];
        let halves = text.split_once(" - ").filter(|(one, other)| named(one) == named(other)).map(|it| it.0);
        ends.into_iter().flatten().find_map(qualified).or_else(|| halves.and_then(named))
    })
}

/// A name with what explains it, which must not make it another country (`Korea, North`) nor be one (`Georgia, USA`).
fn qualified((name, rest): (&str, &str)) -> Option<u16> {
    let rest = rest.trim().trim_end_matches(')');
    let alone = named(name)?;
    let others = [named(rest), named(&format!("{rest} {name}"))];
    others.into_iter().flatten().all(|other| other == alone).then_some(alone)
}

fn named(text: &str) -> Option<u16> {
    let text = text.trim();
    if text.len() == 2
        && let Some(found) = PLANS.position(text)
    {
        return Some(found);
    }
    let key = key_of(text);
    if key.bytes().all(|byte| byte.is_ascii_digit()) {
        return of_calling(&key);
    }
    // `U.S.`; but `n/a` and `N.A.` are not Namibia.
    if key == "us" {
        return PLANS.position(&key);
    }
    let find = |key: &str| NAMES.by_key.get(key).copied();
    find(&key).or_else(|| BEFORE.iter().filter_map(|before| key.strip_prefix(before)).find_map(find))
}

/// The main country of a calling code, or the one that the digits after it tell (`1 809`).
fn of_calling(digits: &str) -> Option<u16> {
    let digits = digits.strip_prefix("00").filter(|rest| rest.len() > 1).unwrap_or(digits);
    let (main, rest) = PLANS.split_calling(digits)?;
    let code = match rest.len() {
        0 => main.code,
        1..=LEADING_LEN_MAX => PLANS.of_calling(main.calling).iter().find(|plan| plan.fit(rest).leads())?.code,
        _ => return None,
    };
    PLANS.position(code)
}

/// The English name of the country whose plan stands there.
pub(super) fn english(at: u16) -> Option<&'static str> {
    NAMES.english.get(&at).copied()
}
