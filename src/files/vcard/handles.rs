//! The names of a contact in messengers and social networks: `service:value`. Pure.

use super::property::Head;

/// Properties that name a service.
const PROPERTIES: [(&str, &str); 17] = [
    ("X-AIM", "aim"),
    ("X-ICQ", "icq"),
    ("X-MSN", "msn"),
    ("X-YAHOO", "yahoo"),
    ("X-YAHOO-ID", "yahoo"),
    ("X-JABBER", "xmpp"),
    ("X-GTALK", "google-talk"),
    ("X-GOOGLE-TALK", "google-talk"),
    ("X-GOOGLE TALK", "google-talk"),
    ("X-SKYPE", "skype"),
    ("X-SKYPE-USERNAME", "skype"),
    ("X-QQ", "qq"),
    ("X-SIP", "sip"),
    ("X-TWITTER", "twitter"),
    ("X-FACEBOOK", "facebook"),
    ("X-TELEGRAM", "telegram"),
    ("X-WHATSAPP", "whatsapp"),
];

/// Whether this property is a name in a service.
pub(super) fn is_handle(name: &str) -> bool {
    matches!(name, "IMPP" | "X-SOCIALPROFILE" | "SOCIALPROFILE") || PROPERTIES.iter().any(|(known, _)| *known == name)
}

/// The name in its service; `None` where it is blank.
pub(super) fn handle_of(head: &Head, text: &str) -> Option<String> {
    let by_name = PROPERTIES.iter().find(|(known, _)| *known == head.name).map(|(_, service)| (*service).to_owned());
    let said = ["X-SERVICE-TYPE", "SERVICE-TYPE", "X-SERVICE"].into_iter().find_map(|name| head.parameter(name));
    let by_type =
        || head.types().find(|known| !matches!(known.as_str(), "home" | "work" | "pref" | "other" | "internet"));
    let is_profile = head.name.ends_with("SOCIALPROFILE");
    let service = by_name.or_else(|| said.map(str::to_lowercase)).or_else(|| by_type().filter(|_| is_profile));
    let user = head.parameter("X-USER").filter(|user| is_profile && !user.trim().is_empty());
    let text = user.unwrap_or(text).trim();
    let (service, value) = match (service, scheme_of(text)) {
        (Some(service), Some((_, value))) if !is_profile => (service, value),
        (Some(service), _) => (service, text),
        (None, Some((scheme, value))) => (scheme.to_lowercase(), value),
        (None, None) => ("im".to_owned(), text),
    };
    (!value.is_empty()).then(|| format!("{}:{value}", service.replace([' ', ';', ':'], "-")))
}

/// `skype:ana` in its parts; an address of the web has none that matter.
fn scheme_of(text: &str) -> Option<(&str, &str)> {
    let (scheme, value) = text.split_once(':')?;
    let is_scheme = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (is_scheme && !value.starts_with("//")).then_some((scheme, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_with_their_service() {
        for (line, expected) in [
            ("IMPP;TYPE=home:skype:ana", Some("skype:ana")),
            ("IMPP;X-SERVICE-TYPE=Skype;type=HOME:skype:ana", Some("skype:ana")),
            ("IMPP;X-SERVICE-TYPE=WhatsApp:x-apple:%2B593", Some("whatsapp:%2B593")),
            ("X-SKYPE:ana", Some("skype:ana")),
            ("X-GOOGLE-TALK:ana@example.com", Some("google-talk:ana@example.com")),
            ("X-SOCIALPROFILE;type=twitter;x-user=ana:http://twitter.com/ana", Some("twitter:ana")),
            ("X-SOCIALPROFILE;type=facebook:http://facebook.com/ana", Some("facebook:http://facebook.com/ana")),
            ("IMPP:ana", Some("im:ana")),
            ("IMPP:xmpp:", None),
            ("X-AIM:", None),
        ] {
            let (head, value) = Head::of(line.as_bytes()).unwrap();
            assert_eq!(handle_of(&head, &String::from_utf8_lossy(value)).as_deref(), expected, "{line}");
        }
    }
}
