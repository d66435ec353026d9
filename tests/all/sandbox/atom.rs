//! Every quirk of the modelled Atom.

use super::{ATOM, ana, atom, hold, plain, send};
use serde_json::{Value, json};

#[tokio::test]
async fn atom_refuses_as_its_reference_says() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let wrong_token = json!({
        "context": {"key": "Authorization", "label": "headers.authorization", "value": "Bearer"},
        "message": "Cannot find a channel associated with the public tokenBearer",
        "path": ["headers.authorization"],
        "type": "Bad format",
    })
    .to_string();
    let lost = |line: &str| {
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n\
             <body>\n<pre>{line}</pre>\n</body>\n</html>\n"
        )
    };
    hold(
        &sandbox,
        &[
            ("GET", "/clients", "", "", 401, "No authorization token found."),
            ("POST", "/clients", "Authorization: Bearer sandbox", "{}", 400, &wrong_token),
            ("GET", "/clients/1", "Authorization: sandbox-atom-token", "", 400, &wrong_token),
            ("GET", "/client", ATOM, "", 404, &lost("Cannot GET /client")),
            ("GET", "/clients/1/2", ATOM, "", 404, &lost("Cannot GET /clients/1/2")),
            ("DELETE", "/clients/1", ATOM, "", 404, &lost("Cannot DELETE /clients/1")),
            ("GET", "/clients/nobody", ATOM, "", 404, r#"{"message":"Client not found"}"#),
            ("POST", "/clients", ATOM, "{", 400, &lost("SyntaxError: EOF while parsing an object at line 1 column 1")),
        ],
    )
    .await;
    let missing = send(sandbox.address(), "GET", "/clients", "", "").await;
    assert_eq!(missing.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(sandbox.contacts("atom"), Vec::<Value>::new());
    sandbox.stop().await;
}

#[tokio::test]
async fn atom_names_the_field_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let cases = [
        ("firstName", Value::Null, "is required", "any.required"),
        ("firstName", json!(""), "is not allowed to be empty", "string.empty"),
        ("lastName", Value::Null, "is required", "any.required"),
        ("lastName", json!(7), "must be a string", "string.base"),
        ("phone", Value::Null, "is required", "any.required"),
        ("phone", json!("+593990001111"), PHONE, "string.pattern.base"),
        ("phone", json!("593 99 000 1111"), PHONE, "string.pattern.base"),
        ("phone", json!("110"), PHONE, "string.pattern.base"),
        ("email", json!(""), "is not allowed to be empty", "string.empty"),
        ("optionals", Value::Null, "is required", "any.required"),
        ("optionals", json!([]), "must be of type object", "object.base"),
        ("tags", json!([1]), "must be an array of strings", "array.base"),
    ];
    const PHONE: &str = "fails to match the required pattern: country code and number, digits only";
    for (field, value, problem, kind) in cases {
        let mut body: Value = serde_json::from_str(&ana("593990001111")).unwrap();
        match &value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(field)),
            value => body[field] = value.clone(),
        }
        let reply = atom(&sandbox, "POST", "/clients", &body.to_string()).await;
        let expected = json!({
            "context": {"key": field, "label": field, "value": value}, "message": format!("\"{field}\" {problem}"),
            "path": [field], "type": kind,
        });
        assert_eq!((reply.status, reply.json()), (400, expected));
    }
    assert_eq!(sandbox.contacts("atom"), Vec::<Value>::new());
    sandbox.stop().await;
}

#[tokio::test]
async fn atom_replaces_what_an_update_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let first = json!({
        "firstName": "Ana", "lastName": "Vera", "phone": "593990001111", "email": "ana@example.com",
        "optionals": {"Monto": 21, "Plan": "Básico", "Activa": true, "Nada": null}, "tags": ["VIP", "nueva"],
    });
    let created = atom(&sandbox, "POST", "/clients/", &first.to_string()).await.json();
    let id = created["client"].as_str().unwrap();
    assert!(id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    let client = |email: Value, optionals: Value, tags: Value| {
        let client = json!({
            "id": id, "firstName": "Ana", "lastName": "Vera", "email": email, "optionals": optionals,
            "phone": "593990001111", "tags": tags, "user": null, "updatedAt": "T", "createdAt": "T",
        });
        client.to_string()
    };
    let optionals = json!({"Monto": "21", "Plan": "Básico", "Activa": "true"});
    let full = client(json!("ana@example.com"), optionals, json!(["VIP", "nueva"]));
    let bare = client(Value::Null, json!({}), json!([]));
    let (by_id, answer) = (format!("/clients/{id}"), format!(r#"{{"client":"{id}"}}"#));
    hold(
        &sandbox,
        &[
            ("GET", &by_id, ATOM, "", 200, &full),
            ("GET", "/clients?phone=593990001111", ATOM, "", 200, &format!(r#"{{"items":[{full}]}}"#)),
            ("POST", "/clients", ATOM, &ana("593990001111"), 200, &answer),
            ("GET", &format!("{by_id}/"), ATOM, "", 200, &bare),
            ("GET", "/clients", ATOM, "", 200, &format!(r#"{{"page":1,"length":1,"items":[{bare}]}}"#)),
            ("GET", "/clients?phone=%2B593990001111", ATOM, "", 200, r#"{"items":[]}"#),
        ],
    )
    .await;
    let times = atom(&sandbox, "GET", &by_id, "").await.json();
    for time in [&times["createdAt"], &times["updatedAt"]] {
        assert!(time["_seconds"].is_u64() && time["_nanoseconds"].is_u64(), "{time}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn atom_pages_by_ten_and_cuts_a_size_over_a_hundred() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    for number in 0..105 {
        let body = json!({
            "firstName": "Ana", "lastName": format!("{number}"), "phone": format!("59399000{number:04}"),
            "optionals": {}, "tags": if number % 50 == 0 { json!(["VIP"]) } else { json!("común") },
        });
        assert_eq!(atom(&sandbox, "POST", "/clients", &body.to_string()).await.status, 200);
    }
    // Query; length, the first item's last name and the last one's.
    let cases = [
        ("", 10, "0", "9"),
        ("?page=2", 10, "10", "19"),
        ("?page=11", 5, "100", "104"),
        ("?size=1000", 100, "0", "99"),
        ("?size=1000&page=2", 5, "100", "104"),
        ("?size=2&sort=desc", 2, "104", "103"),
        ("?tags=VIP", 3, "0", "100"),
        ("?tags=VIP&sort=desc&size=2", 2, "100", "50"),
        ("?tags=VIP,com%C3%BAn&size=3", 3, "0", "2"),
    ];
    // There is no list of clients on a page after the last one.
    for query in ["?page=12", "?page=99999999999999", "?tags=nobody"] {
        let reply = atom(&sandbox, "GET", &format!("/clients{query}"), "").await;
        let expected = json!({ "message": "Something went wrong while the operation was being performed" });
        assert_eq!((reply.status, reply.json()), (500, expected), "{query}");
    }
    for (query, length, first, last) in cases {
        let list = atom(&sandbox, "GET", &format!("/clients{query}"), "").await.json();
        let items = list["items"].as_array().unwrap();
        let name = |item: Option<&Value>| item.map_or("", |item| item["lastName"].as_str().unwrap()).to_owned();
        let seen = (list["length"].as_u64(), items.len(), name(items.first()), name(items.last()));
        assert_eq!(seen, (Some(length), length as usize, first.to_owned(), last.to_owned()), "{query}");
    }
    let refused = [
        ("?page=0", "page", "0", "must be a positive number", "number.positive"),
        ("?size=x", "size", "x", "must be a positive number", "number.positive"),
        ("?sort=up", "sort", "up", "must be one of [asc, desc]", "any.only"),
        ("?phone=593990000001&page=1", "page", "1", "is not allowed", "object.unknown"),
    ];
    for (query, field, value, problem, kind) in refused {
        let reply = atom(&sandbox, "GET", &format!("/clients{query}"), "").await;
        let expected = json!({
            "context": {"key": field, "label": field, "value": value}, "message": format!("\"{field}\" {problem}"),
            "path": [field], "type": kind,
        });
        assert_eq!((reply.status, reply.json()), (400, expected), "{query}");
    }
    sandbox.stop().await;
}
