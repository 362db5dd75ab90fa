//! How large a network may be.

use crate::error::Problem;
use crate::layers::Op;
use crate::network::Layer;
use crate::tensor::{MAX_NETWORK_ELEMENTS, MAX_NETWORK_PRODUCTS, TensorType};

/// How large the network has become so far; checked before inference takes memory and time.
#[derive(Default)]
pub(super) struct Size {
    elements: usize,
    products: u64,
}

impl Size {
    /// Invariant 9 for one more tensor.
    pub(super) fn add_elements(&mut self, count: usize) -> Result<(), Problem> {
        let found = self.elements + count;
        if found > MAX_NETWORK_ELEMENTS {
            return Err(Problem::NetworkElements { found });
        }
        self.elements = found;
        Ok(())
    }

    /// Invariant 9 for one more layer: its matrix is applied at every position of its input; each
    /// cell of a pooling's window is a step.
    pub(super) fn add_products(
        &mut self,
        layer: &Layer,
        inputs: &[&TensorType],
    ) -> Result<(), Problem> {
        let [input] = inputs else {
            return Ok(());
        };
        let extents = input.shape.extents();
        let factors = match (&layer.op, layer.op.kernel_shape()) {
            (Op::Pool(pool), _) => {
                let sliding = pool.slide(extents)?;
                [sliding.positions(), sliding.cells(), sliding.channels]
            }
            (_, Some(kernel)) => {
                let positions = layer.op.positions(extents) * layer.op.kernels().len();
                [positions, kernel.n_in, kernel.n_out]
            }
            _ => return Ok(()),
        };
        let products =
            factors.into_iter().fold(1, |n: u64, factor| n.saturating_mul(factor as u64));
        let found = self.products.saturating_add(products);
        if found > MAX_NETWORK_PRODUCTS {
            return Err(Problem::NetworkProducts { found });
        }
        self.products = found;
        Ok(())
    }
}
