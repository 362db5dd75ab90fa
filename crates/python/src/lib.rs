//! The Python package `rtl4ml`: a network's exact outputs on NumPy's arrays, and its Verilog.
//!
//! What it guarantees:
//! - it computes by the emulator, and casts, builds and reports by the functions of the command
//!   line: there is no second way;
//! - other Python threads run while it computes, and Ctrl-C ends it after a piece of the samples;
//! - an array is read where it lies, in pieces, whatever its strides; a result is NumPy's without
//!   a copy;
//! - a mistake is an exception that says what is legal: never a crash, and nothing half written.
//!
//! `python/rtl4ml` beside it has the type hints; `tests` hold the two together.

mod arguments;
mod arrays;
mod compute;
mod error;
mod model;

use pyo3::prelude::*;

/// Bit-exact emulation and proven Verilog of quantised networks, from a spec and its weights.
#[pymodule]
mod _native {
    use std::path::PathBuf;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::error::Error;
    #[pymodule_export]
    use crate::model::{Model, Tensor};

    /// Reads a spec and its weights, and verifies the network.
    ///
    /// Weights are found relative to the folder of the spec. Raises `rtl4ml.Error` with every
    /// mistake of the files, each with file, line and column.
    #[pyfunction]
    #[pyo3(signature = (path, /))]
    #[allow(clippy::needless_pass_by_value, reason = "Python's paths come by value")]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Model> {
        Model::load(py, &path)
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
