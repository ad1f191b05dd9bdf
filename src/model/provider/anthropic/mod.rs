//! The Messages protocol.
//!
//! Bodies keep to what version 2023-06-01 and its successors share: no sampling parameters, no forced
//! tools, no prefill, thinking only as the model takes it. Source: Messages API reference.

mod decode;
mod encode;

pub(in crate::model) use decode::Decoder;
pub(in crate::model) use encode::encode;

/// The version header: gateways and local servers know no later one.
pub(in crate::model) const VERSION: &str = "2023-06-01";
