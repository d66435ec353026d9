//! Templates and expressions: what they give, and that no mapping brings the program down with one.

use super::support::{Ended, ferry_in_shell, run};
use ferry::mapping::{BindOptions, Mapped, Mapping};
use ferry::record::{Fields, Header, Origin, Record, Row};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Address space of the program in KiB, as `ulimit -v` takes it: what an idle one reserves, and 256 MiB.
const ADDRESS_SPACE_KIB: u64 = 1_700_000;
/// For one record, on whatever machine, without optimisation.
const TIME_MAX: Duration = Duration::from_secs(60);

/// The value that a template gives for `a`, `b` and `n` of a row, or why it has none.
fn given(template: &str) -> Result<String, String> {
    let page = serde_json::json!({"contact": {"notes": {"value": template, "trim": false}}}).to_string();
    let mapping = Mapping::parse(&page, Path::new("m.yaml")).map_err(|errors| errors.to_string())?;
    let header = Header::Columns(["a", "b", "n"].map(str::to_owned).to_vec());
    let bound = mapping.bind(&header, &BindOptions::default()).map_err(|errors| errors.to_string())?;
    let fields = Fields::Row(Row::from_cells(["x", "y z", "6"]));
    let record = Record { origin: Origin { ordinal: 0, line: 2 }, fields, raw: Box::default() };
    match bound.apply(&record) {
        Mapped::Contact(wanted) => {
            let json = wanted.contact.to_json();
            Ok(json.get("notes").and_then(|notes| notes.as_str()).unwrap_or_default().to_owned())
        }
        Mapped::Rejected(problems) => Err(problems.iter().map(|problem| problem.message.to_string()).collect()),
        Mapped::Filtered => Err("filtered".to_owned()),
    }
}

/// The same from the engine alone.
fn of_the_engine(template: &str) -> String {
    let mut env = minijinja::Environment::new();
    env.set_undefined_behavior(minijinja::UndefinedBehavior::Chainable);
    env.set_formatter(|out, state, value| match value.kind() {
        minijinja::value::ValueKind::None => Ok(()),
        minijinja::value::ValueKind::Seq | minijinja::value::ValueKind::Iterable => {
            let items: Vec<String> = value.try_iter()?.map(|item| item.to_string()).collect();
            minijinja::escape_formatter(out, state, &items.join("; ").into())
        }
        _ => minijinja::escape_formatter(out, state, value),
    });
    let row = minijinja::context! { row => minijinja::context! { a => "x", b => "y z", n => "6" } };
    env.render_str(template, row).unwrap_or_else(|error| panic!("{template}: {error}"))
}

#[test]
fn a_template_gives_what_jinja_gives() {
    let cases = [
        ("{{ row.a ~ '-' ~ row.b }}", "x-y z"),
        ("{{ row.a ~ 1 + 2 }}", "error"),
        ("{{ row.n | int + 2 * 3 - 1 }}", "11"),
        ("{{ (row.n | int + 2) * 3 }}", "24"),
        ("{{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 1 / 4 }}", "64 4 3 3 0.25"),
        ("{{ 'A' if row.a == 'x' and not row.b == 'q' or false else 'B' }}", "A"),
        ("{{ 'A' if not (row.a == 'x' or row.b) else 'B' if row.n == '6' else 'C' }}", "B"),
        ("{{ row.b.split }}{{ row['b'] | split(' ') | join('+') | upper }}", "Y+Z"),
        ("{{ (row.b | split)[1] }}{{ row.b[0:2] }}{{ row.b[::-1] }}{{ row.b[-1:] }}", "zy z yz"),
        (
            "{% for w in row.b | split %}{{ loop.index }}{{ w }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "1y, 2z",
        ),
        ("{% for w in [] %}x{% else %}none{% endfor %}", "none"),
        ("{% for k, v in {'p': 1, 'q': 2} | items if v > 1 %}{{ k }}={{ v }}{% endfor %}", "q=2"),
        ("{% if row.a == 'q' %}1{% elif row.a in ['x', 'w'] %}2{% else %}3{% endif %}", "2"),
        ("{% if row.a not in 'xyz' %}1{% else %}{% if row.b %}2{% endif %}{% endif %}", "2"),
        ("{% set t = row.a ~ '!' %}{{ t }}{% set u %}<{{ t }}>{% endset %}{{ u | length }}", "x!4"),
        ("{% with t = row.a, u = 2 %}{{ t }}{{ u }}{% endwith %}", "x2"),
        ("{% set p, q = row.b | split %}{{ q }}{{ p }}", "zy"),
        ("  {{- row.a -}}  \n {# no #}\"\\{{ 'it\\'s' }}{% raw %}{{ x }}{% endraw %}", "x\"\\it's{{ x }}"),
        ("{{ [1, 2] + [3] }} {{ (1, 2)[1] }} {{ {'k': 'v'}['k'] }} {{ {'k': 'v'}.k }}", "1; 2; 3 2 v v"),
        (
            "{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ row.n is defined }} {{ row.n is not string }} {{ 4 is divisibleby 2 }}",
            "True False True False True",
        ),
        (
            "{{ row.a | default('d') }}{{ '' | default('d', true) }}{{ none | default('e') }}{{ row.n | float | round }}",
            "xd6.0",
        ),
        (
            "{{ 'a-b' | replace('-', '+') | title }}{{ '%s=%03d' | format('n', 7) }}{{ 'a\nb' | indent(2) }}",
            "A+bn=007a\n  b",
        ),
        ("{{ range(3) | join(',') }}{{ [3, 1, 2] | sort | join }}{{ ['b', 'a', 'b'] | unique | join }}", "0,1,2123ba"),
        ("{{ ['a', 'b'] | map('upper') | join }}{{ [1, 2, 3] | select('odd') | list | length }}", "AB2"),
        ("{{ ''.x.y.z | upper }}{{ row.a.q }}", ""),
        ("{% for i in range(2) %}{{ loop.cycle('e', 'o') }}{% endfor %}", "eo"),
    ];
    for (template, expected) in cases {
        match given(template) {
            Ok(value) => {
                assert_eq!(value, expected, "{template}");
                assert_eq!(value, of_the_engine(template), "{template}");
            }
            Err(reason) => assert_eq!("error", expected, "{template}: {reason}"),
        }
    }
}

/// Mappings that ask for gigabytes, for hours, or for a deep stack, as one line below `contact` or beside it.
fn hostile() -> Vec<(&'static str, String)> {
    let notes = |template: String| format!("contact: {{ notes: {{ value: {} }} }}\n", serde_json::json!(template));
    let only_if =
        |expression: String| format!("contact: {{ notes: Name }}\nonly_if: {}\n", serde_json::json!(expression));
    let times = |text: &str, count: usize| text.repeat(count);
    vec![
        ("doubling", notes(format!("{{% set x = row.Name %}}{}{{{{ x | length }}}}", times("{% set x = x ~ x %}", 40)))),
        ("doubling with +", notes(format!("{{% set x = 'ab' %}}{}{{{{ x | length }}}}", times("{% set x = x + x %}", 40)))),
        ("doubling lists", notes(format!("{{% set x = [1] %}}{}{{{{ x }}}}", times("{% set x = [x, x] %}", 40)))),
        ("comparing lists", notes(format!(
            "{{% set x = [1] %}}{{% set y = [1] %}}{}{{{{ x == y }}}}{{{{ x in [y] }}}}",
            times("{% set x = [x, x] %}{% set y = [y, y] %}", 40)
        ))),
        ("keys", notes(format!(
            "{{% set x = [1] %}}{{% set y = [1] %}}{}{{{{ {{x: 1}}[y] }}}}",
            times("{% set x = [x, x] %}{% set y = [y, y] %}", 40)
        ))),
        ("adding lists", notes(format!("{{% set x = [1] %}}{}{{{{ x | length }}}}", times("{% set x = x + x %}", 40)))),
        ("capturing", notes(format!("{{% set x = 'ab' %}}{}{{{{ x | length }}}}", times("{% set x %}{{ x }}{{ x }}{% endset %}", 40)))),
        ("capturing in a loop", notes(format!(
            "{{% set x %}}{{% for i in range(40000) %}}{}{{% endfor %}}{{% endset %}}{{{{ x | length }}}}", times("a", 60_000)
        ))),
        ("namespace", notes("{% set ns = namespace(x='a') %}{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x | length }}".into())),
        ("replace", notes(format!("{{{{ 'a' {} | length }}}}", times("| replace('a', 'bbbbbbbbbb') | replace('b', 'aaaaaaaaaa')", 9)))),
        ("replace nothing", notes(format!("{{{{ 'a' {} | length }}}}", times("| replace('', 'bbbbbbbbbb')", 20)))),
        ("map replace", notes("{{ ['a' ] | map('replace', 'a', 'b' | indent(60000)) | map('replace', ' ', 'b' | indent(60000)) | join | length }}".into())),
        ("indent", notes("{{ 'a\nb' | indent(4000000000) | length }}".into())),
        ("indent by name", notes("{{ 'a\nb' | indent(width=4000000000, first=true, blank=true) | length }}".into())),
        ("format", notes("{{ '%4000000000d' | format(1) | length }}".into())),
        ("format by argument", notes("{{ '%*d' | format(4000000000, 1) | length }}".into())),
        ("format precision", notes("{{ '%.4000000000f' | format(1.5) | length }}".into())),
        ("repeating", notes("{{ ('a' * 100000000) | length }}".into())),
        ("repeating from the right", notes("{{ (100000000 * 'a') | length }}".into())),
        ("repeating twice", notes("{{ ('a' * 60000 * 60000) | length }}".into())),
        ("repeating lists", notes("{{ ([1] * 100000000) | list | length }}".into())),
        ("repeating tuples", notes("{{ ((1, 2) * 50000000) | length }}".into())),
        ("powers", notes("{{ 10 ** 10 ** 10 ** 10 }}".into())),
        ("join", notes("{{ range(60000) | join('a' | indent(60000)) | length }}".into())),
        ("batch", notes("{{ [1] | batch(4000000000, 'x') | length }}".into())),
        ("slice", notes("{{ [1] | slice(4000000000) | length }}".into())),
        ("center", notes("{{ 'a' | center(4000000000) | length }}".into())),
        ("truth", only_if("('a' * 100000000) | length > 5".into())),
        ("nested loops", notes(format!("{}x{}", times("{% for i in range(99999) %}", 40), times("{% endfor %}", 40)))),
        ("searching", notes("{% set x = ('a' | indent(60000, true)) %}{% for i in range(50000) %}{% if 'b' in x %}1{% endif %}{% endfor %}".into())),
        ("macro", notes("{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}".into())),
        ("recursive loop", notes("{% for i in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}".into())),
        ("splat", notes("{{ dict(*range(99999)) }}".into())),
        ("debug", notes("{{ debug() }}".into())),
        ("not", only_if(format!("{}true", times("not ", 50_000)))),
        ("minus", only_if(format!("{}1 == 1", times("-", 50_000)))),
        ("parentheses", only_if(format!("{}true{}", times("(", 50_000), times(")", 50_000)))),
        ("brackets", notes(format!("{{{{ {}1{} }}}}", times("[", 50_000), times("]", 50_000)))),
        ("braces", notes(format!("{{{{ {}1{} }}}}", times("{'a': ", 50_000), times("}", 50_000)))),
        ("chain", only_if(format!("row{}", times(".a", 100_000)))),
        ("subscripts", only_if(format!("row{}", times("[0]", 100_000)))),
        ("filters", notes(format!("{{{{ row.Name {} }}}}", times("| upper", 50_000)))),
        ("elif", notes(format!("{{% if row.Name == 1 %}}{}{{% endif %}}", times("{% elif row.Name == 1 %}", 50_000)))),
        ("if", notes(format!("{}x{}", times("{% if true %}", 50_000), times("{% endif %}", 50_000)))),
        ("choices", notes(format!("{{{{ {} 1 }}}}", times("1 if row.Name else ", 50_000)))),
        ("or", only_if(format!("{}true", times("row.Name == 1 or ", 50_000)))),
        ("comparisons", only_if(format!("1{}", times(" < 1", 50_000)))),
        ("concatenation", notes(format!("{{{{ 'a'{} }}}}", times(" ~ 'a'", 50_000)))),
        // The largest that are still let through.
        ("250 concatenations", notes(format!("{{{{ row.Name{} }}}}", times(" ~ row.Name", 240)))),
        ("240 filters", notes(format!("{{{{ row.Name{} }}}}", times(" | upper", 240)))),
        ("240 members", notes(format!("{{{{ row.Name{} }}}}", times(".x", 480)))),
        ("160 branches", notes(format!("{{% if row.Name == 1 %}}{}{{% endif %}}", times("{% elif row.Name == 1 %}", 120)))),
        ("240 choices", notes(format!("{{{{ {} 1 }}}}", times("1 if 0 else ", 240)))),
        ("300 sums", notes(format!("{{{{ 1{} }}}}", times(" + 1", 490)))),
        ("300 products", notes(format!("{{{{ 1{} }}}}", times(" * 1", 490)))),
        ("300 conjunctions", only_if(format!("row.Name{}", times(" and row.Name", 240)))),
        ("300 comparisons", only_if(format!("1{}", times(" == 1", 490)))),
    ]
}

fn shell(folder: &Path, command: &str) -> Ended {
    run(ferry_in_shell(folder, &format!("ulimit -v {ADDRESS_SPACE_KIB}"), command))
}

#[cfg(target_os = "linux")]
#[test]
fn no_template_whatever_takes_the_memory_or_the_time_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("in.csv"), "Name\nAna\n").unwrap();
    if shell(folder, "--version").exit != 0 {
        return crate::support::left_out("`ulimit -v` is not possible here");
    }
    for (name, mapping) in hostile() {
        fs::write(folder.join("m.yaml"), &mapping).unwrap();
        for command in ["map check m.yaml in.csv", "convert in.csv --map m.yaml --out o.jsonl --fresh"] {
            let output = shell(folder, command);
            let (said, code) = (output.printed(), output.exit);
            assert!(matches!(code, 0 | 2 | 3), "{name}: `{command}`: {output:?}");
            assert!(output.took < TIME_MAX, "{name}: `{command}` took {:?}", output.took);
            if code != 0 {
                let words = ["error", "template", "value.template"];
                assert!(words.iter().any(|word| said.contains(word)), "{name}: `{command}` says\n{said}");
            }
        }
    }
}
