//! Values of event data, and their bytes.

use std::fmt;

use crate::rng::Rng;

/// A globally unique identifier, as its 16 bytes are printed (big-endian).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub u128);

impl Guid {
    /// A random (version 4) identifier.
    pub(crate) fn random(rng: &mut Rng) -> Guid {
        let bits = u128::from(rng.next()) << 64 | u128::from(rng.next());
        Guid(bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62)
    }

    /// The bytes as Windows stores them: the first three groups little-endian.
    pub(crate) fn to_windows(self) -> [u8; 16] {
        let mut bytes = self.0.to_be_bytes();
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
        bytes
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            v >> 96,
            v >> 80 & 0xffff,
            v >> 64 & 0xffff,
            v >> 48 & 0xffff,
            v & 0xffff_ffff_ffff
        )
    }
}

/// A security identifier, `S-1-5-21-...-500`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid {
    authority: u8,
    parts: [u32; 5],
    len: u8,
}

impl Sid {
    /// `S-1-5-18`, the local system.
    pub const SYSTEM: Sid = Sid::nt(&[18]);
    /// `S-1-5-20`, the network service.
    pub const NETWORK_SERVICE: Sid = Sid::nt(&[20]);
    /// `S-1-0-0`, nobody.
    pub const NULL: Sid = Sid::of(0, &[0]);
    /// `S-1-16-16384`, the system integrity level.
    pub const MANDATORY_SYSTEM: Sid = Sid::of(16, &[16_384]);

    /// An identifier of the NT authority (5) with up to five parts; further parts are left out.
    pub const fn nt(parts: &[u32]) -> Sid {
        Sid::of(5, parts)
    }

    /// An identifier of any authority with up to five parts; further parts are left out.
    pub const fn of(authority: u8, parts: &[u32]) -> Sid {
        let mut sid = Sid {
            authority,
            parts: [0; 5],
            len: 0,
        };
        while (sid.len as usize) < parts.len() && (sid.len as usize) < 5 {
            sid.parts[sid.len as usize] = parts[sid.len as usize];
            sid.len += 1;
        }
        sid
    }

    /// The account `rid` of the domain `domain`.
    pub const fn account(domain: [u32; 3], rid: u32) -> Sid {
        Sid::nt(&[21, domain[0], domain[1], domain[2], rid])
    }

    fn parts(&self) -> &[u32] {
        &self.parts[..usize::from(self.len)]
    }

    pub(crate) fn push(&self, out: &mut Vec<u8>) {
        out.extend([1, self.len, 0, 0, 0, 0, 0, self.authority]);
        for part in self.parts() {
            out.extend(part.to_le_bytes());
        }
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.parts().iter().try_for_each(|part| write!(f, "-{part}"))
    }
}

/// A value of event data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// Text.
    Text(&'a str),
    /// A 32-bit number.
    U32(u32),
    /// A 64-bit number.
    U64(u64),
    /// A 32-bit number shown as `0x1f`.
    Hex32(u32),
    /// A 64-bit number shown as `0x3e7`.
    Hex64(u64),
    /// `true` or `false`.
    Bool(bool),
    /// An identifier.
    Guid(Guid),
    /// A security identifier.
    Sid(Sid),
}

impl Value<'_> {
    /// The binary XML type of the value as its template declares it.
    pub(super) fn declared_type(&self) -> u8 {
        match self {
            Value::Null | Value::Text(_) => 0x01,
            Value::U32(_) => 0x08,
            Value::U64(_) => 0x0a,
            Value::Bool(_) => 0x0d,
            Value::Guid(_) => 0x0f,
            Value::Sid(_) => 0x13,
            Value::Hex32(_) => 0x14,
            Value::Hex64(_) => 0x15,
        }
    }

    /// The type of this instance: absent values are of the null type whatever the template says.
    pub(super) fn instance_type(&self) -> u8 {
        match self {
            Value::Null => 0x00,
            Value::Text("") => 0x00,
            other => other.declared_type(),
        }
    }

    pub(super) fn push(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => {}
            Value::Text(text) => push_utf16(out, text),
            Value::U32(v) | Value::Hex32(v) => out.extend(v.to_le_bytes()),
            Value::U64(v) | Value::Hex64(v) => out.extend(v.to_le_bytes()),
            Value::Bool(v) => out.extend(u32::from(*v).to_le_bytes()),
            Value::Guid(v) => out.extend(v.to_windows()),
            Value::Sid(v) => v.push(out),
        }
    }
}

/// Appends the UTF-16LE form of `text`.
pub(super) fn push_utf16(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() * 2);
    if text.is_ascii() {
        out.extend(text.bytes().flat_map(|byte| [byte, 0]));
    } else {
        out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    }
}
