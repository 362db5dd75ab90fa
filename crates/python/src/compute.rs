//! What a model computes: samples in, piece by piece, and NumPy's arrays out.
//!
//! Guarantees: the interpreter's lock is not held meanwhile, and a signal such as Ctrl-C is seen
//! after each piece; memory grows by the results alone.

use std::borrow::Borrow;
use std::sync::Arc;

use numpy::PyArrayDyn;
use numpy::ndarray::{ArrayD, IxDyn};
use pyo3::exceptions::{PyMemoryError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rtl4ml::numbers::{Changes, count_inexact, inexact_warning, numbers, samples_together};
use rtl4ml::tensors::{Tensor, inputs, position};
use rtl4ml::{Loaded, threads};
use rtl4ml_ir::{Source, VerifiedNetwork};
use rtl4ml_sim::emulator::Emulator;

use crate::arguments;
use crate::arrays::Samples;
use crate::error::exception;
use crate::model::Model;

/// A spec that the emulator and the model hold together.
#[derive(Clone)]
pub struct Spec(pub Arc<Loaded>);

impl Borrow<VerifiedNetwork> for Spec {
    fn borrow(&self) -> &VerifiedNetwork {
        &self.0.network
    }
}

/// An array and the name of the tensor that it holds.
pub type Named<'n, 'py> = (&'n str, Bound<'py, PyArrayDyn<f64>>);

/// A tensor's numbers of all samples, as they come.
struct Collected {
    source: Source,
    numbers: Vec<f64>,
    /// How many of them are rounded.
    inexact: usize,
}

impl Model {
    /// The tensors `wanted` of samples, by their names.
    pub fn compute<'py>(
        &self,
        py: Python<'py>,
        given: Option<&Bound<'py, PyAny>>,
        keywords: Option<&Bound<'py, PyDict>>,
        wanted: &[Source],
        threads: Option<u16>,
    ) -> PyResult<Vec<Named<'_, 'py>>> {
        let network = self.network();
        let tensors = inputs(network);
        let samples = arguments::samples(given, keywords, &tensors)?;
        let count = samples.first().map_or(0, |first| first.count);
        let pieces: Vec<_> = samples.iter().map(Samples::pieces).collect();
        let threads = checked_threads(threads)?;
        let mut all = Vec::new();
        for source in wanted {
            all.push(Collected::new(*source, count, network)?);
        }
        let pool = threads::pool(threads).map_err(|failure| exception(py, &failure))?;
        py.detach(|| {
            let together = samples_together(network, wanted);
            for first in (0..count).step_by(together) {
                let range = first..count.min(first + together);
                let mut found = Vec::new();
                for (pieces, tensor) in pieces.iter().zip(&tensors) {
                    found.push((pieces.piece(range.clone())?, tensor));
                }
                let at = |(input, index): (usize, usize)| {
                    let (numbers, tensor) = &found[input];
                    not_finite(tensor, first, index, numbers[index])
                };
                pool.install(|| self.piece(&found, range.len(), &mut all)).map_err(at)?;
                #[allow(clippy::redundant_closure_for_method_calls, reason = "of any lifetime")]
                Python::attach(|py| py.check_signals())?;
            }
            Ok::<_, PyErr>(())
        })?;
        all.into_iter().map(|collected| collected.into_array(py, count, network)).collect()
    }

    /// Computes a piece of the samples.
    ///
    /// # Errors
    /// Which number of which input is not finite.
    fn piece(
        &self,
        inputs: &[(Vec<f64>, &Tensor)],
        samples: usize,
        all: &mut [Collected],
    ) -> Result<(), (usize, usize)> {
        let network = self.network();
        let mut mantissas = Vec::new();
        for (place, (input, (numbers, _))) in
            network.network().inputs.iter().zip(inputs).enumerate()
        {
            let cast = Changes::default().cast(&input.types, numbers.len() / samples, numbers);
            let found = cast.map_err(|_| numbers.iter().position(|number| !number.is_finite()));
            mantissas.push(found.map_err(|index| (place, index.unwrap_or_default()))?);
        }
        let wanted: Vec<Source> = all.iter().map(|collected| collected.source).collect();
        let emulator = self.emulator.get_or_init(|| Emulator::new(self.spec.clone()));
        let found = emulator.run(&mantissas, samples, &wanted, false);
        for (collected, mantissas) in all.iter_mut().zip(&found.tensors) {
            collected.inexact += count_inexact(mantissas);
            let tensor = network.tensor_type(collected.source);
            collected.numbers.extend(numbers(tensor, mantissas));
        }
        Ok(())
    }
}

impl Collected {
    /// Room for so many samples of a tensor.
    fn new(source: Source, samples: usize, network: &VerifiedNetwork) -> PyResult<Self> {
        let mut numbers = Vec::new();
        let count = samples.saturating_mul(network.tensor_type(source).element_count());
        let room = numbers.try_reserve_exact(count);
        room.map_err(|error| PyMemoryError::new_err(error.to_string()))?;
        Ok(Self { source, numbers, inexact: 0 })
    }

    /// NumPy's array of the numbers, which it takes over, and the tensor's name.
    fn into_array<'py, 'n>(
        self,
        py: Python<'py>,
        samples: usize,
        network: &'n VerifiedNetwork,
    ) -> PyResult<Named<'n, 'py>> {
        let Self { source, numbers, inexact } = self;
        let name = network.network().source_name(source);
        if let Some(warning) = inexact_warning(name, inexact, numbers.len()) {
            let warning = std::ffi::CString::new(warning)?;
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), &warning, 1)?;
        }
        let mut shape = vec![samples];
        shape.extend(network.tensor_type(source).shape.extents());
        let array = ArrayD::from_shape_vec(IxDyn(&shape), numbers)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok((name, PyArrayDyn::from_owned_array(py, array)))
    }
}

/// The number of threads, which is at least one.
pub fn checked_threads(threads: Option<u16>) -> PyResult<Option<u16>> {
    match threads {
        Some(0) => {
            let message = format!("`threads` is 0; legal: 1 to {}", u16::MAX);
            Err(PyValueError::new_err(message))
        }
        threads => Ok(threads),
    }
}

/// The exception for a number of the piece that begins with the sample `first`.
fn not_finite(tensor: &Tensor, first: usize, index: usize, number: f64) -> PyErr {
    let elements = tensor.shape.iter().product::<usize>().max(1);
    let (name, sample) = (&tensor.name, first + index / elements);
    let element = position(index % elements, &tensor.shape);
    PyValueError::new_err(format!(
        "`{name}`: {number} in sample {sample}, element {element:?}; every number must be finite"
    ))
}
