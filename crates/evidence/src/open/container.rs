//! Files that hold files, told by their first bytes whatever their name.

use crate::message::{Code, Message};

/// How many first bytes are enough.
pub(crate) const PEEK: usize = 512;

/// What holds other files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Zip,
    Gzip,
    Tar,
    /// Not read: what it is, and what to do.
    Other(&'static str, &'static str),
}

const UNPACK: &str = "unpack it and give the folder";
const MOUNT: &str = "mount it read-only and give the folder";

const MAGICS: [(&[u8], Container); 16] = [
    (b"PK\x03\x04", Container::Zip),
    (b"PK\x05\x06", Container::Zip),
    // The first part of an archive in several.
    (b"PK\x07\x08PK\x03\x04", Container::Zip),
    (b"PK00PK\x03\x04", Container::Zip),
    (b"\x1f\x8b\x08", Container::Gzip),
    (b"7z\xbc\xaf\x27\x1c", Container::Other("7-Zip", UNPACK)),
    (b"Rar!\x1a\x07", Container::Other("RAR", UNPACK)),
    (b"MSCF\0\0\0\0", Container::Other("cabinet", UNPACK)),
    (b"MSWIM\0\0\0", Container::Other("WIM", UNPACK)),
    (b"\xfd7zXZ\0", Container::Other("xz", UNPACK)),
    (b"\x28\xb5\x2f\xfd", Container::Other("zstd", UNPACK)),
    (b"BZh91AY&SY", Container::Other("bzip2", UNPACK)),
    (
        b"EVF\x09\x0d\x0a\xff\0",
        Container::Other("EnCase disk image", MOUNT),
    ),
    (b"vhdxfile", Container::Other("VHDX disk image", MOUNT)),
    (b"KDMV", Container::Other("VMDK disk image", MOUNT)),
    (b"ADSEGMENTEDFILE", Container::Other("AD1 image", MOUNT)),
];

/// What is said of one that is not read.
pub(crate) fn unread(what: &str, advice: &str) -> Message {
    let parameters = [("what", what.into()), ("advice", advice.into())];
    Message::new(Code::ArchiveKindUnread, parameters)
}

/// What the first bytes of a file say.
pub(crate) fn recognise(head: &[u8]) -> Option<Container> {
    let found = MAGICS.iter().find(|(magic, _)| head.starts_with(magic));
    let tar = || {
        let magic = head.get(257..263)?;
        (magic == b"ustar\0" || magic == b"ustar ").then_some(Container::Tar)
    };
    found.map(|(_, container)| *container).or_else(tar)
}
