//! In which ways a layer is looked at: few, and the same each time.

use rtl4ml_ir::layers::nearest_divisors;
use rtl4ml_ir::{Implementation, MultiplierStyle, Strategy};

use super::alone::Alone;

/// Layers with more products at a start have fewer candidates: only those of the longest interval
/// beside the fully parallel ones.
const LARGE: u64 = 1 << 14;

/// Layers with more products at a start are not looked at fully parallel where they need not be.
const TOO_LARGE: u64 = 1 << 17;

/// With more steps a ROM of weights goes to block RAM where the strategy lets it.
const DEEP: u64 = crate::kernel::shared::DISTRIBUTED_ROM_WORDS as u64;

/// The ways to build a layer with at most so many cycles between two inputs or frames: fully
/// parallel by distributed arithmetic or with DSP blocks, and shared by as much as the interval
/// allows, by half and by a quarter of that. What the spec fixes stays.
pub(super) fn implementations(alone: &Alone, interval: u64) -> Vec<Implementation> {
    let Some(products) = alone.products() else { return Vec::new() };
    let most = alone.cycles_within(interval);
    let size = alone.all_products();
    let mut found = Vec::new();
    let mut cycles: Vec<u64> = Vec::new();
    if size <= TOO_LARGE || most == 1 {
        cycles.push(1);
    }
    cycles.push(most);
    if size <= LARGE {
        cycles.extend([most / 2, most / 4].into_iter().filter(|cycles| *cycles > 1));
    }
    for cycles in cycles {
        for (reuse_factor, passes) in shapes(alone, products, cycles) {
            for implementation in styles(alone, reuse_factor, passes) {
                if !found.contains(&implementation) {
                    found.push(implementation);
                }
            }
        }
    }
    found
}

/// Reuse factors and passes over positions that take at most so many cycles: shared multipliers
/// first, and passes first. Where what is fixed takes longer, it is had as it is.
fn shapes(alone: &Alone, products: u64, cycles: u64) -> Vec<(u64, u64)> {
    let Implementation { reuse_factor, reuse_factor_is_fixed, parallelization_factor, .. } =
        alone.wanted();
    let positions = alone.positions_to_pass();
    let divisor = |of: u64, most: u64| nearest_divisors(of, most.max(1)).0.unwrap_or(1);
    let reuse = |cycles| {
        if reuse_factor_is_fixed { reuse_factor } else { divisor(products, cycles) }
    };
    let passes = |cycles| match parallelization_factor {
        Some(at_once) => positions / at_once,
        None => divisor(positions, cycles),
    };
    let reuse_first = reuse(cycles);
    let passes_first = passes(cycles);
    let mut shapes = vec![
        (reuse_first, passes(cycles / reuse_first)),
        (reuse(cycles / passes_first), passes_first),
    ];
    shapes.dedup();
    shapes
}

/// What a shape can be built of.
fn styles(alone: &Alone, reuse_factor: u64, passes: u64) -> Vec<Implementation> {
    let wanted = alone.wanted();
    let parallelization_factor =
        wanted.parallelization_factor.or((passes > 1).then(|| alone.positions() / passes));
    let way = |strategy, multiplier| Implementation {
        strategy,
        reuse_factor,
        reuse_factor_is_fixed: wanted.reuse_factor_is_fixed,
        multiplier,
        parallelization_factor,
    };
    let may = |multiplier| [MultiplierStyle::Auto, multiplier].contains(&wanted.multiplier);
    let (dsp, lut) = (MultiplierStyle::Dsp, MultiplierStyle::Lut);
    let mut ways = Vec::new();
    if reuse_factor == 1 {
        // Multipliers in logic are built by distributed arithmetic, and so are the same.
        if may(lut) {
            ways.push(way(Strategy::DistributedArithmetic, lut));
        }
        if may(dsp) {
            ways.push(way(Strategy::Latency, dsp));
        }
        if wanted.multiplier == MultiplierStyle::Auto && alone.has_wide_products() {
            ways.push(way(Strategy::Latency, MultiplierStyle::Auto));
        }
        return ways;
    }
    for multiplier in [dsp, lut].into_iter().filter(|multiplier| may(*multiplier)) {
        ways.push(way(Strategy::Resource, multiplier));
        if reuse_factor > DEEP {
            ways.push(way(Strategy::Latency, multiplier));
        }
    }
    ways
}
