//! From a network to what is run: for each layer the narrowest of the machine's integers that hold
//! all of its steps, and its parameters on the grids that the steps need.

#![allow(clippy::inline_always, reason = "see `lanes::Work`")]

use rtl4ml_ir::exact::{of_inputs, targets};
use rtl4ml_ir::layers::ExactRange;
use rtl4ml_ir::{Op, Range, Source, TensorType, VerifiedNetwork};

use super::cast::Cast;
use super::elements::{Elements, Prepared};
use super::kernel::Matrix;
use super::pool::Pooling;
use super::sink::{Sink, Stored, Tensor};
use super::statistics::Counters;
use super::tables::{ByTable, Classes};
use crate::lanes::{Int, Lanes, Work, vectorized};

/// A layer as it is run.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// In integers of 32 bits.
    Narrow(Compiled<i32>),
    /// In integers of 64 bits.
    Wide(Compiled<i64>),
    /// By the reference, sample by sample: a step of it needs more than 64 bits.
    Reference,
}

/// A layer in integers of one width.
#[derive(Clone, Debug)]
pub(super) struct Compiled<T> {
    inputs: Vec<Operand<T>>,
    body: Body<T>,
    /// The cast of each element, or one for all.
    casts: Vec<Cast<T>>,
    count: usize,
}

/// A tensor that a layer reads.
#[derive(Clone, Debug)]
struct Operand<T> {
    source: Source,
    /// Where its elements are not on one grid yet, a cast for each.
    align: Vec<Cast<T>>,
}

#[derive(Clone, Debug)]
enum Body<T> {
    Elements(Elements<T>),
    /// Windows of inputs, each with its group's matrix and its first output.
    Matrices {
        groups: Vec<Matrix<T>>,
        windows: Vec<u32>,
        n_in: usize,
        n_out: usize,
    },
    ByTable(ByTable<T>),
    Classes(Classes<T>),
    Pooling(Pooling<T>),
}

/// The step of a layer.
pub(super) fn compile(network: &VerifiedNetwork, layer: usize) -> Step {
    if let Some(compiled) = compile_in::<i32>(network, layer) {
        return Step::Narrow(compiled);
    }
    compile_in::<i64>(network, layer).map_or(Step::Reference, Step::Wide)
}

fn compile_in<T: Int>(network: &VerifiedNetwork, index: usize) -> Option<Compiled<T>> {
    let layer = &network.network().layers[index];
    let output = network.tensor_type(Source::Layer(rtl4ml_ir::LayerId(index as u32)));
    let tensors: Vec<&TensorType> =
        layer.inputs.iter().map(|source| network.tensor_type(*source)).collect();
    let ranges = of_inputs(&layer.op, &tensors)?;
    if !ranges.iter().all(|(range, _)| T::holds(*range)) {
        return None;
    }
    let operand = |(source, (tensor, range)): (&Source, (&&TensorType, &ExactRange))| {
        Some(Operand { source: *source, align: alignment(tensor, *range)? })
    };
    let inputs = layer.inputs.iter().zip(tensors.iter().zip(&ranges)).map(operand);
    let inputs = inputs.collect::<Option<_>>()?;
    let (body, exact) = body(&layer.op, &tensors, &ranges, output)?;
    let targets = targets(&layer.op.result_type(), output, true);
    let casts = targets.into_iter().map(|target| Cast::to(exact, target)).collect::<Option<_>>()?;
    Some(Compiled { inputs, body, casts, count: output.element_count() })
}

/// How the elements of a tensor come onto one grid; no cast where they are on it.
fn alignment<T: Int>(tensor: &TensorType, range: ExactRange) -> Option<Vec<Cast<T>>> {
    let on_grid = |(own, fraction_bits): ExactRange| own == Range::ZERO || fraction_bits == range.1;
    if tensor.exact_ranges().all(on_grid) {
        return Some(Vec::new());
    }
    let aligned = |own: ExactRange| {
        let to = if own.0 == Range::ZERO { Range::ZERO } else { range.0 };
        Cast::to_grid(own, range.1, to)
    };
    tensor.exact_ranges().map(aligned).collect()
}

/// What a layer computes before its cast.
fn body<T: Int>(
    op: &Op,
    tensors: &[&TensorType],
    ranges: &[ExactRange],
    output: &TensorType,
) -> Prepared<Body<T>> {
    let (tensor, x) = (tensors[0], ranges[0]);
    let extents = tensor.shape.extents();
    let moved =
        |sources: Vec<(usize, u32)>, range: ExactRange| Some((Elements::Move(sources), range));
    let elements = match op {
        Op::Dense(dense) => {
            let n_in = extents.last().copied()?;
            let windows = (0..tensor.element_count() as u32).collect();
            return matrices(std::slice::from_ref(&dense.kernel), windows, n_in, x);
        }
        Op::Conv(conv) => {
            let sliding = conv.slide(extents).ok()?;
            let n_in = sliding.cells() * sliding.channels / conv.groups.len();
            let beyond = tensor.element_count() as u32;
            let mut windows = Vec::new();
            for position in 0..sliding.positions() {
                for group in 0..conv.groups.len() {
                    let elements = conv.group_elements(&sliding, position, group);
                    windows.extend(elements.iter().map(|e| e.map_or(beyond, |e| e as u32)));
                }
            }
            return matrices(&conv.groups, windows, n_in, (x.0.union(Range::ZERO), x.1));
        }
        Op::Pool(pool) => {
            let (body, exact) = Pooling::new(pool, tensor, x)?;
            return Some((Body::Pooling(body), exact));
        }
        Op::Function(function) => {
            let (body, exact) = ByTable::new(function, tensor, x)?;
            return Some((Body::ByTable(body), exact));
        }
        Op::Softmax(softmax) => {
            let (body, exact) = Classes::softmax(softmax, tensor, x)?;
            return Some((Body::Classes(body), exact));
        }
        Op::Argmax(_) => {
            let (body, exact) = Classes::argmax(tensor);
            return Some((Body::Classes(body), exact));
        }
        Op::BatchNorm(norm) => Elements::batch_norm(norm, x),
        Op::Relu(_) => Some((Elements::Relu, (x.0.rectified(), x.1))),
        Op::LeakyRelu(leaky) => Elements::leaky_relu(leaky, tensor, x),
        Op::Clamp(clamp) => Elements::clamp(clamp, x),
        Op::Step(step) => Elements::step(step, x),
        Op::Merge(merge) => Elements::merge(merge, tensors, ranges),
        Op::Dot(dot) => Elements::dot(dot, ranges, tensor.element_count()),
        Op::Quantize(_) | Op::Reshape(_) => {
            moved((0..tensor.element_count() as u32).map(|element| (0, element)).collect(), x)
        }
        Op::Rearrange(rearrange) => {
            let sources = rearrange.sources(extents, output.shape.extents());
            let beyond = tensor.element_count();
            let place = |source: &Option<usize>| (0, source.unwrap_or(beyond) as u32);
            moved(sources.iter().map(place).collect(), (x.0.union(Range::ZERO), x.1))
        }
        Op::Concatenate(concatenate) => {
            let (_, sources) = concatenate.sources(tensors).ok()?;
            let union = ranges.iter().map(|(range, _)| *range).reduce(Range::union)?;
            moved(sources.into_iter().map(|(input, e)| (input, e as u32)).collect(), (union, x.1))
        }
    };
    elements.map(|(elements, exact)| (Body::Elements(elements), exact))
}

fn matrices<T: Int>(
    kernels: &[rtl4ml_ir::Kernel],
    windows: Vec<u32>,
    n_in: usize,
    x: ExactRange,
) -> Prepared<Body<T>> {
    // Groups whose weights are on different grids meet on the finest.
    let own_grid = |kernel| Matrix::<T>::new(kernel, x, i32::MIN).map(|(_, (_, grid))| grid);
    let grids = kernels.iter().map(own_grid).collect::<Option<Vec<i32>>>()?;
    let grid = grids.into_iter().max()?;
    let (mut groups, mut union) = (Vec::new(), Range::ZERO);
    for kernel in kernels {
        let (matrix, (range, own)) = Matrix::new(kernel, x, grid)?;
        if own != grid {
            return None;
        }
        groups.push(matrix);
        union = union.union(range);
    }
    let n_out = kernels.first()?.shape()?.n_out;
    Some((Body::Matrices { groups, windows, n_in, n_out }, (union, grid)))
}

impl<T: Stored> Compiled<T> {
    /// Computes the layer for one block of samples.
    pub fn run(
        &self,
        read: impl Fn(Source) -> usize,
        before: &[Tensor],
        tensor: &mut Tensor,
        counters: Option<(&mut Counters, usize)>,
    ) {
        let aligned: Vec<Option<Vec<Lanes<T>>>> = self
            .inputs
            .iter()
            .map(|operand| operand.aligned(&before[read(operand.source)]))
            .collect();
        let inputs: Vec<&[Lanes<T>]> = self
            .inputs
            .iter()
            .zip(&aligned)
            .map(|(operand, aligned)| match aligned {
                Some(lanes) => lanes.as_slice(),
                None => T::stored(&before[read(operand.source)]).unwrap_or_default(),
            })
            .collect();
        let sink = Sink { casts: &self.casts, tensor, counters };
        vectorized(Layer { compiled: self, inputs: &inputs, sink });
    }
}

impl<T: Stored> Operand<T> {
    /// The elements on one grid, in integers of this width, where the tensor is not that itself.
    fn aligned(&self, tensor: &Tensor) -> Option<Vec<Lanes<T>>> {
        if self.align.is_empty() && T::stored(tensor).is_some() {
            return None;
        }
        let count = match tensor {
            Tensor::Narrow(lanes) => lanes.len(),
            Tensor::Wide(lanes) => lanes.len(),
        };
        let element = |element: usize| {
            let x = tensor.get(element);
            // The zero behind the last element has no cast.
            match self.align.get(element) {
                Some(cast) => cast.apply(&x),
                None => x,
            }
        };
        Some((0..count).map(element).collect())
    }
}

/// A layer that is to be computed.
struct Layer<'a, T> {
    compiled: &'a Compiled<T>,
    inputs: &'a [&'a [Lanes<T>]],
    sink: Sink<'a, T>,
}

impl<T: Int> Work for Layer<'_, T> {
    type Output = ();

    #[inline(always)]
    fn work(self) {
        let Self { compiled: Compiled { body, count, .. }, inputs, mut sink } = self;
        let (x, elements) = (inputs[0], inputs[0].len() - 1);
        match body {
            Body::Elements(layer) => layer.run(inputs, *count, &mut sink),
            Body::Matrices { groups, windows, n_in, n_out } => {
                for (index, window) in windows.chunks_exact(*n_in).enumerate() {
                    groups[index % groups.len()].run(x, window, index * n_out, &mut sink);
                }
            }
            Body::ByTable(layer) => layer.run(&x[..elements], &mut sink),
            Body::Classes(layer) => layer.run(&x[..elements], &mut sink),
            Body::Pooling(layer) => layer.run(x, &mut sink),
        }
    }
}
