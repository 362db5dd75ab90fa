//! `max_pool1d` and its kin: the maximum or the average of each channel over a window.

use rtl4ml_ir::{Pool, PoolKind, Window};

use super::{LayerSpec, LayerType, Lowered};
use crate::diagnostics::Reported;
use crate::precision::TypeOrAuto;
use crate::reader::Read;

const KEYS: &[&str] = &["pool_size", "strides", "padding", "precision"];

const fn windowed(name: &'static str, read: fn(&mut LayerSpec) -> Read<Lowered>) -> LayerType {
    LayerType { name, keys: KEYS, read }
}

const fn global(name: &'static str, read: fn(&mut LayerSpec) -> Read<Lowered>) -> LayerType {
    LayerType { name, keys: &["precision"], read }
}

pub(super) const MAX_POOL1D: LayerType = windowed("max_pool1d", read_maximum);
pub(super) const MAX_POOL2D: LayerType = windowed("max_pool2d", read_maximum);
pub(super) const AVERAGE_POOL1D: LayerType = windowed("average_pool1d", read_average);
pub(super) const AVERAGE_POOL2D: LayerType = windowed("average_pool2d", read_average);
pub(super) const GLOBAL_MAX_POOL1D: LayerType = global("global_max_pool1d", read_global_maximum);
pub(super) const GLOBAL_MAX_POOL2D: LayerType = global("global_max_pool2d", read_global_maximum);
pub(super) const GLOBAL_AVERAGE_POOL1D: LayerType =
    global("global_average_pool1d", read_global_average);
pub(super) const GLOBAL_AVERAGE_POOL2D: LayerType =
    global("global_average_pool2d", read_global_average);

fn read_maximum(layer: &mut LayerSpec) -> Read<Lowered> {
    let window = pool_window(layer).map(Some);
    read(layer, PoolKind::Max, window)
}

fn read_average(layer: &mut LayerSpec) -> Read<Lowered> {
    let window = pool_window(layer).map(Some);
    read(layer, PoolKind::Average, window)
}

fn read_global_maximum(layer: &mut LayerSpec) -> Read<Lowered> {
    read(layer, PoolKind::Max, Ok(None))
}

fn read_global_average(layer: &mut LayerSpec) -> Read<Lowered> {
    read(layer, PoolKind::Average, Ok(None))
}

fn read(layer: &mut LayerSpec, kind: PoolKind, window: Read<Option<Window>>) -> Read<Lowered> {
    let types = layer.precision(&["accum", "result"]);
    let accum = types.accum?.and_then(TypeOrAuto::explicit);
    let result = types.result?.unwrap_or_default();
    Ok(Lowered::plain(Pool { kind, window: window?, accum, result }))
}

/// The window, which moves by its own size where nothing else is said.
fn pool_window(layer: &mut LayerSpec) -> Read<Window> {
    let size = match layer.per_axis("pool_size") {
        Ok(Some(size)) => Ok(size),
        Ok(None) => Err(layer.missing("pool_size", "pool_size: 2")),
        Err(reported) => Err(reported),
    };
    let cells = size.as_deref().map_err(|_| Reported);
    layer.window(cells, cells.ok())
}
