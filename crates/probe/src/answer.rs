//! What answers say about the build. Everything here reads bytes that a stranger sent.

use memchr::memmem;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use vigie_exposure::Version;

/// Where the pages of Outlook on the web keep their files, the build in the path.
const PAGE_PATHS: [&[u8]; 2] = [b"/owa/auth/", b"/owa/"];
/// Elements of an export tool's manifest that are looked at.
const MAX_ELEMENTS: usize = 1_000;
/// Bytes that a number of a build, with its dots, may have.
const LONGEST_BUILD: usize = 24;

/// The build of `X-OWA-Version`.
pub(crate) fn header_build(value: &str) -> Option<Version> {
    let value = value.trim();
    (value.len() <= LONGEST_BUILD)
        .then(|| exchange_build(value))
        .flatten()
}

/// The build in the first path of a page that has one: `/owa/auth/15.1.2176/themes/`, in Exchange 2010 `/owa/14.3.123.4/`.
pub(crate) fn page_build(page: &[u8]) -> Option<Version> {
    PAGE_PATHS.iter().find_map(|path| {
        memmem::find_iter(page, path).find_map(|at| {
            let rest = &page[at + path.len()..];
            let digits = rest
                .iter()
                .take(LONGEST_BUILD + 1)
                .position(|b| !b.is_ascii_digit() && *b != b'.')?;
            if rest[digits] != b'/' {
                return None;
            }
            exchange_build(std::str::from_utf8(&rest[..digits]).ok()?)
        })
    })
}

/// The build of the e-discovery export tool, from its ClickOnce manifest: the first `assemblyIdentity`.
pub(crate) fn export_tool_build(manifest: &[u8]) -> Option<Version> {
    let mut reader = Reader::from_reader(manifest);
    let mut buffer = Vec::new();
    for _ in 0..MAX_ELEMENTS {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element) | Event::Empty(element))
                if element.local_name().as_ref() == "assemblyIdentity" =>
            {
                let name = attribute(&element, "name")?.to_ascii_lowercase();
                if !name.starts_with("microsoft.exchange.ediscovery.exporttool") {
                    return None;
                }
                return exchange_build(attribute(&element, "version")?.trim());
            }
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
    None
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.attributes().flatten().find(|a| a.key.as_ref() == name)?;
    (attribute.value.len() <= 200).then(|| attribute.value.into_owned())
}

/// A build that Exchange may have: 2007 is 8, 2010 is 14, later ones are 15.
fn exchange_build(text: &str) -> Option<Version> {
    let version: Version = text.parse().ok()?;
    matches!(version.base[0], 8 | 14 | 15).then_some(version)
}

/// Whether the build is that of Microsoft's own cloud.
pub(crate) fn is_online(version: Version) -> bool {
    version.base[0] == 15 && version.base[1] == 20
}

/// Text from outside, fit for a terminal and bounded.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let mut out: String = text
        .chars()
        .take(most)
        .map(|c| match c {
            ' '..='~' => c,
            // No control, no sign that turns the direction of writing or is not seen.
            _ if c.is_alphanumeric() => c,
            _ => '\u{fffd}',
        })
        .collect();
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MANIFEST: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<asmv1:assembly manifestVersion="1.0" xmlns="urn:schemas-microsoft-com:asm.v2" xmlns:asmv1="urn:schemas-microsoft-com:asm.v1">
  <assemblyIdentity name="microsoft.exchange.ediscovery.exporttool.application" version="15.1.2176.9" publicKeyToken="31bf3856ad364e35" language="neutral" xmlns="urn:schemas-microsoft-com:asm.v1" />
  <dependency><dependentAssembly><assemblyIdentity name="other.exe" version="15.1.9.9" /></dependentAssembly></dependency>
</asmv1:assembly>"#;

    fn text(version: Option<Version>) -> Option<String> {
        version.map(|version| version.to_string())
    }

    #[test]
    fn the_export_tool_says_the_full_build() {
        assert_eq!(
            text(export_tool_build(MANIFEST.as_bytes())).as_deref(),
            Some("15.1.2176.9")
        );
        let with_mark = [b"\xef\xbb\xbf", MANIFEST.as_bytes()].concat();
        assert_eq!(
            text(export_tool_build(&with_mark)).as_deref(),
            Some("15.1.2176.9")
        );
        for other in [
            "<html><body>Not found</body></html>",
            "<assemblyIdentity name='somebody.elses.tool' version='15.1.2176.9'/>",
            "<assemblyIdentity name='microsoft.exchange.ediscovery.exporttool.application' version='99.1.2.3'/>",
            "<assemblyIdentity name='microsoft.exchange.ediscovery.exporttool.application'/>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]>&b;",
            "<a",
            "",
        ] {
            assert_eq!(export_tool_build(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn pages_say_the_build_in_their_paths() {
        let page = |body: &str| text(page_build(body.as_bytes()));
        assert_eq!(
            page("<link href=\"/owa/auth/15.1.2176/themes/resources/favicon.ico\">").as_deref(),
            Some("15.1.2176")
        );
        assert_eq!(
            page("src='/owa/14.3.123.4/scripts/x.js'").as_deref(),
            Some("14.3.123.4")
        );
        assert_eq!(
            page("/owa/auth/logon.aspx /owa/auth/15.0.1497/x").as_deref(),
            Some("15.0.1497")
        );
        for nothing in [
            "/owa/auth/",
            "/owa/auth/15.1.2176",
            "/owa/auth/15.1/x",
            "/owa/auth/1.2.3/x",
            "/owa/15..1/",
        ] {
            assert_eq!(page(nothing), None, "{nothing}");
        }
        assert_eq!(page(&format!("/owa/auth/{}/", "1".repeat(400))), None);
    }

    #[test]
    fn the_header_says_it_plainly() {
        assert_eq!(
            text(header_build(" 15.01.2176.009 ")).as_deref(),
            Some("15.1.2176.9")
        );
        assert_eq!(header_build("nginx"), None);
        assert_eq!(header_build("1.2.3.4"), None);
    }

    #[test]
    fn what_is_shown_is_tame() {
        assert_eq!(shown("a\u{1b}[2Jb", 20), "a\u{fffd}[2Jb");
        assert_eq!(shown("abcdef", 3), "abc…");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = (page_build(&bytes), export_tool_build(&bytes));
            let _ = header_build(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn damaged_manifests_do_not_panic(at in 0..MANIFEST.len(), byte in any::<u8>(), cut in 0..MANIFEST.len()) {
            let mut bytes = MANIFEST.as_bytes().to_vec();
            bytes[at] = byte;
            bytes.truncate(cut);
            let _ = export_tool_build(&bytes);
        }

        #[test]
        fn every_build_in_a_page_is_read_back(minor in 0_u32..3, build in 0_u32..9_999, revision in 0_u32..99) {
            let page = format!("<html>/owa/auth/15.{minor}.{build}.{revision}/x");
            prop_assert_eq!(text(page_build(page.as_bytes())), Some(format!("15.{minor}.{build}.{revision}")));
        }
    }
}
