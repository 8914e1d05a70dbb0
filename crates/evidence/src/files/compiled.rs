//! What ASP.NET remembers of a page it compiled: `<page>.aspx.<hash>.compiled` in `Temporary ASP.NET Files`.
//!
//! The file stays when the page is deleted. It names the page's address and the assembly (`App_Web_*.dll`) beside it;
//! its own creation is the page's first call. Source: `System.Web.Compilation.PreservationFileReader` of the .NET
//! Framework reference source.

use std::io::Read;

use vigie_event::{EventBatch, Source};

use super::inventory::Entry;
use super::paths::own_path;
use super::rows::Rows;
use super::text::head_text;
use super::xml::{self, Document, Node};
use crate::format::{Confidence, Context, Format, Head, Outcome};

/// The preservation files of the ASP.NET compiler.
pub(crate) static FORMAT: Format = Format {
    name: "aspnet_compiled",
    source: Source::FileInventory,
    recognise,
    parse,
};

/// How much of the list of dependencies is kept.
const MAX_DEPENDENCIES: usize = 16 << 10;

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    let is_mine = xml::root(&text)? == "preserve" && text.contains("resultType");
    is_mine.then_some(Confidence::Certain)
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut rows = Rows::new(Source::FileInventory, context, sink);
    let mut document = Document::new(input, context.limits.line_bytes);
    let (mut page, mut dependencies) = (None, String::new());
    loop {
        match document.next() {
            Ok(Some(Node::Start(element))) if element.name == "preserve" => {
                page.get_or_insert(element);
            }
            Ok(Some(Node::Start(element))) if element.name == "filedep" => {
                let name = element.get("name");
                if dependencies.len() + name.len() < MAX_DEPENDENCIES {
                    if !dependencies.is_empty() {
                        dependencies.push_str("; ");
                    }
                    dependencies.push_str(name);
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(why) => {
                let line = document.text().line();
                rows.outcome.skip(why, 0, 0, || format!("line {line}"));
                break;
            }
        }
    }
    rows.decoded(document.text());
    if let Some(page) = page {
        let file = context.file;
        let entry = Entry {
            path: own_path(file),
            size: file.size,
            created: file.created,
            modified: file.modified,
            ..Entry::default()
        };
        let own = [
            // The address of the compiled page, not of this file.
            ("VirtualPath", page.get("virtualPath")),
            ("ResultType", page.get("resultType")),
            ("Assembly", page.get("assembly")),
            ("PageType", page.get("type")),
            ("FileHash", page.get("filehash")),
            ("FileDependencies", dependencies.as_str()),
        ];
        let columns = entry.columns();
        let columns = columns.iter().map(|(name, value)| (*name, value.as_str()));
        rows.row(
            file.modified,
            page.line,
            page.offset,
            own.into_iter().chain(columns),
        );
    }
    rows.finish()
}
