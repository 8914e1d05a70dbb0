//! UTF-16 that is nearly always ASCII, half as wide.

/// Code units that room is made for at a time: text of many scripts would make room for all of its rest again and again.
const TOGETHER: usize = 256;

/// Appends the code units before the first that is no ASCII character, or NUL, and says how many there were. Only ASCII
/// is appended, and nothing else is changed.
pub(super) fn append(units: &[[u8; 2]], text: &mut Vec<u8>) -> usize {
    let mut all = 0;
    for units in units.chunks(TOGETHER) {
        let start = text.len();
        text.resize(start + units.len(), 0);
        let room = text.get_mut(start..).unwrap_or_default();
        let narrowed = narrow_all(units, room);
        text.truncate(start + narrowed);
        all += narrowed;
        if narrowed < units.len() {
            break;
        }
    }
    all
}

/// Narrows into room for all of them. What is in the room behind the last that was narrowed is ASCII too.
fn narrow_all(units: &[[u8; 2]], room: &mut [u8]) -> usize {
    let mut done = 0;
    while let Some(block) = units.get(done..).and_then(<[_]>::first_chunk::<16>) {
        if !narrow_at(block, room, done) {
            return done + one_by_one(units, room, done);
        }
        done += 16;
    }
    // What is left is narrowed together with some before it, or with itself.
    let length = units.len();
    let is_done = match length - done {
        0 => true,
        _ if length >= 16 => ends::<16>(units, room),
        8.. => ends::<8>(units, room),
        4.. => ends::<4>(units, room),
        _ => false,
    };
    if is_done {
        length
    } else {
        done + one_by_one(units, room, done)
    }
}

/// Narrows the first and the last so many.
fn ends<const N: usize>(units: &[[u8; 2]], room: &mut [u8]) -> bool {
    let (Some(first), Some(last)) = (units.first_chunk::<N>(), units.last_chunk::<N>()) else {
        return false;
    };
    narrow_at(first, room, 0) && narrow_at(last, room, units.len() - N)
}

/// Narrows some when all are ASCII characters but NUL. Without branches, so that it is done with vectors.
#[inline]
fn narrow_at<const N: usize>(units: &[[u8; 2]; N], room: &mut [u8], at: usize) -> bool {
    let mut text = [0; N];
    let mut other = 0u8;
    for (place, [low, high]) in text.iter_mut().zip(units) {
        *place = *low;
        other |= high | (low & 0x80) | u8::from(*low == 0);
    }
    match room.get_mut(at..).and_then(<[_]>::first_chunk_mut) {
        Some(place) if other == 0 => {
            *place = text;
            true
        }
        _ => false,
    }
}

fn one_by_one(units: &[[u8; 2]], room: &mut [u8], from: usize) -> usize {
    let mut done = 0;
    for (place, unit) in room.iter_mut().zip(units).skip(from) {
        let [low @ 1..=0x7f, 0] = *unit else {
            break;
        };
        *place = low;
        done += 1;
    }
    done
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_before_the_first_other_character_is_appended(
            plain in "[ -~]{0,70}|[a-z]{250,600}",
            other in prop::option::of(prop_oneof![Just(0), 0x80..=u16::MAX]),
            rest in "[ -~]{0,40}",
        ) {
            let units: Vec<[u8; 2]> = plain
                .encode_utf16()
                .chain(other)
                .chain(rest.encode_utf16().filter(|_| other.is_some()))
                .map(u16::to_le_bytes)
                .collect();
            let mut text = b"before ".to_vec();
            prop_assert_eq!(append(&units, &mut text), plain.len());
            prop_assert_eq!(text, format!("before {plain}").into_bytes());
        }
    }
}
