//! Ctrl-C: the first cancels the run, which saves its state; the second ends at once.

use tokio_util::sync::CancellationToken;

use super::progress;
use super::screen::{LOOK, Screen, styled};
use crate::error::Exit;

/// Watches for interrupts as long as the runtime lives.
pub(super) fn watch(screen: Screen, cancel: CancellationToken) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        cancel.cancel();
        screen.say(format!("\n{} stopping and saving; once more ends at once", styled(LOOK, "interrupted:")));
        if tokio::signal::ctrl_c().await.is_ok() {
            at_once();
        }
    });
}

#[expect(clippy::exit, reason = "the person asked twice, and does not want to wait for anything")]
fn at_once() {
    progress::clear();
    std::process::exit(Exit::Interrupted as i32);
}
