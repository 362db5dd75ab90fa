//! Failures as Python's exceptions.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use rtl4ml::{Failure, Mistake};

pyo3::create_exception!(
    rtl4ml,
    Error,
    PyException,
    "Why rtl4ml did not do what was asked for: a line a mistake, with the place in its file.\n\n\
     `mistakes` lists them as dictionaries with the keys `message` and, where they are known, \
     `file`, `line`, `column` and `help`."
);

/// The exception of a failure.
pub fn exception(py: Python<'_>, failure: &Failure) -> PyErr {
    let error = Error::new_err(failure.plain());
    let mistakes = || {
        let mistakes = failure.mistakes();
        let list = mistakes.iter().map(|mistake| dictionary(py, mistake));
        let list = PyList::new(py, list.collect::<PyResult<Vec<_>>>()?)?;
        error.value(py).setattr("mistakes", list)
    };
    match mistakes() {
        Ok(()) => error,
        Err(other) => other,
    }
}

fn dictionary<'py>(py: Python<'py>, mistake: &Mistake) -> PyResult<Bound<'py, PyDict>> {
    let Mistake { file, line, column, message, help } = mistake;
    let entries = PyDict::new(py);
    if let Some(file) = file {
        entries.set_item("file", file)?;
    }
    if let Some(line) = line {
        entries.set_item("line", line)?;
    }
    if let Some(column) = column {
        entries.set_item("column", column)?;
    }
    entries.set_item("message", message)?;
    if let Some(help) = help {
        entries.set_item("help", help)?;
    }
    Ok(entries)
}
