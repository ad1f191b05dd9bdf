//! The one spawner, seen from outside: which program a bare name is.

use std::time::Duration;

use planwright::process::{self, Command, Limits};
use tokio_util::sync::CancellationToken;

use crate::support::World;

/// Runs `greet`, a shell that says by which path it was started, in the world's folder with this `PATH`.
fn check(world: &World, path: &str, expected: Result<&str, &str>) {
    let command = Command {
        program: "greet".into(),
        args: vec!["-c".into(), "printf %s \"$0\"".into()],
        dir: world.root().to_owned(),
        environment: vec![("PATH".into(), path.into())],
        input: Vec::new(),
        limits: Limits { time: Duration::from_mins(1), output_bytes: 1024 },
    };
    let ran = world.wait(process::run(&command, &CancellationToken::new()));
    let said = ran.map(|output| output.stdout.text()).map_err(|error| error.to_string());
    assert_eq!(said.as_deref().map_err(String::as_str), expected, "{path}");
}

/// A folder of the world with `greet` in it.
fn folder(world: &World, name: &str) -> String {
    let folder = world.root().join(name);
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("/bin/sh", folder.join("greet")).unwrap();
    folder.to_string_lossy().into_owned()
}

#[test]
fn a_bare_name_is_the_first_program_on_the_path_it_is_given() {
    let world = World::bare();
    let text = world.write("text/greet", "no program").with_file_name("");
    let [first, second] = ["first", "second"].map(|name| folder(&world, name));
    check(
        &world,
        &format!("/no/such/folder:{}:{first}:{second}", text.display()),
        Ok(&format!("{first}/greet")),
    );
    check(&world, &format!("{second}:{first}"), Ok(&format!("{second}/greet")));
    check(&world, "/no/such/folder", Err("there is no program `greet`"));
}

#[test]
fn a_program_of_the_folder_worked_in_never_goes_before_one_of_the_machine() {
    let world = World::bare();
    folder(&world, "here");
    let machine = folder(&world, "machine");
    check(&world, &format!("here:{machine}"), Ok(&format!("{machine}/greet")));
}
