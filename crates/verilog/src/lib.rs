//! What leaves rtl4ml: a folder that a firmware engineer can simulate and synthesize.
//!
//! What this crate guarantees: the same network and stimulus give the same bytes, with no time,
//! path or machine in them; a folder that was asked for is complete or not there.
//!
//! Architecture invariant: only this crate knows Tcl and constraints, and it never uses `sim`:
//! expected outputs are given to it.

mod choices;
mod handoff;
mod manifest;
mod report;
mod rtl;
mod stream_checker;
mod testbench;
mod vectors;
mod vivado;

pub use handoff::{Handoff, HandoffError, write_files, write_folder};
pub use manifest::manifest;
pub use report::{
    LayerReport, NetworkEstimate, RESOURCES, Report, ResourceOf, WeightReport, circuit_warnings,
};
pub use rtl::rtl_files;
pub use testbench::{checker_name, testbench_files, testbench_name};
pub use vectors::vector_files;

/// A file of text, relative to the folder that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFile {
    /// Its path, with `/` between folders.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl TextFile {
    /// A file.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}
