//! Identifiers: UUIDs of version 7 (RFC 9562), one type per thing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::Time;
use crate::db::{FromValue, Mismatch, Value};
use crate::world::Entropy;

/// A text that is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an identifier such as 0178062c-2c00-7a3b-8d4e-5f6071829304")]
pub struct IdError(String);

/// A new UUID of version 7: milliseconds, then the fraction of the millisecond, then chance. So identifiers made one after
/// the other stand in that order.
pub(crate) fn new_uuid(now: Time, entropy: &dyn Entropy) -> String {
    let micros = now.micros().max(0) as u64;
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes[8..]);
    bytes[..6].copy_from_slice(&(micros / 1000).to_be_bytes()[2..]);
    let fraction = (micros % 1000) * 4096 / 1000;
    bytes[6] = 0x70 | (fraction >> 8) as u8;
    bytes[7] = fraction as u8;
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

/// The bytes of lower-case hexadecimal; `None` when it is not so many.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: &u8| HEX.iter().position(|known| known == byte);
    let mut bytes = [0; N];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
    }
    Some(bytes)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            // A hunt has the identifier of its job: not every kind is made.
            #[allow(dead_code)]
            pub(crate) fn new(now: Time, entropy: &dyn Entropy) -> Self {
                $name(new_uuid(now, entropy).into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                match is_uuid(text) {
                    true => Ok($name(text.into())),
                    false => Err(IdError(text.chars().take(64).collect())),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }

        impl From<&$name> for Value {
            fn from(id: &$name) -> Value {
                Value::Text(id.0.to_string())
            }
        }

        impl FromValue for $name {
            fn from_value(value: Value) -> Result<Self, Mismatch> {
                Ok($name(String::from_value(value)?.into()))
            }
        }
    )+};
}

ids!(
    /// A client of the provider.
    TenantId,
    /// A machine of a tenant.
    ServerId,
    /// One fact that was reported about a server.
    ObservationId,
    /// A pack applied to tenants.
    CampaignId,
    /// Something said about a cell.
    StatementId,
    /// Somebody who may sign in.
    AccountId,
    /// A sign-in.
    SessionId,
    /// An API key.
    KeyId,
    /// Work to be done.
    JobId,
    /// Bytes on their way in.
    UploadId,
    /// Bytes collected from a tenant.
    EvidenceId,
    /// A reason not to delete.
    HoldId,
    /// A hunt that was done; the identifier of its job.
    HuntId,
    /// One statement of a hunt.
    FindingId,
    /// An entry of the benign catalogue.
    DismissalId,
    /// What another system raised.
    AlertId,
    /// What the SOC works on.
    CaseId,
    /// A task, note, entity or moment of a case.
    ItemId,
    /// Filters of a list, under a name.
    ViewId,
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Seeded;

    #[test]
    fn identifiers_are_uuids_of_version_7_in_the_order_they_were_made() {
        let entropy = Seeded::new(1);
        let first = TenantId::new(Time(1_614_729_600_000_000), &entropy);
        let second = TenantId::new(Time(1_614_729_600_000_300), &entropy);
        assert_eq!(&first.as_str()[..8], "0177f562");
        assert_eq!(&first.as_str()[14..15], "7");
        assert!(matches!(&first.as_str()[19..20], "8" | "9" | "a" | "b"));
        assert!(first < second);
        assert_eq!(first.as_str().parse::<TenantId>().as_ref(), Ok(&first));
    }

    #[test]
    fn what_is_no_identifier_is_refused() {
        for text in [
            "",
            "x",
            "0177F577-0000-7000-8000-000000000000",
            "0177f577-0000-7000-8000-00000000000é",
        ] {
            assert!(text.parse::<TenantId>().is_err(), "{text}");
        }
    }
}
