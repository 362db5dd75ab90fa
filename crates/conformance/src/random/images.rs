//! Random networks on images: windows, merges that need alignment, moves, activations.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rtl4ml_ir::layers::{
    BatchNorm, Concatenate, Conv, Dot, Merge, MergeKind, Pool, PoolKind, Rearrange,
};
use rtl4ml_ir::window::{Padding, Window, WindowAxis};
use rtl4ml_ir::{
    Constant, Dense, FixedType, Format, Implementation, Kernel, LeakyRelu, MultiplierStyle,
    Network, Op, Quantize, Relu, Reshape, ResultType, Source, Strategy as LayerStrategy, Types,
};

use super::functions;
use super::values::{fixed_type, weights};

/// What any layer is made from; which one is the kind.
#[derive(Clone, Debug)]
struct Recipe {
    kind: Kind,
    /// For each of two axes: kernel, stride, dilation.
    axes: [(usize, usize, usize); 2],
    padding: Padding,
    filters: usize,
    weights: Vec<i8>,
    weight_type: FixedType,
    bias: Option<FixedType>,
    accum: Option<FixedType>,
    result: Option<FixedType>,
    /// Which of the legal numbers, from the least to the greatest.
    groups: f64,
    reuse: f64,
    at_once: f64,
    strategy: LayerStrategy,
    multiplier: MultiplierStyle,
    /// Which of the tensors so far is read as well.
    partner: Index,
    axis: usize,
    amounts: [usize; 2],
    activation: Op,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Conv,
    Dense,
    Pool(PoolKind),
    GlobalPool(PoolKind),
    BatchNorm,
    Relu,
    /// With one slope, one a channel or one an element.
    LeakyRelu,
    Activation,
    /// To one type a channel.
    Quantize,
    Flatten,
    Merge(MergeKind),
    Concatenate,
    Permute,
    ZeroPadding,
    Cropping,
    UpSampling,
}

fn kind() -> impl Strategy<Value = Kind> {
    use PoolKind::{Average, Max};
    prop_oneof![
        8 => Just(Kind::Conv),
        2 => Just(Kind::Dense),
        3 => select(vec![Kind::Pool(Max), Kind::Pool(Average)]),
        1 => select(vec![Kind::GlobalPool(Max), Kind::GlobalPool(Average)]),
        1 => Just(Kind::BatchNorm),
        2 => select(vec![Kind::Relu, Kind::LeakyRelu, Kind::Quantize, Kind::Flatten]),
        1 => Just(Kind::Activation),
        5 => select(MergeKind::ALL).prop_map(Kind::Merge),
        2 => Just(Kind::Concatenate),
        2 => select(vec![Kind::Permute, Kind::ZeroPadding, Kind::Cropping, Kind::UpSampling]),
    ]
}

/// Types that mostly suit weights of quarters, so that not everything is rounded to nothing.
fn suited_type() -> impl Strategy<Value = FixedType> {
    let suited = (fixed_type(), 4u32..12, 2i32..5).prop_map(|(ty, width, fraction_bits)| {
        let format = Format { width, integer_bits: width as i32 - fraction_bits, ..ty.format };
        FixedType { format, ..ty }
    });
    prop_oneof![5 => suited, 1 => fixed_type()]
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let axis = (1usize..4, 1usize..3, prop_oneof![3 => Just(1usize), 1 => Just(2usize)]);
    let padding = select(Padding::ALL);
    let part = || prop_oneof![1 => Just(0.0), 1 => Just(0.999), 2 => 0.0..1.0];
    let types = (
        suited_type(),
        proptest::option::of(suited_type()),
        proptest::option::weighted(0.3, suited_type()),
        proptest::option::weighted(0.5, suited_type()),
    );
    let build = (part(), part(), part(), select(LayerStrategy::ALL), select(MultiplierStyle::ALL));
    let shape = (kind(), axis.clone(), axis, padding, 1usize..4, weights());
    let rest = (any::<Index>(), 0usize..3, [0usize..3, 0usize..3], functions::op());
    (shape, types, build, rest).prop_map(
        |(
            (kind, rows, columns, padding, filters, weights),
            (weight_type, bias, accum, result),
            (groups, reuse, at_once, strategy, multiplier),
            (partner, axis, amounts, activation),
        )| Recipe {
            kind,
            axes: [rows, columns],
            padding,
            filters,
            weights,
            weight_type,
            bias,
            accum,
            result,
            groups,
            reuse,
            at_once,
            strategy,
            multiplier,
            partner,
            axis,
            amounts,
            activation,
        },
    )
}

/// A network on a small image.
pub fn network() -> impl Strategy<Value = Network> {
    network_on(image())
}

/// The extents of a small image, with one or two axes beside its channels.
pub fn image() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        (2usize..7, 1usize..4).prop_map(|(steps, channels)| vec![steps, channels]),
        (2usize..6, 2usize..6, 1usize..4).prop_map(|(rows, columns, c)| vec![rows, columns, c]),
    ]
}

/// A network of layers of which some read a tensor of long before as well.
pub fn network_on(image: impl Strategy<Value = Vec<usize>>) -> impl Strategy<Value = Network> {
    let second = proptest::option::weighted(0.25, suited_type());
    (image, suited_type(), second, vec(recipe(), 1..5), 100.0..600.0f64).prop_map(
        |(extents, ty, second, recipes, mhz)| {
            let mut network = Network::new("images");
            network.target.clock = rtl4ml_ir::Clock::from_mhz(mhz).unwrap();
            let mut tensors = Vec::new();
            if let Some(ty) = second {
                tensors.push((network.input("z", extents.clone(), ty), extents.clone()));
            }
            tensors.push((network.input("x", extents.clone(), ty), extents));
            for (index, recipe) in recipes.into_iter().enumerate() {
                let Some((op, inputs, shape, implementation)) = build(&recipe, &tensors) else {
                    continue;
                };
                let name = format!("l{index}");
                let layer = network.layer_with(name, op, inputs, implementation);
                tensors.push((layer, shape));
            }
            // Whatever nobody reads is an output.
            for (source, _) in &tensors {
                if network.layers.iter().all(|layer| !layer.inputs.contains(source)) {
                    network.outputs.push(*source);
                }
            }
            network
        },
    )
}

type Tensor = (Source, Vec<usize>);

/// The layer of a recipe after these tensors, what it reads and the shape of its result; `None`
/// where it would be too large or does not fit.
fn build(
    recipe: &Recipe,
    tensors: &[Tensor],
) -> Option<(Op, Vec<Source>, Vec<usize>, Implementation)> {
    let (last, shape) = tensors.last()?;
    let result = recipe.result.map_or(ResultType::Auto, ResultType::from);
    let mut inputs = vec![*last];
    let mut implementation =
        Implementation { multiplier: recipe.multiplier, ..Implementation::default() };
    let is_image = shape.len() > 1;
    let partners: Vec<&Tensor> = tensors.iter().filter(|tensor| tensor.1 == *shape).collect();
    let partner = partners[recipe.partner.index(partners.len())].0;
    let spatial = shape.len() - 1;
    let ends = |ends: [usize; 2]| vec![(ends[0], ends[1]); spatial];
    let op: Op = match recipe.kind {
        Kind::Conv if is_image => {
            let conv = conv(recipe, shape, result)?;
            implementation = shared(recipe, &conv.clone().into(), shape);
            conv.into()
        }
        Kind::Dense => {
            let kernel = kernel(recipe, *shape.last()?, recipe.filters, 0);
            let dense: Op = Dense { kernel, result }.into();
            implementation = shared(recipe, &dense, shape);
            dense
        }
        Kind::Pool(kind) if is_image => {
            let window = Some(window(recipe, shape, false));
            Pool { kind, window, accum: recipe.accum, result }.into()
        }
        Kind::GlobalPool(kind) if is_image => {
            Pool { kind, window: None, accum: recipe.accum, result }.into()
        }
        Kind::BatchNorm => {
            let channels = *shape.last()?;
            let [scale, shift] = [0, 1].map(|first| constant(recipe, vec![channels], first));
            BatchNorm { scale, shift, result }.into()
        }
        Kind::Relu => Relu { result }.into(),
        Kind::LeakyRelu => {
            let first = [shape.len(), shape.len() - 1, 0][recipe.axis];
            LeakyRelu { alpha: constant(recipe, shape[first..].to_vec(), 0), result }.into()
        }
        Kind::Activation => match recipe.activation.clone() {
            Op::LeakyRelu(_) => Relu { result }.into(),
            activation => activation,
        },
        Kind::Quantize => Quantize { result: types_of_channels(recipe, shape) }.into(),
        Kind::Flatten => Reshape::Flatten.into(),
        Kind::Merge(kind) => {
            inputs.push(partner);
            Merge { kind, result }.into()
        }
        Kind::Concatenate => {
            inputs.insert(0, partner);
            Concatenate { axis: (recipe.axis % shape.len()) as i32, result }.into()
        }
        Kind::Permute => {
            let mut axes: Vec<usize> = (0..shape.len()).collect();
            axes.rotate_left(recipe.axis % shape.len());
            Rearrange::Permute(axes).into()
        }
        Kind::ZeroPadding if is_image => Rearrange::ZeroPadding(ends(recipe.amounts)).into(),
        Kind::Cropping if is_image => Rearrange::Cropping(ends([recipe.amounts[0], 0])).into(),
        Kind::UpSampling if is_image => {
            Rearrange::UpSampling(vec![recipe.amounts[0] + 1; spatial]).into()
        }
        // What is left of a global pooling has one axis.
        _ => {
            inputs.push(partner);
            Dot { accum: recipe.accum, result }.into()
        }
    };
    let shape = output_shape(&op, shape)?;
    (shape.iter().product::<usize>() <= 150).then_some((op, inputs, shape, implementation))
}

/// The shape of the result, by the layer's own inference of shapes.
fn output_shape(op: &Op, shape: &[usize]) -> Option<Vec<usize>> {
    let filters = |filters: usize| {
        let mut shape = shape.to_vec();
        *shape.last_mut().unwrap() = filters;
        shape
    };
    Some(match op {
        Op::Conv(conv) => {
            let sliding = conv.slide(shape).ok()?;
            conv.window.output_extents(&sliding, conv.filters())
        }
        Op::Pool(pool) => {
            let sliding = pool.slide(shape).ok()?;
            match &pool.window {
                Some(window) => window.output_extents(&sliding, sliding.channels),
                None => vec![sliding.channels],
            }
        }
        Op::Dense(dense) => filters(dense.kernel.shape()?.n_out),
        Op::Concatenate(concatenate) => {
            let mut shape = shape.to_vec();
            shape[concatenate.axis as usize] *= 2;
            shape
        }
        Op::Rearrange(rearrange) => rearrange.output_extents(shape).ok()?,
        Op::Dot(_) => vec![1],
        Op::Argmax(_) => filters(1),
        Op::Reshape(_) => vec![shape.iter().product()],
        _ => shape.to_vec(),
    })
}

/// Two types in turns, some of them without bits.
fn types_of_channels(recipe: &Recipe, shape: &[usize]) -> Types {
    let none = FixedType::new(Format::unsigned(0, 0));
    let some = recipe.weight_type;
    let other = recipe.bias.unwrap_or(none);
    let channels = *shape.last().unwrap();
    let count = shape.iter().product();
    Types::PerElement(
        (0..count).map(|i| if (i % channels).is_multiple_of(2) { some } else { other }).collect(),
    )
}

fn window(recipe: &Recipe, shape: &[usize], dilated: bool) -> Window {
    let axes = &recipe.axes[..shape.len() - 1];
    let axis = |(kernel, stride, dilation): &(usize, usize, usize)| WindowAxis {
        kernel: *kernel,
        stride: *stride,
        dilation: if dilated { *dilation } else { 1 },
    };
    let padding = match recipe.padding {
        Padding::Causal if shape.len() > 2 => Padding::Same,
        padding => padding,
    };
    Window::new(axes.iter().map(axis).collect::<Vec<_>>(), padding)
}

fn conv(recipe: &Recipe, shape: &[usize], result: ResultType) -> Option<Conv> {
    let window = window(recipe, shape, true);
    let channels = *shape.last()?;
    let groups = chosen(recipe.groups, channels as u64) as usize;
    let n_in = window.cell_count() * channels / groups;
    let kernels = (0..groups).map(|group| kernel(recipe, n_in, recipe.filters, group)).collect();
    let depthwise = groups > 1;
    Some(Conv { window, groups: kernels, depthwise, result })
}

fn constant(recipe: &Recipe, extents: Vec<usize>, first: usize) -> Constant {
    let numbers = recipe.weights.iter().map(|w| f64::from(*w) / 4.0).cycle().skip(first * 7);
    let count = extents.iter().product();
    let numbers: Vec<f64> = numbers.take(count).collect();
    Constant::quantize(extents, &numbers, recipe.weight_type).unwrap()
}

fn kernel(recipe: &Recipe, n_in: usize, n_out: usize, group: usize) -> Kernel {
    let weight = constant(recipe, vec![n_in, n_out], group);
    let bias = recipe.bias.map(|ty| {
        let with_type = Recipe { weight_type: ty, ..recipe.clone() };
        constant(&with_type, vec![n_out], group + 1)
    });
    Kernel { weight, bias, accum: recipe.accum }
}

/// One of the divisors of a number.
fn chosen(part: f64, number: u64) -> u64 {
    let divisors: Vec<u64> = (1..=number).filter(|n| number.is_multiple_of(*n)).collect();
    divisors[(part * divisors.len() as f64) as usize]
}

/// Legal reuse and parallelization factors of a layer on an input of this shape.
fn shared(recipe: &Recipe, op: &Op, shape: &[usize]) -> Implementation {
    let kernel = op.kernel_shape().unwrap();
    Implementation {
        strategy: recipe.strategy,
        reuse_factor: match recipe.strategy {
            LayerStrategy::DistributedArithmetic => 1,
            _ => chosen(recipe.reuse, (kernel.n_in * kernel.n_out) as u64),
        },
        reuse_factor_is_fixed: true,
        multiplier: recipe.multiplier,
        parallelization_factor: Some(chosen(recipe.at_once, op.positions(shape) as u64)),
    }
}
