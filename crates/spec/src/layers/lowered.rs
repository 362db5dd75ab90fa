//! What a layer of the spec becomes in the graph.

use rtl4ml_ir::constant::ConstantError;
use rtl4ml_ir::{BatchNorm, Constant, FixedType, Implementation, Kernel, Op, ResultType};

use crate::weights::Array;

/// What a layer of the spec becomes in the graph.
pub(crate) enum Lowered {
    /// Layers that each read the one before; the last has the name that the spec gives.
    Layers(Vec<Part>),
    /// No layer: scale and shift go into the layer that it reads.
    Fold(Fold),
    /// The same if no bit of any result depends on it, else a layer.
    FoldIfExact(BatchNorm),
}

/// A layer of the graph.
pub(crate) struct Part {
    /// What its name has after the one that the spec gives.
    pub suffix: &'static str,
    pub op: Op,
    pub implementation: Implementation,
    /// Its weights before they were rounded, where others may be multiplied into them.
    pub trained: Option<Trained>,
    /// Keys that the spec calls otherwise than the verifier does.
    pub renamed: Renamed,
}

/// Pairs of a key as the verifier calls it and as the spec does.
pub(crate) type Renamed = &'static [(&'static str, &'static str)];

/// A batch normalisation that its author wants folded.
pub(crate) struct Fold {
    /// One number a channel.
    pub scale: Vec<f64>,
    /// One number a channel.
    pub shift: Vec<f64>,
    /// The type of the result, where the normalisation gives one.
    pub result: Option<ResultType>,
}

/// Weights as they were trained, and the types that they are rounded into.
#[derive(Clone)]
pub(crate) struct Trained {
    /// One entry a kernel.
    pub groups: Vec<Group>,
    pub weight_type: FixedType,
    /// The type of biases, if one is given at all.
    pub bias_type: Option<FixedType>,
    /// The accumulator's type.
    pub accum: Option<FixedType>,
}

/// The weights of one kernel.
#[derive(Clone)]
pub(crate) struct Group {
    /// \[n_in, n_out\].
    pub weight: Array,
    /// \[n_out\].
    pub bias: Option<Array>,
}

impl Lowered {
    /// An operation that is built in one way only.
    pub fn plain(op: impl Into<Op>) -> Self {
        Self::Layers(vec![Part::new(op, Implementation::default())])
    }
}

impl Part {
    /// The layer that has the name of the spec.
    pub fn new(op: impl Into<Op>, implementation: Implementation) -> Self {
        Self { suffix: "", op: op.into(), implementation, trained: None, renamed: &[] }
    }
}

impl From<Part> for Lowered {
    fn from(part: Part) -> Self {
        Self::Layers(vec![part])
    }
}

impl Trained {
    /// The kernels that hold these weights, rounded into their types.
    ///
    /// # Errors
    /// When shape and numbers of an array do not fit together or a number is not finite, with
    /// what the array is.
    pub fn kernels(&self) -> Result<Vec<Kernel>, (&'static str, ConstantError)> {
        let rounded = |what, array: &Array, ty| {
            Constant::quantize(array.extents.clone(), &array.numbers, ty)
                .map_err(|error| (what, error))
        };
        let kernel = |group: &Group| {
            let bias = group.bias.as_ref().zip(self.bias_type);
            Ok(Kernel {
                weight: rounded("weight", &group.weight, self.weight_type)?,
                bias: bias.map(|(bias, ty)| rounded("bias", bias, ty)).transpose()?,
                accum: self.accum,
            })
        };
        self.groups.iter().map(kernel).collect()
    }

    /// The same with each output multiplied by its scale and moved by its shift; `None` when
    /// there is not one of each for each output.
    pub fn folded(&self, scale: &[f64], shift: &[f64]) -> Option<Self> {
        if self.output_count() != scale.len() || scale.len() != shift.len() {
            return None;
        }
        let mut first = 0;
        let mut folded = self.clone();
        for group in &mut folded.groups {
            let count = group.output_count();
            let (scale, shift) = (&scale[first..first + count], &shift[first..first + count]);
            first += count;
            for (index, weight) in group.weight.numbers.iter_mut().enumerate() {
                *weight *= scale[index % count];
            }
            let bias = |j: usize| group.bias.as_ref().map_or(0.0, |bias| bias.numbers[j]);
            let numbers = (0..count).map(|j| scale[j] * bias(j) + shift[j]).collect();
            group.bias = Some(Array { extents: vec![count], numbers });
        }
        Some(folded)
    }

    /// The features that the kernels compute together.
    pub fn output_count(&self) -> usize {
        self.groups.iter().map(Group::output_count).sum()
    }
}

impl Group {
    fn output_count(&self) -> usize {
        self.weight.extents.last().copied().unwrap_or(0)
    }
}
