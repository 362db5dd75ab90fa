//! Which stages a network of streams has.

mod balance;
mod cores;

use std::collections::{HashMap, VecDeque};

use rtl4ml_ir::{Layer, LayerId, Op, Shape, Source, TensorType, VerifiedNetwork};

use super::depths;
use super::form::{self, Form, form, transfers};
use super::model::ChannelId;
use super::pace::Run;
use super::scan::Scan;
use crate::circuit::CircuitError;
use crate::delay::DelayModel;
use crate::distributed::Rule;
use crate::layer::BuiltLayer;
use crate::layers::Wire;

/// A stream between two parts.
#[derive(Clone, Debug)]
pub struct Channel {
    /// What a transfer holds: one axis, the channels.
    pub transfer: TensorType,
    /// Transfers a frame.
    pub transfers: usize,
    /// The part that feeds it.
    producer: usize,
}

/// A part of the network of streams.
#[derive(Debug)]
pub enum Part {
    /// An input port of the network.
    Input {
        /// The stream that it feeds.
        output: ChannelId,
    },
    /// A front, arithmetic and a buffer.
    Stage(Stage),
    /// The end of a stage whose result is several transfers.
    Emit {
        /// What it is called.
        name: String,
        /// Whole results.
        input: ChannelId,
        /// Their transfers.
        output: ChannelId,
    },
    /// A stream with several receivers.
    Fork {
        /// What it is called.
        name: String,
        /// What comes.
        input: ChannelId,
        /// One stream a receiver.
        outputs: Vec<ChannelId>,
    },
    /// An output port of the network.
    Output {
        /// The stream that feeds it.
        input: ChannelId,
    },
}

/// A front, arithmetic and a buffer.
#[derive(Debug)]
pub struct Stage {
    /// What it is called.
    pub name: String,
    /// The layer that it belongs to; others may have been added behind it.
    pub owner: LayerId,
    /// When it starts a result.
    pub front: Front,
    /// What it reads.
    pub inputs: Vec<ChannelId>,
    /// What it gives.
    pub output: ChannelId,
    /// What the front hands on: a tensor an input.
    pub operands: Vec<TensorType>,
    /// What the layers do with it, one after the other.
    pub cores: Vec<Core>,
    /// The fewest cycles between two results.
    pub interval: u64,
    /// The results that the buffer holds.
    pub depth: usize,
    /// Whether the buffer makes up for the time that another way to the same reader takes.
    pub is_balancing: bool,
}

/// When a stage starts a result.
#[derive(Clone, Debug)]
pub enum Front {
    /// With one transfer of each input.
    Gate,
    /// With each window.
    Scan(Scan),
    /// With the last of so many transfers.
    Collect(usize),
}

/// What a layer does in a stage.
#[derive(Debug)]
pub struct Core {
    /// The layer.
    pub layer: LayerId,
    /// Its module; without one the elements are only moved.
    pub built: Option<BuiltLayer>,
    /// What it reads.
    pub operands: Vec<TensorType>,
    /// For a layer that only moves elements: where each comes from.
    pub wires: Vec<Wire>,
    /// What it gives.
    pub result: TensorType,
}

/// A network of streams.
#[derive(Debug)]
pub struct Plan {
    /// The parts, each after those that feed it; first the input ports, in order, last the output
    /// ports.
    pub parts: Vec<Part>,
    /// The streams.
    pub channels: Vec<Channel>,
    /// For each layer the fewest cycles that it needs for a frame.
    pub layer_intervals: Vec<u64>,
    /// What running the plan has shown.
    pub run: Run,
}

impl Stage {
    /// From a start to the result's arrival at the buffer, in cycles.
    pub fn latency_cycles(&self) -> u64 {
        let built = self.cores.iter().filter_map(|core| core.built.as_ref());
        built.map(|built| u64::from(built.latency_cycles)).sum()
    }

    /// What the arithmetic gives.
    pub fn result(&self) -> &TensorType {
        self.cores.last().map_or(&self.operands[0], |core| &core.result)
    }
}

/// The stages of a verified network.
///
/// # Errors
/// What of the network cannot be built as streams.
pub fn plan(
    verified: &VerifiedNetwork,
    model: &DelayModel,
    rule: Rule,
) -> Result<Plan, CircuitError> {
    let mut planner = Planner {
        verified,
        model,
        rule,
        parts: Vec::new(),
        channels: Vec::new(),
        readers: readers(verified),
        branches: HashMap::new(),
        layer_intervals: Vec::new(),
    };
    let network = verified.network();
    let mut inputs = Vec::new();
    for index in 0..network.inputs.len() {
        let source = Source::Input(rtl4ml_ir::InputId(index as u32));
        let (transfer, transfers) = planner.transfers(source)?;
        let output = planner.channel(transfer, transfers);
        planner.parts.push(Part::Input { output });
        inputs.push((source, output));
    }
    for (source, output) in inputs {
        planner.publish(source, output);
    }
    for (id, layer) in network.layers_with_ids() {
        planner.layer(id, layer)?;
    }
    for source in &network.outputs {
        let input = planner.take(*source);
        planner.parts.push(Part::Output { input });
    }
    let Planner { mut parts, channels, layer_intervals, .. } = planner;
    let slowest = layer_intervals.iter().copied().max().unwrap_or(1);
    let run = depths::choose(&mut parts, &channels, slowest)?;
    Ok(Plan { parts, channels, layer_intervals, run })
}

/// How often each tensor is read, as a layer's input or the network's output; a tensor that is
/// another name for one counts for that.
fn readers(verified: &VerifiedNetwork) -> HashMap<Source, usize> {
    let network = verified.network();
    let mut readers = HashMap::new();
    let layers = network.layers_with_ids();
    let read_by_layers = layers
        .filter(|(id, _)| !is_alias(verified, Source::Layer(*id)))
        .flat_map(|(_, layer)| layer.inputs.iter());
    for source in read_by_layers.chain(&network.outputs) {
        *readers.entry(root(verified, *source)).or_insert(0) += 1;
    }
    readers
}

/// The tensor that travels where this one is read.
fn root(verified: &VerifiedNetwork, source: Source) -> Source {
    match source {
        Source::Layer(id) if is_alias(verified, source) => {
            root(verified, verified.network().layers[id.0 as usize].inputs[0])
        }
        _ => source,
    }
}

fn is_alias(verified: &VerifiedNetwork, source: Source) -> bool {
    let Source::Layer(id) = source else { return false };
    let layer = &verified.network().layers[id.0 as usize];
    let input = verified.tensor_type(layer.inputs[0]);
    form::is_alias(&layer.op, input, verified.tensor_type(source))
}

struct Planner<'a> {
    verified: &'a VerifiedNetwork,
    model: &'a DelayModel,
    rule: Rule,
    parts: Vec<Part>,
    channels: Vec<Channel>,
    readers: HashMap<Source, usize>,
    /// For each tensor the streams that its readers have not taken yet.
    branches: HashMap<Source, VecDeque<ChannelId>>,
    layer_intervals: Vec<u64>,
}

impl Planner<'_> {
    fn transfers(&self, source: Source) -> Result<(TensorType, usize), CircuitError> {
        transfers(self.verified.tensor_type(source)).ok_or_else(|| {
            let tensor = self.verified.network().source_name(source).to_owned();
            CircuitError::StreamFormats { tensor }
        })
    }

    /// A stream that the next part feeds.
    fn channel(&mut self, transfer: TensorType, transfers: usize) -> ChannelId {
        self.channels.push(Channel { transfer, transfers, producer: self.parts.len() });
        ChannelId(self.channels.len() - 1)
    }

    /// Makes a stream known as a tensor, with a branch for each reader.
    fn publish(&mut self, source: Source, channel: ChannelId) {
        let readers = self.readers.get(&source).copied().unwrap_or(0);
        let branches = if readers <= 1 {
            VecDeque::from([channel])
        } else {
            let Channel { transfer, transfers, .. } = self.channels[channel.0].clone();
            let outputs: Vec<ChannelId> =
                (0..readers).map(|_| self.channel(transfer.clone(), transfers)).collect();
            let name = format!("{}_fork", self.verified.network().source_name(source));
            self.parts.push(Part::Fork { name, input: channel, outputs: outputs.clone() });
            outputs.into()
        };
        self.branches.insert(source, branches);
    }

    /// The stream of one reader of a tensor.
    fn take(&mut self, source: Source) -> ChannelId {
        let source = root(self.verified, source);
        let branch = self.branches.get_mut(&source).and_then(VecDeque::pop_front);
        branch.unwrap_or_else(|| unreachable!("each reader of a tensor was counted"))
    }

    fn layer(&mut self, id: LayerId, layer: &Layer) -> Result<(), CircuitError> {
        let source = Source::Layer(id);
        let verified = self.verified;
        let types: Vec<&TensorType> =
            layer.inputs.iter().map(|input| verified.tensor_type(*input)).collect();
        let output = verified.tensor_type(source);
        let form = form(&layer.op, &types, output);
        if matches!(form, Form::Alias) {
            self.layer_intervals.push(0);
            return Ok(());
        }
        let (transfer, count) = self.transfers(source)?;
        let mut inputs: Vec<ChannelId> =
            layer.inputs.iter().map(|input| self.take(*input)).collect();
        let (front, op, operands, result) = match form {
            Form::Alias => unreachable!("handled above"),
            Form::Pixel(op) => {
                let operands = self.pixels(&op, &inputs);
                (Front::Gate, Some(op), operands, transfer.clone())
            }
            Form::Window(scan, op) => {
                let window = scan.window();
                (Front::Scan(scan), op, vec![window], transfer.clone())
            }
            Form::Frame => {
                inputs = inputs
                    .into_iter()
                    .zip(&types)
                    .enumerate()
                    .map(|(index, (input, ty))| self.collected(id, layer, index, input, ty))
                    .collect();
                let operands = types.iter().map(|ty| (*ty).clone()).collect();
                (Front::Gate, Some(layer.op.clone()), operands, output.clone())
            }
        };
        let taken = layer.inputs.iter().map(|input| self.transfers(*input).map(|(_, n)| n));
        let taken = taken.collect::<Result<Vec<_>, _>>()?.into_iter().max().unwrap_or(1);
        let is_whole = result.element_count() == output.element_count();
        let whole_count = if is_whole { 1 } else { count };
        if inputs.len() == 1
            && matches!(front, Front::Gate)
            && let Some(channel) =
                self.fused(id, layer, op.as_ref(), inputs[0], &operands[0], &result)?
        {
            self.finish(source, layer, channel, (transfer, count), whole_count);
            return Ok(());
        }
        if inputs.len() > 1 {
            self.balance(id, layer, &mut inputs);
        }
        let arrivals = self.arrivals(&front, &inputs, &operands);
        let cores = match op {
            Some(op) => vec![self.core(id, layer, &op, &operands, &arrivals, &result)?],
            None => Self::narrowed(id, &operands[0], &result),
        };
        let interval = cores[..]
            .iter()
            .filter_map(|core| core.built.as_ref())
            .map(|built| built.initiation_interval_cycles)
            .max()
            .unwrap_or(1);
        let transfers = taken.max(count) as u64;
        self.layer_intervals.push(frame_cycles(&front, whole_count, interval).max(transfers));
        let output = self.channel(result, whole_count);
        self.parts.push(Part::Stage(Stage {
            name: layer.name.clone(),
            owner: id,
            front,
            inputs,
            output,
            operands,
            cores,
            interval,
            depth: 1,
            is_balancing: false,
        }));
        self.finish(source, layer, output, (transfer, count), whole_count);
        Ok(())
    }

    /// What a transfer of each input is to an operation: its channels, and where that is a
    /// convolution, which moves over images, an image of one pixel.
    fn pixels(&self, op: &Op, channels: &[ChannelId]) -> Vec<TensorType> {
        let pixel = |channel: &ChannelId| {
            let transfer = &self.channels[channel.0].transfer;
            let channels = transfer.element_count();
            let shape = match op {
                Op::Conv(_) => Shape::new([1, 1, channels]),
                _ => Shape::new([channels]),
            };
            shape.map_or_else(|| transfer.clone(), |shape| transfer.reshaped(shape))
        };
        channels.iter().map(pixel).collect()
    }

    /// Hands the elements of a stage without arithmetic on with the ranges of the result, which are
    /// narrower than those of the operand where pixels were dropped.
    fn narrowed(layer: LayerId, operand: &TensorType, result: &TensorType) -> Vec<Core> {
        if operand.ranges == result.ranges {
            return Vec::new();
        }
        let wires = (0..result.element_count()).map(|index| Some((0, index))).collect();
        let operands = vec![operand.clone()];
        vec![Core { layer, built: None, operands, wires, result: result.clone() }]
    }

    /// Publishes a layer's stream, cut into transfers where it is whole results.
    fn finish(
        &mut self,
        source: Source,
        layer: &Layer,
        channel: ChannelId,
        (transfer, count): (TensorType, usize),
        whole_count: usize,
    ) {
        let channel = if whole_count == count {
            channel
        } else {
            let output = self.channel(transfer, count);
            let name = format!("{}_emit", layer.name);
            self.parts.push(Part::Emit { name, input: channel, output });
            output
        };
        self.publish(source, channel);
    }

    /// All transfers of an input as one.
    fn collected(
        &mut self,
        id: LayerId,
        layer: &Layer,
        index: usize,
        input: ChannelId,
        whole: &TensorType,
    ) -> ChannelId {
        let count = self.channels[input.0].transfers;
        if count == 1 {
            return input;
        }
        let inputs = layer.inputs.len();
        let suffix = if inputs == 1 { String::new() } else { format!("{index}") };
        self.buffer(
            id,
            format!("{}_collect{suffix}", layer.name),
            Front::Collect(count),
            input,
            whole.clone(),
            false,
        )
    }

    /// A stage without arithmetic.
    fn buffer(
        &mut self,
        owner: LayerId,
        name: String,
        front: Front,
        input: ChannelId,
        result: TensorType,
        is_balancing: bool,
    ) -> ChannelId {
        let transfers = match front {
            Front::Collect(_) => 1,
            Front::Gate | Front::Scan(_) => self.channels[input.0].transfers,
        };
        let output = self.channel(result.clone(), transfers);
        self.parts.push(Part::Stage(Stage {
            name,
            owner,
            front,
            inputs: vec![input],
            output,
            operands: vec![result],
            cores: Vec::new(),
            interval: 1,
            depth: 1,
            is_balancing,
        }));
        output
    }
}

/// The fewest cycles that a stage takes for a frame of so many results.
pub(crate) fn frame_cycles(front: &Front, results: usize, interval: u64) -> u64 {
    let starts = results as u64 * interval;
    match front {
        Front::Gate => starts,
        Front::Scan(scan) => scan.frame_cycles(interval),
        Front::Collect(transfers) => starts.max(*transfers as u64),
    }
}
