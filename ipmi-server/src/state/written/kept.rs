//! What is kept of written parameters: their data as on the wire.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::Written;

/// Parameter, set, data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedParameters(Vec<(u8, u8, ByteBuf)>);

impl From<&Written> for SavedParameters {
    fn from(written: &Written) -> Self {
        let values = written.values.iter();
        Self(
            values
                .map(|((parameter, set), data)| (*parameter, *set, ByteBuf::from(&**data)))
                .collect(),
        )
    }
}

impl From<SavedParameters> for Written {
    fn from(saved: SavedParameters) -> Self {
        let values = saved.0.into_iter();
        Self {
            values: values
                .map(|(parameter, set, data)| ((parameter, set), data.into_vec().into_boxed_slice()))
                .collect(),
        }
    }
}
