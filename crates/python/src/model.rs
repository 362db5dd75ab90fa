//! The classes of the package.

use std::borrow::Borrow;
use std::convert::identity;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use rtl4ml::{Failure, Loaded, handoff, threads};
use rtl4ml_ir::{Source, VerifiedNetwork};
use rtl4ml_sim::emulator::Emulator;

use crate::compute::{Named, Spec, checked_threads};
use crate::error::exception;

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
    pub(crate) spec: Spec,
    /// Compiled at its first use, for all others.
    pub(crate) emulator: OnceLock<Emulator<Spec>>,
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
            precision: input.types.to_string(),
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
            precision: network.tensor_type(*source).format_text(),
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

    /// The network.
    pub fn network(&self) -> &VerifiedNetwork {
        self.spec.borrow()
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
