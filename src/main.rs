//! The program: one call into the library, or one stage of the sandbox's helper.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    planwright::sandbox::enter(std::env::args_os()).unwrap_or_else(planwright::cli::main)
}
