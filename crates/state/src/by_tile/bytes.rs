// SPDX-License-Identifier: Apache-2.0
//! The parts of a key as bytes: a form, then a part for each tile.

use super::{ByTile, Part};
use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::strip::Strip;

/// A part that can be written and read again.
pub(crate) trait StoredPart: Part {
    /// Bytes that one takes at least.
    const LEAST: usize;

    fn encode(&self, pen: &mut Pen<'_>);
    fn decode(from: &mut Source<'_>) -> Result<Self, Unreadable>;
}

impl<P: StoredPart> Stored for ByTile<P> {
    fn parts(&self) -> usize {
        match self {
            ByTile::None | ByTile::One { .. } => 0,
            ByTile::Many(strip) => strip.tiles().len(),
        }
    }

    fn encode(&self, pen: &mut Pen<'_>) {
        match self {
            ByTile::None => pen.byte(0),
            ByTile::One { tile, part } => {
                pen.byte(1);
                pen.tile(*tile);
                P::large(*part).encode(pen);
            }
            ByTile::Many(strip) => {
                pen.byte(2);
                strip.write(pen, P::encode);
            }
        }
    }

    fn decode(from: &mut Source<'_>) -> Result<ByTile<P>, Unreadable> {
        Ok(match from.byte()? {
            0 => ByTile::None,
            1 => {
                let (tile, part) = (from.tile()?, P::decode(from)?);
                let part = part.small().ok_or(Unreadable::No("part so small"))?;
                ByTile::One { tile, part }
            }
            2 => ByTile::Many(Box::new(Strip::read(from, P::LEAST, P::decode)?)),
            _ => return Err(Unreadable::No("form of parts")),
        })
    }
}
