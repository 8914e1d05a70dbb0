//! What hostile evidence may cost.

/// Caps on what one run reads. Whatever is cut off by a cap is counted and shown, never dropped silently.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Entries read from one archive.
    pub archive_entries: u64,
    /// Uncompressed bytes read from one archive, nested ones included.
    pub archive_bytes: u64,
    /// How many times larger than its compressed form an entry may become, once it is larger than 16 MiB.
    pub archive_ratio: u64,
    /// How deep archives may be nested.
    pub archive_depth: u32,
    /// Bytes of one nested archive that is unpacked to a temporary file, to be read like a file.
    pub spool_bytes: u64,
    /// Bytes of an entry's name that are shown; a longer name is cut.
    pub name_bytes: usize,
    /// How deep folders may be nested.
    pub folder_depth: u32,
    /// Files read below one given path.
    pub files: u64,
    /// Warnings kept in the manifest; the rest is counted.
    pub warnings: usize,
    /// Bytes of one text line; a longer line is skipped and counted.
    pub line_bytes: usize,
    /// Bytes of one JSON or XML document that must be held whole.
    pub document_bytes: u64,
    /// Bytes of a file handed to content rules (YARA).
    pub content_bytes: u64,
    /// Bytes of rows collected before a batch is handed over, per open file.
    pub batch_bytes: usize,
    /// Rows collected before a batch is handed over.
    pub batch_rows: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            archive_entries: 1_000_000,
            archive_bytes: 256 << 30,
            archive_ratio: 1_000,
            archive_depth: 4,
            spool_bytes: 64 << 30,
            name_bytes: 4_096,
            folder_depth: 64,
            files: 2_000_000,
            warnings: 10_000,
            line_bytes: 1 << 20,
            document_bytes: 64 << 20,
            content_bytes: 8 << 20,
            batch_bytes: 4 << 20,
            batch_rows: 8_192,
        }
    }
}
