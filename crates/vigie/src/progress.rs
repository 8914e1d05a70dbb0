//! A progress bar on a terminal, nothing on a pipe.

use std::io::IsTerminal;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use vigie_evidence::Progress;
use vigie_report::Lang;

use crate::tell;

/// Shows bytes, speed and time left on standard error.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar when somebody is looking.
    pub(crate) fn new(quiet: bool, lang: Lang) -> Option<Arc<Bar>> {
        if quiet || !std::io::stderr().is_terminal() {
            return None;
        }
        let template = tell(
            lang,
            "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
            "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  encore {eta}",
        );
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Some(Arc::new(Bar(ProgressBar::no_length().with_style(style))))
    }

    /// Says how far it is, also when that is further back than before.
    pub(crate) fn at(&self, bytes: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(bytes);
    }

    /// Takes the bar off the screen.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn total(&self, bytes: u64) {
        self.0.set_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}
