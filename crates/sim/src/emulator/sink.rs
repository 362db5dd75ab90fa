//! Where the exact results of a layer go: through the cast to its type into its tensor, and past
//! the counters where they are asked for.

#![allow(clippy::inline_always, reason = "see `lanes::Work`")]

use super::cast::Cast;
use super::statistics::Counters;
use crate::lanes::{Int, LANES, Lanes, map};

/// The integers of a tensor, element by element; after the last a zero, for windows to read
/// beyond the image.
#[derive(Clone, Debug)]
pub(super) enum Tensor {
    /// Where 32 bits hold all of them.
    Narrow(Vec<Lanes<i32>>),
    /// Where they don't.
    Wide(Vec<Lanes<i64>>),
}

/// Integers of which a tensor may consist.
pub(super) trait Stored: Int {
    /// The tensor, where it is of these integers.
    fn stored(tensor: &Tensor) -> Option<&[Lanes<Self>]>;
}

impl Stored for i32 {
    fn stored(tensor: &Tensor) -> Option<&[Lanes<Self>]> {
        if let Tensor::Narrow(lanes) = tensor { Some(lanes) } else { None }
    }
}

impl Stored for i64 {
    fn stored(tensor: &Tensor) -> Option<&[Lanes<Self>]> {
        if let Tensor::Wide(lanes) = tensor { Some(lanes) } else { None }
    }
}

impl Tensor {
    /// A tensor of zeros; one more than it has elements.
    pub fn zeros(elements: usize, wide: bool) -> Self {
        if wide {
            Self::Wide(vec![[0; LANES]; elements + 1])
        } else {
            Self::Narrow(vec![[0; LANES]; elements + 1])
        }
    }

    /// The integers of an element.
    #[inline(always)]
    pub fn get<T: Int>(&self, element: usize) -> Lanes<T> {
        match self {
            Self::Narrow(lanes) => map(&lanes[element], |x| T::low_bits(x.widened())),
            Self::Wide(lanes) => map(&lanes[element], |x| T::low_bits(x.widened())),
        }
    }

    /// Sets the integers of an element, which fit.
    #[inline(always)]
    pub fn set<T: Int>(&mut self, element: usize, x: &Lanes<T>) {
        match self {
            Self::Narrow(lanes) => lanes[element] = map(x, |x| i32::low_bits(x.widened())),
            Self::Wide(lanes) => lanes[element] = map(x, |x| i64::low_bits(x.widened())),
        }
    }

    /// One integer.
    #[inline(always)]
    pub fn lane(&self, element: usize, lane: usize) -> i64 {
        match self {
            Self::Narrow(lanes) => i64::from(lanes[element][lane]),
            Self::Wide(lanes) => lanes[element][lane],
        }
    }

    /// Sets one integer.
    #[inline(always)]
    pub fn set_lane(&mut self, element: usize, lane: usize, x: i64) {
        match self {
            Self::Narrow(lanes) => lanes[element][lane] = x as i32,
            Self::Wide(lanes) => lanes[element][lane] = x,
        }
    }
}

/// Takes the exact results of a layer.
pub(super) struct Sink<'a, T> {
    /// The cast of each element, or one for all.
    pub casts: &'a [Cast<T>],
    /// The layer's tensor.
    pub tensor: &'a mut Tensor,
    /// What is counted, of how many samples.
    pub counters: Option<(&'a mut Counters, usize)>,
}

impl<T: Int> Sink<'_, T> {
    /// Takes the exact results of an element.
    #[inline(always)]
    pub fn put(&mut self, element: usize, exact: &Lanes<T>) {
        let cast = &self.casts[if self.casts.len() == 1 { 0 } else { element }];
        let rounded = cast.round(exact);
        if let Some((counters, samples)) = &mut self.counters {
            let wanted = map_samples(&rounded, *samples, |x| cast.on_grid(x));
            counters.result(element, &wanted, &cast.outside(&rounded)[..*samples]);
        }
        self.tensor.set(element, &cast.settle(&rounded));
    }

    /// Whether anything is counted.
    #[inline(always)]
    pub fn counts(&self) -> bool {
        self.counters.is_some()
    }

    /// What a sum of an element reached, on the accumulator's grid.
    pub fn reach(&mut self, element: usize, sums: &[i128; LANES]) {
        if let Some((counters, samples)) = &mut self.counters {
            counters.reach(element, &sums[..*samples]);
        }
    }

    /// Which of the sums of an element left the accumulator's type on the way.
    pub fn left_accumulator(&mut self, element: usize, outside: &[bool; LANES]) {
        if let Some((counters, samples)) = &mut self.counters {
            counters.left_accumulator(element, &outside[..*samples]);
        }
    }
}

fn map_samples<T: Int>(x: &Lanes<T>, samples: usize, f: impl Fn(T) -> i128) -> Vec<i128> {
    x[..samples].iter().map(|x| f(*x)).collect()
}
