//! How a sync tells how far it is: events for programs, one redrawn line for people at a terminal.

use serde_json::Value;

use crate::support::World;

#[test]
fn programs_are_told_how_far_it_is() {
    let world = World::with(&[("README.md", "# hello\n")]);
    let ran = world.planwright(&["sync", "--json"]).ended(0);
    let events = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<_> = events.filter(|event| event["event"] == "progress").collect();
    let first = told.first().unwrap_or_else(|| panic!("no progress: {}", ran.stdout));
    assert_eq!((&first["name"], &first["done"]), (&"repos".into(), &0.into()), "{first}");
    assert!(first["of"].as_u64().unwrap() >= 9, "{first}");
    for number in ["rows", "rows_per_second", "requests"] {
        assert!(first[number].is_u64(), "{number}: {first}");
    }
    for unknown in ["left", "seconds_left"] {
        assert_eq!(first[unknown], Value::Null, "nothing is made up: {first}");
    }
}

#[test]
fn nothing_is_drawn_where_nobody_looks() {
    let world = World::with(&[("README.md", "# hello\n")]);
    let ran = world.planwright(&["sync"]).ended(0);
    assert!(!ran.stderr.contains('\r') && !ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
}

/// A terminal of 80 columns.
#[cfg(target_os = "linux")]
mod terminal {
    use super::World;

    /// What a run of planwright sends to a terminal.
    fn sent(world: &World, args: &str) -> String {
        let program = env!("CARGO_BIN_EXE_planwright");
        let command = format!("stty rows 24 cols 80; exec {program} {args}");
        let ran = world.run("script", &["--quiet", "--return", "--command", &command, "/dev/null"], "");
        ran.stdout
    }

    /// What is to be seen of it at the end.
    fn seen(sent: &str) -> Vec<String> {
        let (mut lines, mut row, mut column) = (vec![Vec::<char>::new()], 0_usize, 0_usize);
        let mut letters = sent.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\r' => column = 0,
                '\n' => row += 1,
                '\u{1b}' => {
                    let order = order(&mut letters);
                    match order.chars().last() {
                        Some('A') => row = row.saturating_sub(number(&order)),
                        Some('B') => row += number(&order),
                        Some('K') if order.starts_with('2') => lines[row].clear(),
                        Some('K') => lines[row].truncate(column),
                        _ => {}
                    }
                }
                _ => {
                    if column == 80 {
                        (row, column) = (row + 1, 0);
                        lines.resize_with(lines.len().max(row + 1), Vec::new);
                    }
                    let line = &mut lines[row];
                    line.resize(line.len().max(column + 1), ' ');
                    line[column] = letter;
                    column += 1;
                }
            }
            while lines.len() <= row {
                lines.push(Vec::new());
            }
        }
        lines.into_iter().map(|line| line.into_iter().collect()).collect()
    }

    /// What follows an escape, up to its letter.
    fn order(letters: &mut std::str::Chars<'_>) -> String {
        let mut order = String::new();
        for letter in letters.skip(1) {
            order.push(letter);
            if letter.is_alphabetic() {
                break;
            }
        }
        order
    }

    fn number(order: &str) -> usize {
        order.trim_end_matches(char::is_alphabetic).parse().unwrap_or(1)
    }

    const LINE: &str = " of 9  ";

    #[test]
    fn a_terminal_has_one_line_that_is_gone_at_the_end() {
        let mut world = World::with(&[("README.md", "# hello\n")]);
        world.set("TERM", "xterm");
        let sent = sent(&world, "sync");
        assert!(sent.contains(LINE), "it was drawn: {sent:?}");
        let seen = seen(&sent);
        assert!(!seen.iter().any(|line| line.contains(LINE)), "{seen:#?}");
        assert!(seen.iter().any(|line| line.contains("new or changed rows")), "{seen:#?}");
    }

    #[test]
    fn quiet_and_dumb_terminals_have_no_line() {
        let mut world = World::with(&[("README.md", "# hello\n")]);
        world.set("TERM", "xterm");
        let quiet = sent(&world, "--quiet sync");
        assert!(!quiet.contains(LINE), "{quiet:?}");
        world.set("TERM", "dumb");
        let dumb = sent(&world, "sync");
        assert!(!dumb.contains(LINE), "{dumb:?}");
    }
}
