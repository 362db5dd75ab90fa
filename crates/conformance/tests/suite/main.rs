//! The conformance suite, as one program, so that its tests share the processors to the end.
//!
//! `cargo test -p rtl4ml-conformance --test suite folders::` runs those of one module.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod architecture;
mod auto;
mod cpp;
mod cycle;
mod distributed;
mod emulator;
mod examples;
mod folders;
mod folding;
mod functions;
mod handoff;
mod imported;
mod layer_table;
mod other_emulators;
mod random;
mod streams;
mod waves;
