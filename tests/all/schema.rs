//! `ferry schema`: what the JSON Schemas accept is what the readers accept.

use super::support::{Scene, ferry, run};
use boon::{Compiler, SchemaIndex, Schemas};
use ferry::mapping::Mapping;
use ferry::plan::config::Config;
use ferry::plan::env::Env;
use ferry::platforms::Registry;
use ferry::yaml::{Errors, Kind, Node};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
    value: Value,
}

impl Schema {
    /// What the program prints.
    fn of(what: &str) -> Schema {
        let ended = run(ferry(Path::new("."), &format!("schema {what}")));
        assert_eq!((ended.exit, ended.err.as_str()), (0, ""));
        let value: Value = serde_json::from_str(&ended.out).unwrap();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("schema.json", value.clone()).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Schema { schemas, index, value }
    }

    fn error(&self, value: &Value) -> Option<String> {
        self.schemas.validate(value, self.index).err().map(|error| format!("{error:#}"))
    }

    fn accepts(&self, value: &Value) -> bool {
        self.error(value).is_none()
    }

    fn accepts_page(&self, page: &str) -> bool {
        self.accepts(&value_of(page))
    }
}

/// A page as an editor reads it: by YAML 1.2, in which texts without quotes can be numbers and switches.
fn value_of(page: &str) -> Value {
    let mut errors = Errors::default();
    ferry::yaml::read(page, "the page", &mut errors).map_or(Value::Null, |node| value(&node))
}

fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Text { text, is_plain: true } => match text.as_str() {
            "true" => json!(true),
            "false" => json!(false),
            text => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
        },
        Kind::Text { text, .. } => json!(text),
        Kind::List(items) => items.iter().map(value).collect(),
        Kind::Map(entries) => {
            Value::Object(entries.iter().map(|(key, node)| (key.text.clone(), value(node))).collect())
        }
    }
}

fn parses(page: &str) -> bool {
    Mapping::parse(page, Path::new("m.yaml")).is_ok()
}

/// All files below a folder of the repository that end so.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
}

/// The pages of YAML that a document shows.
fn pages_of(document: &str) -> Vec<String> {
    let blocks = document.split("```yaml\n").skip(1);
    blocks.filter_map(|block| Some(block.split_once("```")?.0.to_owned())).collect()
}

#[test]
fn every_mapping_of_the_repository_is_valid() {
    let schema = Schema::of("mapping");
    let mut pages: Vec<(String, String)> = Vec::new();
    for path in files("mappings", ".yaml") {
        pages.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
    }
    for path in files("docs", ".md") {
        let shown = pages_of(&fs::read_to_string(&path).unwrap());
        let mappings = shown.into_iter().filter(|page| parses(page));
        pages.extend(mappings.map(|page| (path.display().to_string(), page)));
    }
    assert!(pages.len() > 12, "{}", pages.len());
    for (path, page) in &pages {
        assert!(parses(page), "{path}\n{page}");
        assert_eq!(schema.error(&value_of(page)), None, "{path}\n{page}");
    }
}

#[test]
fn every_configuration_of_the_documents_is_valid() {
    let schema = Schema::of("config");
    let (mut valid, platforms) = (0, Registry::built_in());
    for path in files("docs", ".md").into_iter().chain(files("", "README.md")) {
        for page in pages_of(&fs::read_to_string(&path).unwrap()) {
            let is_other = |line: &&str| !line.starts_with("env_file:");
            let page: String = page.lines().filter(is_other).map(|line| format!("{line}\n")).collect();
            let is_config = page.contains("connections:") || page.contains("jobs:");
            let parsed = Config::parse(&platforms, &page, Path::new("ferry.yaml"), &Env::default());
            if is_config && parsed.is_ok() {
                valid += 1;
                assert_eq!(schema.error(&value_of(&page)), None, "{}\n{page}", path.display());
            }
        }
    }
    assert!(valid >= 2, "{valid}");
}

/// Values of every kind, as they stand behind a key.
const VALUES: [&str; 16] = [
    "Name",
    "\"x\"",
    "3",
    "\"3\"",
    "true",
    "false",
    "[A, B]",
    "[A, [B]]",
    "{ a: b }",
    "{ a: { b: c } }",
    "[]",
    "{}",
    "~",
    "utf-8",
    "csv",
    "[{ a: b }]",
];

/// The keys of the schema below a path of names.
fn keys(schema: &Value, pointer: &str) -> Vec<String> {
    let object = schema.pointer(pointer).and_then(Value::as_object).unwrap_or_else(|| panic!("{pointer}: {schema:#}"));
    object.keys().cloned().collect()
}

/// Where the schema of a rule has its verbs.
const VERBS: &str = "/definitions/rule/anyOf/2/properties";

/// Pages in which each key has each of the values. With the words of each choice.
fn pages(schema: &Value) -> Vec<String> {
    let with = |page: &dyn Fn(&str) -> String, own: &Value| -> Vec<String> {
        let words = own.to_string();
        let words = words.split('"').filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()));
        VALUES.into_iter().chain(words).map(page).collect()
    };
    let mut pages = Vec::new();
    for key in keys(schema, "/properties") {
        pages.extend(with(&|value| format!("{key}: {value}\n"), &schema["properties"][&key]));
    }
    for section in ["read", "write"] {
        let pointer = format!("/properties/{section}/anyOf/0/properties");
        for key in keys(schema, &pointer) {
            let own = &schema.pointer(&pointer).unwrap()[&key];
            pages.extend(with(&|value| format!("{section}: {{ {key}: {value} }}\n"), own));
        }
    }
    for verb in keys(schema, VERBS) {
        let own = &schema.pointer(VERBS).unwrap()[&verb];
        for (field, rest) in
            [("city", ""), ("tags", ""), ("phones", "from: A, "), ("first_name", "from: A, lookup: {}, ")]
        {
            let field = if field == "city" { "address.city" } else { field };
            pages.extend(with(&|value| format!("contact: {{ {field}: {{ {rest}{verb}: {value} }} }}\n"), own));
        }
    }
    for value in VALUES {
        pages.push(format!("contact: {{ phone: {value} }}\n"));
        pages.push(format!("contact: {{ address: {value} }}\n"));
        pages.push(format!("contact: {{ attributes: {value} }}\n"));
        pages.push(format!("contact: {{ attributes: {{ Plan: {value} }} }}\n"));
        pages.push(format!("columns: {{ Plan: {value} }}\n"));
        pages.push(format!("phone_region: {{ from: {value}, default: EC }}\n"));
        pages.push(format!("phone_region: {{ from: A, default: {value} }}\n"));
    }
    pages
}

#[test]
fn what_is_read_is_accepted_and_values_of_a_wrong_kind_are_not() {
    let schema = Schema::of("mapping");
    let (mut read, mut refused) = (0, 0);
    for page in pages(&schema.value) {
        if parses(&page) {
            read += 1;
            assert_eq!(schema.error(&value_of(&page)), None, "{page}");
        } else if !schema.accepts_page(&page) {
            refused += 1;
        }
    }
    // What is left is accepted by the schema alone: contents that only a reading can judge.
    assert!(read > 200 && refused > 400, "{read} read, {refused} refused");
}

#[test]
fn mistakes_in_a_mapping_are_found_by_its_schema() {
    let schema = Schema::of("mapping");
    for (good, bad) in [
        ("version: 1", "version: 2"),
        ("contact: { first_name: A }", "contact: { frist_name: A }"),
        ("contact: { address: { city: A } }", "contact: { address: { town: A } }"),
        ("contact: { document: { number: A } }", "contact: { document: A }"),
        ("contact: { attributes: { Town: A } }", "contact: { attributes: [A] }"),
        ("contact: { tags: { from: A, split: \";\" } }", "contact: { tags: { from: A, spilt: \";\" } }"),
        ("contact: { tags: { from: A, mode: add } }", "contact: { tags: { from: A, mode: append } }"),
        ("contact: { phone: { from: A, optional: true } }", "contact: { phone: { from: A, optional: yes } }"),
        ("read: { header_row: 3 }", "read: { header_row: 0 }"),
        ("read: { format: xlsx }", "read: { format: xls }"),
        ("unmapped: ignore", "unmapped: drop"),
        ("identity: [phone, email]", "identity: [phone, mail]"),
        ("duplicates: first", "duplicates: last"),
        ("write: { excel: true }", "write: { excel: maybe }"),
        ("phone_region: { from: Country }", "phone_region: { default: EC }"),
        ("columns: { Name: full_name }", "columns: {}"),
    ] {
        assert!(parses(good) && schema.accepts_page(good), "{good}: {:?}", schema.error(&value_of(good)));
        assert!(!parses(bad) && !schema.accepts_page(bad), "{bad}");
    }
}

#[test]
fn mistakes_in_a_configuration_are_found_by_its_schema() {
    let schema = Schema::of("config");
    let connection = |settings: &str| format!("connections: {{ shop: {{ {settings} }} }}");
    let job = |keys: &str| format!("jobs: {{ nightly: {{ {keys} }} }}");
    for (good, bad) in [
        ("env_file: .env".to_owned(), "env-file: .env".to_owned()),
        (connection("platform: mercately, api_key: \"${K}\", slug: s"), connection("platform: mercatelly")),
        (connection("platform: yeahdesk, token: t, segments: { VIP: 3 }"), connection("token: t")),
        (connection("platform: atom, on_update: merge"), connection("platform: atom, on_update: append")),
        (connection("platform: atom, allow_http: true"), connection("platform: atom, alow_http: true")),
        ("connections: { atom: { rate: 5/s } }".to_owned(), "connections: { atom: { slug: s } }".to_owned()),
        (job("export: { from: shop, out: a.csv }, retain: 30d"), job("exports: { from: shop }")),
        (job("import: { file: a.csv, to: shop, on_existing: fill }"), job("import: { file: a.csv, on_existing: all }")),
        (job("migrate: { from: a, to: b, dry_run: true }"), job("migrate: { from: a, to: b, dryrun: true }")),
        (job("convert: { file: a.csv, out: b.csv }"), job("convert: { file: a.csv }, import: { file: a.csv }")),
    ] {
        assert_eq!(schema.error(&value_of(&good)), None, "{good}");
        assert!(!schema.accepts_page(&bad), "{bad}");
    }
}

#[test]
fn the_line_for_editors_leads_to_the_schema() {
    let scene = Scene::without_sandbox();
    fs::create_dir(scene.path("maps")).unwrap();
    scene.write("a.csv", "First Name,Phone\nAna,+593991234567\n");
    for (out, expected) in [("a.yaml", ".ferry/mapping.schema.json"), ("maps/a.yaml", "/")] {
        let ended = scene.run(&format!("map suggest a.csv --out {out}"));
        assert_eq!(ended.exit, 0, "{ended:?}");
        let page = scene.read(out);
        let named = page.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=").unwrap().to_owned();
        assert!(named.starts_with(expected), "{named}");
        let folder = scene.path(out).parent().unwrap().to_owned();
        let schema: Value = serde_json::from_str(&fs::read_to_string(folder.join(&named)).unwrap()).unwrap();
        assert_eq!(schema, Schema::of("mapping").value);
    }
    let printed = scene.run("map suggest a.csv").out;
    assert!(!printed.contains("$schema"), "{printed}");
}
