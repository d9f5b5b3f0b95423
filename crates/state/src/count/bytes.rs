// SPDX-License-Identifier: Apache-2.0
//! The counts of a key as bytes: a form, then a number for each tile.

use super::Tiles;
use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::strip::Strip;

/// Forms of a cell: how many tiles stand in it, or that they are in a strip.
const MANY: u8 = 3;

impl Stored for Tiles {
    fn parts(&self) -> usize {
        match self {
            Tiles::Few { .. } => 0,
            Tiles::Many(strip) => strip.tiles().len(),
        }
    }

    fn encode(&self, pen: &mut Pen<'_>) {
        match self {
            Tiles::Few { counts: [0, _], .. } => pen.byte(0),
            Tiles::Few { gap, tile, counts } => {
                let both = counts[1] > 0;
                pen.byte(1 + u8::from(both));
                pen.tile(*tile);
                pen.number(counts[0].into());
                if both {
                    pen.number((*gap).into());
                    pen.number(counts[1].into());
                }
            }
            Tiles::Many(strip) => {
                pen.byte(MANY);
                strip.write(pen, |count, pen| pen.number((*count).into()));
            }
        }
    }

    fn decode(from: &mut Source<'_>) -> Result<Tiles, Unreadable> {
        Ok(match from.byte()? {
            0 => Tiles::default(),
            both @ (1 | 2) => {
                let (tile, mut counts, mut gap) = (from.tile()?, [from.small()?, 0], 0);
                if both == 2 {
                    (gap, counts[1]) = (from.small()?, from.small()?);
                }
                Tiles::Few { gap, tile, counts }
            }
            MANY => Tiles::Many(Box::new(Strip::read(from, 1, |from| from.small())?)),
            _ => return Err(Unreadable::No("form of counts")),
        })
    }
}
