//! The arrays that a call gives, one an input of the network.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};
use rtl4ml::tensors::{Tensor, same_count};

use crate::arrays::Samples;

/// The samples of each of `tensors`: of the one array of a network with one input, or by name, from
/// a mapping or from the keywords.
///
/// # Errors
/// When an input has no array or more than one, or an array holds no samples of its input.
pub fn samples<'py>(
    given: Option<&Bound<'py, PyAny>>,
    keywords: Option<&Bound<'py, PyDict>>,
    tensors: &[Tensor],
) -> PyResult<Vec<Samples<'py>>> {
    let arrays = arrays(given, keywords, tensors)?;
    let mut all: Vec<Samples<'py>> = Vec::new();
    for (array, tensor) in arrays.iter().zip(tensors) {
        let samples = Samples::of(array, tensor)?;
        same_count(all.first().map(|first| first.count), samples.count, tensor, tensors)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        all.push(samples);
    }
    Ok(all)
}

/// The array of each input.
fn arrays<'py>(
    given: Option<&Bound<'py, PyAny>>,
    keywords: Option<&Bound<'py, PyDict>>,
    tensors: &[Tensor],
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let names: Vec<String> = tensors.iter().map(|tensor| format!("`{}`", tensor.name)).collect();
    let names = names.join(", ");
    let keywords = keywords.filter(|keywords| !keywords.is_empty());
    let named = match (given, keywords) {
        (Some(_), Some(_)) => {
            let message = "give the inputs as one argument or by their names, not both";
            return Err(PyTypeError::new_err(message));
        }
        (Some(given), None) => match given.cast::<PyMapping>() {
            Ok(named) => {
                let arrays = PyDict::new(given.py());
                arrays.update(named)?;
                arrays
            }
            Err(_) if tensors.len() == 1 => return Ok(vec![given.clone()]),
            Err(_) => {
                let message = format!("the network has the inputs {names}; give each by its name");
                return Err(PyTypeError::new_err(message));
            }
        },
        (None, Some(keywords)) => keywords.clone(),
        (None, None) => {
            return Err(PyTypeError::new_err(format!("no samples are given for {names}")));
        }
    };
    for name in named.keys() {
        let known = |tensor: &Tensor| name.eq(tensor.name.as_str()).unwrap_or(false);
        if !tensors.iter().any(known) {
            let message = format!("`{name}` is none of the network's inputs; legal: {names}");
            return Err(PyTypeError::new_err(message));
        }
    }
    let array = |tensor: &Tensor| {
        let missing =
            || PyTypeError::new_err(format!("no samples are given for `{}`", tensor.name));
        named.get_item(&tensor.name)?.ok_or_else(missing)
    };
    tensors.iter().map(array).collect()
}
