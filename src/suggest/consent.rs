//! Columns that say whether a contact may be written to: `Opt-in`, `Acepta promos`, `Unsubscribed`. A user decides what
//! follows from them, so they are never a rule: the mapping has a comment with the expression that leaves contacts out.

use super::suggestion::Suggestion;
use crate::mapping::names::name_words;

/// Words of a name that speaks of consent: a yes allows.
const ALLOW: &[&str] = &[
    "accept",
    "accepts",
    "accepted",
    "allow",
    "allows",
    "agree",
    "agreed",
    "optin",
    "consent",
    "consented",
    "subscribed",
    "subscription",
    "newsletter",
    "acepta",
    "acepto",
    "autoriza",
    "autorizo",
    "consentimiento",
    "suscrito",
    "suscripcion",
    "recibe",
    "recibir",
    "aceita",
    "aceito",
    "consentimento",
    "inscrito",
    "recebe",
    "receber",
    "согласие",
    "согласен",
    "подписка",
    "подписан",
    "рассылка",
    "einwilligung",
    "abonniert",
    "zustimmung",
    "consentement",
    "abonne",
    "inscrit",
    "consenso",
    "accetta",
    "accetto",
    "autorizza",
    "iscritto",
    "riceve",
    "allowbroadcast",
    "allowsms",
    "permission",
    "lopd",
    "gdpr",
    "rgpd",
    "lgpd",
];
/// Of a name by which a yes forbids.
const FORBID: &[&str] = &[
    "unsubscribed",
    "unsubscribe",
    "optout",
    "dnc",
    "dnd",
    "blacklisted",
    "blacklist",
    "donotcontact",
    "donotcall",
    "desuscrito",
    "baja",
    "nocontactar",
    "descadastrado",
    "naocontatar",
    "отписан",
    "отписка",
    "abgemeldet",
    "widerspruch",
    "desabonne",
    "desinscrit",
    "disiscritto",
    "spam",
];
/// Pairs of words that are one: `Opt Out`.
const PAIRS: &[(&str, &str, &str)] = &[
    ("opt", "in", "optin"),
    ("opt", "out", "optout"),
    ("no", "contactar", "nocontactar"),
    ("no", "contactado", "nocontactar"),
    ("nao", "contatar", "naocontatar"),
    ("not", "contact", "donotcontact"),
    ("not", "call", "donotcall"),
    ("not", "email", "donotcontact"),
    ("not", "disturb", "dnd"),
];
const YES: &[&str] = &[
    "yes",
    "y",
    "true",
    "1",
    "si",
    "sí",
    "s",
    "sim",
    "да",
    "ja",
    "j",
    "oui",
    "o",
    "vero",
    "verdadero",
    "verdadeiro",
    "vrai",
    "wahr",
    "x",
    "on",
    "subscribed",
    "opted in",
    "opted_in",
    "active",
    "suscrito",
    "inscrito",
];
const NO: &[&str] = &[
    "no",
    "n",
    "false",
    "0",
    "não",
    "nao",
    "нет",
    "nein",
    "non",
    "falso",
    "faux",
    "falsch",
    "off",
    "unsubscribed",
    "never subscribed",
    "never_subscribed",
    "opted out",
    "opted_out",
    "cleaned",
    "bounced",
    "desuscrito",
    "baja",
];

/// What one column says about consent.
pub(super) struct Consent {
    /// In a sentence.
    pub said: String,
    /// The expression that keeps the contacts that may be written to.
    pub only_if: String,
}

/// Whether a yes allows, of a name that speaks of consent.
fn is_allowing(name: &str) -> Option<bool> {
    let words = name_words(name);
    let pairs = words.windows(2).filter_map(|two| {
        PAIRS
            .iter()
            .find(|(one, other, _)| two.first().is_some_and(|it| it == one) && two.get(1).is_some_and(|it| it == other))
    });
    let mut all: Vec<&str> = words.iter().map(String::as_str).collect();
    all.extend(pairs.map(|(_, _, together)| *together));
    let has = |list: &[&str]| all.iter().any(|word| list.contains(word));
    match (has(FORBID), has(ALLOW)) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    }
}

impl Suggestion {
    /// The columns that speak of consent.
    pub(super) fn consents(&self) -> Vec<Consent> {
        let one = |(at, name): (usize, &String)| {
            let is_allowing = is_allowing(name)?;
            let column = self.profile.columns.get(at).filter(|_| self.field_of(at).is_none())?;
            let values = column.values.as_ref()?;
            let of = |list: &[&str]| -> Vec<(String, u64)> {
                let low = values.iter().map(|(value, n)| (value.to_lowercase(), *n));
                low.filter(|(value, _)| list.contains(&value.as_str())).collect()
            };
            let (yes, no) = (of(YES), of(NO));
            let sum = |found: &[(String, u64)]| found.iter().map(|(_, n)| n).sum::<u64>();
            let is_known = (sum(&yes) + sum(&no)) * 10 >= column.filled * 9 && column.filled > 0;
            let forbidding = if is_allowing { no } else { yes };
            let n = sum(&forbidding);
            if !is_known || n == 0 {
                return None;
            }
            let mut words: Vec<String> =
                forbidding.into_iter().map(|(value, _)| serde_json::Value::from(value).to_string()).collect();
            words.sort();
            words.dedup();
            let row = format!("row[{}]", serde_json::Value::from(name.as_str()));
            let said = format!(
                "`{name}` says of {n} of {} contacts that they do not want messages; without the `#`, this leaves them out:",
                column.filled
            );
            Some(Consent { said, only_if: format!("{row} | lower not in [{}]", words.join(", ")) })
        };
        self.names.iter().enumerate().filter_map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_whether_a_yes_allows() {
        for (name, expected) in [
            ("Acepta promos", Some(true)),
            ("Newsletter ja/nein", Some(true)),
            ("Accepts Email Marketing", Some(true)),
            ("DOUBLE_OPT-IN", Some(true)),
            ("Email Opt Out", Some(false)),
            ("Unsubscribed from all email", Some(false)),
            ("Do not contact", Some(false)),
            ("AllowBroadcast", Some(true)),
            ("согласие", Some(true)),
            ("Activo", None),
            ("VIP?", None),
        ] {
            assert_eq!(is_allowing(name), expected, "{name}");
        }
    }
}
