//! Foreign text made safe to show.

use std::borrow::Cow;
use std::fmt;

/// Whether a character would change how the text around it looks, or would not be seen at all.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}')
}

fn push_visible(out: &mut String, c: char) {
    match c {
        // Far more common than other controls, and an arrow is in more fonts than a picture of "LF".
        '\n' => out.push('↵'),
        '\u{0}'..='\u{1f}' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
        '\u{7f}' => out.push('␡'),
        _ if is_deceptive(c) => out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
        _ => out.push(c),
    }
}

/// Control characters, direction overrides and characters of no width are replaced by visible signs.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push_visible(&mut out, c);
    }
    Cow::Owned(out)
}

/// At most `max` characters, and how many were cut off.
pub(crate) fn clip(text: &str, max: usize) -> (&str, usize) {
    match text.char_indices().nth(max) {
        Some((end, _)) => {
            let (head, tail) = text.split_at(end);
            (head, tail.chars().count())
        }
        None => (text, 0),
    }
}

/// Text for the inside of an element or of a quoted attribute: markup escaped, deceptive characters visible.
pub(crate) struct Esc<T: AsRef<str>>(pub(crate) T);

impl<T: AsRef<str>> fmt::Display for Esc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = visible(self.0.as_ref());
        let mut rest: &str = &shown;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            let (head, tail) = rest.split_at(at);
            f.write_str(head)?;
            let mut chars = tail.chars();
            f.write_str(match chars.next() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                _ => "&#39;",
            })?;
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// Cells a character takes in a terminal: 2 for East Asian wide characters and emoji, 0 for combining marks.
fn cells(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// The cells a text takes in a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

/// Lines of at most `max` cells, broken at spaces where there are any.
pub(crate) fn wrap(text: &str, max: usize) -> Vec<String> {
    let max = max.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let needed = width(word);
        if used > 0 && used + 1 + needed > max {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            if used + cells(c) > max && used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += cells(c);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn deceptive_characters_are_seen() {
        assert_eq!(visible("a\u{1b}[31m\r\nb"), "a␛[31m␍↵b");
        assert_eq!(visible("gpj\u{202e}exe\u{200b}"), "gpj⟨U+202E⟩exe⟨U+200B⟩");
        assert_eq!(visible("déjà vu"), "déjà vu");
        assert_eq!(visible("12\u{202f}345"), "12\u{202f}345");
    }

    #[test]
    fn markup_is_inert() {
        assert_eq!(
            Esc("<script>alert('x' & \"y\")</script>").to_string(),
            "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;"
        );
    }

    #[test]
    fn lines_break_at_spaces_and_inside_long_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(clip("héllo", 2), ("hé", 3));
    }

    proptest! {
        #[test]
        fn no_text_keeps_markup_or_controls(text in any::<String>()) {
            let safe = Esc(&text).to_string();
            prop_assert!(!safe.contains(['<', '>', '"', '\'']));
            prop_assert!(!safe.chars().any(is_deceptive));
        }

        #[test]
        fn wrapping_keeps_the_width_and_the_words(text in "[a-zé ]{0,200}", max in 1usize..40) {
            let lines = wrap(&text, max);
            prop_assert!(lines.iter().all(|line| width(line) <= max));
            let kept: String = lines.concat().chars().filter(|c| *c != ' ').collect();
            let sent: String = text.chars().filter(|c| *c != ' ').collect();
            prop_assert_eq!(kept, sent);
        }
    }
}
