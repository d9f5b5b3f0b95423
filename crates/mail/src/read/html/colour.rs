// SPDX-License-Identifier: Apache-2.0
//! Colours, as far as it must be known whether two of them can be told apart.

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

/// What a page has unless it says otherwise.
pub(super) const WHITE: Colour = [255; 3];

/// Names that mail uses.
const NAMES: [(&str, Colour); 20] = [
    ("white", WHITE),
    ("black", [0; 3]),
    ("red", [255, 0, 0]),
    ("green", [0, 128, 0]),
    ("blue", [0, 0, 255]),
    ("yellow", [255, 255, 0]),
    ("gray", [128; 3]),
    ("grey", [128; 3]),
    ("silver", [192; 3]),
    ("maroon", [128, 0, 0]),
    ("navy", [0, 0, 128]),
    ("orange", [255, 165, 0]),
    ("purple", [128, 0, 128]),
    ("snow", [255, 250, 250]),
    ("ivory", [255, 255, 240]),
    ("whitesmoke", [245; 3]),
    ("ghostwhite", [248, 248, 255]),
    ("floralwhite", [255, 250, 240]),
    ("lightgray", [211; 3]),
    ("lightgrey", [211; 3]),
];

/// The colour that a value begins with.
pub(super) fn parse(value: &str) -> Option<Colour> {
    let value = value.trim();
    if let Some(digits) = value.strip_prefix('#') {
        return hex(digits);
    }
    if let Some(inner) =
        value.strip_prefix("rgb").and_then(|rest| rest.trim_start_matches('a').strip_prefix('('))
    {
        let mut numbers = inner.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        let mut next = || numbers.next()?.parse::<u16>().ok().map(|n| n.min(255) as u8);
        return Some([next()?, next()?, next()?]);
    }
    let word = value.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    let named = NAMES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|&(_, colour)| colour);
    // `bgcolor=ffffff`: the `#` is often left out.
    named.or_else(|| (word.len() == 6).then(|| hex(word)).flatten())
}

fn hex(digits: &str) -> Option<Colour> {
    let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
    let number = |at: usize, width: usize| u8::from_str_radix(digits.get(at..at + width)?, 16).ok();
    match length {
        3 | 4 => Some([number(0, 1)? * 17, number(1, 1)? * 17, number(2, 1)? * 17]),
        6 | 8 => Some([number(0, 2)?, number(2, 2)?, number(4, 2)?]),
        _ => None,
    }
}

/// Whether no eye tells them apart.
pub(super) fn alike(one: Colour, other: Colour) -> bool {
    one.iter().zip(other).all(|(one, other)| one.abs_diff(other) <= 12)
}
