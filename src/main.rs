//! The program: one call into the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = planwright::sandbox::enter(std::env::args_os()) {
        return code;
    }
    ExitCode::SUCCESS
}
