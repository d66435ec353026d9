//! A plan that was saved does again what the run did that saved it.

use crate::support::{ferry, folder_with, run};
use std::fs;

#[test]
fn a_saved_plan_has_the_country_that_was_typed() {
    for (file, of_plan) in [
        ("Name,Phone\nAna Paz,0991234567\n", "phone_region: EC "),
        (
            "Name,Phone,Country\nAna Paz,0991234567,\nEva Sol,987654321,Peru\n",
            "phone_region: { from: Country, default: EC }",
        ),
    ] {
        let folder = folder_with(&[("people.csv", file)]);
        let import = "import people.csv --to mercately --sandbox --rate none --region EC --save-map plan.yaml";
        let imported = run(ferry(folder.path(), import));
        assert_eq!(imported.exit, 0, "{imported:?}");
        let plan = fs::read_to_string(folder.path().join("plan.yaml")).unwrap();
        assert!(plan.contains(of_plan), "{plan}");
        let again = run(ferry(folder.path(), "convert people.csv --map plan.yaml --out people.jsonl"));
        assert_eq!(again.exit, 0, "{again:?}\n{plan}");
    }
}
