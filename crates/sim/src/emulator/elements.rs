//! Layers that compute each element on its own, merges, and moves.

#![allow(clippy::inline_always, reason = "see `lanes::Work`")]

use rtl4ml_ir::layers::{DotSteps, ExactAffine, ExactLine, ExactRange, ExactSlopes, Thresholds};
use rtl4ml_ir::{BatchNorm, Clamp, Dot, LeakyRelu, Merge, MergeKind, Range, Step, TensorType};

use super::cast::Cast;
use super::sink::Sink;
use crate::lanes::{Int, LANES, Lanes, map, map2};

/// A layer of this module.
#[derive(Clone, Debug)]
pub(super) enum Elements<T> {
    /// The elements of an input, or of several.
    Move(Vec<(usize, u32)>),
    /// max(0, x).
    Relu,
    /// x where it is above 0, else its product.
    LeakyRelu { up: u32, alphas: Vec<T> },
    /// A line between two bounds.
    Clamp { slope: T, shift: T, low: T, high: T },
    /// -1 from `low` down, 1 from `high` up, between them `middle`.
    Step { low: T, middle: T, high: T },
    /// A scale and a shift for each channel.
    Affine { scales: Vec<T>, shifts: Vec<T> },
    /// Elements that meet, all on one grid but for products.
    Merge { kind: MergeKind, indices: Vec<Vec<usize>> },
    /// The products of two vectors, exactly or with each product and each sum cast.
    Dot { steps: Option<[Cast<T>; 2]> },
}

/// What a layer computes before its cast.
pub(super) type Prepared<B> = Option<(B, ExactRange)>;

impl<T: Int> Elements<T> {
    fn checked(self, steps: &[Range], result: ExactRange) -> Prepared<Self> {
        let holds = T::holds(result.0) && steps.iter().all(|step| T::holds(*step));
        holds.then_some((self, result))
    }

    pub fn leaky_relu(leaky: &LeakyRelu, tensor: &TensorType, x: ExactRange) -> Prepared<Self> {
        let ExactSlopes { up, slopes, result } = leaky.exact_slopes(&tensor.shape, x)?;
        let alphas = slopes.into_iter().map(T::exactly).collect::<Option<_>>()?;
        let body = (up < T::BITS).then_some(Self::LeakyRelu { up, alphas })?;
        body.checked(&[x.0], result)
    }

    pub fn clamp(clamp: &Clamp, x: ExactRange) -> Prepared<Self> {
        let ExactLine { slope, shift, low, high, result, steps: [product, line] } =
            clamp.exact_line(x)?;
        let body = Self::Clamp {
            slope: T::exactly(slope)?,
            shift: T::exactly(shift)?,
            low: T::exactly(low)?,
            high: T::exactly(high)?,
        };
        body.checked(&[x.0, product, line], result)
    }

    pub fn step(step: &Step, x: ExactRange) -> Prepared<Self> {
        let Thresholds { low, middle, high } = step.thresholds(x);
        let body = Self::Step {
            low: T::exactly(low)?,
            middle: T::low_bits(middle),
            high: T::exactly(high)?,
        };
        body.checked(&[x.0], (Range::new(-1, 1), 0))
    }

    pub fn batch_norm(norm: &BatchNorm, x: ExactRange) -> Prepared<Self> {
        let ExactAffine { scales, shifts, result } = norm.exact_affine(x)?;
        let integers = |numbers: Vec<i128>| numbers.into_iter().map(T::low_bits).collect();
        let body = Self::Affine { scales: integers(scales), shifts: integers(shifts) };
        body.checked(&[x.0], result)
    }

    /// All inputs are on one grid, but for products.
    pub fn merge(merge: &Merge, tensors: &[&TensorType], x: &[ExactRange]) -> Prepared<Self> {
        let (_, indices) = merge.broadcast(tensors).ok()?;
        Self::Merge { kind: merge.kind, indices }.checked(&[], merge.exact_result(x)?)
    }

    pub fn dot(dot: &Dot, x: &[ExactRange], count: usize) -> Prepared<Self> {
        let DotSteps { product, sums, result } = dot.exact_steps(x, count)?;
        let Some((accum, sums)) = sums else {
            return Self::Dot { steps: None }.checked(&[product.0], result);
        };
        let steps = [Cast::new(product, accum)?, Cast::new(sums, accum)?];
        Self::Dot { steps: Some(steps) }.checked(&[sums.0], result)
    }

    /// Computes the layer.
    #[inline(always)]
    pub fn run(&self, inputs: &[&[Lanes<T>]], count: usize, sink: &mut Sink<T>) {
        let x = inputs[0];
        let zero = T::default();
        match self {
            Self::Move(sources) => {
                for (element, (input, index)) in sources.iter().enumerate() {
                    sink.put(element, &inputs[*input][*index as usize]);
                }
            }
            Self::Relu => {
                for (element, x) in x[..count].iter().enumerate() {
                    sink.put(element, &map(x, |x| x.max(zero)));
                }
            }
            Self::LeakyRelu { up, alphas } => {
                for (element, (x, alpha)) in x.iter().zip(alphas).enumerate() {
                    let value = |x: T| if x > zero { x.up(*up) } else { x.times(*alpha) };
                    sink.put(element, &map(x, value));
                }
            }
            Self::Clamp { slope, shift, low, high } => {
                for (element, x) in x[..count].iter().enumerate() {
                    let line = map(x, |x| x.times(*slope).plus(*shift));
                    let bounded = |x: T| if x < *low { *low } else { x.min(*high) };
                    sink.put(element, &map(&line, bounded));
                }
            }
            Self::Step { low, middle, high } => {
                let (one, minus) = (T::from_bool(true), T::low_bits(-1));
                for (element, x) in x[..count].iter().enumerate() {
                    let step = |x: T| {
                        if x >= *high {
                            one
                        } else if x >= *low {
                            *middle
                        } else {
                            minus
                        }
                    };
                    sink.put(element, &map(x, step));
                }
            }
            Self::Affine { scales, shifts } => {
                let channels = scales.iter().zip(shifts).cycle();
                for (element, (x, (scale, shift))) in x[..count].iter().zip(channels).enumerate() {
                    sink.put(element, &map(x, |x| x.times(*scale).plus(*shift)));
                }
            }
            Self::Merge { kind, indices } => {
                for element in 0..count {
                    let term = |input: usize| &inputs[input][indices[input][element]];
                    let mut merged = *term(0);
                    for input in 1..inputs.len() {
                        let term = term(input);
                        merged = match kind {
                            MergeKind::Add | MergeKind::Average => map2(&merged, term, T::plus),
                            MergeKind::Subtract => map2(&merged, term, T::minus),
                            MergeKind::Multiply => map2(&merged, term, T::times),
                            MergeKind::Maximum => map2(&merged, term, T::max),
                            MergeKind::Minimum => map2(&merged, term, T::min),
                        };
                    }
                    sink.put(element, &merged);
                }
            }
            Self::Dot { steps } => {
                let mut sum = [zero; LANES];
                let elements = inputs[0].len() - 1;
                for (a, b) in inputs[0][..elements].iter().zip(inputs[1]) {
                    let product = map2(a, b, T::times);
                    sum = match steps {
                        None => map2(&sum, &product, T::plus),
                        Some([product_cast, sum_cast]) => {
                            let term = product_cast.apply(&product);
                            sum_cast.apply(&map2(&sum, &term, T::plus))
                        }
                    };
                }
                sink.put(0, &sum);
            }
        }
    }
}
