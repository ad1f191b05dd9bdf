//! How items become rows, case by case.

use serde_json::json;

use super::super::{Spec, store};
use super::*;

fn shape(columns: &str) -> Shape {
    let text =
        format!("source = \"github\"\n[[resources]]\nname = \"r\"\npath = \"/r\"\nkey = [\"id\"]\n{columns}");
    let spec = Spec::parse("p", &text).unwrap();
    Shape::new(&spec.resources[0], store::declared(&spec, &spec.resources[0]))
}

fn first(shape: &Shape, item: &Value) -> Row {
    let page = shape.read(json!([item]).to_string().as_bytes(), &[], 4).unwrap();
    page.rows.into_iter().next().unwrap()
}

fn fail(shape: &Shape, body: &str) -> String {
    shape.read(body.as_bytes(), &[], 0).unwrap_err().to_string()
}

const ID: &str = r#"columns = [{ name = "id", type = "bigint" }]"#;

#[test]
fn declared_columns_reach_into_the_item() {
    let item = json!({"x": [1, {"id": 3}], "id": 7, "user": {"id": 9, "login": "ada"},
        "labels": [{"name": "a"}, {"name": "b"}, {}], "links": {"self": "/7"}});
    let shape = shape(
        r#"columns = [
        { name = "id", type = "bigint" }, { name = "user", from = "user.login", type = "varchar" },
        { name = "labels", from = "labels[].name", type = "json" }, { name = "gone", from = "a.b", type = "json" },
        { name = "place", from = "@position", type = "bigint" }, { name = "links", type = "json" },
        { name = "own", from = "links.self", type = "varchar" }]"#,
    );
    let expected = [
        Cell::Bigint(7),
        Cell::text("ada"),
        Cell::text(r#"["a","b",null]"#),
        Cell::Null,
        Cell::Bigint(5),
        Cell::text(r#"{"self":"/7"}"#),
        Cell::text("/7"),
    ];
    assert_eq!(first(&shape, &item).values, Values::Declared(expected.to_vec(), Vec::new()));
}

#[test]
fn a_value_that_does_not_fit_is_kept_apart() {
    let row = first(
        &shape(r#"columns = [{ name = "id", type = "varchar" }, { name = "n", type = "bigint" }]"#),
        &json!({"id": "a", "n": "many"}),
    );
    let misfit = Misfit { column: 1, value: json!("many") };
    assert_eq!(row.values, Values::Declared(vec![Cell::text("a"), Cell::Null], vec![misfit]));
}

#[test]
fn a_path_through_what_is_no_object_is_null() {
    let shape = shape(
        r#"columns = [{ name = "id", type = "bigint" }, { name = "u", from = "user.login", type = "varchar" }]"#,
    );
    for user in [json!(null), json!(3), json!("x"), json!([{"login": "a"}]), json!(true), json!(-1.5)] {
        let row = first(&shape, &json!({"id": 1, "user": user}));
        assert_eq!(row.values, Values::Declared(vec![Cell::Bigint(1), Cell::Null], Vec::new()));
    }
}

#[test]
fn without_columns_every_top_level_key_is_one_and_none_collide() {
    let item = json!({"id": 7, "Id": 8, "_key": 1, "user": {"login": "ada"}});
    let expected = [("id", json!(7)), ("user", json!({"login": "ada"}))];
    let expected = expected.map(|(name, value)| (name.to_owned(), value)).to_vec();
    assert_eq!(first(&shape(""), &item).values, Values::Inferred(expected, Vec::new()));
}

#[test]
fn a_body_is_kept_letter_for_letter_but_for_what_the_spec_leaves_out() {
    let text = r#"[{"id": 1,  "a":{"b" : 1.50},"stars":9}]"#;
    let body = |columns: &str| shape(columns).read(text.as_bytes(), &[], 0).unwrap().rows[0].body.clone();
    assert_eq!(body(ID), r#"{"id": 1,  "a":{"b" : 1.50},"stars":9}"#);
    assert_eq!(body(&format!("drop = [\"stars\"]\n{ID}")), r#"{"id":1,"a":{"b" : 1.50}}"#);
    assert_eq!(body(&format!("keep = [\"id\"]\n{ID}")), r#"{"id":1}"#);
}

#[test]
fn what_is_left_out_may_lie_deeper() {
    let text = r#"[{"id":1,"head":{"ref": "x","repo":{"id":7,"stars":9}},"user":null}]"#;
    let body = |columns: &str| shape(columns).read(text.as_bytes(), &[], 0).unwrap().rows[0].body.clone();
    let lean = r#"{"id":1,"head":{"ref":"x"},"user":null}"#;
    assert_eq!(body(&format!("drop = [\"head.repo\", \"user.login\"]\n{ID}")), lean);
    let kept = r#"{"id":1,"head":{"repo":{"id":7}}}"#;
    assert_eq!(body(&format!("keep = [\"id\", \"head.repo.id\"]\n{ID}")), kept);
    let both = r#"{"id":1,"head":{"ref":"x","repo":{"id":7}}}"#;
    assert_eq!(body(&format!("keep = [\"id\", \"head\"]\ndrop = [\"head.repo.stars\"]\n{ID}")), both);
}

#[test]
fn a_column_may_hold_the_whole_item() {
    let shape = shape(
        "drop = [\"x\"]\ncolumns = [{ name = \"id\", type = \"bigint\" }, { name = \"all\", from = \"@item\", type = \"json\" }]",
    );
    let row = first(&shape, &json!({"id": 1, "Rust": 20, "x": 3}));
    let expected = vec![Cell::Bigint(1), Cell::text(r#"{"id":1,"Rust":20}"#)];
    assert_eq!(row.values, Values::Declared(expected, Vec::new()));
}

#[test]
fn a_change_in_what_is_left_out_is_no_change() {
    let shape = shape(&format!("drop = [\"stars\"]\n{ID}"));
    let hash = |item: Value| first(&shape, &item).hash;
    assert_eq!(hash(json!({"id": 1, "stars": 1})), hash(json!({"id": 1, "stars": 2})));
    assert_ne!(hash(json!({"id": 1, "forks": 1})), hash(json!({"id": 1, "forks": 2})));
}

#[test]
fn a_list_may_stand_in_an_object() {
    let shape = shape(&format!("items = \"runs\"\n{ID}"));
    let page = shape.read(br#"{"total_count": 2, "runs": [{"id": 1}, {"id": 2}]}"#, &[], 0).unwrap();
    assert_eq!(page.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(fail(&shape, r#"{"total_count": 2}"#), "the body has no list `runs`");
    let deeper = self::shape(&format!("items = \"data.runs\"\n{ID}"));
    assert_eq!(deeper.read(br#"{"data": {"runs": [{"id": 1}]}}"#, &[], 0).unwrap().items, 1);
    assert_eq!(fail(&deeper, r#"{"data": []}"#), "the body has no list `data.runs`");
}

#[test]
fn a_key_that_comes_twice_keeps_its_last_item() {
    let page = shape(ID).read(br#"[{"id": 1, "a": 1}, {"id": 2}, {"id": 1, "a": 2}]"#, &[], 0).unwrap();
    let bodies: Vec<_> = page.rows.iter().map(|row| row.body.as_str()).collect();
    assert_eq!((page.items, bodies), (3, vec![r#"{"id": 1, "a": 2}"#, r#"{"id": 2}"#]));
}

#[test]
fn what_is_no_page_is_refused() {
    let shape = shape(ID);
    assert_eq!(fail(&shape, r#"[{"id": 1"#), "the body is not JSON");
    assert_eq!(fail(&shape, "[1]"), "the body is not a list of objects");
    assert_eq!(fail(&shape, "[{}]"), "item 1 has no `id`, which is part of the key");
    assert_eq!(shape.read(br#"{"id": 1}"#, &[], 0).unwrap().items, 1);
}
