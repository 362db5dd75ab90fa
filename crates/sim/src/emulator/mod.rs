//! The emulator: the network's exact outputs as fast as the processor allows, when cycles don't
//! matter.
//!
//! Compiled from the same verified graph as the circuit and the reference, of which it shares
//! `ir`'s tables and nothing else: samples lie side by side (`lanes`), each layer is
//! computed in the narrowest of the machine's integers that hold all of its steps, and blocks of
//! samples go to all threads. It guarantees the integers of the reference, with which the
//! conformance suite compares it.

mod cast;
mod compile;
mod elements;
mod kernel;
mod pool;
mod sink;
mod statistics;
mod tables;

use std::borrow::Borrow;

use rayon::prelude::*;
use rtl4ml_ir::{Source, VerifiedNetwork};

use self::compile::{Step, compile};
use self::sink::Tensor;
pub use self::statistics::{Counters, ElementCounters, holding};
use crate::lanes::LANES;
use crate::reference::{Mantissas, Reference};

/// The most blocks that a thread takes at a time; fewer where there are few samples.
const MOST_BLOCKS: usize = 32;

/// A network, borrowed or owned, that is ready to compute samples.
pub struct Emulator<N> {
    steps: Vec<Step>,
    /// For the layers with steps beyond 64 bits; it has the network.
    reference: Reference<N>,
}

/// What the emulator computed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emulation {
    /// Of each tensor that was asked for the integers, sample after sample.
    pub tensors: Vec<Mantissas>,
    /// What each layer's numbers did to their types, where that was asked for.
    pub counters: Vec<Counters>,
}

impl<N: Borrow<VerifiedNetwork> + Sync> Emulator<N> {
    /// Prepares a network: tables, weights and casts are computed once, here.
    pub fn new(network: N) -> Self {
        let verified: &VerifiedNetwork = network.borrow();
        let layers = 0..verified.network().layers.len();
        let steps = layers.map(|layer| compile(verified, layer)).collect();
        Self { steps, reference: Reference::new(network) }
    }

    /// The network.
    pub fn network(&self) -> &VerifiedNetwork {
        self.reference.network()
    }

    /// The layers that the reference computes, because a step of them needs more than 64 bits.
    pub fn on_reference(&self) -> Vec<&str> {
        let layers = self.network().network().layers.iter().zip(&self.steps);
        layers.filter(|(_, s)| matches!(s, Step::Reference)).map(|(l, _)| l.name.as_str()).collect()
    }

    /// Computes `count` samples on all threads: of each input of the network the integers, sample
    /// after sample. Returns the tensors `wanted`; counts what the numbers do to their types
    /// where `counting`, which takes several times as long.
    ///
    /// # Panics
    /// When an input has another number of elements than the network says.
    pub fn run(
        &self,
        inputs: &[Mantissas],
        count: usize,
        wanted: &[Source],
        counting: bool,
    ) -> Emulation {
        for (index, input) in inputs.iter().enumerate() {
            assert_eq!(input.len(), self.element_count(index) * count, "input {index}");
        }
        let blocks = count.div_ceil(LANES);
        let shares = 4 * rayon::current_num_threads();
        let together = (blocks / shares).clamp(1, MOST_BLOCKS);
        let parts: Vec<Emulation> = (0..blocks.div_ceil(together))
            .into_par_iter()
            .map_init(
                || self.tensors(),
                |tensors, part| {
                    let first = part * together * LANES;
                    let samples = first..count.min(first + together * LANES);
                    self.part(tensors, inputs, samples, wanted, counting)
                },
            )
            .collect();
        let mut all = self.nothing(wanted, counting);
        for part in parts {
            for (all, part) in all.tensors.iter_mut().zip(part.tensors) {
                all.extend(part);
            }
            for (all, part) in all.counters.iter_mut().zip(&part.counters) {
                all.add(part);
            }
        }
        all
    }

    /// The outputs of samples, one tensor a port.
    pub fn outputs(&self, samples: &[Vec<Mantissas>]) -> Vec<Vec<Mantissas>> {
        let graph = self.network().network();
        let input = |index: usize| samples.iter().flat_map(|s| s[index].iter().copied()).collect();
        let inputs: Vec<Mantissas> = (0..graph.inputs.len()).map(input).collect();
        let found = self.run(&inputs, samples.len(), &graph.outputs, false).tensors;
        let sample = |sample: usize| {
            let of = |(tensor, source): (&Mantissas, &Source)| {
                let elements = self.network().tensor_type(*source).element_count();
                tensor[sample * elements..][..elements].to_vec()
            };
            found.iter().zip(&graph.outputs).map(of).collect()
        };
        (0..samples.len()).map(sample).collect()
    }

    fn element_count(&self, place: usize) -> usize {
        self.network().tensor_type(self.source(place)).element_count()
    }

    /// Where a tensor is among all: the inputs, then the layers.
    fn place(&self, source: Source) -> usize {
        match source {
            Source::Input(id) => id.0 as usize,
            Source::Layer(id) => self.network().network().inputs.len() + id.0 as usize,
        }
    }

    fn source(&self, place: usize) -> Source {
        let inputs = self.network().network().inputs.len();
        match place.checked_sub(inputs) {
            None => Source::Input(rtl4ml_ir::InputId(place as u32)),
            Some(layer) => Source::Layer(rtl4ml_ir::LayerId(layer as u32)),
        }
    }

    /// Room for a block of every tensor.
    fn tensors(&self) -> Vec<Tensor> {
        let graph = self.network().network();
        let tensor = |place: usize| {
            let ranges = &self.network().tensor_type(self.source(place)).ranges;
            let fits = |end: i128| i32::try_from(end).is_ok();
            let wide = !ranges.iter().all(|range| fits(range.lo) && fits(range.hi));
            Tensor::zeros(ranges.len(), wide)
        };
        (0..graph.inputs.len() + graph.layers.len()).map(tensor).collect()
    }

    fn nothing(&self, wanted: &[Source], counting: bool) -> Emulation {
        let inputs = self.network().network().inputs.len();
        let layers = if counting { self.steps.len() } else { 0 };
        let counters =
            (0..layers).map(|layer| Counters::new(self.element_count(inputs + layer))).collect();
        Emulation { tensors: vec![Vec::new(); wanted.len()], counters }
    }

    /// Computes some samples block by block.
    fn part(
        &self,
        tensors: &mut [Tensor],
        inputs: &[Mantissas],
        samples: std::ops::Range<usize>,
        wanted: &[Source],
        counting: bool,
    ) -> Emulation {
        let mut part = self.nothing(wanted, counting);
        for first in samples.clone().step_by(LANES) {
            let lanes = LANES.min(samples.end - first);
            for (place, input) in inputs.iter().enumerate() {
                let elements = self.element_count(place);
                let rows = input[first * elements..].chunks_exact(elements.max(1));
                for (lane, row) in rows.take(lanes).enumerate() {
                    for (element, mantissa) in row.iter().enumerate() {
                        tensors[place].set_lane(element, lane, *mantissa as i64);
                    }
                }
            }
            for layer in 0..self.steps.len() {
                let counters = part.counters.get_mut(layer).map(|counters| (counters, lanes));
                self.step(layer, tensors, lanes, counters);
            }
            for (out, source) in part.tensors.iter_mut().zip(wanted) {
                let tensor = &tensors[self.place(*source)];
                let elements = self.element_count(self.place(*source));
                out.reserve(lanes * elements);
                for lane in 0..lanes {
                    out.extend((0..elements).map(|e| self.mantissa(*source, tensor, e, lane)));
                }
            }
        }
        part
    }

    /// The integer in a tensor; one of an unsigned type of 64 bits is there as its bits.
    fn mantissa(&self, source: Source, tensor: &Tensor, element: usize, lane: usize) -> i128 {
        let bits = tensor.lane(element, lane);
        if bits < 0 && self.network().tensor_type(source).ranges[element].lo >= 0 {
            i128::from(bits as u64)
        } else {
            i128::from(bits)
        }
    }

    /// Computes a layer for one block.
    fn step(
        &self,
        layer: usize,
        tensors: &mut [Tensor],
        lanes: usize,
        counters: Option<(&mut Counters, usize)>,
    ) {
        let place = self.network().network().inputs.len() + layer;
        let (before, after) = tensors.split_at_mut(place);
        let read = |source| self.place(source);
        match &self.steps[layer] {
            Step::Narrow(compiled) => compiled.run(read, before, &mut after[0], counters),
            Step::Wide(compiled) => compiled.run(read, before, &mut after[0], counters),
            Step::Reference => {
                let sources = &self.network().network().layers[layer].inputs;
                for lane in 0..lanes {
                    let gather = |source: &Source| {
                        let tensor = &before[self.place(*source)];
                        let elements = 0..self.element_count(self.place(*source));
                        elements.map(|e| self.mantissa(*source, tensor, e, lane)).collect()
                    };
                    let inputs: Vec<Mantissas> = sources.iter().map(gather).collect();
                    let result = self.reference.layer(layer, &inputs);
                    for (element, mantissa) in result.iter().enumerate() {
                        after[0].set_lane(element, lane, *mantissa as i64);
                    }
                }
            }
        }
    }
}
