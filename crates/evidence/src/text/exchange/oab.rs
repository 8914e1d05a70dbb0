//! The address book generator's log: the path of a download that failed.

use memchr::memmem::Finder;

use super::reader::Extra;
use crate::text::csv::Row;
use crate::text::lines::Line;
use crate::text::table::Table;

/// Finds the quoted path in `Download failed and temporary file '...' needs to be removed`.
pub(super) struct Download {
    before: Finder<'static>,
    has_message: bool,
}

impl Default for Download {
    fn default() -> Download {
        Download {
            before: Finder::new("temporary file '"),
            has_message: false,
        }
    }
}

impl Extra for Download {
    fn header(&mut self, names: &[String]) {
        self.has_message = names.iter().any(|name| name.eq_ignore_ascii_case("Message"));
    }

    fn row(&mut self, row: &Row<'_>, _: &Line<'_>, table: &mut Table<'_>) {
        if self.before.find(row.line.as_bytes()).is_none() {
            return;
        }
        let found = row
            .iter()
            .chain([row.line])
            .find_map(|field| Some((field, self.path(field)?)));
        let Some((field, path)) = found else {
            return;
        };
        let column = table.builder.column("DownloadPath");
        table.builder.set(column, path);
        // Under this name the text is found whatever the header calls it.
        if !self.has_message {
            let column = table.builder.column("Message");
            table.builder.set(column, field);
        }
    }
}

impl Download {
    /// The last closing text counts: the path itself may hold quotes.
    fn path<'a>(&self, field: &'a str) -> Option<&'a str> {
        let start = self.before.find(field.as_bytes())? + self.before.needle().len();
        let rest = field.get(start..)?;
        rest.rfind("' needs to be removed")
            .and_then(|end| rest.get(..end))
    }
}
