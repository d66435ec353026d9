//! The identity of a contact: the values by which it is found again, in a form that can be compared.

use crate::contact::{Contact, ContactView, Field};

/// One identity value in comparable form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdentityValue {
    /// The field it comes from.
    pub field: Field,
    /// Comparable: see [`canonical`].
    pub value: String,
}

/// The first identity value of each field of a contact, in the order of the identity fields given; fields without a value
/// are left out. By these, two records are merged.
pub fn identity_of(contact: &dyn ContactView, fields: &[Field]) -> Vec<IdentityValue> {
    let value_of = |&field: &Field| {
        let value = if field.is_list() { contact.item(field, 0) } else { contact.text(field) };
        let value = value.filter(|value| tells(field, value))?;
        Some(IdentityValue { field, value: canonical(field, value) })
    };
    fields.iter().filter_map(value_of).collect()
}

/// All identity values of a contact, each once, field by field in the order given. By these, a contact is looked up.
pub fn identities_of(contact: &dyn ContactView, fields: &[Field]) -> Vec<IdentityValue> {
    let mut identities: Vec<IdentityValue> = Vec::new();
    for &field in fields {
        let values = contact.items(field).chain(contact.text(field));
        for value in values.filter(|value| tells(field, value)) {
            let identity = IdentityValue { field, value: canonical(field, value) };
            if !identities.contains(&identity) {
                identities.push(identity);
            }
        }
    }
    identities
}

/// Whether a contact has this identity value.
pub fn has_identity(contact: &Contact, identity: &IdentityValue) -> bool {
    let mut values = contact.list(identity.field).iter().map(String::as_str).chain(contact.text(identity.field));
    values.any(|value| canonical(identity.field, value) == identity.value)
}

/// The least digits of a phone: a value with fewer is a remark (`call me`, `n/a`, `ext. 12`), which many contacts have.
const PHONE_DIGITS_MIN: usize = 7;

/// Whether a value identifies a contact.
pub fn tells(field: Field, value: &str) -> bool {
    match field {
        Field::Phones => value.chars().filter(char::is_ascii_digit).count() >= PHONE_DIGITS_MIN,
        _ => !value.trim().is_empty(),
    }
}

/// The form in which two values of a field are compared: phones as the digits of their shortest WhatsApp form, e-mails
/// in lower case, handles with their service in lower case (a WhatsApp number like a phone), anything else as it is.
pub fn canonical(field: Field, value: &str) -> String {
    match field {
        Field::Phones => whatsapp_key(value),
        Field::Emails => value.trim().to_lowercase(),
        Field::Handles => match split_handle(value) {
            Some((service, value)) => format!("{service}:{}", handle_key(&service, value)),
            None => value.trim().to_owned(),
        },
        _ => value.trim().to_owned(),
    }
}

fn handle_key(service: &str, value: &str) -> String {
    let key = if service == "whatsapp" { whatsapp_key(value) } else { String::new() };
    if key.is_empty() { value.to_owned() } else { key }
}

/// The service of a handle (`service:value`), in lower case, and its value; `None` when either is not there.
pub fn split_handle(handle: &str) -> Option<(String, &str)> {
    let (service, value) = handle.split_once(':')?;
    let (service, value) = (service.trim().to_lowercase(), value.trim());
    (!service.is_empty() && !value.is_empty()).then_some((service, value))
}

/// Digits only.
pub fn digits(phone: &str) -> String {
    let bare = phone.strip_prefix('+').unwrap_or(phone);
    if bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return bare.to_owned();
    }
    let mut digits = String::with_capacity(phone.len());
    digits.extend(phone.chars().filter(char::is_ascii_digit));
    digits
}

/// Two phones are the same person's when their keys agree (contract 3.3). Digits of the shortest form: Mexico without
/// the `1`, Argentina without the `9`, Brazilian mobiles without the ninth digit.
pub fn whatsapp_key(phone: &str) -> String {
    let digits = digits(phone);
    shorter_form(&digits).unwrap_or(digits)
}

/// Every form, digits only, under which WhatsApp may know this phone; the one given comes first.
pub fn whatsapp_forms(phone: &str) -> Vec<String> {
    let given = digits(phone);
    let key = whatsapp_key(&given);
    let mut forms = vec![given];
    for form in longer_form(&key).into_iter().chain([key]) {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

fn shorter_form(digits: &str) -> Option<String> {
    let national = |code: &str, len: usize| digits.strip_prefix(code).filter(|rest| rest.len() == len);
    if let Some(rest) = national("521", 10) {
        return Some(format!("52{rest}"));
    }
    if let Some(rest) = national("549", 10) {
        return Some(format!("54{rest}"));
    }
    let rest = national("55", 11)?;
    let (area, local) = (rest.get(..2)?, rest.get(2..)?.strip_prefix('9')?);
    is_brazilian_mobile(local).then(|| format!("55{area}{local}"))
}

fn longer_form(key: &str) -> Option<String> {
    let national = |code: &str| key.strip_prefix(code).filter(|rest| rest.len() == 10);
    if let Some(rest) = national("52") {
        return Some(format!("521{rest}"));
    }
    if let Some(rest) = national("54") {
        return Some(format!("549{rest}"));
    }
    let rest = national("55")?;
    let (area, local) = (rest.get(..2)?, rest.get(2..)?);
    is_brazilian_mobile(local).then(|| format!("55{area}9{local}"))
}

/// Eight digits that begin as only mobiles do.
fn is_brazilian_mobile(local: &str) -> bool {
    local.starts_with(['6', '7', '8', '9'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatsapp_forms_of_one_person_share_a_key() {
        for (one, other) in [
            ("+5215512345678", "+525512345678"),
            ("+5491123456789", "+541123456789"),
            ("+5511987654321", "+551187654321"),
        ] {
            assert_eq!(whatsapp_key(one), whatsapp_key(other), "{one} {other}");
            assert!(whatsapp_forms(one).contains(&digits(other)) && whatsapp_forms(other).contains(&digits(one)));
        }
    }

    #[test]
    fn words_in_place_of_a_phone_identify_no_contact() {
        for (phone, tells_who) in [("call me", false), ("n/a", false), ("5 pm", false), ("+683 4000", true)] {
            let mut contact = Contact::default();
            contact.list_mut(Field::Phones).push(phone.to_owned());
            assert_eq!(!identity_of(&contact, &[Field::Phones]).is_empty(), tells_who, "{phone}");
        }
    }

    #[test]
    fn handles_are_compared_by_service_and_value() {
        for (handle, expected) in [
            ("Telegram: anna", "telegram:anna"),
            ("telegram:Anna", "telegram:Anna"),
            ("whatsapp:+52 1 55 1234 5678", "whatsapp:525512345678"),
            ("whatsapp:anna", "whatsapp:anna"),
            ("vk:https://vk.example/анна", "vk:https://vk.example/анна"),
            (" anna ", "anna"),
            (":anna", ":anna"),
            ("vk:", "vk:"),
        ] {
            assert_eq!(canonical(Field::Handles, handle), expected, "{handle}");
        }
    }

    #[test]
    fn a_brazilian_landline_is_not_a_mobile() {
        assert_ne!(whatsapp_key("+5511932345678"), whatsapp_key("+551132345678"));
        assert_eq!(whatsapp_forms("+551132345678"), ["551132345678"]);
    }
}
