//! A layer on its own: what it does each time it starts, and what that takes built in one way or
//! another.
//!
//! Its circuit is that which it has in the network, but for what its neighbours change: stages are
//! chosen without regard to them, and with streams its front and its buffer are left out. What the
//! sum of layers lacks for a whole network is found by building that.

use rtl4ml_hdl::Design;
use rtl4ml_ir::{
    Implementation, Io, Layer, LayerId, MultiplierStyle, Op, Shape, Source, TensorType,
    VerifiedNetwork,
};

use super::search::Cost;
use crate::circuit::CircuitError;
use crate::delay::DelayModel;
use crate::distributed::Rule;
use crate::estimate::{Resources, estimate_design};
use crate::layer::{BuiltLayer, CORE};
use crate::layers::LayerContext;
use crate::stream::form::{Form, form, transfers};
use crate::stream::plan::{Front, frame_cycles};

/// A layer on its own.
#[derive(Debug)]
pub(super) struct Alone {
    /// The layer, with what it does at each start.
    layer: Layer,
    /// What it reads at each start.
    operands: Vec<TensorType>,
    /// What it gives.
    result: TensorType,
    /// How often it starts in a frame; `None` with `io: parallel`, where it starts once.
    frame: Option<Frame>,
}

/// How a layer works through a frame of a stream.
#[derive(Debug)]
struct Frame {
    front: Front,
    /// Results of a frame.
    results: usize,
    /// The most transfers in or out.
    transfers: u64,
}

impl Alone {
    /// A layer of a network; `None` with streams, where it does nothing.
    pub fn of(verified: &VerifiedNetwork, id: LayerId, layer: &Layer) -> Option<Self> {
        let inputs: Vec<&TensorType> =
            layer.inputs.iter().map(|source| verified.tensor_type(*source)).collect();
        let output = verified.tensor_type(Source::Layer(id));
        match verified.network().io {
            Io::Parallel => Some(Self {
                layer: layer.clone(),
                operands: inputs.into_iter().cloned().collect(),
                result: output.clone(),
                frame: None,
            }),
            Io::Stream => Self::streamed(layer, &inputs, output),
        }
    }

    fn streamed(layer: &Layer, inputs: &[&TensorType], output: &TensorType) -> Option<Self> {
        let (transfer, count) = transfers(output)?;
        let taken = inputs.iter().map(|input| transfers(input)).collect::<Option<Vec<_>>>()?;
        let most = taken.iter().map(|(_, taken)| *taken).max().unwrap_or(1).max(count);
        let whole = || inputs.iter().map(|input| (*input).clone()).collect();
        let (front, op, operands, result) = match form(&layer.op, inputs, output) {
            Form::Alias | Form::Window(_, None) => return None,
            Form::Pixel(op) => {
                let pixel = |(transfer, _): &(TensorType, usize)| match op {
                    Op::Conv(_) => {
                        let shape = Shape::new([1, 1, transfer.element_count()]);
                        shape.map_or_else(|| transfer.clone(), |shape| transfer.reshaped(shape))
                    }
                    _ => transfer.clone(),
                };
                let operands = taken.iter().map(pixel).collect();
                (Front::Gate, op, operands, transfer)
            }
            Form::Window(scan, Some(op)) => {
                let window = vec![scan.window()];
                (Front::Scan(scan), op, window, transfer)
            }
            Form::Frame => (Front::Gate, layer.op.clone(), whole(), output.clone()),
        };
        let is_whole = result.element_count() == output.element_count();
        let results = if is_whole { 1 } else { count };
        let implementation =
            Implementation { parallelization_factor: None, ..layer.implementation };
        let layer = Layer { op, implementation, ..layer.clone() };
        let frame = Some(Frame { front, results, transfers: most as u64 });
        Some(Self { layer, operands, result, frame })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.layer.name
    }

    /// How the spec wants it built.
    pub fn wanted(&self) -> Implementation {
        self.layer.implementation
    }

    /// The products of a position and kernel, which a reuse factor divides; `None` where there is
    /// none.
    pub fn products(&self) -> Option<u64> {
        self.layer.op.kernel_shape().map(|shape| shape.n_in as u64 * shape.n_out as u64)
    }

    /// The positions of a start.
    pub fn positions(&self) -> u64 {
        self.layer.op.positions(self.operands[0].shape.extents()) as u64
    }

    /// The positions over which the layer may pass one after the other: a stream passes over them as
    /// they come.
    pub fn positions_to_pass(&self) -> u64 {
        if self.frame.is_none() { self.positions() } else { 1 }
    }

    /// All products of a start.
    pub fn all_products(&self) -> u64 {
        let kernels = self.layer.op.kernels().len() as u64;
        self.products().unwrap_or(0).saturating_mul(self.positions()).saturating_mul(kernels)
    }

    /// Whether some product may be wide enough in both operands to be worth a DSP block.
    pub fn has_wide_products(&self) -> bool {
        let style = MultiplierStyle::Auto;
        let range = |range: Option<rtl4ml_ir::Range>| range.unwrap_or(rtl4ml_ir::Range::ZERO);
        let input = range(self.operands[0].ranges.iter().copied().max_by_key(|r| r.width()));
        let weights = self.layer.op.kernels().iter().flat_map(|kernel| {
            (0..kernel.weight.len()).map(|index| kernel.weight.get(index).mantissa)
        });
        let weight = weights.max_by_key(|weight| weight.unsigned_abs());
        let weight = range(weight.map(rtl4ml_ir::Range::constant));
        crate::kernel::material(style, input, weight) == crate::dataflow::Material::Dsp
    }

    /// Cycles between two inputs or two frames, with so many between two starts.
    pub fn interval(&self, cycles: u64) -> u64 {
        match &self.frame {
            None => cycles,
            Some(Frame { front, results, transfers }) => {
                frame_cycles(front, *results, cycles).max(*transfers)
            }
        }
    }

    /// The most cycles between two starts with which an interval is kept, at least one.
    pub fn cycles_within(&self, interval: u64) -> u64 {
        if self.frame.is_none() {
            return interval.max(1);
        }
        // More cycles never make a shorter interval.
        let (mut kept, mut broken) = (1, interval.saturating_add(1).max(2));
        while kept + 1 < broken {
            let middle = u64::midpoint(kept, broken);
            if self.interval(middle) <= interval {
                kept = middle;
            } else {
                broken = middle;
            }
        }
        kept
    }

    /// Cycles between two starts of the layer built in this way.
    pub fn cycles(&self, implementation: &Implementation) -> u64 {
        let positions = self.positions();
        let at_once = implementation.parallelization_factor.unwrap_or(positions).min(positions);
        implementation.reuse_factor * positions.div_ceil(at_once.max(1))
    }

    /// What it takes built in this way; `None` where it is only wires.
    pub fn cost(
        &self,
        implementation: Implementation,
        model: &DelayModel,
    ) -> Result<Option<Cost>, CircuitError> {
        let layer = Layer { implementation, ..self.layer.clone() };
        let inputs: Vec<&TensorType> = self.operands.iter().collect();
        let (module_name, rule) = ("alone", Rule::Thrifty);
        let output = &self.result;
        let context =
            LayerContext { module_name, layer: &layer, inputs: &inputs, output, model, rule };
        let arrivals: Vec<Vec<u32>> =
            inputs.iter().map(|input| vec![0; input.element_count()]).collect();
        let Some(built) = context.build(&arrivals)? else { return Ok(None) };
        let interval = self.interval(built.initiation_interval_cycles);
        // The last result of a frame of a stream comes an interval after the first, about.
        let waits = if self.frame.is_some() { interval } else { 0 };
        let latency = u64::from(built.latency_cycles) + waits;
        Ok(Some(Cost { uses: uses(&resources(built)), latency, interval }))
    }
}

impl PartialEq for Alone {
    /// Whether two layers do the same to the same, so that what holds for one does for the other.
    fn eq(&self, other: &Self) -> bool {
        let frame = |alone: &Self| {
            let frame = alone.frame.as_ref();
            frame.map(|frame| (format!("{:?}", frame.front), frame.results, frame.transfers))
        };
        (self.wanted(), &self.operands, &self.result)
            == (other.wanted(), &other.operands, &other.result)
            && self.layer.op == other.layer.op
            && frame(self) == frame(other)
    }
}

/// What a layer's module is expected to take.
fn resources(built: BuiltLayer) -> Resources {
    let mut design = Design::default();
    let BuiltLayer { mut module, core, .. } = built;
    if let Some(core) = core {
        let core = design.add(core);
        let inside = module.instances.iter_mut().filter(|inside| inside.module == CORE);
        inside.for_each(|inside| inside.module = core);
    }
    design.add(module);
    estimate_design(&design)
}

/// The resources that are counted, in the order of a [`Cost`].
pub(super) fn uses(resources: &Resources) -> [u64; super::search::RESOURCES] {
    let Resources { ff, dsp, half_bram, .. } = resources;
    [resources.all_luts().value, ff.value, dsp.value, half_bram.value]
}
