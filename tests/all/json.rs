//! JSON that is hostile, or says two things at once, through the whole program: files, answers of a platform, and the
//! sandbox's own requests.

use super::support::{Ended, Fake, ask, ferry as command, response, run, scene};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// JSON in which a parser that knows this key opens another one for the text, and another one for the text in it.
fn nested(key: &str, levels: usize) -> String {
    let mut inner = "1".to_owned();
    for _ in 0..levels {
        let text = inner.replace('\\', "\\u005c").replace('"', "\\u0022");
        inner = format!("{}{{\"{key}\":\"{text}\"}}{}", "[".repeat(120), "]".repeat(120));
    }
    inner
}

const RAW: &str = "$serde_json::private::RawValue";
const NUMBER: &str = "$serde_json::private::Number";

fn ferry(folder: &Path, words: &str, variables: &[(&str, &str)]) -> Ended {
    run(command(folder, words).envs(variables.iter().copied()))
}

/// A record of a file with something else in it.
fn good(n: usize) -> String {
    format!("{{\"first_name\":\"Ana\",\"last_name\":\"Paz\",\"phone\":\"+5939876255{n:02}\"}}")
}

#[test]
fn a_record_that_opens_parser_after_parser_is_a_record_like_any_other() {
    for (key, levels) in [(RAW, 30), (NUMBER, 30), ("plain", 30)] {
        let folder = tempfile::tempdir().unwrap();
        let bad = format!("{{\"phone\":\"+593987625587\",\"x\":{}}}", nested(key, levels));
        fs::write(folder.path().join("bad.jsonl"), &bad).unwrap();
        let output = ferry(folder.path(), "convert bad.jsonl --out out.jsonl --state st", &[]);
        assert!(matches!(output.exit, 0 | 3), "{key}: {output:?}");
        let lines = [good(11), good(12), bad, good(13)];
        fs::write(folder.path().join("mix.jsonl"), lines.join("\n")).unwrap();
        let output = ferry(folder.path(), "import mix.jsonl --to mercately --sandbox --state st", &[]);
        assert!(matches!(output.exit, 0 | 3), "{key}: {output:?}");
    }
}

#[test]
fn what_is_nested_too_deep_is_rejected_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!("{{\"phone\":\"+593987625587\",\"x\":{}1{}}}", "[".repeat(127), "]".repeat(127));
    let deeper = format!("{{\"x\":{}", "[".repeat(200_000));
    let lines = [good(21), deep, deeper, good(22)];
    fs::write(folder.path().join("mix.jsonl"), lines.join("\n")).unwrap();
    let import = "import mix.jsonl --to mercately --sandbox --state st --output json";
    let limited = ferry(folder.path(), &format!("{import} --limit 2"), &[]);
    assert_eq!(limited.summary()["records"]["read"], 2, "{limited:?}");
    let output = ferry(folder.path(), "resume --state st --output json", &[]);
    assert_eq!(output.exit, 3, "{output:?}");
    let summary = output.summary();
    assert_eq!((&summary["records"]["read"], &summary["rejects"]["row.json"]), (&4.into(), &2.into()), "{summary}");
    assert_eq!(summary["records"]["created"], 2);
}

#[test]
fn a_key_that_stands_twice_rejects_the_record_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let twice = "{\"first_name\":\"Eva\",\"phone\":\"+593995017733\",\"phone\":\"+593995017734\"}";
    let within = "{\"first_name\":\"Leo\",\"phone\":\"+593995017735\",\"attributes\":{\"a\":1,\"\\u0061\":2}}";
    let in_list = "{\"first_name\":\"Ivo\",\"phone\":\"+593995017736\",\"orders\":[{\"n\":1,\"n\":1}]}";
    for (name, text) in [
        ("in.jsonl", format!("{}\n{twice}\n{within}\n{in_list}\n", good(31))),
        ("in.json", format!("{{\"data\":[{},\n{twice},\n{within},\n{in_list}]}}", good(31))),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
        let output = ferry(folder.path(), &format!("convert {name} --out out.jsonl --rejects r.jsonl --state st"), &[]);
        assert_eq!(output.exit, 3, "{output:?}");
        assert_eq!(fs::read_to_string(folder.path().join("out.jsonl")).unwrap().lines().count(), 1);
        let rejects = fs::read_to_string(folder.path().join("r.jsonl")).unwrap();
        let rejects: Vec<&str> = rejects.lines().collect();
        assert_eq!(rejects.len(), 3);
        for (line, (record, key)) in rejects.iter().zip([(twice, "phone"), (within, "a"), (in_list, "n")]) {
            assert!(line.starts_with(&format!("{{\"record\":{record},\"ferry\":")), "{line}");
            let message = format!("`{key}` occurs twice in one object of the record");
            assert!(line.contains("\"code\":\"row.json\"") && line.contains(&message), "{line}");
        }
        // Unchanged, they are the same rejects again, not rejects of rejects; fixed, they arrive.
        let again = "convert r.jsonl --out again.jsonl --rejects r2.jsonl --state st";
        assert_eq!(ferry(folder.path(), again, &[]).exit, 3);
        let rejects_again = fs::read_to_string(folder.path().join("r2.jsonl")).unwrap();
        assert!(rejects_again.starts_with(&format!("{{\"record\":{twice},")), "{rejects_again}");
        let fixed = rejects.join("\n").replace("\"phone\":\"+593995017734\"", "\"other\":\"+593995017734\"");
        let fixed = fixed.replace("\\u0061", "b").replace("\"n\":1}]", "\"m\":1}]");
        fs::write(folder.path().join("fixed.jsonl"), fixed).unwrap();
        let output = ferry(folder.path(), "convert fixed.jsonl --out fixed-out.jsonl --state st", &[]);
        assert_eq!(output.exit, 0, "{output:?}");
        assert_eq!(fs::read_to_string(folder.path().join("fixed-out.jsonl")).unwrap().lines().count(), 3);
        for made in ["r.jsonl", "r2.jsonl"] {
            let _may_be_gone = fs::remove_file(folder.path().join(made));
        }
    }
}

#[test]
fn a_reject_gives_back_the_bytes_of_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let record = "{ \"phone\":\"x\",  \"n\": 1.500, \"é\\u00e9\":[ 1,2 ] }";
    let wrapped = format!("{{ \"ferry\": {{\"code\": \"phone.invalid\", \"x\": \"}}\"}} , \"record\" : {record} }}\n");
    fs::write(folder.path().join("in.jsonl"), wrapped).unwrap();
    let convert = "convert in.jsonl --out out.jsonl --rejects r.jsonl --region none --state st";
    let output = ferry(folder.path(), convert, &[]);
    assert_eq!(output.exit, 3, "{output:?}");
    let rejects = fs::read_to_string(folder.path().join("r.jsonl")).unwrap();
    assert!(rejects.starts_with(&format!("{{\"record\":{record},\"ferry\":")), "{rejects}");
}

#[test]
fn a_record_with_very_many_keys_is_rejected_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let keys: Vec<String> = (0..200_000).map(|n| format!("\"k{n}\":\"v\"")).collect();
    let many = format!("{{\"phone\":\"+593987625587\",{}}}", keys.join(","));
    let values = format!("{{\"phone\":\"+593987625587\",\"x\":[{}1]}}", "1,".repeat(2_000_000));
    fs::write(folder.path().join("in.jsonl"), format!("{}\n{many}\n{values}\n", good(41))).unwrap();
    let output = ferry(folder.path(), "convert in.jsonl --out out.jsonl --rejects r.jsonl --state st", &[]);
    assert_eq!(output.exit, 3, "{output:?}");
    assert!(output.took < Duration::from_secs(20), "{:?}", output.took);
    let rejects = fs::read_to_string(folder.path().join("r.jsonl")).unwrap();
    assert!(rejects.contains("the record has more than 4096 keys"));
    assert!(rejects.contains("the record has more than 100000 values"));
}

/// The commands that read from a platform, against a server that answers so.
fn each_command(body: &str) -> Vec<(&'static str, Ended)> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ok.jsonl"), good(51)).unwrap();
    let response = response("200 OK", body);
    let url = format!("http://{}", Fake::new(move |_| response.clone()).address);
    let variables = [
        ("FERRY_MERCATELY_BASE_URL", url.as_str()),
        ("FERRY_MERCATELY_API_KEY", "key-of-a-test-0123456789"),
        ("FERRY_MERCATELY_TIMEOUT", "2s"),
        ("FERRY_MERCATELY_RATE", "none"),
    ];
    ["check mercately", "export --from mercately --out out.jsonl --wait 1s", "import ok.jsonl --to mercately --wait 1s"]
        .map(|command| (command, ferry(folder.path(), &format!("{command} --state st"), &variables)))
        .into()
}

#[test]
fn an_answer_that_opens_parser_after_parser_ends_nothing() {
    let nested = nested(RAW, 36);
    let body = format!(
        "{{\"results\":1,\"total_pages\":1,\"customers\":[{{\"id\":\"1\",\"first_name\":\"Ana\",\"x\":{nested}}}]}}"
    );
    for (command, output) in each_command(&body) {
        assert!((0..100).contains(&output.exit), "{command}: {output:?}");
    }
}

#[test]
fn an_answer_with_a_key_twice_is_an_error_that_names_it() {
    let body = "{\"results\":1,\"customers\":[{\"id\":\"1\",\"first_name\":\"Ana\"}],\"customers\":[]}";
    for (command, output) in each_command(body) {
        assert!(output.exit > 0, "{command}: {output:?}");
        assert!(output.err.contains("JSON in which `customers` stands twice"), "{command}: {}", output.err);
    }
}

#[test]
fn a_request_that_opens_parser_after_parser_does_not_end_the_sandbox() {
    let scene = scene(|_| {});
    let token = "/api/clients/person/create?token=sandbox-eadesk-token";
    for (path, header) in [
        ("/clients", "Authorization: Bearer sandbox-atom-token"),
        ("/retailers/api/v1/customers", "Api-Key: sandbox-mercately-key"),
        (token, "Accept: */*"),
        ("/api/v1/auth/login", "Accept: */*"),
    ] {
        let body = format!("{{\"customer\":{},\"person\":{}}}", nested(RAW, 20), nested(RAW, 20));
        let answer = ask(scene.sandbox().address(), &format!("POST {path}"), header, &body);
        assert!(answer.is_some(), "{path}");
    }
}
