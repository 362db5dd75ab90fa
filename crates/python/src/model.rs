//! The classes of the package.

use std::borrow::Borrow;
use std::convert::identity;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use numpy::PyArrayDyn;
use numpy::ndarray::{ArrayD, IxDyn};
use pyo3::exceptions::{PyMemoryError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use rtl4ml::numbers::{Changes, count_inexact, inexact_warning, numbers, samples_together};
use rtl4ml::tensors::{format_text, inputs, types_text};
use rtl4ml::{Failure, Loaded, handoff, threads};
use rtl4ml_ir::{Source, VerifiedNetwork};
use rtl4ml_sim::emulator::Emulator;

use crate::arguments;
use crate::arrays::Samples;
use crate::error::exception;

/// A spec that the emulator and the model hold together.
#[derive(Clone)]
struct Spec(Arc<Loaded>);

impl Borrow<VerifiedNetwork> for Spec {
    fn borrow(&self) -> &VerifiedNetwork {
        &self.0.network
    }
}

/// An input or an output of a network.
#[pyclass(frozen, module = "rtl4ml")]
pub struct Tensor {
    /// Its name in the spec.
    #[pyo3(get)]
    name: String,
    shape: Vec<usize>,
    /// The type of its elements: what samples are cast to, or the format of results.
    #[pyo3(get)]
    precision: String,
}

#[pymethods]
impl Tensor {
    /// Its shape, without the axis of samples.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.shape)
    }

    fn __repr__(&self) -> String {
        let Self { name, shape, precision } = self;
        format!("<rtl4ml.Tensor {name} {shape:?} of {precision}>")
    }
}

/// A verified network, made by `rtl4ml.load`.
#[pyclass(frozen, module = "rtl4ml")]
pub struct Model {
    spec: Spec,
    /// Compiled at its first use, for all others.
    emulator: OnceLock<Emulator<Spec>>,
}

/// An array and the name of the tensor that it holds.
type Named<'n, 'py> = (&'n str, Bound<'py, PyArrayDyn<f64>>);

/// A tensor's numbers of all samples, as they come.
struct Collected {
    source: Source,
    numbers: Vec<f64>,
    /// How many of them are rounded.
    inexact: usize,
}

#[pymethods]
impl Model {
    /// The network's exact outputs for samples, as float64.
    ///
    /// A network with one input takes an array; one with several takes an array for each by its
    /// name, as keywords or in a mapping such as `numpy.load` gives of an archive. An array of N samples has the shape [N, ...], one
    /// without the first axis is one sample; it holds float64, float32, float16, integers or bool,
    /// anything else that NumPy makes an array of will do. Its numbers are cast to the input's
    /// type, and must be finite.
    ///
    /// Returns an array of the shape [N, ...]; with several outputs, a dictionary of them by name.
    /// Computes on `threads` threads, without the global interpreter lock; on all processors by
    /// default.
    #[pyo3(signature = (x=None, /, *, threads=None, **inputs))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        x: Option<&Bound<'py, PyAny>>,
        threads: Option<u16>,
        inputs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let graph = self.network().network();
        let found = self.compute(py, x, inputs, &graph.outputs, threads)?;
        match <[_; 1]>::try_from(found) {
            Ok([(_, only)]) => Ok(only.into_any()),
            Err(several) => by_name(py, several).map(Bound::into_any),
        }
    }

    /// What each layer computes for samples: a dictionary of arrays of the shape [N, ...], by the
    /// layer's name.
    ///
    /// The arguments are those of `predict`.
    #[pyo3(signature = (x=None, /, *, threads=None, **inputs))]
    fn trace<'py>(
        &self,
        py: Python<'py>,
        x: Option<&Bound<'py, PyAny>>,
        threads: Option<u16>,
        inputs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let layers = self.network().network().layers_with_ids();
        let wanted: Vec<Source> = layers.map(|(id, _)| Source::Layer(id)).collect();
        by_name(py, self.compute(py, x, inputs, &wanted, threads)?)
    }

    /// Writes proven Verilog, testbench, vectors and Vivado scripts into the folder `dir`, as
    /// `rtl4ml build` does, and returns its report.
    ///
    /// The folder is written only after the circuit has been simulated against the reference on
    /// the test `vectors`, in every bit and cycle. An older folder of rtl4ml is replaced, anything
    /// else is not. Where standard error is a terminal, it shows the progress.
    #[pyo3(signature = (dir, /, *, vectors=None, threads=None))]
    #[allow(clippy::needless_pass_by_value, reason = "Python's paths come by value")]
    fn build<'py>(
        &self,
        py: Python<'py>,
        dir: PathBuf,
        vectors: Option<u64>,
        threads: Option<u16>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Some(found) = vectors.filter(|v| !(1..=handoff::MOST_VECTORS).contains(v)) {
            let most = handoff::MOST_VECTORS;
            let message = format!("`vectors` is {found}; legal: 1 to {most}");
            return Err(PyValueError::new_err(message));
        }
        self.report_of(py, threads, |spec| {
            Ok(handoff::build(spec, &dir, Vec::new(), vectors)?.report.to_json())
        })
    }

    /// What the network will cost and how long it takes, before any synthesis: the dictionary that
    /// `rtl4ml report --json` prints.
    #[pyo3(signature = (*, threads=None))]
    fn report<'py>(&self, py: Python<'py>, threads: Option<u16>) -> PyResult<Bound<'py, PyAny>> {
        self.report_of(py, threads, |spec| Ok(handoff::report(spec)?.1.to_json()))
    }

    /// The network's name.
    #[getter]
    fn name(&self) -> &str {
        &self.network().network().name
    }

    /// The inputs, in the order of the spec.
    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let tensors = self.network().network().inputs.iter().map(|input| Tensor {
            name: input.name.clone(),
            shape: input.extents.clone(),
            precision: types_text(&input.types),
        });
        list(py, tensors)
    }

    /// The outputs, in the order of the spec.
    #[getter]
    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let (network, graph) = (self.network(), self.network().network());
        let tensors = graph.outputs.iter().map(|source| Tensor {
            name: graph.source_name(*source).to_owned(),
            shape: network.tensor_type(*source).shape.extents().to_vec(),
            precision: format_text(network.tensor_type(*source)),
        });
        list(py, tensors)
    }

    /// The names of the layers, in the order of the spec.
    #[getter]
    fn layers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.network().network().layers.iter().map(|layer| &layer.name))
    }

    /// The part that the circuit is for.
    #[getter]
    fn part(&self) -> &str {
        &self.network().network().target.part.name
    }

    /// The clock period in nanoseconds.
    #[getter]
    fn clock_period_ns(&self) -> f64 {
        self.network().network().target.clock.period_ns()
    }

    fn __repr__(&self) -> String {
        format!("<rtl4ml.Model {}>", self.name())
    }
}

impl Model {
    /// Reads a spec.
    pub fn load(py: Python<'_>, path: &Path) -> PyResult<Self> {
        let loaded = py.detach(|| rtl4ml::load(path)).map_err(|failure| exception(py, &failure))?;
        Ok(Self { spec: Spec(Arc::new(loaded)), emulator: OnceLock::new() })
    }

    fn network(&self) -> &VerifiedNetwork {
        self.spec.borrow()
    }

    /// The tensors `wanted` of samples, by their names.
    fn compute<'py>(
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
        inputs: &[(Vec<f64>, &rtl4ml::tensors::Tensor)],
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

    /// The report that some work on the spec gives, as a dictionary.
    fn report_of<'py>(
        &self,
        py: Python<'py>,
        threads: Option<u16>,
        work: impl FnOnce(&Loaded) -> Result<String, Failure> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        let threads = checked_threads(threads)?;
        let json = py.detach(|| threads::on_threads(threads, || work(&self.spec.0)));
        let json = json.and_then(identity).map_err(|failure| exception(py, &failure))?;
        py.import("json")?.call_method1("loads", (json,))
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
fn checked_threads(threads: Option<u16>) -> PyResult<Option<u16>> {
    match threads {
        Some(0) => {
            let message = format!("`threads` is 0; legal: 1 to {}", u16::MAX);
            Err(PyValueError::new_err(message))
        }
        threads => Ok(threads),
    }
}

/// The exception for a number of the piece that begins with the sample `first`.
fn not_finite(tensor: &rtl4ml::tensors::Tensor, first: usize, index: usize, number: f64) -> PyErr {
    let elements = tensor.shape.iter().product::<usize>().max(1);
    let (name, sample) = (&tensor.name, first + index / elements);
    let element = rtl4ml::tensors::position(index % elements, &tensor.shape);
    PyValueError::new_err(format!(
        "`{name}`: {number} in sample {sample}, element {element:?}; every number must be finite"
    ))
}

fn by_name<'py>(py: Python<'py>, arrays: Vec<Named<'_, 'py>>) -> PyResult<Bound<'py, PyDict>> {
    let named = PyDict::new(py);
    for (name, array) in arrays {
        named.set_item(name, array)?;
    }
    Ok(named)
}

fn list(py: Python<'_>, tensors: impl Iterator<Item = Tensor>) -> PyResult<Bound<'_, PyList>> {
    let objects: Vec<Py<Tensor>> = tensors.map(|t| Py::new(py, t)).collect::<PyResult<_>>()?;
    PyList::new(py, objects)
}
