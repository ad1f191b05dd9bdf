//! Models in the warehouse: those that grow, those that stand, and what is wrong with them.

use planwright::pipeline::warehouse::{self, Warehouse};

use crate::support::World;
use crate::support::api::Api;
use crate::support::world::Ran;

/// A pipeline of one's own that reads one listing, and models of it.
struct Shop {
    world: World,
    api: Api,
}

impl Shop {
    /// With five things, one a minute, these options of models and these models.
    fn new(options: &str, models: &[(&str, &str)]) -> Self {
        let world = World::empty();
        let api = world.wait(Api::start(5));
        let shop = Self { world, api };
        shop.options(options);
        for (name, sql) in models {
            shop.model(name, sql);
        }
        shop
    }

    fn options(&self, options: &str) {
        let text = format!(
            "[source]\nbase = \"{}\"\npaging = {{ kind = \"none\" }}\n\
             [[resources]]\nname = \"things\"\npath = \"/all\"\nkey = [\"id\"]\nitems = \"data.items\"\n\
             columns = [{{ name = \"id\", type = \"bigint\" }}, {{ name = \"at\", type = \"timestamp\" }},\n\
             {{ name = \"colour\", type = \"varchar\" }}]\n{options}\n",
            self.api.url
        );
        self.world.write("pipelines/shop/pipeline.toml", &text);
    }

    fn model(&self, name: &str, sql: &str) {
        self.world.write(format!("pipelines/shop/models/{name}.sql"), sql);
    }

    fn sync(&self) -> Ran {
        self.world.planwright(&["sync", "--pipeline", "shop"])
    }

    /// The rows of a query, each with spaces between its values.
    fn rows(&self, sql: &str) -> Vec<String> {
        let told = self.world.planwright(&["query", "--format", "csv", sql]).ended(0).stdout;
        told.lines().skip(1).map(|line| line.replace(',', " ")).collect()
    }
}

const GROWS: &str = "[models.grows]\nas = \"incremental\"\nkey = [\"id\"]\n[models.whole]\nas = \"table\"\n";

/// What is new since the newest row, that row again; each row tells how it came.
const GROWING: &str =
    "SELECT id, \"at\", colour, {{ \"'added'\" if is_incremental() else \"'whole'\" }} AS how
FROM {{ source('things') }}
{% if is_incremental() %} WHERE \"at\" >= (SELECT max(\"at\") FROM {{ this }}) {% endif %}";

const WHOLE: &str = "SELECT id, \"at\", colour FROM {{ source('things') }}";

const HOW: &str = "SELECT how, list(id ORDER BY id)::VARCHAR AS ids FROM grows GROUP BY how ORDER BY how";

const SAME: &str = "SELECT count(*) FROM ((SELECT id, \"at\", colour FROM grows EXCEPT ALL FROM whole)
    UNION ALL (FROM whole EXCEPT ALL SELECT id, \"at\", colour FROM grows))";

#[test]
fn an_incremental_model_that_grew_is_as_one_built_in_full() {
    let shop = Shop::new(GROWS, &[("grows", GROWING), ("whole", WHOLE)]);
    shop.sync().ended(0);
    assert_eq!(shop.rows(HOW), ["whole \"[1  2  3  4  5]\""]);
    // The newest row comes again with another colour, and two are new.
    shop.api.tell(5, "colour", "red");
    shop.api.add(6);
    shop.api.add(7);
    shop.sync().ended(0).said("grows                    built            7 rows");
    assert_eq!(shop.rows(HOW), ["added \"[5  6  7]\"", "whole \"[1  2  3  4]\""]);
    assert_eq!(shop.rows(SAME), ["0"]);
    shop.sync().ended(0);
    assert_eq!(shop.rows(SAME), ["0"]);
}

#[test]
fn what_is_gone_stays_in_an_incremental_model_until_it_is_built_in_full() {
    let shop = Shop::new(GROWS, &[("grows", GROWING), ("whole", WHOLE)]);
    shop.sync().ended(0);
    shop.api.remove(2);
    shop.sync().ended(0);
    assert_eq!(shop.rows("SELECT (SELECT count(*) FROM grows), (SELECT count(*) FROM whole)"), ["5 4"]);
    shop.world.planwright(&["sync", "--pipeline", "shop", "--full"]).ended(0);
    assert_eq!(shop.rows(HOW), ["whole \"[1  3  4  5]\""]);
    // Not even when nothing was loaded is what was asked for left undone.
    shop.api.add(6);
    shop.sync().ended(0);
    shop.world.planwright(&["sync", "--pipeline", "shop", "--full"]).ended(0);
    assert_eq!(shop.rows(HOW), ["whole \"[1  3  4  5  6]\""]);
}

#[test]
fn an_incremental_model_is_made_anew_when_its_sql_its_columns_or_what_it_reads_changed() {
    let grows = GROWING.replace("source('things')", "ref('between')");
    let shop =
        Shop::new(GROWS, &[("between", "FROM {{ source('things') }}"), ("grows", &grows), ("whole", WHOLE)]);
    shop.sync().ended(0);
    let mut next = 6;
    let mut whole = |what: &str| {
        shop.api.add(next);
        next += 1;
        shop.sync().ended(0);
        assert_eq!(shop.rows("SELECT DISTINCT how FROM grows"), ["whole"], "{what}");
        shop.api.add(next);
        next += 1;
        shop.sync().ended(0);
        assert_eq!(shop.rows("SELECT DISTINCT how FROM grows ORDER BY how"), ["added", "whole"], "{what}");
    };
    shop.model("grows", &grows.replace("SELECT id,", "SELECT id + 0 AS id,"));
    whole("its SQL");
    shop.options(&GROWS.replace("[\"id\"]", "[\"id\", \"at\"]"));
    whole("its options");
    shop.model("between", "SELECT * REPLACE (upper(colour) AS colour) FROM {{ source('things') }}");
    whole("what it reads");
    shop.model("grows", &grows.replace("SELECT id,", "SELECT * EXCLUDE (id, \"at\", colour), id,"));
    whole("its SQL, of all columns");
    let wider = "{ name = \"colour\", type = \"varchar\" }, { name = \"second\", type = \"bigint\" }]";
    let text = shop.world.read("pipelines/shop/pipeline.toml");
    let text = text.replace("{ name = \"colour\", type = \"varchar\" }]", wider);
    shop.world.write("pipelines/shop/pipeline.toml", &text);
    whole("the columns that its SQL gives");
    assert_eq!(shop.rows("SELECT count(*) FROM grows WHERE second IS NULL"), ["0"]);
}

#[test]
fn a_key_that_is_there_twice_or_not_at_all_is_named_and_the_models_stay_as_they_were() {
    let shop = Shop::new(GROWS, &[("grows", GROWING), ("whole", WHOLE)]);
    shop.sync().ended(0);
    let twice = "\n{% if is_incremental() %} UNION ALL SELECT 7, NULL, 'x', 'y' FROM range(3) {% endif %}";
    shop.model("grows", &format!("{GROWING}{twice}"));
    // Its SQL is another, so that it is made anew, and the whole has each key once.
    shop.api.add(6);
    shop.sync().ended(0);
    shop.api.add(7);
    shop.sync()
        .ended(2)
        .said("shop/models/grows.sql` gives 4 rows of the key id = 7")
        .said("hint: let it give each key once");
    assert_eq!(shop.rows("SELECT count(*), max(id) FROM whole"), ["6 6"]);
    shop.model("grows", &format!("{WHOLE} UNION ALL {WHOLE}"));
    shop.sync().ended(2).said("grows.sql` gives 2 rows of the key id = 1");
    assert_eq!(shop.rows("SELECT count(*), max(id) FROM grows"), ["6 6"]);
    shop.options(&GROWS.replace("\"id\"", "\"ident\""));
    shop.sync()
        .ended(2)
        .said("grows.sql` has `ident`, which is no column of it")
        .said("the nearest known column is `id`");
    shop.options(&GROWS.replace("key = [\"id\"]\n", ""));
    shop.sync()
        .ended(2)
        .said("line 12: the incremental model `grows` has no `key`")
        .said("hint: name the columns");
}

/// The models that were built, in order.
fn built(ran: &Ran) -> Vec<&str> {
    let built = ran.stderr.lines().filter(|line| line.contains(" built  "));
    built.filter_map(|line| line.split_whitespace().next()).collect()
}

const TABLES: &str = "[models.a]\nas = \"table\"\n[models.b]\nas = \"table\"\n[models.c]\nas = \"table\"\n\
    [models.today]\nas = \"table\"\n";

/// `a` reads the table through a view and by a name of its own, `b` what `a` has, `c` nothing.
const MODELS: [(&str, &str); 5] = [
    ("a", "WITH things AS (FROM Things) SELECT count(*) AS n FROM things JOIN {{ ref('v') }} USING (id)"),
    ("b", "SELECT n + 1 AS n FROM {{ ref('a') }}"),
    ("c", "SELECT 1 AS one FROM range(2)"),
    ("today", "SELECT now() AS moment"),
    ("v", "SELECT * FROM {{ source('things') }}"),
];

#[test]
fn only_what_changed_is_built_and_what_asks_for_the_time() {
    let shop = Shop::new(TABLES, &MODELS);
    let changed = ["pipeline", "build", "shop", "--changed"];
    assert_eq!(built(&shop.sync().ended(0)), ["c", "today", "v", "a", "b"]);
    assert_eq!(built(&shop.sync().ended(0)), ["today"]);
    shop.api.add(6);
    assert_eq!(built(&shop.sync().ended(0)), ["today", "a", "b"]);
    assert_eq!(shop.rows("SELECT a.n, b.n FROM a, b"), ["6 7"]);
    assert_eq!(built(&shop.world.planwright(&changed).ended(0)), ["today"]);
    shop.model("b", "SELECT n + 2 AS n FROM {{ ref('a') }}");
    assert_eq!(built(&shop.world.planwright(&changed).ended(0)), ["today", "b"]);
    shop.model("v", "SELECT id FROM {{ source('things') }}");
    let ran = shop.world.planwright(&changed).ended(0).said("4 models built in");
    assert_eq!(built(&ran), ["today", "v", "a", "b"]);
    assert_eq!(built(&shop.world.planwright(&["pipeline", "build", "shop"]).ended(0)).len(), 5);
    std::fs::remove_file(shop.world.root().join("pipelines/shop/models/today.sql")).unwrap();
    assert_eq!(built(&shop.world.planwright(&changed).ended(0).said("every model stands")), [""; 0]);
    shop.world.planwright(&["query", "FROM today"]).ended(2);
}

#[test]
fn a_source_row_that_is_gone_or_another_is_seen_whatever_ended_the_sync_that_saw_it_first() {
    let shop = Shop::new(TABLES, &MODELS);
    shop.sync().ended(0);
    shop.api.remove(2);
    shop.model("c", "SELECT 1 AS one FRO range(2)");
    shop.sync().ended(2).said("models/c.sql`").said("Parser Error: syntax error at or near");
    assert_eq!(shop.rows("FROM a"), ["5"]);
    shop.model("c", MODELS[2].1);
    assert_eq!(built(&shop.sync().ended(0)), ["today", "a", "b"]);
    assert_eq!(shop.rows("FROM a"), ["4"]);
    shop.model("a", "SELECT count(colour) AS n FROM {{ ref('v') }}");
    shop.sync().ended(0);
    shop.api.tell(3, "colour", "red");
    assert_eq!(built(&shop.sync().ended(0)), ["today", "a", "b"]);
    assert_eq!(shop.rows("FROM a"), ["1"]);
}

#[test]
fn a_view_is_made_again_only_when_the_columns_of_what_it_reads_are_others() {
    let shop = Shop::new("", &[("v", "SELECT * FROM {{ source('things') }}"), ("w", "FROM {{ ref('v') }}")]);
    assert_eq!(built(&shop.sync().ended(0)), ["v", "w"]);
    shop.api.add(6);
    assert_eq!(built(&shop.sync().ended(0)), [""; 0]);
    assert_eq!(shop.rows("SELECT count(*) FROM w"), ["6"]);
    let wider = "{ name = \"colour\", type = \"varchar\" }, { name = \"second\", type = \"bigint\" }]";
    let text = shop.world.read("pipelines/shop/pipeline.toml");
    let text = text.replace("{ name = \"colour\", type = \"varchar\" }]", wider);
    shop.world.write("pipelines/shop/pipeline.toml", &text);
    assert_eq!(built(&shop.sync().ended(0)), ["v", "w"]);
    assert_eq!(shop.rows("SELECT max(second) FROM w"), ["1700000360"]);
}

#[test]
fn building_asks_for_a_warehouse_that_holds_the_pipeline_and_says_what_is_red() {
    let shop = Shop::new(TABLES, &MODELS);
    let build = ["pipeline", "build", "shop"];
    shop.world.planwright(&build).ended(3).said("there is no warehouse").said("`planwright sync` fills it");
    shop.world.planwright(&["sync"]).ended(0);
    shop.world
        .planwright(&build)
        .ended(3)
        .said("the warehouse has nothing of the pipeline `shop`")
        .said("planwright sync --pipeline shop");
    shop.sync().ended(0);
    shop.api.heard();
    let test = shop.world.write("pipelines/shop/tests/none.sql", "FROM a WHERE n = 5");
    shop.world.planwright(&build).ended(1).said("{\"n\":5}");
    std::fs::remove_file(test).unwrap();
    shop.model("a", "SELECT 1 AS n FROM today");
    shop.world
        .planwright(&build)
        .ended(2)
        .said("models/a.sql` reads the model `today` without `ref`")
        .said("{{ ref('today') }}");
    assert_eq!(shop.api.heard(), [""; 0], "the source was asked nothing");
    shop.world.planwright(&["pipeline", "build", "nothing"]).ended(2).said("there is no pipeline `nothing`");
}

#[test]
fn a_warehouse_from_before_models_had_fingerprints_opens_and_builds_them_all() {
    let shop = Shop::new(TABLES, &MODELS);
    shop.sync().ended(0);
    let path = shop.world.home().join(".local/share/planwright/warehouse.duckdb");
    let older = Warehouse::open(&path, &warehouse::Options::confined("256MB", 1)).unwrap();
    for sql in [
        "ALTER TABLE planwright.models DROP COLUMN stamp",
        "ALTER TABLE planwright.models DROP COLUMN fingerprint",
        "UPDATE planwright.facts SET value = '2' WHERE name = 'layout'",
        "DELETE FROM planwright.facts WHERE name LIKE 'spec %'",
    ] {
        older.query(sql).unwrap();
    }
    drop(older);
    let changed = ["pipeline", "build", "shop", "--changed"];
    assert_eq!(built(&shop.world.planwright(&changed).ended(0)).len(), 5);
    assert_eq!(shop.rows("SELECT value FROM planwright.facts WHERE name = 'layout'"), ["3"]);
    assert_eq!(built(&shop.sync().ended(0)), ["today"]);
}
