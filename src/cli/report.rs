//! How a failure looks: the fact, what caused it, and what to do about it.

use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::json;

use super::error::Stop;
use super::screen::{BAD, HEAD, Screen, styled};
use crate::error::{Exit, Failure};

/// The folder of the run, once there is one: a bug report names it.
pub(super) static RUN_FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Tells why a verb stopped, and gives its exit code.
pub(super) fn report(screen: Screen, stop: &Stop) -> Exit {
    let Stop::Failed(failure) = stop else { return Exit::Done };
    if screen.json {
        drop(screen.result(as_json(&**failure)));
    }
    screen.say(as_text(&**failure));
    failure.exit()
}

/// `error:`, `  caused by:` and `hint:` lines.
pub(super) fn as_text(failure: &dyn Failure) -> String {
    let mut lines = vec![format!("{} {failure}", styled(BAD, "error:"))];
    lines.extend(causes(failure).map(|cause| format!("  caused by: {}", indented(&cause))));
    lines.extend(failure.hints().iter().map(|hint| format!("{} {}", styled(HEAD, "hint:"), indented(hint))));
    lines.join("\n")
}

/// A failure as an event: the last one of a stream that ends in it.
pub(super) fn as_json(failure: &dyn Failure) -> serde_json::Value {
    json!({
        "event": "error",
        "message": failure.to_string(),
        "causes": causes(failure).collect::<Vec<_>>(),
        "hints": failure.hints(),
        "exit": failure.exit() as u8,
    })
}

/// The chain of causes. One that says what its effect said already is passed over.
fn causes(failure: &dyn Failure) -> impl Iterator<Item = String> {
    let mut said = failure.to_string();
    let first: Option<&dyn std::error::Error> = failure.source();
    std::iter::successors(first, |cause: &&dyn std::error::Error| (*cause).source()).filter_map(
        move |cause| {
            let text = cause.to_string();
            (std::mem::replace(&mut said, text.clone()) != text).then_some(text)
        },
    )
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

/// Runs `work`; a panic in it ends as [`Exit::Bug`], told with the run's folder.
pub(super) fn catch_bugs(screen: Screen, work: impl FnOnce() -> Exit) -> Exit {
    panic::set_hook(Box::new(move |bug| {
        let said = bug.payload_as_str().unwrap_or("it did not say why");
        let place =
            bug.location().map_or_else(String::new, |place| format!(" ({}:{})", place.file(), place.line()));
        screen.say(format!("{} a bug in planwright: {said}{place}", styled(BAD, "error:")));
        tracing::error!(place, "a bug: {said}");
        let folder = RUN_FOLDER.get().map(|folder| format!("the log of this run is in {}", folder.display()));
        let hint = folder.unwrap_or_else(|| "run it again with -vv to see how far it gets".to_owned());
        screen.say(format!("{} {hint}", styled(HEAD, "hint:")));
    }));
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(Exit::Bug)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::error::Error;

    #[test]
    fn a_failure_is_a_fact_then_its_causes_then_what_to_do() {
        let source = std::io::Error::other("disk on fire");
        let text = as_text(&crate::fs::Error::new("write", std::path::Path::new("/x"), source));
        assert_eq!(
            anstream::adapter::strip_str(&text).to_string(),
            "error: cannot write `/x`\n  caused by: disk on fire"
        );
        let text = as_text(&Error::NobodyToAsk { what: "publish".to_owned() });
        assert_eq!(
            anstream::adapter::strip_str(&text).to_string(),
            "error: `publish` needs a yes, and this is not a terminal\nhint: say `--yes`, or look first with `--dry-run`"
        );
    }

    #[test]
    fn as_an_event_it_has_the_same_parts() {
        let event = as_json(&Error::NobodyToAsk { what: "publish".to_owned() });
        assert_eq!(event["event"], "error");
        assert_eq!(event["exit"], 2);
        assert_eq!(event["hints"][0], "say `--yes`, or look first with `--dry-run`");
    }
}
