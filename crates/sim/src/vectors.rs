//! Test inputs: random ones and the corners of the formats, the same every time.

use rtl4ml_ir::{Source, VerifiedNetwork};

use crate::reference::Mantissas;

/// A small generator of pseudo-random numbers (xorshift64*), so that vectors need no dependency
/// and are the same everywhere.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator; every seed gives another sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }
}

/// `count` inputs of a network. The first are corners: all elements at the lower end of their
/// format, all at the upper end, all 0, the ends in turn; the others are random, with an end of
/// the format now and then.
pub fn corners_and_random(
    network: &VerifiedNetwork,
    count: usize,
    random: &mut Random,
) -> Vec<Vec<Mantissas>> {
    (0..count)
        .map(|sample| {
            (0..network.network().inputs.len())
                .map(|input| {
                    let source = Source::Input(rtl4ml_ir::InputId(input as u32));
                    let tensor = network.tensor_type(source);
                    (0..tensor.element_count())
                        .map(|element| {
                            let range = tensor.ranges[element];
                            let span = (range.hi - range.lo) as u128 + 1;
                            let any = || range.lo + (u128::from(random.bits()) % span) as i128;
                            match sample {
                                0 => range.lo,
                                1 => range.hi,
                                2 => 0.clamp(range.lo, range.hi),
                                3 => {
                                    if element % 2 == 0 {
                                        range.lo
                                    } else {
                                        range.hi
                                    }
                                }
                                _ => random_or_end(range.lo, range.hi, any, sample, element),
                            }
                        })
                        .collect()
                })
                .collect()
        })
        .collect()
}

/// A random value; in one of 16 places an end of the range.
fn random_or_end(
    lo: i128,
    hi: i128,
    mut any: impl FnMut() -> i128,
    sample: usize,
    element: usize,
) -> i128 {
    match (sample * 7 + element * 5) % 32 {
        0 => lo,
        1 => hi,
        _ => any(),
    }
}
