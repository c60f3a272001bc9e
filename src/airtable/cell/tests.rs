use serde_json::json;

use super::*;

fn fit_text(kind: &str, options: &Value, value: Value) -> Cell {
    fit(kind.parse().unwrap(), options, value)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn values_become_what_their_column_takes() {
    let select = json!({"choices": [{"name": "Gold"}, {"name": "Tea, green"}]});
    let utc = json!({"timeZone": "utc"});
    let berlin = json!({"timeZone": "Europe/Berlin"});
    let none = Value::Null;
    let cases = [
        ("singleLineText", &none, json!(5), json!("5")),
        ("singleLineText", &none, json!(true), json!("true")),
        (
            "multilineText",
            &none,
            json!({"a": [1]}),
            json!(r#"{"a":[1]}"#),
        ),
        ("multilineText", &none, json!(["a"]), json!(r#"["a"]"#)),
        ("number", &none, json!(1.5), json!(1.5)),
        ("number", &none, json!(" -12.50 "), json!(-12.5)),
        (
            "number",
            &none,
            json!("9007199254740993"),
            json!(9_007_199_254_740_993_i64),
        ),
        ("duration", &none, json!("61"), json!(61)),
        ("rating", &json!({"max": 3}), json!(3.0), json!(3)),
        ("rating", &json!({"max": 3}), json!(0), none.clone()),
        ("checkbox", &none, json!("Yes"), json!(true)),
        ("checkbox", &none, json!(0), json!(false)),
        ("date", &none, json!("2026-01-02"), json!("2026-01-02")),
        (
            "date",
            &none,
            json!("2026-01-02T23:30:00-02:00"),
            json!("2026-01-03"),
        ),
        ("date", &none, json!(1_763_884_861), json!("2025-11-23")),
        (
            "dateTime",
            &utc,
            json!("2026-01-02T03:04:05+01:00"),
            json!("2026-01-02T02:04:05.000Z"),
        ),
        (
            "dateTime",
            &utc,
            json!("2026-01-02 03:04"),
            json!("2026-01-02T03:04:00.000Z"),
        ),
        (
            "dateTime",
            &berlin,
            json!("2026-01-02T03:04:05"),
            json!("2026-01-02T02:04:05.000Z"),
        ),
        (
            "dateTime",
            &utc,
            json!(1_763_884_861_500_i64),
            json!("2025-11-23T08:01:01.500Z"),
        ),
        (
            "dateTime",
            &utc,
            json!("1763884861.5"),
            json!("2025-11-23T08:01:01.500Z"),
        ),
        ("singleSelect", &select, json!("gold "), json!("Gold")),
        (
            "multipleSelects",
            &select,
            json!(["Gold", "Tea, green", "Gold"]),
            json!(["Gold", "Tea, green"]),
        ),
        (
            "multipleSelects",
            &select,
            json!(r#"["Gold"]"#),
            json!(["Gold"]),
        ),
        (
            "multipleSelects",
            &select,
            json!("Tea, green"),
            json!(["Tea, green"]),
        ),
        (
            "multipleSelects",
            &select,
            json!("gold,Gold"),
            json!(["Gold"]),
        ),
        ("multipleSelects", &select, json!([]), none.clone()),
        ("number", &none, none.clone(), none.clone()),
        ("number", &none, json!(""), none.clone()),
    ];
    for (kind, options, value, cell) in cases {
        let found = fit_text(kind, options, value.clone());
        let wanted = Cell {
            value: cell,
            invalid: None,
        };
        assert_eq!(found, wanted, "{value} in {kind}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_leaves_the_cell_empty_with_a_warning() {
    let select = json!({"choices": [{"name": "Gold"}]});
    let none = Value::Null;
    let cases = [
        ("number", &none, json!("many")),
        ("number", &none, json!("inf")),
        ("number", &none, json!(true)),
        ("number", &none, json!({"n": 1})),
        ("rating", &json!({"max": 3}), json!(4)),
        ("rating", &json!({"max": 3}), json!(1.5)),
        ("checkbox", &none, json!("maybe")),
        ("checkbox", &none, json!(2)),
        ("date", &none, json!("Tuesday")),
        ("date", &none, json!(2026)),
        ("dateTime", &none, json!("2026-13-02T00:00:00Z")),
        ("dateTime", &none, json!([1])),
        ("singleSelect", &select, json!("Silver")),
        ("multipleSelects", &select, json!(["Silver"])),
    ];
    for (kind, options, value) in cases {
        let found = fit_text(kind, options, value.clone());
        assert_eq!(found.value, Value::Null, "{value} in {kind}");
        assert!(found.invalid.is_some(), "{value} in {kind}");
    }
    let some = fit_text("multipleSelects", &select, json!(["Silver", "gold"]));
    assert_eq!(some.value, json!(["Gold"]));
    assert!(some.invalid.is_some());
}

#[test]
fn a_text_longer_than_a_cell_is_cut_and_says_so() {
    let cell = fit_text("multilineText", &Value::Null, json!("😀".repeat(60_000)));
    let text = cell.value.as_str().unwrap();
    assert!(text.ends_with(CUT_NOTE));
    assert!(text.encode_utf16().count() <= LONGEST);
}
