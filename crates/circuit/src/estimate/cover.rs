//! Gates as look-up tables of six inputs.
//!
//! Every gate gets a few sets of bits from which one table can compute it (cuts), the best one by
//! the area that it takes with all that it needs, shared among the readers (area flow). From the
//! roots down, the best cuts are the tables. Technology mappers do the same and refine it.

use super::bits::{Bit, Kind, Netlist};

/// The inputs of a look-up table.
const INPUTS: usize = 6;

/// How many cuts of a gate are kept.
const KEPT: usize = 8;

/// Bits from which one table computes a gate, ascending.
#[derive(Clone, Copy, Debug)]
struct Cut {
    leaves: [u32; INPUTS],
    count: u8,
    /// The area of the table and its share of that of all below it.
    flow: f32,
}

impl Cut {
    const NONE: Self = Self { leaves: [0; INPUTS], count: 0, flow: 0.0 };

    fn leaf(node: usize) -> Self {
        let mut cut = Self { count: 1, ..Self::NONE };
        cut.leaves[0] = node as u32;
        cut
    }

    fn leaves(&self) -> &[u32] {
        &self.leaves[..self.count as usize]
    }

    /// Both, if that is few enough.
    fn union(&self, other: &Self) -> Option<Self> {
        let (mut a, mut b) = (self.leaves().iter().peekable(), other.leaves().iter().peekable());
        let mut union = Self::NONE;
        loop {
            let next = match (a.peek(), b.peek()) {
                (None, None) => return Some(union),
                (Some(x), Some(y)) => **x.min(y),
                (Some(x), None) | (None, Some(x)) => **x,
            };
            a.next_if(|leaf| **leaf == next);
            b.next_if(|leaf| **leaf == next);
            if union.count as usize == INPUTS {
                return None;
            }
            union.leaves[union.count as usize] = next;
            union.count += 1;
        }
    }
}

/// How many tables there are, by layer and kind of gate.
pub fn cover(netlist: &Netlist, roots: &[Bit], readers: &[u32], layers: usize) -> Vec<[u64; 3]> {
    let best = best_cuts(netlist, readers);
    let mut luts = vec![[0; 3]; layers];
    let mut count = |id: usize| {
        let kind = match netlist.kinds[id] {
            Kind::Chain => 0,
            Kind::Logic => 1,
            Kind::Table => 2,
        };
        luts[netlist.owners[id] as usize][kind] += 1;
    };
    // A table gives one polarity; what reads it inside of other tables takes either.
    let mut polarities = vec![[false; 2]; netlist.nodes.len()];
    for root in roots.iter().filter(|root| !root.is_constant()) {
        polarities[root.node()][usize::from(root.is_inverted())] = true;
    }
    let mut used = vec![false; netlist.nodes.len()];
    for (id, node) in netlist.nodes.iter().enumerate().rev() {
        let [positive, inverted] = polarities[id];
        if node.reads().next().is_none() {
            // A cell or an input is there; its complement is an inverter.
            if inverted {
                count(id);
            }
        } else if positive || inverted || used[id] {
            count(id);
            if positive && inverted {
                count(id);
            }
            best[id].leaves().iter().for_each(|leaf| used[*leaf as usize] = true);
        }
    }
    luts
}

/// The best cut of each gate that is needed.
fn best_cuts(netlist: &Netlist, readers: &[u32]) -> Vec<Cut> {
    let mut best = vec![Cut::NONE; netlist.nodes.len()];
    let mut cuts: Vec<Vec<Cut>> = vec![Vec::new(); netlist.nodes.len()];
    let mut flows = vec![0_f32; netlist.nodes.len()];
    // All that is looked at for a gate; few of it are kept.
    let (mut found, mut wider) = (Vec::new(), Vec::new());
    for (id, node) in netlist.nodes.iter().enumerate().filter(|(id, _)| readers[*id] > 0) {
        found.clear();
        found.push(Cut::NONE);
        for bit in node.reads() {
            let below = &cuts[bit.node()];
            let own = [Cut::leaf(bit.node())];
            let pairs = found.iter().flat_map(|a| below.iter().chain(&own).map(move |b| (a, b)));
            wider.clear();
            wider.extend(pairs.filter_map(|(a, b)| a.union(b)));
            std::mem::swap(&mut found, &mut wider);
        }
        if node.reads().next().is_none() {
            continue;
        }
        for cut in &mut found {
            let below: f32 = cut.leaves().iter().map(|leaf| flows[*leaf as usize]).sum();
            cut.flow = below + area(cut.count);
        }
        found.sort_unstable_by(|a: &Cut, b: &Cut| {
            a.flow.total_cmp(&b.flow).then(a.count.cmp(&b.count)).then(a.leaves.cmp(&b.leaves))
        });
        found.dedup_by(|a, b| a.leaves == b.leaves && a.count == b.count);
        found.truncate(KEPT);
        best[id] = found[0];
        flows[id] = found[0].flow / readers[id].max(1) as f32;
        cuts[id].clone_from(&found);
    }
    best
}

/// The area of a table of so many inputs: one, and of two ways that take as many tables the one
/// with the smaller tables is better.
fn area(inputs: u8) -> f32 {
    match inputs {
        0..=2 => 0.9,
        3 => 0.95,
        _ => 1.0,
    }
}
