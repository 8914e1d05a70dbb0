//! Reading the numbers and extra fields that central and local headers share.

use vigie_event::Timestamp;

pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
pub(super) const END64: [u8; 4] = *b"PK\x06\x06";
pub(super) const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
pub(super) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// Length of the fixed part of a local header.
pub(super) const LOCAL_LENGTH: usize = 30;
/// Length of the fixed part of a central header.
pub(super) const CENTRAL_LENGTH: usize = 46;

/// A 32-bit field that says: look into the zip64 extra field.
const IN_EXTRA: u64 = u32::MAX as u64;

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..at + 2)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}

/// What extra fields add.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// Last write, UTC.
    pub(super) modified: Option<Timestamp>,
    /// Creation, UTC.
    pub(super) created: Option<Timestamp>,
}

/// Reads extra fields. `wide` are size, packed size and header offset: those that say [`IN_EXTRA`] are replaced.
pub(super) fn extra(bytes: &[u8], wide: &mut [&mut u64]) -> Extra {
    let mut found = Extra::default();
    let mut rest = bytes;
    while rest.len() >= 4 {
        let (id, length) = (u16_at(rest, 0), usize::from(u16_at(rest, 2)));
        let Some(field) = rest.get(4..4 + length) else {
            break;
        };
        match id {
            0x0001 => zip64(field, wide),
            // NTFS: a reserved word, then attribute 1 with three FILETIMEs: write, access, creation.
            0x000a if u16_at(field, 4) == 1 && field.len() >= 32 => {
                found.modified = filetime(u64_at(field, 8));
                found.created = filetime(u64_at(field, 24));
            }
            // Extended timestamp: Unix seconds of the last write, when its bit is set.
            0x5455 if field.len() >= 5 && field[0] & 1 != 0 && found.modified.is_none() => {
                let seconds = i64::from(u32_at(field, 1).cast_signed());
                found.modified = seconds.checked_mul(vigie_event::MICROS_PER_SECOND);
            }
            _ => {}
        }
        rest = &rest[4 + length..];
    }
    found
}

fn zip64(field: &[u8], wide: &mut [&mut u64]) {
    let mut at = 0;
    for value in wide.iter_mut().filter(|value| ***value == IN_EXTRA) {
        if at + 8 <= field.len() {
            **value = u64_at(field, at);
            at += 8;
        }
    }
}

/// 100-nanosecond steps since 1601 as a UTC timestamp; 0 means not known.
fn filetime(ticks: u64) -> Option<Timestamp> {
    const UNIX_EPOCH: i64 = 11_644_473_600_000_000;
    if ticks == 0 {
        return None;
    }
    i64::try_from(ticks / 10).ok()?.checked_sub(UNIX_EPOCH)
}
