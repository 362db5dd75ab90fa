//! What Rust-HDL's checks and its VCD writer see of a module: its signals and buses as atoms.

use rust_hdl::core::ast::VerilogLiteral;
use rust_hdl::core::atom::{Atom, AtomKind};
use rust_hdl::core::constraint::PinConstraint;
use rust_hdl::core::prelude::{Block, Probe};
use rust_hdl::core::synth::VCDValue;
use rust_hdl::core::type_descriptor::{TypeDescriptor, TypeKind};

use super::ModuleBlock;
use crate::design::{BusId, Direction, PortBinding, SignalId};

impl ModuleBlock {
    pub(super) fn visit_atoms(&self, probe: &mut dyn Probe) {
        let module = self.module();
        if self.design.is_clocked(module) || self.is_top {
            self.clock.accept("clk", probe);
        }
        let mut shown = vec![false; self.atom_ids.len()];
        for port in &module.ports {
            let kind = match port.direction {
                Direction::Input => AtomKind::InputParameter,
                Direction::Output => AtomKind::OutputParameter,
            };
            match port.binding {
                PortBinding::Signal(signal) => self.visit_signal(signal, kind, &mut shown, probe),
                PortBinding::Bus(bus) => self.visit_bus(bus, kind, &mut shown, probe),
            }
        }
        if !self.trace_locals {
            return;
        }
        for index in 0..module.buses.len() {
            self.visit_bus(BusId(index as u32), AtomKind::LocalSignal, &mut shown, probe);
        }
        for (index, signal) in module.signals.iter().enumerate() {
            if signal.bus.is_none() {
                let id = SignalId(index as u32);
                self.visit_signal(id, AtomKind::LocalSignal, &mut shown, probe);
            }
        }
    }

    fn visit_signal(
        &self,
        id: SignalId,
        kind: AtomKind,
        shown: &mut [bool],
        probe: &mut dyn Probe,
    ) {
        let index = id.0 as usize;
        if !std::mem::replace(&mut shown[index], true) {
            let atom = AtomView { block: self, lanes: index..index + 1, kind, id: index };
            probe.visit_atom(&self.module().signal(id).name, &atom);
        }
    }

    fn visit_bus(&self, id: BusId, kind: AtomKind, shown: &mut [bool], probe: &mut dyn Probe) {
        let module = self.module();
        let index = module.signals.len() + id.0 as usize;
        if !std::mem::replace(&mut shown[index], true) {
            let bus = module.bus(id);
            let first = bus.first.0 as usize;
            let lanes = first..first + bus.lanes as usize;
            probe.visit_atom(&bus.name, &AtomView { block: self, lanes, kind, id: index });
        }
    }
}

/// One signal or bus as Rust-HDL sees it: its width is a value, not a type.
struct AtomView<'a> {
    block: &'a ModuleBlock,
    lanes: std::ops::Range<usize>,
    kind: AtomKind,
    id: usize,
}

impl AtomView<'_> {
    fn signals(&self) -> &[crate::design::Signal] {
        &self.block.module().signals[self.lanes.clone()]
    }
}

impl Atom for AtomView<'_> {
    fn bits(&self) -> usize {
        self.signals().iter().map(|signal| signal.ty.width as usize).sum()
    }

    fn connected(&self) -> bool {
        // The design's own check has counted the drivers.
        true
    }

    fn changed(&self) -> bool {
        false
    }

    fn kind(&self) -> AtomKind {
        self.kind
    }

    fn descriptor(&self) -> TypeDescriptor {
        let bits = self.bits();
        let kind = match self.signals() {
            [signal] if signal.ty.signed => TypeKind::Signed(bits),
            _ => TypeKind::Bits(bits),
        };
        TypeDescriptor { name: format!("{kind:?}"), kind }
    }

    fn vcd(&self) -> VCDValue {
        let bit = |value: i64, bit: u32| vcd::Value::from((value >> bit) & 1 == 1);
        let values = &self.block.values[self.lanes.clone()];
        if self.bits() == 1 {
            return VCDValue::Single(bit(values[0], 0));
        }
        let lanes = self.signals().iter().zip(values).rev();
        let bits =
            lanes.flat_map(|(signal, value)| (0..signal.ty.width).rev().map(|b| bit(*value, b)));
        VCDValue::Vector(bits.collect())
    }

    fn id(&self) -> usize {
        self.block.atom_ids[self.id]
    }

    fn verilog(&self) -> VerilogLiteral {
        // Rust-HDL asks this only of constants, of which a module here has none.
        VerilogLiteral::from(0u32)
    }

    fn constraints(&self) -> Vec<PinConstraint> {
        Vec::new()
    }
}
