//! Large cities by country: which country the contacts of a file live in, as a reader would tell from them. From general
//! knowledge; a city that several countries have is left out.

use crate::yaml::fold;
use std::collections::HashMap;
use std::sync::LazyLock;

static CITIES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("words/cities.txt").lines().filter_map(|line| line.split_once('\t'));
    lines.flat_map(|(country, cities)| cities.split(", ").map(move |city| (fold(city), country))).collect()
});

/// The states of the United States by their letters.
const US_STATES: &str = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK \
    OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC";
/// The states of Brazil by their letters.
const BR_STATES: &str = "AC AL AP AM BA CE DF ES GO MA MT MS MG PA PB PR PE PI RJ RN RS RO RR SC SP SE TO";

/// The country of a city, as two letters.
pub(super) fn country_of_city(city: &str) -> Option<&'static str> {
    CITIES.get(&fold(city)).copied()
}

/// The country whose states these letters name, where it is one of two.
pub(super) fn country_of_states<'a>(states: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    let all = |list: &str| states.clone().all(|state| list.split_whitespace().any(|known| known == state.trim()));
    match (states.clone().next().is_some(), all(US_STATES), all(BR_STATES)) {
        (true, true, false) => Some("US"),
        (true, false, true) => Some("BR"),
        _ => None,
    }
}
