//! The grades of what an indicator or a YARA rule finds, with the identifiers packs use.

/// Defines an ordered grade with the identifiers it has in files.
macro_rules! grade {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $id:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// Every value, in ascending order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The identifier used in packs and JSON.
            pub fn id(self) -> &'static str {
                match self {
                    $($name::$variant => $id),+
                }
            }

            /// The value with this identifier.
            pub fn from_id(id: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.id() == id)
            }

            /// The identifiers one may write, for messages.
            pub fn choices() -> String {
                let ids: Vec<&str> = $name::ALL.iter().map(|value| value.id()).collect();
                ids.join(", ")
            }
        }
    };
}

grade! {
    /// How bad it is: Sigma's levels.
    Severity {
        /// For the record.
        Informational = "informational",
        /// Rarely worth a look.
        Low = "low",
        /// Worth a look.
        Medium = "medium",
        /// Look now.
        High = "high",
        /// Wake somebody up.
        Critical = "critical",
    }
}

grade! {
    /// How much a hit proves when it stands alone.
    Confidence {
        /// Never raises a verdict alone.
        Weak = "weak",
        /// A suspicion.
        Strong = "strong",
        /// Proof.
        Conclusive = "conclusive",
    }
}

grade! {
    /// What a hit shows.
    Outcome {
        /// Somebody knocked on the door, possibly with good intent.
        Scan = "scan",
        /// An attack that nothing says worked.
        Attempt = "attempt",
        /// A step that worked.
        Success = "success",
        /// What an intruder does once in.
        PostExploitation = "post_exploitation",
    }
}
