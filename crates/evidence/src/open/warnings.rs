//! What has to be said, and no more than can be read.

use std::collections::BTreeSet;

use crate::message::{Code, Message};

/// Warnings in their order, the first of them kept: which ones does not depend on who came first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warnings {
    kept: BTreeSet<Message>,
    most: usize,
    beyond: u64,
}

impl Warnings {
    pub(crate) fn new(most: usize) -> Warnings {
        Warnings {
            most,
            ..Warnings::default()
        }
    }

    pub(crate) fn add(&mut self, warning: Message) {
        if self.kept.insert(warning) && self.kept.len() > self.most {
            self.kept.pop_last();
            self.beyond += 1;
        }
    }

    pub(crate) fn finish(self) -> Vec<Message> {
        let mut all: Vec<Message> = self.kept.into_iter().collect();
        if self.beyond > 0 {
            let parameters = [("count", self.beyond.into()), ("most", self.most.into())];
            all.push(Message::new(Code::WarningsBeyondCap, parameters));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Warnings};

    #[test]
    fn the_same_are_kept_in_whatever_order_they_come() {
        let told = |numbers: &[u32]| {
            let mut warnings = Warnings::new(3);
            for number in numbers {
                warnings.add(Message::other(format!("warning {number}")));
            }
            warnings.finish()
        };
        let all = told(&[5, 3, 1, 4, 2]);
        assert_eq!(
            all,
            [
                "warning 1",
                "warning 2",
                "warning 3",
                "2 more warnings beyond the cap of 3 are not shown"
            ]
        );
        assert_eq!(told(&[1, 2, 3, 4, 5]), all);
        assert_eq!(told(&[7]), ["warning 7"]);
    }
}
