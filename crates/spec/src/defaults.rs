//! `defaults`: what layers and inputs share unless they say otherwise.

use rtl4ml_ir::{MultiplierStyle, Strategy};

use crate::diagnostics::{Mistakes, Reported};
use crate::layers::{multiplier, strategy};
use crate::precision::{Precision, default_precision};
use crate::reader::{self, Fields, Setting};
use crate::yaml::Node;

/// The defaults of a spec.
pub(crate) struct Defaults {
    pub precision: Precision,
    pub strategy: Setting<Strategy>,
    pub reuse_factor: Setting<u64>,
    pub multiplier: Setting<MultiplierStyle>,
}

impl Defaults {
    fn none() -> Self {
        Self {
            precision: Precision::default(),
            strategy: Ok(None),
            reuse_factor: Ok(None),
            multiplier: Ok(None),
        }
    }

    fn reported(reported: Reported) -> Self {
        Self {
            precision: Precision::reported(reported),
            strategy: Err(reported),
            reuse_factor: Err(reported),
            multiplier: Err(reported),
        }
    }
}

/// Reads `defaults`.
pub(crate) fn read_defaults(node: Option<&Node>, mistakes: &mut Mistakes) -> Defaults {
    let Some(node) = node else {
        return Defaults::none();
    };
    let keys = ["precision", "strategy", "reuse_factor", "multiplier"];
    let fields = match Fields::open(node, "`defaults`", &[&keys], mistakes) {
        Ok(fields) => fields,
        Err(reported) => return Defaults::reported(reported),
    };
    Defaults {
        precision: fields
            .get("precision")
            .map(|node| default_precision(node, mistakes))
            .unwrap_or_default(),
        strategy: fields.setting("strategy", |node| strategy(node, "`strategy`", mistakes)),
        reuse_factor: fields
            .setting("reuse_factor", |node| reader::count(node, "`reuse_factor`", mistakes)),
        multiplier: fields.setting("multiplier", |node| multiplier(node, "`multiplier`", mistakes)),
    }
}
