//! The program `rtl4ml`: the command line of the library of that name.

use std::process::ExitCode;

/// A circuit is hundreds of thousands of small lists, for which the system's allocator takes a
/// fifth of the time of `build`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rtl4ml::command_line::run()
}
