//! NumPy's arrays as samples of a network's inputs.
//!
//! Guarantees: an array is never copied whole. Its numbers are read a piece of samples at a time,
//! in row-major order whatever its strides, and only where its shape and its numbers' type are
//! those of samples.

use std::ops::Range;

use half::f16;
use numpy::ndarray::{ArrayViewD, Axis, Slice};
use numpy::prelude::*;
use numpy::{Element, PyArrayDyn, PyReadonlyArrayDyn, PyUntypedArray};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PySlice;
use rtl4ml::tensors::{Tensor, sample_count};

/// The numbers of some samples at a time. That needs no interpreter, unless NumPy must convert them.
pub trait Pieces: Send + Sync {
    /// The numbers of these samples, row-major.
    fn piece(&self, samples: Range<usize>) -> PyResult<Vec<f64>>;
}

/// An array that nobody writes to from Rust while it is held.
trait Held {
    fn pieces(&self) -> Box<dyn Pieces + '_>;
}

/// Samples of one input.
pub struct Samples<'py> {
    /// How many there are.
    pub count: usize,
    held: Box<dyn Held + 'py>,
}

impl<'py> Samples<'py> {
    /// The samples in an array, or in what NumPy makes one of.
    ///
    /// # Errors
    /// When its shape or the type of its numbers is not that of samples.
    pub fn of(given: &Bound<'py, PyAny>, tensor: &Tensor) -> PyResult<Self> {
        let numpy = numpy::get_array_module(given.py())?;
        let array = numpy.call_method1("asarray", (given,))?;
        let array = array.cast::<PyUntypedArray>()?;
        let dtype = array.dtype();
        if !matches!(dtype.kind(), b'f' | b'i' | b'u' | b'b') || dtype.itemsize() > 8 {
            return Err(PyTypeError::new_err(format!(
                "`{}`: the dtype is {dtype}; legal: float64, float32, float16, integers and bool",
                tensor.name
            )));
        }
        let count = sample_count(array.shape(), tensor)
            .map_err(|error| PyValueError::new_err(format!("`{}`: {error}", tensor.name)))?;
        let single = array.shape() == tensor.shape;
        Ok(Self { count, held: held(array, single)? })
    }

    /// The numbers, piece by piece.
    pub fn pieces(&self) -> Box<dyn Pieces + '_> {
        self.held.pieces()
    }
}

/// How to hold an array whose numbers are of one type; nothing for any other array.
type Hold<'py> = fn(&Bound<'py, PyUntypedArray>, bool) -> Option<PyResult<Box<dyn Held + 'py>>>;

fn held<'py>(array: &Bound<'py, PyUntypedArray>, single: bool) -> PyResult<Box<dyn Held + 'py>> {
    // Beyond 53 bits an integer is the nearest floating-point number, as in a file of samples.
    let natives: [Hold<'py>; 12] = [
        |array, single| hold(array, single, |number: f64| number),
        |array, single| hold(array, single, |number: f32| f64::from(number)),
        |array, single| hold(array, single, |number: f16| f64::from(number)),
        |array, single| hold(array, single, |number: i8| f64::from(number)),
        |array, single| hold(array, single, |number: i16| f64::from(number)),
        |array, single| hold(array, single, |number: i32| f64::from(number)),
        |array, single| hold(array, single, |number: i64| number as f64),
        |array, single| hold(array, single, |number: u8| f64::from(number)),
        |array, single| hold(array, single, |number: u16| f64::from(number)),
        |array, single| hold(array, single, |number: u32| f64::from(number)),
        |array, single| hold(array, single, |number: u64| number as f64),
        |array, single| hold(array, single, |number: bool| f64::from(u8::from(number))),
    ];
    // A number that is not where the processor wants it can only be moved there.
    let mut natives = natives.iter().filter(|_| array.is_aligned());
    let native = natives.find_map(|native| native(array, single));
    native.unwrap_or_else(|| Ok(Box::new(Foreign { array: array.clone().unbind(), single })))
}

/// An array of the machine's own numbers.
struct Native<'py, T: Element, F> {
    array: PyReadonlyArrayDyn<'py, T>,
    single: bool,
    to_f64: F,
}

/// Holds an array of such numbers.
fn hold<'py, T: Element + Copy + 'py, F: Fn(T) -> f64 + Copy + Send + Sync + 'py>(
    array: &Bound<'py, PyUntypedArray>,
    single: bool,
    to_f64: F,
) -> Option<PyResult<Box<dyn Held + 'py>>> {
    let array = array.cast::<PyArrayDyn<T>>().ok()?;
    let held = array.try_readonly().map_err(PyErr::from);
    Some(held.map(|array| Box::new(Native { array, single, to_f64 }) as Box<dyn Held + 'py>))
}

impl<T: Element + Copy, F: Fn(T) -> f64 + Copy + Send + Sync> Held for Native<'_, T, F> {
    fn pieces(&self) -> Box<dyn Pieces + '_> {
        let view = self.array.as_array();
        let view = if self.single { view.insert_axis(Axis(0)) } else { view };
        Box::new(View { view, to_f64: self.to_f64 })
    }
}

struct View<'a, T, F> {
    view: ArrayViewD<'a, T>,
    to_f64: F,
}

impl<T: Copy + Send + Sync, F: Fn(T) -> f64 + Send + Sync> Pieces for View<'_, T, F> {
    fn piece(&self, samples: Range<usize>) -> PyResult<Vec<f64>> {
        let piece = self.view.slice_axis(Axis(0), Slice::from(samples));
        Ok(piece.iter().map(|number| (self.to_f64)(*number)).collect())
    }
}

/// An array of numbers in the order of bytes of another machine, or not aligned: NumPy converts a
/// piece at a time.
struct Foreign {
    array: Py<PyUntypedArray>,
    single: bool,
}

impl Held for Foreign {
    fn pieces(&self) -> Box<dyn Pieces + '_> {
        Box::new(self)
    }
}

impl Pieces for &Foreign {
    fn piece(&self, samples: Range<usize>) -> PyResult<Vec<f64>> {
        Python::attach(|py| {
            let array = self.array.bind(py).as_any();
            let piece = if self.single {
                array.clone()
            } else {
                array.get_item(PySlice::new(py, samples.start as isize, samples.end as isize, 1))?
            };
            let converted = piece.call_method1("astype", ("=f8",))?;
            let converted = converted.cast::<PyArrayDyn<f64>>()?.try_readonly()?;
            Ok(converted.as_array().iter().copied().collect())
        })
    }
}
