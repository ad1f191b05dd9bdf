//! Questions: only on a terminal; elsewhere a verb needs `--yes`, or does without.

use super::error::{Error, Stop};
use super::screen::Screen;

/// Asks for a yes. `what` is the verb for messages: `publish`. Where nobody can answer it is an error that says
/// so: silence is not consent.
pub(super) async fn confirm(screen: Screen, what: &str, question: &str) -> Result<(), Stop> {
    if !screen.can_ask {
        return Err(Error::NobodyToAsk { what: what.to_owned() }.into());
    }
    // What was told so far is rendered before the question stands there.
    tokio::task::yield_now().await;
    screen.prompt(&format!("{question} [y/N]"));
    if is_yes(&line().await) { Ok(()) } else { Err(Error::Declined { what: what.to_owned() }.into()) }
}

/// Reads one line from the person; an end of input is an empty one.
async fn line() -> String {
    let read = || {
        let mut line = String::new();
        drop(std::io::stdin().read_line(&mut line));
        line
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        let answers = ["y", "Yes\n", " YES ", "", "n", "no", "yep", "\u{4}"];
        assert_eq!(answers.map(is_yes), [true, true, true, false, false, false, false, false]);
    }
}
