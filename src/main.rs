//! The program: one call into the library, or one stage of the sandbox's helper.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How the allocator keeps memory: in one arena, since few threads ask at a time, and what is free not for
/// long. Its manual (`TUNING`) says what the words mean.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the allocator reads its settings from a symbol of this name")]
// SAFETY: nothing else has this name, and it is what the allocator expects: a pointer to text that ends with 0.
#[unsafe(export_name = "malloc_conf")]
static ALLOCATOR_SETTINGS: &[u8; 40] = b"narenas:1,dirty_decay_ms:500,thp:always\0";

fn main() -> ExitCode {
    planwright::sandbox::enter(std::env::args_os()).unwrap_or_else(planwright::cli::main)
}
