//! How the elements of a tensor travel between modules.
//!
//! A bus has a lane for each element whose value is not known when the circuit is built, as wide
//! as the element's exact range needs; element 0 is in the low bits. Constant elements have no
//! lane: whoever reads the tensor knows them.

use rtl4ml_hdl::{BusId, Module, Operand, Type};
use rtl4ml_ir::{Range, TensorType};

use crate::lower::{constant, signal_type};

/// The lanes of a tensor.
#[derive(Clone, Debug)]
pub struct BusLayout {
    ranges: Vec<Range>,
}

/// The lanes of a port, which are as wide as the formats say.
pub(crate) fn port_lanes(tensor: &TensorType) -> Vec<Type> {
    (0..tensor.element_count())
        .map(|index| tensor.format(index))
        .filter(|format| format.width > 0)
        .map(|format| Type { width: format.width, signed: format.signed })
        .collect()
}

impl BusLayout {
    /// The layout of a tensor between two layers.
    pub fn of(tensor: &TensorType) -> Self {
        Self { ranges: tensor.ranges.clone() }
    }

    /// The types of the lanes; none if all elements are constants.
    pub fn lane_types(&self) -> Vec<Type> {
        self.lanes().map(signal_type).collect()
    }

    fn lanes(&self) -> impl Iterator<Item = Range> {
        self.ranges.iter().copied().filter(|range| range.as_constant().is_none())
    }

    /// The elements' values, where `bus` carries them.
    pub fn elements(&self, module: &Module, bus: Option<BusId>) -> Vec<Operand> {
        let mut lanes = bus.into_iter().flat_map(|bus| module.lanes(bus));
        let value = |range: &Range| match range.as_constant() {
            Some(mantissa) => constant(mantissa),
            None => lanes.next().map_or(Operand::Constant(0), Operand::Signal),
        };
        self.ranges.iter().map(value).collect()
    }

    /// The elements' values where `bus` is a port, whose lanes are as wide as the formats say.
    pub fn port_elements(
        &self,
        module: &Module,
        bus: Option<BusId>,
        tensor: &TensorType,
    ) -> Vec<Operand> {
        let mut lanes = bus.into_iter().flat_map(|bus| module.lanes(bus));
        let value = |(index, range): (usize, &Range)| {
            let lane = if tensor.format(index).width == 0 { None } else { lanes.next() };
            match (range.as_constant(), lane) {
                (None, Some(lane)) => lane.into(),
                (known, _) => constant(known.unwrap_or(0)),
            }
        };
        self.ranges.iter().enumerate().map(value).collect()
    }

    /// The lanes' values out of those of all elements.
    pub fn lane_values(&self, elements: &[Operand]) -> Vec<Operand> {
        let lanes = self.ranges.iter().zip(elements);
        lanes.filter(|(range, _)| range.as_constant().is_none()).map(|(_, value)| *value).collect()
    }
}
