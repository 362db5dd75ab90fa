//! The arithmetic of stages: each layer's, built for the moments at which its operands are there.

use rtl4ml_hdl::MemoryStyle;
use rtl4ml_ir::{Implementation, Layer, LayerId, Op, TensorType};

use super::{Core, Front, Part, Planner};
use crate::circuit::CircuitError;
use crate::layers::LayerContext;
use crate::stream::fifo::memory_style;
use crate::stream::model::ChannelId;

impl Planner<'_> {
    /// When the elements that a front hands on are there, in picoseconds after the cycle's start.
    pub(super) fn arrivals(
        &self,
        front: &Front,
        inputs: &[ChannelId],
        operands: &[TensorType],
    ) -> Vec<Vec<u32>> {
        let block_ram_ps = self.model.fabric.block_ram_ps;
        let of_input = |input: &ChannelId| match &self.parts[self.channels[input.0].producer] {
            // How deep it will be is not known yet.
            Part::Stage(stage) if stage.is_balancing => block_ram_ps,
            _ => 0,
        };
        let ps = match front {
            Front::Gate | Front::Collect(_) => inputs.iter().map(of_input).collect(),
            Front::Scan(scan) => {
                let is_block =
                    scan.rows.kernel > 1 && memory_style(scan.columns.grid) == MemoryStyle::Block;
                let lines_ps = if is_block { block_ram_ps } else { 0 };
                let choice_ps =
                    if scan.has_steps_of_padding() { self.model.logic_ps(1) } else { 0 };
                vec![lines_ps.max(choice_ps + inputs.iter().map(of_input).max().unwrap_or(0))]
            }
        };
        ps.into_iter().zip(operands).map(|(ps, ty)| vec![ps; ty.element_count()]).collect()
    }

    /// Adds a layer to the stage that feeds it, where it keeps up with that and nobody else reads
    /// the stage. Returns the stage's stream.
    pub(super) fn fused(
        &mut self,
        id: LayerId,
        layer: &Layer,
        op: Option<&Op>,
        input: ChannelId,
        operand: &TensorType,
        result: &TensorType,
    ) -> Result<Option<ChannelId>, CircuitError> {
        let producer = self.channels[input.0].producer;
        let Part::Stage(stage) = &self.parts[producer] else { return Ok(None) };
        let (Some(op), false) = (op, stage.is_balancing) else { return Ok(None) };
        let operands = [stage.result().reshaped(operand.shape.clone())];
        let last = stage.cores.iter().rev().find_map(|core| core.built.as_ref());
        let only_built = stage.cores.iter().all(|core| core.built.is_some());
        let (Some(last), true) = (last, only_built) else { return Ok(None) };
        let (arrivals, interval) = ([last.arrivals_ps.clone()], stage.interval);
        let core = self.core(id, layer, op, &operands, &arrivals, result)?;
        let own = core.built.as_ref().map_or(1, |built| built.initiation_interval_cycles);
        if own > interval {
            return Ok(None);
        }
        let transfers = self.channels[input.0].transfers as u64;
        self.layer_intervals.push(transfers * own);
        self.channels[input.0].transfer = result.clone();
        if let Part::Stage(stage) = &mut self.parts[producer] {
            stage.cores.push(core);
        }
        Ok(Some(input))
    }

    /// A layer's arithmetic on what a front hands on.
    pub(super) fn core(
        &self,
        id: LayerId,
        layer: &Layer,
        op: &Op,
        operands: &[TensorType],
        arrivals: &[Vec<u32>],
        result: &TensorType,
    ) -> Result<Core, CircuitError> {
        let implementation =
            Implementation { parallelization_factor: None, ..layer.implementation };
        let (name, inputs) = (layer.name.clone(), layer.inputs.clone());
        let layer = Layer { name, op: op.clone(), inputs, implementation };
        let inputs: Vec<&TensorType> = operands.iter().collect();
        let module_name = format!("{}_{}", self.verified.network().name, layer.name);
        let context = LayerContext {
            module_name: &module_name,
            layer: &layer,
            inputs: &inputs,
            output: result,
            model: self.model,
            rule: self.rule,
        };
        let built = context.build(arrivals)?;
        let wires = if built.is_some() { None } else { context.wires() };
        let wires = wires.unwrap_or_default();
        Ok(Core { layer: id, built, operands: operands.to_vec(), wires, result: result.clone() })
    }
}
