// SPDX-License-Identifier: Apache-2.0
//! The items of a key as bytes: a form, then the hash of each item and the tile of its newest sighting.

use super::{FEW, FewItems, Items, Newest};
use crate::Item;
use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::sample::Sample;

/// Bytes that an item takes at least.
const LEAST: usize = 9;

impl Stored for Items {
    fn parts(&self) -> usize {
        match self {
            Items::None | Items::One { .. } => 0,
            Items::Few(few) => few.len(),
            Items::Many(many) => many.parts(),
        }
    }

    fn encode(&self, pen: &mut Pen<'_>) {
        match self {
            Items::None => pen.byte(0),
            Items::One { tile, item } => {
                pen.byte(1);
                Newest { item: *item, tile: *tile }.encode(pen);
            }
            Items::Few(few) => {
                pen.byte(2);
                pen.number(few.len() as u64);
                few.iter().for_each(|held| held.encode(pen));
            }
            Items::Many(many) => {
                pen.byte(3);
                many.encode(pen);
            }
        }
    }

    fn decode(from: &mut Source<'_>) -> Result<Items, Unreadable> {
        Ok(match from.byte()? {
            0 => Items::None,
            1 => {
                let Newest { item, tile } = Newest::decode(from)?;
                Items::One { tile, item }
            }
            2 => {
                let count = from.count(LEAST)?;
                if count > FEW {
                    return Err(Unreadable::No("few that are so many"));
                }
                let few: Result<FewItems, _> = (0..count).map(|_| Newest::decode(from)).collect();
                Items::Few(Box::new(few?))
            }
            3 => Items::Many(Box::new(Sample::decode(from)?)),
            _ => return Err(Unreadable::No("form of items")),
        })
    }
}

impl Newest {
    fn encode(self, pen: &mut Pen<'_>) {
        pen.tile(self.tile);
        pen.hash(self.item.0);
    }

    fn decode(from: &mut Source<'_>) -> Result<Newest, Unreadable> {
        Ok(Newest { tile: from.tile()?, item: Item(from.hash()?) })
    }
}
