// SPDX-License-Identifier: Apache-2.0
//! How fast one would have to be to come here from the place seen last.
//!
//! Sines come from `libm`, written in Rust: a system's own differ in the last bit, and a replay must not.

use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::generations::Cell;
use crate::table::{Counter, Table};
use crate::window::{Moment, Sight};
use crate::{Key, Reading, Sighting, limits};
use wardroom_event::Micros;

/// The newest place of a key.
#[derive(Default)]
pub(crate) enum Whereabouts {
    /// None.
    #[default]
    Unknown,
    /// Where and when.
    Known { tile: u32, time: Micros, place: Place },
}

/// Degrees in ten-millionths, which is a centimetre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    lat: i32,
    lon: i32,
}

const PER_DEGREE: f64 = 1e7;

impl Place {
    /// `None` where it is no place on Earth.
    fn new(lat: f64, lon: f64) -> Option<Place> {
        let valid = lat.abs() <= 90.0 && lon.abs() <= 180.0;
        valid
            .then(|| Place { lat: (lat * PER_DEGREE).round() as i32, lon: (lon * PER_DEGREE).round() as i32 })
    }

    fn radians(self) -> (f64, f64) {
        let radians = |x: i32| (f64::from(x) / PER_DEGREE).to_radians();
        (radians(self.lat), radians(self.lon))
    }

    /// The great circle's length in kilometres, by the haversine formula.
    fn distance(self, to: Place) -> f64 {
        let ((lat, lon), (to_lat, to_lon)) = (self.radians(), to.radians());
        let half = |x: f64| {
            let sin = libm::sin(x / 2.0);
            sin * sin
        };
        let a = half(to_lat - lat) + libm::cos(lat) * libm::cos(to_lat) * half(to_lon - lon);
        2.0 * limits::EARTH_KM * libm::asin(a.min(1.0).sqrt())
    }
}

impl Cell for Whereabouts {
    fn heap(&self) -> usize {
        0
    }
}

impl Counter for Whereabouts {
    type Rule = ();

    fn add(table: &mut Table<Whereabouts>, key: Key, sighting: Sighting<'_>, time: Micros) {
        if let Some(place) = place(sighting) {
            table.see(key, time, |whereabouts, at| whereabouts.add(place, at));
        }
    }

    fn arrives(sighting: Sighting<'_>) -> bool {
        place(sighting).is_some()
    }

    fn read(
        table: &Table<Whereabouts>,
        view: usize,
        key: Key,
        now: Micros,
        with: Option<Sighting<'_>>,
    ) -> Reading {
        let speed = with.and_then(place).and_then(|here| {
            let (whereabouts, sight) = table.find(view, key, now)?;
            whereabouts.speed(sight, here, now)
        });
        Reading::Speed(speed)
    }
}

impl Whereabouts {
    fn add(&mut self, place: Place, at: Moment) {
        match self {
            Whereabouts::Known { time, .. } if *time > at.time => (),
            _ => *self = Whereabouts::Known { tile: at.tile, time: at.time, place },
        }
    }

    /// In kilometres an hour.
    fn speed(&self, sight: Sight, here: Place, now: Micros) -> Option<f64> {
        match self {
            Whereabouts::Known { tile, time, place } if sight.keeps(*tile) && *time <= now => {
                let hours = now.since(*time).max(limits::SPEED_OVER).as_secs_f64() / 3600.0;
                Some(place.distance(here) / hours)
            }
            _ => None,
        }
    }
}

/// The place of a sighting that has one.
fn place(sighting: Sighting<'_>) -> Option<Place> {
    match sighting {
        Sighting::Place { lat, lon } => Place::new(lat, lon),
        _ => None,
    }
}

impl Stored for Whereabouts {
    fn encode(&self, pen: &mut Pen<'_>) {
        match self {
            Whereabouts::Unknown => pen.byte(0),
            Whereabouts::Known { tile, time, place } => {
                pen.byte(1);
                pen.tile(*tile);
                pen.signed(time.0);
                pen.signed(place.lat.into());
                pen.signed(place.lon.into());
            }
        }
    }

    fn decode(from: &mut Source<'_>) -> Result<Whereabouts, Unreadable> {
        Ok(match from.byte()? {
            0 => Whereabouts::Unknown,
            1 => {
                let (tile, time) = (from.tile()?, Micros(from.signed()?));
                let mut degrees =
                    || i32::try_from(from.signed()?).map_err(|_| Unreadable::No("place on Earth"));
                Whereabouts::Known { tile, time, place: Place { lat: degrees()?, lon: degrees()? } }
            }
            _ => return Err(Unreadable::No("form of a place")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distances from another implementation of the same formula.
    #[test]
    fn distances_are_great_circles() {
        let check = |from: (f64, f64), to: (f64, f64), expect: f64| {
            let (from, to) = (Place::new(from.0, from.1).unwrap(), Place::new(to.0, to.1).unwrap());
            let km = from.distance(to);
            assert!((km - expect).abs() < 0.001, "{km} is not {expect}");
            assert_eq!(km, to.distance(from));
        };
        check((0.0, 0.0), (0.0, 0.0), 0.0);
        check((0.0, 0.0), (0.0, 180.0), 20_015.114);
        check((90.0, 0.0), (-90.0, 77.0), 20_015.114);
        check((0.0, -180.0), (0.0, 180.0), 0.0);
        check((0.0, 0.0), (0.0, 1.0), 111.195);
        check((52.52, 13.405), (48.8566, 2.3522), 877.465);
        check((40.7128, -74.006), (-33.8688, 151.2093), 15_988.778);
    }

    #[test]
    fn what_is_not_on_earth_is_no_place() {
        let check = |lat: f64, lon: f64, expect: bool| assert_eq!(Place::new(lat, lon).is_some(), expect);
        check(90.0, -180.0, true);
        check(90.1, 0.0, false);
        check(0.0, 180.1, false);
        check(f64::NAN, 0.0, false);
        check(0.0, f64::INFINITY, false);
    }

    #[test]
    fn a_cell_is_24_bytes() {
        assert_eq!(size_of::<Whereabouts>(), 24);
    }
}
