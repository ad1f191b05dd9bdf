//! `pipeline`: what it writes is green at once, what is wrong is told whole, and what it shows is true.

use planwright::pipeline::{Folder, spec};
use serde_json::Value;

use crate::support::World;

#[test]
fn a_new_pipeline_is_right_and_green_at_once_and_is_never_written_over() {
    let world = World::empty();
    for (name, from) in [("mine", "github"), ("shop", "https://api.shop.example/v2")] {
        let new = ["pipeline", "new", name, "--from", from];
        world.planwright(&new).ended(0).said(&format!("planwright sync --pipeline {name}"));
        world
            .planwright(&["pipeline", "check", name])
            .ended(0)
            .said("is right: 1 resource, 1 model,")
            .said("1 cassette");
        world.planwright(&["test", name]).ended(0);
        let before = world.read(format!("pipelines/{name}/pipeline.toml"));
        assert!(!before.contains("NAME") && (from == "github" || before.contains(from)), "{before}");
        world.planwright(&new).ended(2).said("is there already");
        assert_eq!(world.read(format!("pipelines/{name}/pipeline.toml")), before);
    }
    world.planwright(&["pipeline", "new", "../up"]).ended(2).said("cannot name a pipeline");
    world
        .planwright(&["pipeline", "new", "plain", "--from", "http://a.example"])
        .ended(2)
        .said("is not `https`");
    assert!(!world.root().join("pipelines/plain").exists());
}

#[test]
fn all_that_is_wrong_is_told_with_file_line_and_the_nearest_name() {
    let world = World::empty();
    world.planwright(&["pipeline", "new", "shop", "--from", "https://api.example.com/v1"]).ended(0);
    world.write("pipelines/shop/models/a.sql", "SELECT * FROM {{ ref('item_by_status') }}\n");
    world.write("pipelines/shop/models/b.sql", "SELECT * FROM {{ source('itmes') }}\n");
    world.write(
        "pipelines/shop/tests/more.toml",
        "source = \"cassette:exampel\"\n[[test]]\ntable = \"itms\"\ncolumn = \"id\"\nunique = true\n",
    );
    world.write("pipelines/shop/tests/wrong.toml", "[[test]]\ntabel = \"items\"\n");
    world.write("pipelines/shop/cassettes/wrong.jsonl", "\n{\"get\": 1}\n");
    let told = world.planwright(&["pipeline", "check", "shop"]).ended(2).said("6 things are wrong in");
    for text in [
        "there is no model `item_by_status`; the nearest known model is `items_by_status`",
        "there is no resource `itmes`; the nearest known resource is `items`",
        "is about the table `itms`, and there is none",
        "the nearest known cassette is `example`",
        "line 2: unknown key `tabel`",
        "cannot read line 2 of the cassette",
    ] {
        assert!(told.stderr.contains(text), "{text}\n{}", told.stderr);
    }
    let part = |name: &str| {
        format!("[[resources]]\nname = \"{name}\"\npath = \"/a\"\nkey = [\"id\"]\nincremntal = 1\n")
    };
    world.write("pipelines/shop/resources/a.toml", &part("a"));
    world.write("pipelines/shop/resources/b.toml", &part("b"));
    let told = world.planwright(&["pipeline", "check", "shop"]).ended(2);
    assert_eq!(told.stderr.matches("line 5: unknown key `incremntal`").count(), 2, "{}", told.stderr);
    assert_eq!(told.stderr.matches("the nearest known key is `incremental`").count(), 2);
    world.planwright(&["pipeline", "check", "github"]).ended(0).said("github is right");
}

#[test]
fn the_graph_has_every_resource_and_model_in_every_form() {
    let world = World::empty();
    let graph =
        |form: &str| world.planwright(&["pipeline", "graph", "github", "--format", form]).ended(0).stdout;
    let tree = graph("tree");
    assert!(tree.contains("│  ├─ issues\n│  │  ├─ sub_issues\n"), "{tree}");
    assert!(tree.contains("ready_issues <- ") && tree.contains("blocked_issues"), "{tree}");
    assert!(graph("mermaid").contains("    repos --> issues\n"));
    assert!(graph("dot").contains("    \"repos\" -> \"issues\";\n"));
    let json: Value = serde_json::from_str(&graph("json")).unwrap();
    let names: Vec<_> = json["nodes"].as_array().unwrap().iter().map(|node| &node["name"]).collect();
    for edge in json["edges"].as_array().unwrap() {
        // The ledger is a table that no pipeline reads.
        let known = |end: &str| names.contains(&&edge[end]) || edge[end] == "ledger";
        assert!(known("from") && known("to"), "{edge}");
    }
}

#[test]
fn the_page_tells_every_table_column_model_and_test() {
    let world = World::empty();
    world.planwright(&["pipeline", "new", "shop", "--from", "https://api.example.com/v1"]).ended(0);
    let page = world.planwright(&["pipeline", "docs", "shop"]).ended(0).stdout;
    for text in [
        "### items\n\nAn item. From `/items`; key `id`.\n",
        "| `status` | varchar | open or done |\n",
        "### items_by_status\n\nHow many items are open, and how many are done.\n\nA view of `items`.\n",
        "| `items` | How many there are |\n",
        "- items are counted by status (`tests/items.toml`)\n",
    ] {
        assert!(page.contains(text), "{text}\n{page}");
    }
    world.planwright(&["pipeline", "docs", "shop", "--out", "shop.md"]).ended(0).said("shop.md");
    assert_eq!(world.read("shop.md"), page);
}

#[test]
fn the_schema_holds_for_what_is_shipped_and_refuses_what_the_reader_refuses() {
    let world = World::bare();
    let printed = world.planwright(&["pipeline", "schema"]).ended(0).stdout;
    let whole: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(whole, spec::schema());
    let folder = Folder::find("github", None).unwrap();
    let toml = |text: &str| serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
    assert_eq!(wrong(&whole, &whole, &toml(folder.file("pipeline.toml").unwrap())), None);
    let part = spec::part_schema();
    let mut parts = 0;
    for file in folder.part("resources", "toml") {
        assert_eq!(wrong(&part, &part, &toml(file.text)), None, "{}", file.path);
        parts += 1;
    }
    assert!(parts > 5);
    let rest = |more: &str| toml(&format!("[source]\nbase = \"https://a.example\"\n{more}"));
    for good in ["auth = { kind = \"basic\", user = \"\" }", "paging = { kind = \"next\", from = \"a\" }", ""]
    {
        assert_eq!(wrong(&whole, &whole, &rest(good)), None, "{good}");
    }
    for bad in [
        "auth = { kind = \"basc\" }",
        "paging = { kind = \"next\" }",
        "bse = 1",
        "[[resources]]\nname = \"a\"",
    ] {
        assert!(wrong(&whole, &whole, &rest(bad)).is_some(), "{bad}");
    }
}

/// What of a value the schema refuses, of the words that ours has.
fn wrong(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        return wrong(root, root.pointer(name.trim_start_matches('#')).unwrap(), value);
    }
    let refused = |why: &str| Some(format!("{value}: {why}"));
    for choice in ["anyOf", "oneOf"] {
        if let Some(ways) = schema[choice].as_array()
            && ways.iter().all(|way| wrong(root, way, value).is_some())
        {
            return refused("fits no way");
        }
    }
    let mut all = schema["allOf"].as_array().into_iter().flatten();
    if let Some(why) = all.find_map(|part| wrong(root, part, value)) {
        return Some(why);
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return refused("is not the one value");
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        return refused("is none of the values");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        _ => value.is_null(),
    };
    if !kinds.is_empty() && !kinds.iter().any(is) {
        return refused("has another type");
    }
    if let Some(list) = value.as_array() {
        return list.iter().find_map(|item| wrong(root, &schema["items"], item));
    }
    let object = value.as_object()?;
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(name) = required.into_iter().find(|name| !object.contains_key(*name)) {
        return refused(&format!("lacks {name}"));
    }
    object.iter().find_map(|(name, member)| {
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => Some(format!("{name} is not known")),
            (Value::Null, Value::Null | Value::Bool(_)) => None,
            (Value::Null, more) => wrong(root, more, member),
            (known, _) => wrong(root, known, member),
        }
    })
}
