//! Many independent samples side by side: one integer of each in a fixed-size array, so that the
//! compiler turns a loop over them into instructions on vectors.
//!
//! What is computed here never depends on the processor: [`vectorized`] only chooses which
//! instructions compute it.

use std::sync::LazyLock;

use pulp::{Arch, Simd, WithSimd};

/// How many samples go side by side.
pub(crate) const LANES: usize = 32;

/// One integer of each of [`LANES`] samples.
pub(crate) type Lanes<T> = [T; LANES];

/// Work that is worth instructions on vectors. Whatever it calls must be `inline(always)`: a
/// function of its own is compiled for the processor that every machine has.
pub(crate) trait Work {
    /// What it gives.
    type Output;

    /// Does it.
    fn work(self) -> Self::Output;
}

struct Dispatched<W>(W);

impl<W: Work> WithSimd for Dispatched<W> {
    type Output = W::Output;

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the instructions are chosen by the caller")]
    fn with_simd<S: Simd>(self, _: S) -> W::Output {
        self.0.work()
    }
}

/// Does the work with the best instructions that this processor has.
pub(crate) fn vectorized<W: Work>(work: W) -> W::Output {
    static ARCH: LazyLock<Arch> = LazyLock::new(Arch::new);
    ARCH.dispatch(Dispatched(work))
}

/// The integers that samples are computed in.
pub(crate) trait Int:
    Copy + Default + Ord + Send + Sync + std::fmt::Debug + 'static
{
    /// How many bits they have.
    const BITS: u32;
    /// The smallest.
    const MIN: Self;
    /// The largest.
    const MAX: Self;

    /// The integer, where it fits.
    fn exactly(value: i128) -> Option<Self>;
    /// The integer's low bits.
    fn low_bits(value: i128) -> Self;
    /// The integer.
    fn widened(self) -> i128;
    /// The sum's low bits.
    fn plus(self, other: Self) -> Self;
    /// The difference's low bits.
    fn minus(self, other: Self) -> Self;
    /// The product's low bits.
    fn times(self, other: Self) -> Self;
    /// Divided and rounded towards zero; the divisor is above 0.
    fn over(self, other: Self) -> Self;
    /// Times 2^bits, the low bits; `bits` is below [`Int::BITS`].
    fn up(self, bits: u32) -> Self;
    /// Divided by 2^bits and rounded down; `bits` is below [`Int::BITS`].
    fn down(self, bits: u32) -> Self;
    /// The bits that are 1 in both.
    fn and(self, other: Self) -> Self;
    /// 0 or 1.
    fn from_bool(bit: bool) -> Self;
    /// Where it lies in memory; what is negative or beyond the end is the caller's mistake.
    fn index(self) -> usize;

    /// Whether all of a range fits.
    fn holds(range: rtl4ml_ir::Range) -> bool {
        Self::exactly(range.lo).is_some() && Self::exactly(range.hi).is_some()
    }

    /// The integer, or the end of the type that is nearest to it.
    fn saturated(value: i128) -> Self {
        Self::exactly(value).unwrap_or(if value < 0 { Self::MIN } else { Self::MAX })
    }
}

macro_rules! int {
    ($($ty:ty),+) => { $(
        #[allow(clippy::inline_always, reason = "see `Work`")]
        impl Int for $ty {
            const BITS: u32 = <$ty>::BITS;
            const MIN: Self = <$ty>::MIN;
            const MAX: Self = <$ty>::MAX;

            fn exactly(value: i128) -> Option<Self> { value.try_into().ok() }
            #[inline(always)]
            fn low_bits(value: i128) -> Self { value as $ty }
            #[inline(always)]
            fn widened(self) -> i128 { self as i128 }
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)]
            fn minus(self, other: Self) -> Self { self.wrapping_sub(other) }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
            #[inline(always)]
            fn over(self, other: Self) -> Self { self.wrapping_div(other) }
            #[inline(always)]
            fn up(self, bits: u32) -> Self { self.wrapping_shl(bits) }
            #[inline(always)]
            fn down(self, bits: u32) -> Self { self.wrapping_shr(bits) }
            #[inline(always)]
            fn and(self, other: Self) -> Self { self & other }
            #[inline(always)]
            fn from_bool(bit: bool) -> Self { bit as $ty }
            #[inline(always)]
            fn index(self) -> usize { self as usize }
        }
    )+ };
}

int!(i16, i32, i64);

/// A function of each lane.
#[inline(always)]
#[allow(clippy::inline_always, reason = "see `Work`")]
pub(crate) fn map<T: Int, U: Int>(x: &Lanes<T>, f: impl Fn(T) -> U) -> Lanes<U> {
    let mut y = [U::default(); LANES];
    for (y, x) in y.iter_mut().zip(x) {
        *y = f(*x);
    }
    y
}

/// A function of each pair of lanes.
#[inline(always)]
#[allow(clippy::inline_always, reason = "see `Work`")]
pub(crate) fn map2<T: Int, U: Int>(a: &Lanes<T>, b: &Lanes<T>, f: impl Fn(T, T) -> U) -> Lanes<U> {
    let mut y = [U::default(); LANES];
    for (y, (a, b)) in y.iter_mut().zip(a.iter().zip(b)) {
        *y = f(*a, *b);
    }
    y
}
