//! A tensor of a model as it lies in the draft: the model's axes, each at its place.
//!
//! A model may have its channels first, flatten them, or move axes about; the draft's tensor
//! stays where it is as long as it can. A [`View`] says where each element of the model is: its
//! axes are cut into *atoms*, each with an extent and the distance of its elements in the
//! draft's tensor. Only where a layer needs an order of its own are elements moved.

use crate::builder::{Builder, Signal};
use crate::error::{Lowered, refuse};
use crate::tensor::{strides, walk};

/// A part of an axis whose elements are equally far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Atom {
    /// How many there are.
    pub extent: usize,
    /// How far apart they are in the draft's tensor.
    pub stride: usize,
}

/// A tensor of a model.
#[derive(Clone, Debug)]
pub struct View {
    /// The draft's tensor.
    pub signal: Signal,
    /// The model's extents, the batch included.
    pub extents: Vec<usize>,
    /// Where its elements are, outermost first; atoms of extent 1 are left out.
    atoms: Vec<Atom>,
}

impl View {
    /// The draft's tensor as it is, for a model whose tensor has these extents.
    pub fn plain(signal: Signal, extents: Vec<usize>) -> Self {
        let extent = signal.extents.iter().product();
        Self { signal, extents, atoms: merged(&[Atom { extent, stride: 1 }]) }
    }

    /// The draft's tensor whose axis i is axis `order[i]` of the model; all others of the model
    /// have the extent 1.
    pub fn ordered(signal: Signal, extents: Vec<usize>, order: &[usize]) -> Self {
        let own = strides(&signal.extents);
        let mut atoms = vec![Atom { extent: 1, stride: 0 }; extents.len()];
        for (axis, to) in order.iter().enumerate() {
            atoms[*to] = Atom { extent: signal.extents[axis], stride: own[axis] };
        }
        Self { signal, extents, atoms: merged(&atoms) }
    }

    /// Another signal whose elements lie as those of this one.
    pub fn with(&self, signal: Signal) -> Self {
        Self { signal, ..self.clone() }
    }

    /// The same elements, row-major, with other extents.
    pub fn reshaped(&self, extents: Vec<usize>) -> Self {
        Self { extents, ..self.clone() }
    }

    /// For each element of the model, row-major, its index in the draft's tensor.
    pub fn indices(&self) -> Vec<usize> {
        let extents: Vec<usize> = self.atoms.iter().map(|atom| atom.extent).collect();
        let strides: Vec<usize> = self.atoms.iter().map(|atom| atom.stride).collect();
        walk(&extents, &strides)
    }

    /// The atoms of each axis; `None` where an axis begins within an atom that cannot be cut.
    fn axes(&self) -> Option<Vec<Vec<Atom>>> {
        let mut atoms = self.atoms.iter().copied();
        let mut rest: Option<Atom> = None;
        let mut axes = Vec::new();
        for extent in &self.extents {
            let mut left = *extent;
            let mut axis = Vec::new();
            while left > 1 {
                let atom = rest.take().or_else(|| atoms.next())?;
                if atom.extent <= left {
                    if left % atom.extent != 0 {
                        return None;
                    }
                    left /= atom.extent;
                    axis.push(atom);
                } else {
                    if atom.extent % left != 0 {
                        return None;
                    }
                    let inner = atom.extent / left;
                    axis.push(Atom { extent: left, stride: atom.stride * inner });
                    rest = Some(Atom { extent: inner, stride: atom.stride });
                    left = 1;
                }
            }
            axes.push(axis);
        }
        Some(axes)
    }

    /// The axes in another order, if they can be told apart.
    pub fn transposed(&self, order: &[usize], builder: &mut Builder) -> Lowered<Self> {
        let view = self.separable(builder)?;
        let axes = view.axes().unwrap_or_default();
        let extents = order.iter().map(|axis| view.extents[*axis]).collect();
        let atoms: Vec<Atom> = order.iter().flat_map(|axis| axes[*axis].clone()).collect();
        Ok(Self { signal: view.signal, extents, atoms: merged(&atoms) })
    }

    /// A view whose axes can be told apart: this one, or one whose elements were moved into the
    /// model's order.
    fn separable(&self, builder: &mut Builder) -> Lowered<Self> {
        if self.axes().is_some() {
            return Ok(self.clone());
        }
        let count: usize = self.extents.iter().product();
        let flat = Self { extents: vec![count], ..self.clone() };
        let signal = flat.in_order(&[0], builder)?;
        Ok(Self::plain(signal, vec![count]).reshaped(self.extents.clone()))
    }

    /// The axes of the model in the order in which the draft's tensor has them, where each is a
    /// place in it; the model's own order else. Axes of extent 1 come first.
    pub fn layout(&self) -> Vec<usize> {
        let natural: Vec<usize> = (0..self.extents.len()).collect();
        let Some(axes) = self.axes() else {
            return natural;
        };
        let mut placed: Vec<(usize, usize)> = Vec::new();
        for (axis, atoms) in axes.iter().enumerate() {
            match merged(atoms)[..] {
                [] => {}
                [atom] => placed.push((atom.stride, axis)),
                _ => return natural,
            }
        }
        placed.sort_by(|a, b| b.cmp(a));
        let units = natural.into_iter().filter(|axis| self.extents[*axis] == 1);
        units.chain(placed.iter().map(|(_, axis)| *axis)).collect()
    }

    /// The draft's tensor with the given axes of the model, in that order, as its own; all others
    /// have the extent 1.
    pub fn in_order(&self, order: &[usize], builder: &mut Builder) -> Lowered<Signal> {
        let others: usize = (0..self.extents.len())
            .filter(|axis| !order.contains(axis))
            .map(|axis| self.extents[axis])
            .product();
        if others != 1 {
            return refuse(format!(
                "a batch of one is taken, but the tensor is {:?}: export with a batch of 1",
                self.extents
            ));
        }
        let view = if order.len() == 1 { self.clone() } else { self.separable(builder)? };
        let extents: Vec<usize> = order.iter().map(|axis| view.extents[*axis]).collect();
        let wanted: Vec<Atom> = if order.len() == 1 {
            view.atoms.clone()
        } else {
            let axes = view.axes().unwrap_or_default();
            merged(&order.iter().flat_map(|axis| axes[*axis].clone()).collect::<Vec<_>>())
        };
        let mut signal = view.signal;
        if !matches!(wanted[..], [] | [Atom { stride: 1, .. }]) {
            let mut sorted = wanted.clone();
            sorted.sort_by_key(|atom| std::cmp::Reverse(atom.stride));
            let cut: Vec<usize> = sorted.iter().map(|atom| atom.extent).collect();
            let place = |atom: &Atom| sorted.iter().position(|other| other == atom);
            let Some(axes) = wanted.iter().map(place).collect::<Option<Vec<usize>>>() else {
                return refuse("its elements cannot be put in order");
            };
            signal = builder.reshape(&signal, &cut)?;
            signal = builder.permute(&signal, &axes)?;
        }
        builder.reshape(&signal, &extents)
    }

    /// Whether two views have the same elements at the same places.
    pub fn lies_as(&self, other: &Self) -> bool {
        self.extents == other.extents
            && self.atoms == other.atoms
            && self.signal.extents == other.signal.extents
    }
}

/// Atoms that follow each other without a gap as one, and none of extent 1.
fn merged(atoms: &[Atom]) -> Vec<Atom> {
    let mut result: Vec<Atom> = Vec::new();
    for atom in atoms.iter().filter(|atom| atom.extent > 1) {
        match result.last_mut() {
            Some(before) if before.stride == atom.stride * atom.extent => {
                *before = Atom { extent: before.extent * atom.extent, stride: atom.stride };
            }
            _ => result.push(*atom),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Options;

    /// An image of 2 x 3 pixels with 2 channels, in a model that has its channels first.
    fn image(builder: &mut Builder) -> View {
        let signal = builder.input("x", vec![2, 3, 2]).unwrap();
        View::ordered(signal, vec![1, 2, 2, 3], &[2, 3, 1])
    }

    #[test]
    fn channels_first_is_a_way_of_looking_at_channels_last() {
        let mut builder = Builder::new(Options::default());
        let view = image(&mut builder);
        let expected: Vec<usize> =
            (0..2).flat_map(|c| (0..6).map(move |pixel| pixel * 2 + c)).collect();
        assert_eq!(view.indices(), expected);
        assert_eq!(view.layout(), [0, 2, 3, 1]);
        let last = view.transposed(&[0, 2, 3, 1], &mut builder).unwrap();
        assert_eq!(last.indices(), (0..12).collect::<Vec<_>>());
        assert!(builder.draft.layers.is_empty(), "nothing was moved");
    }

    #[test]
    fn flattened_elements_are_put_in_order_on_demand() {
        let mut builder = Builder::new(Options::default());
        let view = image(&mut builder);
        let flat = view.reshaped(vec![1, 12]);
        assert_eq!(flat.indices(), view.indices());
        let signal = flat.in_order(&[1], &mut builder).unwrap();
        assert_eq!(signal.extents, [12]);
        let kinds: Vec<&str> = builder.draft.layers.iter().map(|layer| layer.kind).collect();
        assert_eq!(kinds, ["reshape", "permute", "flatten"]);
    }

    #[test]
    fn axes_are_cut_where_the_model_cuts_them() {
        let mut builder = Builder::new(Options::default());
        let signal = builder.input("x", vec![12]).unwrap();
        let view = View::plain(signal, vec![1, 12]).reshaped(vec![1, 3, 4]);
        let moved = view.transposed(&[0, 2, 1], &mut builder).unwrap();
        assert_eq!(moved.indices()[..4], [0, 4, 8, 1]);
    }
}
