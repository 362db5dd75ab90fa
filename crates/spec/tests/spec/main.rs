//! Tests of the crate from outside: specs in, messages and networks out.
#![cfg(test)]

mod broken;
mod good;
mod hostile;
mod layers;
mod properties;
mod support;
mod weights;
