//! The parameters of a node.

use std::collections::HashMap;

use super::proto::{AttributeProto, TensorProto};
use crate::tensor::Tensor;

/// The parameters of a node, by their names.
#[derive(Default)]
pub struct Attributes {
    values: HashMap<String, Value>,
}

enum Value {
    Float(f64),
    Integer(i64),
    Text(String),
    Tensor(Tensor),
    Floats(Vec<f64>),
    Integers(Vec<i64>),
    /// A graph, or what else no imported operator has.
    Other,
}

impl Attributes {
    /// Reads the parameters; `tensor` reads those that are tensors.
    ///
    /// # Errors
    /// What `tensor` finds.
    pub fn read(
        protos: &[AttributeProto],
        mut tensor: impl FnMut(&TensorProto) -> Result<Tensor, String>,
    ) -> Result<Self, String> {
        let mut values = HashMap::new();
        for proto in protos {
            let value = match proto.r#type {
                1 => Value::Float(f64::from(proto.f)),
                2 => Value::Integer(proto.i),
                3 => Value::Text(String::from_utf8_lossy(&proto.s).into_owned()),
                4 => match &proto.t {
                    Some(proto) => Value::Tensor(tensor(proto)?),
                    None => Value::Other,
                },
                6 => Value::Floats(proto.floats.iter().map(|number| f64::from(*number)).collect()),
                7 => Value::Integers(proto.ints.clone()),
                _ => Value::Other,
            };
            values.insert(proto.name.clone(), value);
        }
        Ok(Self { values })
    }

    /// A number, or the operator's default.
    pub fn float(&self, name: &str, default: f64) -> f64 {
        match self.values.get(name) {
            Some(Value::Float(value)) => *value,
            Some(Value::Integer(value)) => *value as f64,
            _ => default,
        }
    }

    /// An integer.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.values.get(name) {
            Some(Value::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.integer(name).map_or(default, |value| value != 0)
    }

    /// A word.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Value::Text(value)) => Some(value),
            _ => None,
        }
    }

    /// Integers.
    pub fn integers(&self, name: &str) -> Option<&[i64]> {
        match self.values.get(name) {
            Some(Value::Integers(values)) => Some(values),
            _ => None,
        }
    }

    /// The constant that a node gives, by whichever of the names of its value.
    pub fn constant(&self) -> Option<Tensor> {
        let (name, value) = self.values.iter().find(|(name, _)| name.starts_with("value"))?;
        match (name.as_str(), value) {
            (_, Value::Tensor(tensor)) => Some(tensor.clone()),
            (_, Value::Float(value)) => Tensor::new(Vec::new(), vec![*value]),
            (_, Value::Integer(value)) => {
                let tensor = Tensor::new(Vec::new(), vec![*value as f64])?;
                Some(Tensor { is_integer: true, ..tensor })
            }
            (_, Value::Floats(values)) => Tensor::new(vec![values.len()], values.clone()),
            (_, Value::Integers(values)) => {
                Some(Tensor::integers(values.iter().map(|value| *value as f64).collect()))
            }
            (_, Value::Text(_) | Value::Other) => None,
        }
    }
}
