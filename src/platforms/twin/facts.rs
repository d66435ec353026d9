//! TWIN: its facts and its settings. What they lead to is in `twin`.

use crate::contact::Field;
use crate::platforms::facts::PlatformFacts;
use crate::platforms::settings::Setting;
use crate::platforms::text::texts;
use std::borrow::Cow;

/// The facts (chat API, client attributes; IAM, tokens).
pub static FACTS: PlatformFacts = PlatformFacts {
    name: Cow::Borrowed("twin"),
    aliases: Cow::Borrowed(&[]),
    title: Cow::Borrowed("TWIN"),
    holds: Cow::Borrowed(&[]),
    single: Cow::Borrowed(&[]),
    reads: Cow::Borrowed(&[Field::Id, Field::TargetId]),
    attributes: true,
    defines_attributes: true,
    creates: false,
    deletes: false,
    creates_in_steps: false,
    needs: Cow::Borrowed(&[Cow::Borrowed(&[Field::TargetId])]),
    finds_by: Cow::Borrowed(&[Field::TargetId]),
    drops: Cow::Borrowed(&[]),
    drops_attributes: false,
    undoes: Cow::Borrowed("values are written back, and new ones deleted; attributes that were defined stay"),
    rate_start_per_s: 5.0,
    concurrency: 4,
    numbered_pages: false,
    lists: Cow::Borrowed(&[]),
    ids_setting: Some(Cow::Borrowed("client_ids")),
    settings: Cow::Borrowed(SETTINGS),
    base_url: Cow::Borrowed("https://chat-api.twin24.ai/api/v1"),
};

/// Its settings.
pub const SETTINGS: &[Setting] = &[
    Setting::secret_or(
        "token",
        texts!["email", "password"],
        "a token of the account, valid for the time that it was issued for (a week)",
    ),
    Setting::text("email", None, "the e-mail to log in with, where there is no token"),
    Setting::spare_secret("password", "the password to log in with, where there is no token"),
    Setting::text("iam_url", Some("https://iam.twin24.ai/api/v1"), "the address of the server that issues tokens"),
    Setting::text("ttl", Some("86400"), "how long a token from a login is valid, in seconds"),
    Setting::text("company_id", None, "the company to log in to, where the account has several"),
    Setting::choice(
        "refresh_header",
        texts!["bare", "bearer"],
        "bare",
        "how the old token is sent to obtain the next one",
    ),
    Setting::text("client_ids", Some(SESSIONS), "whose attributes are read: `sessions`, or a file of client ids"),
    Setting::text("page_size", Some("100"), "sessions on a page of the list"),
    Setting::choice(
        "paging",
        texts!["offset", "page"],
        "offset",
        "the parameter that requests the next page of a list",
    ),
    Setting::switch("group_by_client", "true", "request only one session of each client"),
    Setting::choice("match", texts!["id", "name"], "id", "what a client's value and an attribute have in common"),
    Setting::choice(
        "clear_by",
        texts!["delete", "empty"],
        "delete",
        "how a value is cleared: deleted, or set to an empty text",
    ),
];

/// The clients of all chat sessions.
const SESSIONS: &str = "sessions";
