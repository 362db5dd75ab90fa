//! One suite, every engine: the reference, Rust-HDL's kernel, Icarus Verilog and Verilator give
//! the same bits, in the cycles that the circuit promises.
//!
//! The suite itself is in `tests/`: the folders of `testbenches/` (outputs by an independent
//! model), the examples (outputs by their training scripts), the cases of other people's
//! emulators where that folder is beside the repository, and random networks. A missing simulator
//! fails the suite. Here is what the tests share: how a case is read, how random networks are drawn,
//! and how both are run.
//!
//! Everything here panics with the name of the case when something differs: it is for tests.

#![allow(
    clippy::float_cmp,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "the whole crate is for tests, which may panic, and equal means equal"
)]

mod case;
mod engines;
pub mod random;

pub use case::{Case, root};
pub use engines::{BuiltCase, on_external_simulators, on_rust_hdl, on_simulators};
