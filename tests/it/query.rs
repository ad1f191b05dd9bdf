//! Asking the warehouse: parameters, files, DuckDB's own shell, and what tables there are.

use planwright::pipeline::warehouse::{self, Warehouse};

use crate::support::World;

/// A world whose warehouse holds what a fresh hub has.
fn synced() -> World {
    let world = World::with(&[("README.md", "# hello\n")]);
    world.planwright(&["sync"]).ended(0);
    world
}

#[test]
fn parameters_reach_the_query_as_values_and_never_as_sql() {
    let world = synced();
    let csv = |args: &[&str]| {
        let asked: Vec<_> = ["query", "--format", "csv"].iter().chain(args).copied().collect();
        world.planwright(&asked).ended(0).stdout.replace("\r\n", " ")
    };
    assert_eq!(csv(&["--param", "n=7", "SELECT $n + 1 AS more"]), "more 8 ");
    let trick = "name=x' OR 'a' = 'a";
    assert_eq!(csv(&["--param", trick, "SELECT count(*) AS n FROM repos WHERE name = $name"]), "n 0 ");
    assert_eq!(
        csv(&["--param", "a=2", "--param", "b=\"2\"", "SELECT typeof($a) AS a, typeof($b) AS b"]),
        "a,b BIGINT,VARCHAR "
    );
    assert_eq!(
        csv(&["--param", "at=2026-11-22T10:00:00Z", "SELECT $at::TIMESTAMP < '2026-11-23' AS before"]),
        "before true "
    );
    world.planwright(&["query", "SELECT $n"]).ended(2).said("n");
    world.planwright(&["query", "--param", "n", "SELECT $n"]).ended(2).said("NAME=VALUE");
}

#[test]
fn a_warehouse_behind_an_address_is_filled_and_asked_as_a_file_is() {
    let mut world = World::with(&[("README.md", "# hello\n")]);
    let file = world.home().join("else.duckdb");
    world.set("PLANWRIGHT_WAREHOUSE_URL", format!("duckdb:{}", file.display()));
    let asked = ["query", "--format", "csv", "SELECT count(*) > 0 AS some FROM planwright.requests"];
    for _ in 0..2 {
        world.planwright(&["sync"]).ended(0).said("else.duckdb");
        assert_eq!(world.planwright(&asked).ended(0).stdout, "some\r\ntrue\r\n");
    }
    assert!(file.exists());
    assert!(!world.home().join(".local/share/planwright/warehouse.duckdb").exists());
    world.planwright(&["query", "--ui"]).ended(3);
    world.set("PLANWRIGHT_WAREHOUSE_URL", "redis:somewhere?token=secret");
    let refused = world.planwright(&["sync"]).ended(2).said("`redis:somewhere`").said("begins with duckdb:");
    assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
}

#[test]
fn a_result_goes_into_a_file_in_any_form() {
    let world = synced();
    world
        .planwright(&["query", "--out", "repos.csv", "--format", "csv", "SELECT 1 AS one"])
        .ended(0)
        .said("1 row in repos.csv");
    assert_eq!(world.read("repos.csv"), "one\r\n1\r\n");
    let asked = ["query", "--format", "parquet", "--param", "n=3", "SELECT * FROM range($n) AS t(i)"];
    world.planwright(&asked).ended(2).said("--out result.parquet");
    let asked: Vec<_> = asked.iter().chain(&["--out", "three.parquet"]).copied().collect();
    world.planwright(&asked).ended(0).said("3 rows in three.parquet");
    let asked = ["query", "--format", "csv", "SELECT sum(i) AS total FROM 'three.parquet'"];
    assert_eq!(world.planwright(&asked).ended(0).stdout, "total\r\n3\r\n");
    let asked = ["query", "--format", "parquet", "--out", "x.parquet", "DROP TABLE repos"];
    world.planwright(&asked).ended(2).said("one SELECT");
}

#[test]
fn parameters_reach_whoever_holds_the_warehouse() {
    let world = synced();
    let path = world.home().join(".local/share/planwright/warehouse.duckdb");
    let held = Warehouse::open(&path, &warehouse::Options::confined("256MB", 1)).unwrap();
    let desk = world.wait(planwright::pipeline::desk::Desk::open(&held, &path)).unwrap();
    let asked = ["query", "--format", "csv", "--param", "n=7", "SELECT $n AS n"];
    assert_eq!(world.planwright(&asked).ended(0).stdout, "n\r\n7\r\n");
    assert!(world.planwright(&["schema"]).ended(0).stdout.contains("issues"));
    drop(desk);
}

#[test]
fn the_schema_tells_tables_and_what_their_columns_mean() {
    let world = synced();
    let tables = world.planwright(&["schema", "--format", "csv"]).ended(0).stdout;
    assert!(tables.contains("issues,table,\"An issue or a pull request, in any state\"\r\n"), "{tables}");
    assert!(
        tables.contains("issue_labels,table,A label that an issue or a pull request wears\r\n"),
        "{tables}"
    );
    assert!(tables.contains("ready_issues,model,"), "{tables}");
    assert!(!tables.contains("planwright.") && !tables.contains("history."), "{tables}");
    let described = "title,VARCHAR,One line\r\n";
    let columns = |table: &str| world.planwright(&["schema", table, "--format", "csv"]).ended(0).stdout;
    assert!(columns("issues").contains(described), "{}", columns("issues"));
    assert!(columns("history.issues").contains(described), "{}", columns("history.issues"));
    // What the engine adds is said once, for tables and for models.
    for table in ["issues", "ready_issues"] {
        let told = columns(table);
        assert!(told.contains("_origin,VARCHAR,\"The server that it is from: "), "{told}");
    }
    world.planwright(&["schema", "isues"]).ended(2).said("the nearest known table is `issues`");
}

#[test]
fn duckdbs_own_shell_is_opened_read_only_and_told_no_credential() {
    let mut world = synced();
    world.planwright(&["query", "--ui"]).ended(3).said("install DuckDB's command line");
    let bin = world.folder().join("bin");
    let shell = "#!/bin/sh\nprintf '%s\\n' \"$@\"\nenv\n";
    let program = world.write(bin.join("duckdb"), shell);
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    world.set("PATH", format!("{}:/usr/bin:/bin", bin.display())).set("GITHUB_TOKEN", "ghp_secret");
    let told = world.planwright(&["query", "--ui"]).ended(0).stdout;
    assert!(told.starts_with("-readonly\n") && told.contains("warehouse.duckdb\n"), "{told}");
    assert!(!told.contains("ghp_secret"), "{told}");
}
