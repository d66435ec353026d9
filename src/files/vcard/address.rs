//! The postal address of a card: one of its addresses as a whole, the others as text. Pure.

use super::property::Head;
use serde_json::{Map, Value};

/// One address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    rank: (u8, usize),
    street: String,
    city: String,
    state: String,
    zip: String,
    country: String,
}

/// In which order addresses are taken.
const ORDER: [&str; 2] = ["home", "work"];

impl Address {
    /// The address of these seven parts: post box, apartment, street, city, state, zip, country.
    pub fn of(head: &Head, parts: &[String]) -> Option<Address> {
        let part = |at: usize| parts.get(at).map_or("", String::as_str).lines().map(str::trim);
        let one = |at: usize| part(at).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ");
        let street: Vec<String> = [2, 1, 0].into_iter().map(one).filter(|text| !text.is_empty()).collect();
        let rank = ORDER.iter().position(|kind| head.has_type(&[kind])).unwrap_or(ORDER.len());
        let rank = (head.preference(), rank);
        let address =
            Address { rank, street: street.join(", "), city: one(3), state: one(4), zip: one(5), country: one(6) };
        (!address.text().is_empty()).then_some(address)
    }

    /// All of it on one line.
    fn text(&self) -> String {
        let parts = [&self.street, &self.zip, &self.city, &self.state, &self.country].into_iter();
        parts.filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    fn object(self) -> Map<String, Value> {
        let parts = [
            ("street", self.street),
            ("city", self.city),
            ("state", self.state),
            ("zip", self.zip),
            ("country", self.country),
        ];
        parts
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name.to_owned(), text.into()))
            .collect()
    }
}

/// The address that is taken, and the texts of the others.
pub(super) fn taken(mut addresses: Vec<Address>) -> (Map<String, Value>, Vec<String>) {
    addresses.sort_by_key(|address| address.rank);
    addresses.dedup_by(|one, other| one.text() == other.text());
    let mut addresses = addresses.into_iter();
    let first = addresses.next().map(Address::object).unwrap_or_default();
    (first, addresses.map(|address| address.text()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_taken_as_a_whole() {
        let address = |line: &str| {
            let (head, value) = Head::of(line.as_bytes()).unwrap();
            let parts: Vec<String> = String::from_utf8_lossy(value).split(';').map(str::to_owned).collect();
            Address::of(&head, &parts)
        };
        let lines = [
            "ADR;WORK:;;Av. 1;Loja;;;EC",
            "ADR;HOME:PO 3;Apt 2;Calle 10\nPiso 1;Quito;Pichincha;170150;Ecuador",
            "ADR:;;;;;;",
        ];
        let (first, others) = taken(lines.iter().filter_map(|line| address(line)).collect());
        let expected = serde_json::json!({
            "street": "Calle 10, Piso 1, Apt 2, PO 3", "city": "Quito", "state": "Pichincha", "zip": "170150",
            "country": "Ecuador",
        });
        assert_eq!((Value::Object(first), others), (expected, vec!["Av. 1, Loja, EC".to_owned()]));
        let preferred = ["ADR;TYPE=home:;;a;;;;", "ADR;TYPE=work,pref:;;b;;;;"];
        let (first, _) = taken(preferred.iter().filter_map(|line| address(line)).collect());
        assert_eq!(first.get("street"), Some(&Value::from("b")));
    }
}
