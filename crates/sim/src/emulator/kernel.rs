//! Layers that multiply by weights: a register tile of outputs and samples at a time.
//!
//! Guarantees the integers of the definition: the sum in ascending order, each product and each
//! partial sum in the accumulator's type. Sums are taken modulo 2^bits of the machine's integers
//! where that is the same, which is most often; otherwise step by step.

#![allow(clippy::inline_always, reason = "see `lanes::Work`")]

use rtl4ml_ir::layers::{Accumulation, ExactRange, KernelShape, KernelSteps};
use rtl4ml_ir::{FixedType, Kernel, Overflow, Range};

use super::cast::Cast;
use super::sink::Sink;
use crate::lanes::{Int, LANES, Lanes, map, map2};

/// How many outputs are computed together.
const TILE: usize = 4;

/// How many samples of a tile fit the registers.
const PART: usize = 16;

/// The weights of a tile of outputs: for each output those of all inputs.
///
/// An output's weights lie in a row: where those of one input did, the compiler would put outputs
/// side by side instead of samples.
type Rows<T> = [Vec<T>; TILE];

/// How a sum becomes the accumulator's.
#[derive(Clone, Copy, Debug)]
enum Sum<T> {
    /// The low bits of the sum of products, times a power of two and with the start added, hold it.
    Modular(u32),
    /// The same after each product has lost its last bits.
    Truncated(u32),
    /// Each product and each sum is cast.
    Stepwise(Steps<T>),
}

/// The casts of an accumulator with a type.
#[derive(Clone, Copy, Debug)]
struct Steps<T> {
    product: Cast<T>,
    sum: Cast<T>,
}

/// A constant matrix and what is added to its products.
#[derive(Clone, Debug)]
pub(super) struct Matrix<T> {
    n_out: usize,
    /// Tile by tile.
    rows: Vec<Rows<T>>,
    start: Vec<T>,
    sum: Sum<T>,
    /// The accumulator's low bits.
    wrap: Option<Cast<T>>,
    /// The same sum step by step, where its type may be too narrow.
    counted: Option<Steps<T>>,
}

impl<T: Int> Matrix<T> {
    /// A kernel for inputs that are all in one range, and what its sums are: on a grid that is no
    /// coarser than `least_grid`, unless the accumulator has a type.
    pub fn new(kernel: &Kernel, input: ExactRange, least_grid: i32) -> Option<(Self, ExactRange)> {
        let KernelShape { n_in, n_out } = kernel.shape()?;
        let steps = KernelSteps::new(std::slice::from_ref(kernel), input, least_grid)?;
        let plan = match kernel.accum {
            None => {
                let result = steps.whole.filter(|whole| T::holds(*whole))?;
                let weights = steps.weights_of_sums()?;
                Plan { weights, sum: Sum::Modular(0), wrap: None, counted: None, result }
            }
            Some(accum) => Plan::with_type(accum, &steps)?,
        };
        let rows = tiles(&plan.weights, n_in, n_out);
        let start = steps.start.into_iter().map(T::low_bits).collect();
        let Plan { sum, wrap, counted, result, .. } = plan;
        Some((Self { n_out, rows, start, sum, wrap, counted }, (result, steps.sum_grid)))
    }

    /// The sums of one window; the elements `window` of `x` are its inputs. `first` is the number
    /// of the first output.
    #[inline(always)]
    pub fn run(&self, x: &[Lanes<T>], window: &[u32], first: usize, sink: &mut Sink<T>) {
        for (tile, rows) in self.rows.iter().enumerate() {
            let outputs = tile * TILE..self.n_out.min((tile + 1) * TILE);
            if let Some(steps) = self.counted.filter(|_| sink.counts()) {
                for j in outputs {
                    let sums = self.counted_sums(steps, rows, x, window, j, first, sink);
                    sink.put(first + j, &sums);
                }
                continue;
            }
            let mut start = [T::default(); TILE];
            start[..outputs.len()].copy_from_slice(&self.start[outputs.clone()]);
            let sums = match self.sum {
                Sum::Modular(0) => sums(rows, x, window, start, |product| product),
                Sum::Modular(up) => {
                    let nothing = [T::default(); TILE];
                    let mut sums = sums(rows, x, window, nothing, |product| product);
                    for (sums, start) in sums.iter_mut().zip(start) {
                        *sums = map(sums, |sum| sum.up(up).plus(start));
                    }
                    sums
                }
                Sum::Truncated(bits) => {
                    sums(rows, x, window, start, move |product| product.down(bits))
                }
                Sum::Stepwise(steps) => stepwise_sums(steps, rows, x, window, start),
            };
            for (j, sums) in outputs.zip(&sums) {
                match &self.wrap {
                    Some(wrap) => sink.put(first + j, &wrap.apply(sums)),
                    None => sink.put(first + j, sums),
                }
            }
        }
    }

    /// The sums of one output, with what left the accumulator's type.
    #[allow(clippy::too_many_arguments, reason = "the loop of `run`, for one output")]
    fn counted_sums(
        &self,
        steps: Steps<T>,
        rows: &Rows<T>,
        x: &[Lanes<T>],
        window: &[u32],
        j: usize,
        first: usize,
        sink: &mut Sink<T>,
    ) -> Lanes<T> {
        let mut sums = [self.start[j]; LANES];
        // What a wide enough accumulator would have: nothing wraps or saturates in it.
        let mut whole = [self.start[j].widened(); LANES];
        let mut outside = [false; LANES];
        for (weight, index) in rows[j % TILE].iter().zip(window) {
            let products = x[*index as usize].map(|x| x.times(*weight));
            let rounded = steps.product.round(&products);
            let terms = steps.product.settle(&rounded);
            let exact = map2(&sums, &terms, T::plus);
            let narrow = steps.product.outside(&rounded);
            let full = steps.sum.outside(&exact);
            for (outside, (narrow, full)) in outside.iter_mut().zip(narrow.iter().zip(&full)) {
                *outside |= narrow | full;
            }
            let terms = rounded.map(|x| steps.product.on_grid(x));
            whole.iter_mut().zip(terms).for_each(|(whole, term)| *whole += term);
            sink.reach(first + j, &terms);
            sink.reach(first + j, &whole);
            sums = steps.sum.settle(&exact);
        }
        sink.left_accumulator(first + j, &outside);
        sums
    }
}

/// How the sums of a matrix are taken.
struct Plan<T> {
    weights: Vec<i128>,
    sum: Sum<T>,
    wrap: Option<Cast<T>>,
    counted: Option<Steps<T>>,
    result: Range,
}

impl<T: Int> Plan<T> {
    /// With an accumulator of a type.
    fn with_type(accum: FixedType, kernel: &KernelSteps) -> Option<Self> {
        let zero_width = accum.format.width == 0;
        let product = Cast::<T>::new(kernel.product, accum)?;
        let Accumulation { never_leaves, result, sums } = kernel.accumulated(accum)?;
        let sum = Cast::<T>::new((sums, accum.fraction_bits()), accum)?;
        if !T::holds(sums) {
            return None;
        }
        let steps = Steps { product, sum };
        let counted = (!never_leaves && !zero_width).then_some(steps);
        let wraps = accum.overflow == Overflow::Wrap && !zero_width;
        let everything = (Range::new(T::MIN.widened(), T::MAX.widened()), accum.fraction_bits());
        let wrap = (wraps && !never_leaves)
            .then(|| Cast::new(everything, accum))
            .map_or(Some(None), |wrap| wrap.map(Some))?;
        let up = kernel.up();
        let plan = |sum, wrap| {
            let weights = kernel.weights.clone();
            Self { weights, sum, wrap, counted, result }
        };
        let no_step_shows = wraps || never_leaves;
        Some(if no_step_shows && product.is_modular() && (0..T::BITS as i32).contains(&up) {
            // What leaves the machine's integers leaves the accumulator as well.
            plan(Sum::Modular(up as u32), wrap)
        } else if let Some(bits) = product.truncated_bits().filter(|_| no_step_shows) {
            plan(Sum::Truncated(bits), wrap)
        } else {
            plan(Sum::Stepwise(steps), None)
        })
    }
}

/// The matrix tile by tile; the last tile is filled up with zeros.
fn tiles<T: Int>(weights: &[i128], n_in: usize, n_out: usize) -> Vec<Rows<T>> {
    let weight = |k: usize, j: usize| {
        if j < n_out { T::low_bits(weights[k * n_out + j]) } else { T::default() }
    };
    let row = |j: usize| (0..n_in).map(|k| weight(k, j)).collect();
    let tile = |tile: usize| std::array::from_fn(|place| row(tile * TILE + place));
    (0..n_out.div_ceil(TILE)).map(tile).collect()
}

/// The sums of a tile: the low bits of `start` and all terms.
#[inline(always)]
fn sums<T: Int>(
    rows: &Rows<T>,
    x: &[Lanes<T>],
    window: &[u32],
    start: [T; TILE],
    term: impl Fn(T) -> T + Copy,
) -> [Lanes<T>; TILE] {
    let mut sums = [[T::default(); LANES]; TILE];
    for part in 0..LANES / PART {
        let [mut s0, mut s1, mut s2, mut s3] = start.map(|start| [start; PART]);
        let [w0, w1, w2, w3] = rows.each_ref().map(|row| &row[..window.len()]);
        for (k, index) in window.iter().enumerate() {
            let x = &x[*index as usize].as_chunks::<PART>().0[part];
            for lane in 0..PART {
                s0[lane] = s0[lane].plus(term(x[lane].times(w0[k])));
            }
            for lane in 0..PART {
                s1[lane] = s1[lane].plus(term(x[lane].times(w1[k])));
            }
            for lane in 0..PART {
                s2[lane] = s2[lane].plus(term(x[lane].times(w2[k])));
            }
            for lane in 0..PART {
                s3[lane] = s3[lane].plus(term(x[lane].times(w3[k])));
            }
        }
        let own = [s0, s1, s2, s3];
        for (sums, own) in sums.iter_mut().zip(own) {
            sums.as_chunks_mut::<PART>().0[part] = own;
        }
    }
    sums
}

/// The same with each product and each sum in the accumulator's type.
#[inline(always)]
fn stepwise_sums<T: Int>(
    steps: Steps<T>,
    rows: &Rows<T>,
    x: &[Lanes<T>],
    window: &[u32],
    start: [T; TILE],
) -> [Lanes<T>; TILE] {
    let mut sums = start.map(|start| [start; LANES]);
    for (k, index) in window.iter().enumerate() {
        let x = &x[*index as usize];
        for (sums, weights) in sums.iter_mut().zip(rows) {
            let mut products = *x;
            for product in &mut products {
                *product = product.times(weights[k]);
            }
            let exact = map2(sums, &steps.product.apply(&products), T::plus);
            *sums = steps.sum.apply(&exact);
        }
    }
    sums
}
