//! What holds for each layer, and the type that follows for its result.

use super::Errors;
use super::size::Size;
use crate::error::{Problem, Site};
use crate::layers::{Op, ResultType, nearest_divisors};
use crate::network::{Implementation, Layer, LayerId, Source, Strategy};
use crate::tensor::{TensorType, Types};

/// Invariants 3, 5 to 7 and 12 for one layer; its type where it can be inferred.
pub(super) fn check_layer(
    id: LayerId,
    layer: &mut Layer,
    input_types: &[Option<TensorType>],
    layer_types: &[Option<TensorType>],
    size: &mut Size,
    errors: &mut Errors,
) -> Option<TensorType> {
    let site = Site::Layer(id);
    // A wrong reuse factor changes no type, so that inference goes on after it.
    check_implementation(site, layer, errors);
    let before = errors.0.len();
    for problem in layer.op.check() {
        errors.push(site, problem);
    }
    if let ResultType::Cast(types) = layer.op.result_type()
        && let Some(format) = types.illegal_format()
    {
        errors.push(site, Problem::Format { what: "the result", format });
    }
    let mut inputs = Some(Vec::new());
    for source in &layer.inputs {
        let known = match source {
            Source::Input(input) => input_types.get(input.0 as usize),
            Source::Layer(earlier) => layer_types.get(earlier.0 as usize),
        };
        match known {
            None => {
                let what = format!("`{}`", layer.name);
                errors.push(site, Problem::ForwardReference { what });
                inputs = None;
            }
            // The tensor's own mistake has been reported.
            Some(None) => inputs = None,
            Some(Some(tensor)) => {
                if let Some(inputs) = &mut inputs {
                    inputs.push(tensor);
                }
            }
        }
    }
    if errors.0.len() > before {
        return None;
    }
    let inputs = inputs?;
    let inferred = size
        .add_products(layer, &inputs)
        .and_then(|()| check_parallelization(layer, &inputs))
        .map_err(|problem| vec![problem])
        .and_then(|()| spread_result(&mut layer.op, &inputs))
        .and_then(|()| layer.op.infer(&inputs))
        .and_then(|tensor| {
            size.add_elements(tensor.element_count()).map_err(|problem| vec![problem])?;
            Ok(tensor)
        });
    match inferred {
        Ok(tensor) => Some(tensor),
        Err(problems) => {
            for problem in problems {
                errors.push(site, problem);
            }
            None
        }
    }
}

/// Invariant 12 for the result of a layer on these inputs.
fn spread_result(op: &mut Op, inputs: &[&TensorType]) -> Result<(), Vec<Problem>> {
    let ResultType::Cast(Types::Broadcast(types)) = op.result_type() else {
        return Ok(());
    };
    // No shape depends on a type, so that of any one type is the shape of all.
    let mut plain = op.clone();
    plain.set_result_types(types.any().into());
    let shape = plain.infer(inputs)?.shape;
    let spread = types.over(&shape, "the result").map_err(|problem| vec![problem])?;
    op.set_result_types(spread);
    Ok(())
}

/// Invariant 7.
pub(super) fn check_implementation(site: Site, layer: &Layer, errors: &mut Errors) {
    let Some(kernel) = layer.op.kernel_shape() else {
        return;
    };
    let Implementation { strategy, reuse_factor: found, .. } = layer.implementation;
    let (n_in, n_out) = (kernel.n_in, kernel.n_out);
    let products = n_in as u64 * n_out as u64;
    if found == 0 || !products.is_multiple_of(found) {
        let (below, above) = nearest_divisors(products, found);
        errors.push(site, Problem::ReuseFactor { found, n_in, n_out, below, above });
    } else if strategy == Strategy::DistributedArithmetic && found != 1 {
        errors.push(site, Problem::ReuseWithDistributedArithmetic { found });
    }
}

/// Invariant 10.
pub(super) fn check_parallelization(layer: &Layer, inputs: &[&TensorType]) -> Result<(), Problem> {
    let (Some(found), [input]) = (layer.implementation.parallelization_factor, inputs) else {
        return Ok(());
    };
    let positions = layer.op.positions(input.shape.extents()) as u64;
    if found > 0 && positions.is_multiple_of(found) {
        return Ok(());
    }
    let (below, above) = nearest_divisors(positions, found);
    Err(Problem::Parallelization { found, positions, below, above })
}
