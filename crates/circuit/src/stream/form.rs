//! How a layer works on a stream: pixel by pixel, window by window, or on whole frames.

use std::borrow::Cow;

use rtl4ml_ir::{
    Conv, Dense, LeakyRelu, Op, Padding, Pool, PoolKind, Range, Rearrange, ResultType, Shape,
    Sliding, TensorType, Types, Window, WindowAxis,
};

use super::scan::{Scan, ScanAxis};

/// How a layer works on a stream.
#[derive(Debug)]
pub enum Form {
    /// Not at all: the same transfers are another tensor.
    Alias,
    /// One transfer of each input makes one of the result, by this operation on channels alone.
    Pixel(Op),
    /// Each window of the input makes a transfer of the result: by this operation on an image of
    /// the window's size, or as it is.
    Window(Scan, Option<Op>),
    /// All of the inputs make all of the result.
    Frame,
}

/// The transfers of a tensor: what one holds, and how many there are.
///
/// `None` where the channels of two pixels have different formats, so that no transfer has one
/// meaning.
pub fn transfers(tensor: &TensorType) -> Option<(TensorType, usize)> {
    let channels = tensor.shape.last_extent();
    let count = tensor.element_count() / channels;
    let alike = |index: usize| tensor.format(index) == tensor.format(index % channels);
    if tensor.common_format().is_none() && !(0..tensor.element_count()).all(alike) {
        return None;
    }
    let sources: Vec<Option<usize>> = (0..channels).map(Some).collect();
    let mut transfer = tensor.gathered(Shape::new([channels])?, &sources);
    for (index, range) in tensor.ranges.iter().enumerate() {
        let all: &mut Range = &mut transfer.ranges[index % channels];
        *all = all.union(*range);
    }
    Some((transfer, count))
}

/// Whether a layer's result is its input, transfer by transfer: a reshape that leaves the channels.
pub fn is_alias(op: &Op, input: &TensorType, output: &TensorType) -> bool {
    matches!(op, Op::Reshape(_)) && output.shape.extents().last() == input.shape.extents().last()
}

/// The form of a layer on inputs of these types.
pub fn form(op: &Op, inputs: &[&TensorType], output: &TensorType) -> Form {
    let counts: Option<Vec<(TensorType, usize)>> =
        inputs.iter().map(|input| transfers(input)).collect();
    let (Some(counts), Some((_, count))) = (counts, transfers(output)) else {
        return Form::Frame;
    };
    let Some(op) = of_one_transfer(op, output, count) else {
        return Form::Frame;
    };
    let op = op.as_ref();
    let extents = inputs[0].shape.extents();
    let window = match op {
        Op::Reshape(_) if is_alias(op, inputs[0], output) => return Form::Alias,
        Op::Conv(conv) if !is_point(&conv.window) => conv_form(conv, extents, &counts[0].0),
        Op::Pool(pool) => pool_form(pool, extents, &counts[0].0),
        Op::Rearrange(rearrange) => moved_form(rearrange, extents, &counts[0].0),
        _ => None,
    };
    if let Some(form) = window {
        return form;
    }
    let channels = counts[0].0.element_count();
    match pixel_op(op, inputs, channels) {
        Some(op) if counts.iter().all(|(_, other)| *other == count) => Form::Pixel(op),
        _ => Form::Frame,
    }
}

/// The operation with the types of one transfer of its result; `None` where another transfer has
/// other types.
fn of_one_transfer<'a>(op: &'a Op, output: &TensorType, count: usize) -> Option<Cow<'a, Op>> {
    let ResultType::Cast(Types::PerElement(types)) = op.result_type() else {
        return Some(Cow::Borrowed(op));
    };
    let (first, rest) = types.split_at(output.element_count() / count);
    if rest.chunks(first.len()).any(|other| other != first) {
        return None;
    }
    let mut of_one = op.clone();
    of_one.set_result_types(Types::PerElement(first.to_vec()));
    Some(Cow::Owned(of_one))
}

/// Whether a window is one cell that goes to every pixel.
fn is_point(window: &Window) -> bool {
    window.axes.iter().all(|axis| axis.kernel == 1 && axis.stride == 1)
}

/// The operation on the channels of one pixel that a layer does on each.
fn pixel_op(op: &Op, inputs: &[&TensorType], channels: usize) -> Option<Op> {
    let rank = inputs[0].shape.rank() as i32;
    match op {
        Op::Conv(conv) if conv.groups.len() == 1 => {
            let (kernel, result) = (conv.groups[0].clone(), conv.result.clone());
            Some(Dense { kernel, result }.into())
        }
        Op::Conv(conv) => {
            let window = Window::new(point_axes(2), Padding::Valid);
            Some(Conv { window, ..conv.clone() }.into())
        }
        // One slope for all, or one a channel: no axis but the last is longer than 1.
        Op::LeakyRelu(leaky) => {
            let LeakyRelu { mut alpha, result } = leaky.clone();
            let last = alpha.extents.pop();
            let is_pixel =
                last.is_none_or(|last| last == alpha.len() && [1, channels].contains(&last));
            alpha.extents = last.into_iter().collect();
            is_pixel.then(|| LeakyRelu { alpha, result }.into())
        }
        Op::Merge(_) => {
            let same = inputs.iter().all(|input| input.shape == inputs[0].shape);
            same.then(|| op.clone())
        }
        Op::Concatenate(concatenate) => {
            let is_last = [-1, rank - 1].contains(&concatenate.axis);
            is_last.then(|| {
                let mut concatenate = concatenate.clone();
                concatenate.axis = -1;
                concatenate.into()
            })
        }
        Op::Dense(_)
        | Op::BatchNorm(_)
        | Op::Relu(_)
        | Op::Clamp(_)
        | Op::Step(_)
        | Op::Function(_)
        | Op::Softmax(_)
        | Op::Argmax(_)
        | Op::Quantize(_) => Some(op.clone()),
        Op::Pool(_) | Op::Dot(_) | Op::Reshape(_) | Op::Rearrange(_) => None,
    }
}

fn point_axes(rank: usize) -> Vec<WindowAxis> {
    vec![WindowAxis { kernel: 1, stride: 1, dilation: 1 }; rank]
}

/// The scan of a window over an image.
fn window_scan(sliding: &Sliding, pixel: &TensorType, padding: Vec<i128>) -> Scan {
    let rows = ScanAxis::of_window(&sliding.rows);
    let columns = ScanAxis::of_window(&sliding.columns);
    Scan { rows, columns, pixel: pixel.clone(), padding }
}

/// The window that covers an image of its own size once, as an image with two axes.
fn own_window(sliding: &Sliding) -> Window {
    let axis = |kernel| WindowAxis { kernel, stride: 1, dilation: 1 };
    let axes = [sliding.rows.window.kernel, sliding.columns.window.kernel].map(axis);
    Window::new(axes, Padding::Valid)
}

fn conv_form(conv: &Conv, extents: &[usize], pixel: &TensorType) -> Option<Form> {
    let sliding = conv.slide(extents).ok()?;
    let scan = window_scan(&sliding, pixel, vec![0; pixel.element_count()]);
    let conv = Conv { window: own_window(&sliding), ..conv.clone() };
    Some(Form::Window(scan, Some(conv.into())))
}

fn pool_form(pool: &Pool, extents: &[usize], pixel: &TensorType) -> Option<Form> {
    let window = pool.window.as_ref()?;
    let sliding = window.slide(extents).ok()?;
    // What is beyond the image is as small as anything on it, and so never wins.
    let padding = pixel.ranges.iter().map(|range| range.lo).collect();
    let scan = window_scan(&sliding, pixel, padding);
    // The number of cells that an average counts would differ from window to window.
    if pool.kind == PoolKind::Average && scan.has_padding() {
        return None;
    }
    let pool = Pool { window: Some(own_window(&sliding)), ..pool.clone() };
    Some(Form::Window(scan, Some(pool.into())))
}

fn moved_form(rearrange: &Rearrange, extents: &[usize], pixel: &TensorType) -> Option<Form> {
    type Axis = fn(usize, (usize, usize)) -> ScanAxis;
    let (ends, axis): (_, Axis) = match rearrange {
        Rearrange::ZeroPadding(ends) => (ends, ScanAxis::padded),
        Rearrange::Cropping(ends) => (ends, ScanAxis::cropped),
        Rearrange::Permute(_) | Rearrange::UpSampling(_) => return None,
    };
    let (rows, columns) = match (ends.as_slice(), extents) {
        ([columns], [width, _]) => (ScanAxis::plain(1), axis(*width, *columns)),
        ([rows, columns], [height, width, _]) => (axis(*height, *rows), axis(*width, *columns)),
        _ => return None,
    };
    let padding = vec![0; pixel.element_count()];
    Some(Form::Window(Scan { rows, columns, pixel: pixel.clone(), padding }, None))
}
