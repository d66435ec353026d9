//! Numbers of identity documents, told by their check digits: such a number often has as many digits as a phone.

/// Whether digits pass the check of a document.
type Check = fn(&[u32]) -> bool;

/// The documents whose check digits are known, with what they are called.
const KINDS: [(&str, Check); 3] = [("CPF", cpf), ("cédula", cedula), ("RUT", rut)];

/// The fewest values that can prove a document, and how many of a hundred have to pass.
const VALUES_MIN: usize = 8;
const PERCENT_MIN: usize = 95;

/// The kind of document that these values are.
pub(super) fn kind_of(values: &[String]) -> Option<&'static str> {
    if values.len() < VALUES_MIN {
        return None;
    }
    let passes = |check: Check| {
        let good = values.iter().filter(|value| digits_of(value).is_some_and(|digits| check(&digits))).count();
        good * 100 >= values.len() * PERCENT_MIN
    };
    KINDS.into_iter().find(|(_, check)| passes(*check)).map(|(name, _)| name)
}

/// The digits of a value; a final `K` of a RUT counts ten.
fn digits_of(value: &str) -> Option<Vec<u32>> {
    let mut digits = Vec::new();
    for c in value.trim().chars() {
        match c {
            '0'..='9' => digits.extend(c.to_digit(10)),
            'k' | 'K' => digits.push(10),
            '.' | '-' | ' ' => {}
            _ => return None,
        }
    }
    Some(digits)
}

/// Brazil: eleven digits, the last two are checks modulo 11.
fn cpf(digits: &[u32]) -> bool {
    let check = |len: usize| {
        let sum: u32 = digits.iter().take(len).zip((2..=len as u32 + 1).rev()).map(|(digit, by)| digit * by).sum();
        sum * 10 % 11 % 10
    };
    let is_repeated = digits.windows(2).all(|pair| matches!(pair, [one, other] if one == other));
    digits.len() == 11 && !is_repeated && digits.get(9) == Some(&check(9)) && digits.get(10) == Some(&check(10))
}

/// Ecuador: ten digits, a province, and a check modulo 10.
fn cedula(digits: &[u32]) -> bool {
    let province = digits.iter().take(2).fold(0, |number, digit| number * 10 + digit);
    let sum: u32 = digits
        .iter()
        .take(9)
        .zip([2, 1].into_iter().cycle())
        .map(|(digit, by)| digit * by)
        .map(|product| if product > 9 { product - 9 } else { product })
        .sum();
    let is_person = digits.get(2).is_some_and(|third| *third < 6);
    digits.len() == 10 && (1..=24).contains(&province) && is_person && digits.get(9) == Some(&((10 - sum % 10) % 10))
}

/// Chile: seven or eight digits and a check modulo 11.
fn rut(digits: &[u32]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let sum: u32 = body.iter().rev().zip([2, 3, 4, 5, 6, 7].into_iter().cycle()).map(|(digit, by)| digit * by).sum();
    let expected = match 11 - sum % 11 {
        11 => 0,
        other => other,
    };
    (7..=8).contains(&body.len()) && body.iter().all(|digit| *digit < 10) && *check == expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_tell_documents_from_phones() {
        let owned = |values: &[&str]| -> Vec<String> { values.iter().map(|value| (*value).to_owned()).collect() };
        let numbers = owned(&["529.982.247-25", "11144477735", "390.533.447-05", "39053344705"]);
        assert_eq!(kind_of(&[numbers.clone(), numbers].concat()), Some("CPF"));
        let phones = owned(&["11987654321", "11987654322", "11987654323", "21987654324"]);
        assert_eq!(kind_of(&[phones.clone(), phones].concat()), None);
        assert!(cedula(&digits_of("1710034065").unwrap_or_default()));
        assert!(
            rut(&digits_of("12.345.678-5").unwrap_or_default()) && !rut(&digits_of("12.345.678-9").unwrap_or_default())
        );
    }
}
