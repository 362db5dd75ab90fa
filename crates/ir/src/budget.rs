//! What a network may take of its part: a bound for each resource, where one is given.

use std::fmt;

use crate::target::Device;

/// The most that a network may take; what is not given is bounded by the part alone, which nobody
/// checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Look-up tables, those that are memories and shift registers included.
    pub lut: Option<Amount>,
    /// Flip-flops.
    pub ff: Option<Amount>,
    /// DSP blocks.
    pub dsp: Option<Amount>,
    /// Block RAMs of 36 kilobit; half of one counts as a half.
    pub bram: Option<Amount>,
}

/// How much of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Count(u64),
    /// A share of what the part has, in millionths.
    Share(u32),
}

/// A resource of a part, and its place in a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The key under which a spec has it.
    pub key: &'static str,
    /// What the budget says of it.
    pub asked: Option<Amount>,
    /// How many the part has.
    pub available: u64,
}

impl Amount {
    /// All of the part.
    pub const WHOLE: Self = Self::Share(1_000_000);

    /// How many these are of so many, rounded down.
    pub fn of(self, available: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Share(millionths) => {
                (u128::from(available) * u128::from(millionths) / 1_000_000) as u64
            }
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Share(millionths) => write!(f, "{} %", f64::from(*millionths) / 1e4),
        }
    }
}

impl Allowance {
    /// The most that may be taken, where the budget says so.
    pub fn most(&self) -> Option<u64> {
        self.asked.map(|asked| asked.of(self.available))
    }
}

impl Budget {
    /// The keys of a budget, in the order of the documentation.
    pub const KEYS: [&'static str; 4] = ["lut", "ff", "dsp", "bram"];

    /// Whether it bounds nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The resources in the order of [`Budget::KEYS`], with what a device has of them.
    pub fn allowances(&self, device: &Device) -> [Allowance; 4] {
        let [lut, ff, dsp, bram] = Self::KEYS;
        let of =
            |key, asked, available: u32| Allowance { key, asked, available: u64::from(available) };
        [
            of(lut, self.lut, device.luts),
            of(ff, self.ff, device.flip_flops),
            of(dsp, self.dsp, device.dsps),
            of(bram, self.bram, device.block_rams),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down_and_printed_as_it_is_written() {
        assert_eq!(Amount::Share(100_000).of(1_182_240), 118_224);
        assert_eq!(Amount::Share(333_333).of(10), 3);
        assert_eq!(Amount::WHOLE.of(u64::MAX), u64::MAX);
        assert_eq!(Amount::Count(7).of(5), 7);
        let texts = [Amount::Share(125_000), Amount::Share(1), Amount::Count(30)];
        assert_eq!(texts.map(|amount| amount.to_string()), ["12.5 %", "0.0001 %", "30"]);
    }

    #[test]
    fn a_budget_lists_its_bounds_beside_what_the_part_has() {
        let part = crate::Target::default().part;
        let budget = Budget { dsp: Some(Amount::Share(500_000)), ..Budget::default() };
        let allowances = budget.allowances(part.device);
        assert_eq!(allowances.map(|a| a.key), Budget::KEYS);
        assert_eq!(allowances.map(|a| a.most()), [None, None, Some(3420), None]);
        assert!(!budget.is_empty() && Budget::default().is_empty());
    }
}
