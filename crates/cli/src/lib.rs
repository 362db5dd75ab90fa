//! rtl4ml as a library: what the command line and the Python package both do with a spec.
//!
//! - [`load`] reads a spec; every mistake of it is a [`Failure`].
//! - [`handoff`] builds its circuit, and a folder of proven Verilog.
//! - [`tensors`] and [`numbers`] are the way from arrays to a network's integers and back; what
//!   computes is `rtl4ml_sim`'s emulator.
//! - [`threads`] says how many threads work.
//! - [`command_line`] is the program.

mod agreement;
mod answer;
mod calibration;
mod choices;
pub mod command_line;
mod commands;
mod engine;
mod expected;
mod failure;
pub mod handoff;
mod histogram;
mod layer_table;
mod npy_file;
pub mod numbers;
mod overview;
mod page;
mod plot;
mod ranges;
mod samples;
mod scan;
mod svg;
mod tensor_files;
pub mod tensors;
mod terminal;
pub mod threads;
mod waves;

use std::path::Path;

pub use failure::{Failure, Mistake};
pub use rtl4ml_spec::Loaded;

/// Reads a spec and its weights.
///
/// # Errors
/// Every mistake of the files, with its place.
pub fn load(spec: &Path) -> Result<Loaded, Failure> {
    Ok(rtl4ml_spec::load(spec)?)
}
