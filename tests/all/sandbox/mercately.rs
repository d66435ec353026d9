//! Every quirk of the modelled Mercately.

use super::{CUSTOMERS, MERCATELY, hold, mercately, plain, rosa, send, timeless};
use ferry::sandbox::{SandboxOptions, start};
use serde_json::{Value, json};

#[tokio::test]
async fn mercately_refuses_as_its_reference_says() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let stranger = r#"{"message":"Unauthorized","info":{"data":{}}}"#;
    let nobody = r#"{"message":"Customer not found"}"#;
    let no_wrapper = r#"{"message":"param is missing or the value is empty: customer","info":{"data":{}}}"#;
    let one = format!("{CUSTOMERS}/4880aaaaa1");
    let messages = format!("{one}/whatsapp_conversations");
    hold(
        &sandbox,
        &[
            ("GET", CUSTOMERS, "", "", 401, stranger),
            ("GET", &one, "Api-Key: other", "", 401, stranger),
            ("GET", &one, MERCATELY, "", 404, nobody),
            ("PUT", &one, MERCATELY, &rosa("+593990001111"), 404, nobody),
            ("GET", &messages, MERCATELY, "", 404, r#"{"message":"Not found"}"#),
            ("POST", CUSTOMERS, MERCATELY, "{}", 500, no_wrapper),
            ("POST", CUSTOMERS, MERCATELY, r#"{"name":"Rosa"}"#, 500, no_wrapper),
            ("POST", CUSTOMERS, MERCATELY, r#"{"customer":{}}"#, 500, no_wrapper),
            ("GET", CUSTOMERS, MERCATELY, "", 200, r#"{"results":0,"total_pages":1,"customers":[]}"#),
        ],
    )
    .await;
    for (method, path) in [("DELETE", one.as_str()), ("GET", "/retailers/api/v1/tags"), ("GET", "/retailers/api/v2")] {
        let reply = send(sandbox.address(), method, path, MERCATELY, "").await;
        assert_eq!((reply.status, reply.header("content-type")), (404, Some("text/html; charset=utf-8")), "{path}");
        assert!(reply.body.contains("The page you were looking for doesn't exist (404)"), "{}", reply.body);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn mercately_refuses_a_customer_with_a_redirect_that_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let held = json!({"first_name": "Eva", "last_name": "Ruiz", "phone": "+593990001111", "email": "eva@example.com"});
    assert_eq!(mercately(&sandbox, "POST", "/customers", &held.to_string()).await.status, 200);
    let first = "Nombre no puede estar en blanco";
    let last = "Apellido no puede estar en blanco";
    let neither = "Numero o email deben estar presentes.";
    let email = "Ya tienes un cliente registrado con este email.";
    let phone = "Ya tienes un cliente registrado con este número de teléfono.";
    let cases = [
        (json!({"notes": "?"}), vec![first, last, neither]),
        (json!({"first_name": " ", "last_name": "Mena", "phone": "+593990002222"}), vec![first]),
        (json!({"first_name": "Rosa", "last_name": null, "phone": "+593990002222"}), vec![last]),
        (json!({"first_name": "Rosa", "last_name": "Mena", "phone": " ", "email": ""}), vec![neither]),
        (json!({"first_name": "Rosa", "last_name": "Mena", "email": "rosa@example"}), vec!["Email no es válido"]),
        (json!({"first_name": "Rosa", "last_name": "Mena", "email": "eva@example.com"}), vec![email]),
        (json!({"first_name": "Rosa", "last_name": "Mena", "phone": "+593990001111"}), vec![phone]),
        (json!({"first_name": "Rosa", "last_name": "Mena", "phone": " +593990001111 "}), vec![phone]),
        (
            json!({"first_name": "R", "last_name": "M", "phone": "+593990001111", "email": "eva@example.com"}),
            vec![email, phone],
        ),
    ];
    for (customer, errors) in cases {
        let reply = mercately(&sandbox, "POST", "/customers", &json!({"customer": customer}).to_string()).await;
        assert_eq!((reply.status, reply.json()), (302, json!({"errors": errors})), "{customer}");
        assert_eq!(reply.header("location"), None);
    }
    assert_eq!(sandbox.contacts("mercately").len(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn mercately_makes_a_silent_duplicate_of_a_phone_without_its_plus() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    for (phone, status) in [
        ("+593990001111", 200),
        ("593990001111", 200),
        ("593990002222", 200),
        ("+593990002222", 302),
        ("+593 99 000 3333", 200),
        ("+593990003333", 200),
        ("+525512345678", 200),
        ("+525512345678", 200),
        ("+5215512345678", 302),
    ] {
        assert_eq!(mercately(&sandbox, "POST", "/customers", &rosa(phone)).await.status, status, "{phone}");
    }
    let phones: Vec<Value> = sandbox.contacts("mercately").iter().map(|customer| customer["phone"].clone()).collect();
    let expected = [
        "+593990001111",
        "593990001111",
        "593990002222",
        "+593 99 000 3333",
        "+593990003333",
        "+5215512345678",
        "+5215512345678",
    ];
    assert_eq!(phones, expected);
    sandbox.stop().await;
}

#[tokio::test]
async fn mercately_finds_by_id_phone_and_email() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let body = json!({"customer": {
        "first_name": "Rosa", "last_name": "Mena", "phone": " +593990001111 ", "email": "rosa@example.com",
        "id_type": "cedula", "id_number": 1712345678, "country_id": "EC", "address": "Calle 5", "city": "Quito",
        "state": "Pichincha", "zip_code": "170207", "notes": "Nueva", "agent_id": 2764, "meli_nickname": "no",
        "tags": [{"name": "VIP", "value": true}, {"name": "vip", "value": true}, {"name": "Lead", "value": "true"},
                 {"name": "Cliente", "value": false}, {"name": "Newsletter", "value": "yes"}],
        "custom_fields": [{"field_name": "plan", "field_content": "Básico"},
                          {"field_name": "edad", "field_content": 41}],
    }});
    let created = mercately(&sandbox, "POST", "/customers", &body.to_string()).await;
    let id = created.json()["customer"]["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("4880") && id.ends_with("3873") && id.len() == 13, "{id}");
    let tag = |place: usize| created.json()["customer"]["tags"][place]["web_id"].as_str().unwrap().to_owned();
    let customer = json!({
        "id": id, "first_name": "Rosa", "last_name": "Mena", "email": "rosa@example.com", "phone": "+593990001111",
        "meli_customer_id": null, "meli_nickname": null, "id_type": "cedula", "id_number": "1712345678",
        "address": "Calle 5", "city": "Quito", "state": "Pichincha", "zip_code": "170207", "country_id": null,
        "notes": "Nueva", "whatsapp_opt_in": false, "whatsapp_name": null,
        "tags": [{"tag": "VIP", "web_id": tag(0)}, {"tag": "Lead", "web_id": tag(1)}],
        "custom_fields": [{"field_name": "plan", "field_content:": "Básico"},
                          {"field_name": "edad", "field_content:": "41"}],
        "agent": {"id": 2764, "first_name": "Lucía", "last_name": "Prado", "email": "lucia.prado@example.com"},
        "creation_date": "T",
    });
    let said = r#"{"message":"Customer created successfully","customer":"#;
    assert_eq!(timeless(&created.body), format!("{said}{customer}}}"));
    let found = format!(r#"{{"message":"Customer found successfully","customer":{customer}}}"#);
    let nobody = r#"{"message":"Customer not found"}"#.to_owned();
    let keys = [
        (id.as_str(), 200),
        ("+593990001111", 200),
        ("%2B593990001111", 200),
        ("593990001111", 200),
        ("rosa%40example.com", 200),
        ("rosa@example.com", 200),
        ("0990001111", 404),
        ("+593%2099%20000%201111", 404),
        ("Rosa@example.com", 404),
    ];
    for (key, status) in keys {
        let reply = mercately(&sandbox, "GET", &format!("/customers/{key}"), "").await;
        let expected = if status == 200 { found.clone() } else { nobody.clone() };
        assert_eq!((reply.status, timeless(&reply.body)), (status, expected), "{key}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn mercately_updates_in_part_and_drops_what_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let options = SandboxOptions::new(folder.path());
    let options = options.with("mercately", "tags", "VIP, Lead").with("mercately", "unknown_attributes", "secreto");
    let sandbox = start(options).await.unwrap();
    let body = json!({"first_name": "Rosa", "last_name": "Mena", "phone": "+593990001111", "city": "Quito"});
    let created = mercately(&sandbox, "POST", "/customers", &body.to_string()).await.json();
    let id = created["customer"]["id"].as_str().unwrap();
    let other = json!({"first_name": "Eva", "last_name": "Ruiz", "phone": "+593990002222"});
    mercately(&sandbox, "POST", "/customers", &other.to_string()).await;

    let updated = json!({"message": "Customer updated successfully"});
    let taken = json!({"errors": ["Ya tienes un cliente registrado con este número de teléfono."]});
    let nameless = json!({"errors": ["Nombre no puede estar en blanco"]});
    let on = |name: &str| json!([{"name": name, "value": true}]);
    let off = |name: &str| json!([{"name": name, "value": false}]);
    // Key, body; status and answer; then city, tags and custom fields as they are left.
    let steps = [
        (id, json!({"city": "Loja", "tags": on("VIP")}), 200, &updated, "Loja", vec!["VIP"], json!([])),
        (id, json!({"tags": on("VIP")}), 200, &updated, "Loja", vec!["VIP"], json!([])),
        (id, json!({"tags": on("Moroso")}), 200, &updated, "Loja", vec!["VIP"], json!([])),
        ("593990001111", json!({"tags": off("VIP"), "agent_id": 1}), 200, &updated, "Loja", vec![], json!([])),
        (
            id,
            json!({"phone": "+593990002222", "city": "Ibarra", "tags": on("Lead")}),
            302,
            &taken,
            "Loja",
            vec!["Lead"],
            json!([]),
        ),
        (id, json!({"first_name": ""}), 302, &nameless, "Loja", vec!["Lead"], json!([])),
        (id, json!({"phone": "+593990001111"}), 200, &updated, "Loja", vec!["Lead"], json!([])),
        (
            id,
            json!({"custom_fields": [{"field_name": "plan", "field_content": "A"},
                                      {"field_name": "secreto", "field_content": "x"}]}),
            200,
            &updated,
            "Loja",
            vec!["Lead"],
            json!([{"field_name": "plan", "field_content:": "A"}]),
        ),
        (
            id,
            json!({"custom_fields": [{"field_name": "plan", "field_content": "B"}]}),
            200,
            &updated,
            "Loja",
            vec!["Lead"],
            json!([{"field_name": "plan", "field_content:": "B"}]),
        ),
        (
            id,
            json!({"city": null, "id_type": "carné"}),
            200,
            &updated,
            "",
            vec!["Lead"],
            json!([{"field_name": "plan", "field_content:": "B"}]),
        ),
    ];
    for (key, body, status, answer, city, tags, custom) in steps {
        let wrapped = json!({"customer": body}).to_string();
        let reply = mercately(&sandbox, "PUT", &format!("/customers/{key}"), &wrapped).await;
        assert_eq!((reply.status, &reply.json()), (status, answer), "{body}");
        let left = &mercately(&sandbox, "GET", &format!("/customers/{id}"), "").await.json()["customer"];
        let held: Vec<&str> = left["tags"].as_array().unwrap().iter().map(|tag| tag["tag"].as_str().unwrap()).collect();
        let seen = (left["city"].as_str().unwrap_or(""), held, &left["custom_fields"]);
        assert_eq!(seen, (city, tags, &custom), "{body}");
        assert_eq!((&left["id_type"], &left["agent"]), (&Value::Null, &Value::Null));
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_changed_phone_frees_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    mercately(&sandbox, "POST", "/customers", &rosa("+593990001111")).await;
    let moved = json!({"phone": "+593990002222"}).to_string();
    assert_eq!(mercately(&sandbox, "PUT", "/customers/593990001111", &moved).await.status, 200);
    assert_eq!(mercately(&sandbox, "GET", "/customers/593990001111", "").await.status, 404);
    assert_eq!(mercately(&sandbox, "GET", "/customers/593990002222", "").await.status, 200);
    assert_eq!(mercately(&sandbox, "POST", "/customers", &rosa("+593990001111")).await.status, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn mercately_counts_one_page_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let mut created = 0;
    // How many there are; the page asked for; total_pages, customers on the page.
    for (count, query, pages, shown) in [
        (99, "", 1, 99),
        (100, "", 2, 100),
        (100, "?page=2", 2, 0),
        (101, "?page=2", 2, 1),
        (101, "?page=0", 2, 100),
        (101, "?page=9&results_per_page=5", 2, 0),
        (101, "?start_date=2020-01-01&end_date=2999-12-31&page=2", 2, 1),
        (101, "?start_date=2999-01-01", 1, 0),
        (101, "?id_type=ruc", 1, 0),
    ] {
        while created < count {
            let body = rosa(&format!("+59399000{created:04}"));
            assert_eq!(mercately(&sandbox, "POST", "/customers", &body).await.status, 200);
            created += 1;
        }
        let list = mercately(&sandbox, "GET", &format!("/customers{query}"), "").await.json();
        let seen = (list["total_pages"].as_u64(), list["customers"].as_array().unwrap().len());
        assert_eq!(seen, (Some(pages), shown), "{count} {query}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn mercately_has_agents_conversations_and_templates() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let assigned = json!({"first_name": "Eva", "last_name": "Ruiz", "phone": "+593990002222", "agent_id": 2763});
    mercately(&sandbox, "POST", "/customers", &rosa("+593990001111")).await;
    mercately(&sandbox, "POST", "/customers", &assigned.to_string()).await;
    let conversation = |number: u32, first: &str, last: &str, phone: &str, agent: Value| {
        json!({
            "id": null, "customer_id": number, "message_count": 1, "last_interaction": "T",
            "first_name": first, "last_name": last, "email": null, "phone": phone, "agent_id": agent,
        })
    };
    let agent = |id: u32, first: &str, last: &str, email: &str, admin: bool| json!({"id": id, "first_name": first, "last_name": last, "email": email, "admin": admin});
    let agents = [
        agent(2763, "Agent", "Example", "agent@example.com", true),
        agent(2764, "Lucía", "Prado", "lucia.prado@example.com", false),
        agent(2765, "Marco", "Salas", "marco.salas@example.com", false),
    ];
    let rosa = conversation(3873, "Rosa", "Mena", "+593990001111", Value::Null);
    let eva = conversation(3874, "Eva", "Ruiz", "+593990002222", json!(2763));
    let page = |kind: &str, results: u32, pages: u32, items: Value| json!({"results": results, "total_pages": pages, kind: items});
    let whatsapp = "whatsapp_conversations";
    let cases = [
        ("agents", json!({"agents": agents})),
        ("whatsapp_conversations", page(whatsapp, 2, 1, json!([eva, rosa]))),
        ("whatsapp_conversations?unassigned=true", page(whatsapp, 1, 1, json!([rosa]))),
        ("whatsapp_conversations?results_per_page=1&page=2", page(whatsapp, 2, 3, json!([rosa]))),
        ("messenger_conversations", page("messenger_conversations", 0, 1, json!(0))),
        ("customers/593990001111/whatsapp_conversations", page(whatsapp, 0, 1, json!([]))),
        (
            "whatsapp_templates",
            json!({"templates": [{
                "text": "Hi *. Welcome to our WhatsApp. We will be here for any question.", "status": "active",
                "template_type": "text", "internal_id": "997dd550-c8d8-4bf7-ad98-a5ac4844a1ed",
            }]}),
        ),
    ];
    for (path, expected) in cases {
        let path = format!("/retailers/api/v1/{path}");
        hold(&sandbox, &[("GET", &path, MERCATELY, "", 200, &expected.to_string())]).await;
    }
    sandbox.stop().await;
}
