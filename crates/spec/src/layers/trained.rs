//! Keys of layers with weights: the arrays, their shapes, their types.

use rtl4ml_ir::{FixedType, Kernel, Problem, ResultType};

use super::LayerSpec;
use super::lowered::{Group, Trained};
use crate::diagnostics::Reported;
use crate::precision::{TypeOrAuto, fixed_type, result_type, type_or_auto};
use crate::reader::{self, Read, Setting};
use crate::weights::Array;
use crate::yaml::{Kind, Node};

impl LayerSpec<'_> {
    /// The array under a key that the layer cannot do without.
    pub(super) fn required_array(&mut self, key: &str) -> Read<Array> {
        match self.array(key)? {
            Some(array) => Ok(array),
            None => Err(self.missing(key, &format!("{key}: weights.npz:fc1.{key}"))),
        }
    }

    /// The array under a key, with the axes that `form` lists, e.g. `[steps, channels]`.
    pub(super) fn shaped_array(&mut self, key: &str, form: &str) -> Read<Array> {
        let array = self.required_array(key)?;
        let rank = form.split(',').count();
        if array.extents.len() == rank {
            return Ok(array);
        }
        let node = self.fields.get(key).unwrap_or(self.fields.node);
        let found = &array.extents;
        let axes = if rank == 1 { "axis" } else { "axes" };
        Err(self.mistakes.add(
            node.span,
            format!(
                "the {key}'s shape is {found:?}; that of {} has {rank} {axes}, {form} as Keras stores it",
                self.what
            ),
        ))
    }

    /// Compares a count that is given beside an array of weights with what the array says.
    pub(super) fn agree<T: PartialEq + std::fmt::Debug>(
        &mut self,
        key: &str,
        given: Option<T>,
        weight_key: &str,
        weight: &Array,
        legal: &T,
    ) -> Read<()> {
        let Some(given) = given.filter(|given| given != legal) else {
            return Ok(());
        };
        let node = self.fields.get(key).unwrap_or(self.fields.node);
        let extents = &weight.extents;
        Err(self.mistakes.add(
            node.span,
            format!(
                "`{key}` is {given:?}, but the {weight_key}'s shape is {extents:?}; legal here: {legal:?}"
            ),
        ))
    }

    /// The bias, which `use_bias` must not contradict.
    pub(super) fn bias(&mut self) -> Setting<Array> {
        let bias = self.array("bias");
        let use_bias = self.setting("use_bias", reader::boolean)?;
        let place = self.fields.get("use_bias").unwrap_or(self.fields.node).span;
        match (use_bias, self.fields.get("bias")) {
            (Some(false), Some(_)) => Err(self.mistakes.add_with_help(
                place,
                "`use_bias` is false, but there is a `bias`",
                "remove one of the two".to_owned(),
            )),
            (Some(true), None) => Err(self.mistakes.add_with_help(
                place,
                "`use_bias` is true, but there is no `bias`",
                "write e.g. `bias: weights.npz:fc1.bias`".to_owned(),
            )),
            _ => bias,
        }
    }

    /// Tells when the bias has not one number for each of so many features.
    pub(super) fn check_bias(&mut self, bias: Option<&Array>, n_out: usize) -> Read<()> {
        let Some(bias) = bias.filter(|bias| bias.extents != [n_out]) else {
            return Ok(());
        };
        let node = self.fields.get("bias").unwrap_or(self.fields.node);
        let problem = Problem::BiasShape { found: bias.extents.clone(), n_out };
        Err(self.mistakes.add(node.span, format!("{}: {problem}", self.what)))
    }

    /// The weights of a layer, under `key`, with the types that its precision gives for them;
    /// none for a bias where it can have none.
    pub(super) fn trained(
        &mut self,
        groups: Read<Vec<Group>>,
        key: &str,
        weight_type: Setting<FixedType>,
        bias_type: Option<Setting<FixedType>>,
        accum: Setting<TypeOrAuto>,
    ) -> Read<Trained> {
        // Types are asked for where there is something to round, whatever else is wrong with it.
        let weight_type = self.type_of(key, weight_type);
        let bias_type = bias_type.map_or(Ok(None), |ty| self.type_of("bias", ty));
        let accum = accum?.and_then(TypeOrAuto::explicit);
        let (weight_type, bias_type) = (weight_type?, bias_type?);
        // That the weights are missing has been told where there is no type of them.
        let weight_type = weight_type.ok_or(Reported);
        Ok(Trained { groups: groups?, weight_type: weight_type?, bias_type, accum, fold_count: 0 })
    }

    /// The type of the numbers under a key, without which they cannot be rounded if they are
    /// there.
    fn type_of(&mut self, key: &str, ty: Setting<FixedType>) -> Setting<FixedType> {
        match ty {
            Ok(None) if self.fields.get(key).is_some() => Err(self.missing_type(key)),
            ty => ty,
        }
    }

    /// The kernels of the weights, rounded into their types.
    pub(super) fn kernels(&mut self, trained: &Trained) -> Read<Vec<Kernel>> {
        trained.kernels().map_err(|(key, error)| {
            let node = self.fields.get(key).unwrap_or(self.fields.node);
            self.mistakes.add(node.span, format!("`{key}`: {error}"))
        })
    }

    /// A type that only the layer's own `precision` can give.
    pub(super) fn own_type(&mut self, key: &str) -> Setting<FixedType> {
        self.own_precision_entry(key)
            .map(|node| fixed_type(node, &format!("`{key}`"), self.mistakes))
            .transpose()
    }

    /// A type that only the layer's own `precision` can give, or `auto`.
    pub(super) fn own_type_or_auto(&mut self, key: &str) -> Setting<TypeOrAuto> {
        self.own_precision_entry(key)
            .map(|node| type_or_auto(node, &format!("`{key}`"), self.mistakes))
            .transpose()
    }
}

impl LayerSpec<'_> {
    /// The types of a result that only the layer's own `precision` can give.
    pub(super) fn own_result(&mut self, key: &str) -> Setting<ResultType> {
        let node = self.own_precision_entry(key);
        node.map(|node| result_type(node, &format!("`{key}`"), Some(self.weights), self.mistakes))
            .transpose()
    }
}

impl<'s> LayerSpec<'s> {
    /// What the layer's `precision`, where that is a mapping, has under a key.
    fn own_precision_entry(&self, key: &str) -> Option<&'s Node> {
        let node: &'s Node = self.fields.get("precision")?;
        match node.kind {
            Kind::Mapping(_) => node.entry(key).map(|entry| &entry.value),
            _ => None,
        }
    }
}
