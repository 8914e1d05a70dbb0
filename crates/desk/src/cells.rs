//! Cells: campaign × server × stage. Each is a question with three answers.
//!
//! | stage | question | yes | no | else unknown |
//! |---|---|---|---|---|
//! | `inventory` | do we know what runs there? | its build is known | | |
//! | `exposure` | is it open? | `vulnerable` | `mitigated`, `fixed`, `not_affected` | `unknown` |
//! | `evidence` | do we hold its evidence? | `received` | `none` | |
//! | `hunt` | was its evidence hunted, with the pack as it is now? | `hunted` | `running`, `failed` | `outdated` |
//! | `verdict` | was it broken into? | `compromised`, `suspected` | `no_evidence` | `attempted`, `unknown` |
//! | `case` | is somebody on it? | `open` | `closed`, `none` | |
//!
//! `suspected` counts as yes until shown otherwise. Of `attempted` nobody knows whether it worked.
//!
//! What is said about a cell is a **statement**, kept for ever; the cell is what follows from all of them by the rules of
//! [`derive()`]. A cell whose answer is older than its stage allows reads as unknown: nothing stays green by silence.

mod rules;
mod store;

pub use rules::{Stage, Truth, derive};
pub use store::{Cell, NewStatement, Statement, of_server, say, statements, sweep};
pub(crate) use store::{Put, enter_campaign, enter_server, leave_campaign, leave_server, overrule, put};
