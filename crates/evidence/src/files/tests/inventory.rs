//! The inventory's columns, through the way in.

use std::sync::Mutex;

use crate::{FileRef, Options, Sink, read as read_evidence};
use vigie_event::{EventBatch, Source};

type Row = Vec<(String, String)>;

#[derive(Default)]
struct Collect(Mutex<Vec<Row>>);

impl Sink for Collect {
    fn batch(&self, file: &FileRef, batch: EventBatch) {
        assert_eq!(batch.source(), Source::FileInventory, "{}", file.path);
        let row = batch
            .row(0)
            .fields()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        self.0.lock().unwrap().push(row);
    }
}

#[test]
fn a_file_no_format_takes_says_where_clients_find_it_and_when_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("EX01/C/inetpub/wwwroot/aspnet_client");
    std::fs::create_dir_all(&below).unwrap();
    std::fs::write(below.join("Sample.ASPX"), "inert").unwrap();
    let sink = Collect::default();
    read_evidence(&[folder.path().join("EX01")], &Options::default(), &sink).unwrap();
    let rows = sink.0.into_inner().unwrap();
    assert_eq!(rows.len(), 1);
    let get = |name: &str| {
        let value = rows[0].iter().find(|(column, _)| column == name);
        value.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    assert_eq!(
        get("TargetFilename"),
        r"C:\inetpub\wwwroot\aspnet_client\Sample.ASPX"
    );
    assert_eq!((get("FileName"), get("Extension")), ("Sample.ASPX", ".aspx"));
    assert_eq!(get("VirtualPath"), "/aspnet_client/Sample.ASPX");
    assert_eq!(get("FileSize"), "5");
    assert_eq!(get("SHA256").len(), 64);
    assert!(get("LastWriteTime").ends_with('Z'), "{:?}", rows);
}
