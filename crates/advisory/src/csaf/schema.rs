//! The shape of a CSAF 2.0 document: sections 3.1 and 3.2 of the specification, as a table.
//!
//! Strings that must not be empty, lists that must not be empty, values from a set, dates, URIs and patterns. What is not
//! in the table is allowed by CSAF; the optional test 6.2.20 names it.

use crate::csaf::syntax;
use crate::csaf::{Finding, Report};
use crate::json::{Json, Node, pointer};

/// What a value must be.
pub(super) enum Shape {
    /// A text that is not empty.
    Text,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A text that a check accepts; what it must be, for the message.
    Like(&'static str, fn(&str) -> bool),
    /// A list of at least so many, all different when asked.
    List(&'static Shape, usize, Unique),
    /// An object.
    Object(&'static Object),
    /// Judged by tests 6.1.8 and following.
    Cvss,
}

/// Whether items must differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unique {
    Yes,
    No,
}

/// The fields of an object.
pub(super) struct Object {
    required: &'static [&'static str],
    fields: &'static [(&'static str, &'static Shape)],
    /// Fewest and most properties.
    count: (usize, usize),
}

const fn object(
    required: &'static [&'static str],
    fields: &'static [(&'static str, &'static Shape)],
) -> Object {
    Object {
        required,
        fields,
        count: (0, usize::MAX),
    }
}

const fn not_empty(fields: &'static [(&'static str, &'static Shape)]) -> Object {
    Object {
        required: &[],
        fields,
        count: (1, usize::MAX),
    }
}

use Shape::{Cvss, Like, List, OneOf, Text};

static TEXT: Shape = Text;
static DATE: Shape = Like("a date and time as in RFC 3339", syntax::is_date_time);
static URI: Shape = Like("a URI", syntax::is_uri);
static LANG: Shape = Like("a language tag (BCP 47)", syntax::is_language_shape);
static VERSION: Shape = Like("a whole number or a semantic version", syntax::is_version);
static TEXTS: Shape = List(&TEXT, 1, Unique::No);
static TEXTS_UNIQUE: Shape = List(&TEXT, 1, Unique::Yes);
static URIS: Shape = List(&URI, 1, Unique::No);

static ACKNOWLEDGMENTS: Shape = List(
    &Shape::Object(&not_empty(&[
        ("names", &TEXTS),
        ("organization", &TEXT),
        ("summary", &TEXT),
        ("urls", &URIS),
    ])),
    1,
    Unique::No,
);
static NOTES: Shape = List(
    &Shape::Object(&object(
        &["category", "text"],
        &[
            ("audience", &TEXT),
            (
                "category",
                &OneOf(&[
                    "description",
                    "details",
                    "faq",
                    "general",
                    "legal_disclaimer",
                    "other",
                    "summary",
                ]),
            ),
            ("text", &TEXT),
            ("title", &TEXT),
        ],
    )),
    1,
    Unique::No,
);
static REFERENCES: Shape = List(
    &Shape::Object(&object(
        &["summary", "url"],
        &[
            ("category", &OneOf(&["external", "self"])),
            ("summary", &TEXT),
            ("url", &URI),
        ],
    )),
    1,
    Unique::No,
);

static FILE_HASHES: Shape = List(
    &Shape::Object(&object(
        &["algorithm", "value"],
        &[
            ("algorithm", &TEXT),
            (
                "value",
                &Like("a hash of at least 32 hexadecimal digits", syntax::is_hash),
            ),
        ],
    )),
    1,
    Unique::No,
);
static HELPER: Shape = Shape::Object(&not_empty(&[
    ("cpe", &Like("a CPE 2.2 or 2.3 name", syntax::is_cpe)),
    (
        "hashes",
        &List(
            &Shape::Object(&object(
                &["file_hashes", "filename"],
                &[("file_hashes", &FILE_HASHES), ("filename", &TEXT)],
            )),
            1,
            Unique::No,
        ),
    ),
    ("model_numbers", &TEXTS_UNIQUE),
    // Test 6.1.13 says what is wrong with a purl.
    ("purl", &TEXT),
    ("sbom_urls", &URIS),
    ("serial_numbers", &TEXTS_UNIQUE),
    ("skus", &TEXTS),
    (
        "x_generic_uris",
        &List(
            &Shape::Object(&object(
                &["namespace", "uri"],
                &[("namespace", &URI), ("uri", &URI)],
            )),
            1,
            Unique::No,
        ),
    ),
]));
static PRODUCT: Shape = Shape::Object(&object(
    &["name", "product_id"],
    &[
        ("name", &TEXT),
        ("product_id", &TEXT),
        ("product_identification_helper", &HELPER),
    ],
));
static BRANCHES: Shape = List(
    &Shape::Object(&Object {
        required: &["category", "name"],
        fields: &[
            ("branches", &BRANCHES),
            (
                "category",
                &OneOf(&[
                    "architecture",
                    "host_name",
                    "language",
                    "legacy",
                    "patch_level",
                    "product_family",
                    "product_name",
                    "product_version",
                    "product_version_range",
                    "service_pack",
                    "specification",
                    "vendor",
                ]),
            ),
            ("name", &TEXT),
            ("product", &PRODUCT),
        ],
        count: (3, 3),
    }),
    1,
    Unique::No,
);
static PRODUCT_TREE: Shape = Shape::Object(&not_empty(&[
    ("branches", &BRANCHES),
    ("full_product_names", &List(&PRODUCT, 1, Unique::No)),
    (
        "product_groups",
        &List(
            &Shape::Object(&object(
                &["group_id", "product_ids"],
                &[
                    ("group_id", &TEXT),
                    ("product_ids", &List(&TEXT, 2, Unique::Yes)),
                    ("summary", &TEXT),
                ],
            )),
            1,
            Unique::No,
        ),
    ),
    (
        "relationships",
        &List(
            &Shape::Object(&object(
                &[
                    "category",
                    "full_product_name",
                    "product_reference",
                    "relates_to_product_reference",
                ],
                &[
                    (
                        "category",
                        &OneOf(&[
                            "default_component_of",
                            "external_component_of",
                            "installed_on",
                            "installed_with",
                            "optional_component_of",
                        ]),
                    ),
                    ("full_product_name", &PRODUCT),
                    ("product_reference", &TEXT),
                    ("relates_to_product_reference", &TEXT),
                ],
            )),
            1,
            Unique::No,
        ),
    ),
]));

static TRACKING: Shape = Shape::Object(&object(
    &[
        "current_release_date",
        "id",
        "initial_release_date",
        "revision_history",
        "status",
        "version",
    ],
    &[
        ("aliases", &TEXTS_UNIQUE),
        ("current_release_date", &DATE),
        (
            "generator",
            &Shape::Object(&object(
                &["engine"],
                &[
                    ("date", &DATE),
                    (
                        "engine",
                        &Shape::Object(&object(&["name"], &[("name", &TEXT), ("version", &TEXT)])),
                    ),
                ],
            )),
        ),
        (
            "id",
            &Like("a text without space at its ends", syntax::is_trimmed),
        ),
        ("initial_release_date", &DATE),
        (
            "revision_history",
            &List(
                &Shape::Object(&object(
                    &["date", "number", "summary"],
                    &[
                        ("date", &DATE),
                        ("legacy_version", &TEXT),
                        ("number", &VERSION),
                        ("summary", &TEXT),
                    ],
                )),
                1,
                Unique::No,
            ),
        ),
        ("status", &OneOf(&["draft", "final", "interim"])),
        ("version", &VERSION),
    ],
));
static DOCUMENT: Shape = Shape::Object(&object(
    &["category", "csaf_version", "publisher", "title", "tracking"],
    &[
        ("acknowledgments", &ACKNOWLEDGMENTS),
        (
            "aggregate_severity",
            &Shape::Object(&object(&["text"], &[("namespace", &URI), ("text", &TEXT)])),
        ),
        (
            "category",
            &Like(
                "a text without space, dash, underscore or dot at its ends",
                syntax::is_category,
            ),
        ),
        ("csaf_version", &OneOf(&["2.0"])),
        (
            "distribution",
            &Shape::Object(&not_empty(&[
                ("text", &TEXT),
                (
                    "tlp",
                    &Shape::Object(&object(
                        &["label"],
                        &[
                            ("label", &OneOf(&["AMBER", "GREEN", "RED", "WHITE"])),
                            ("url", &URI),
                        ],
                    )),
                ),
            ])),
        ),
        ("lang", &LANG),
        ("notes", &NOTES),
        (
            "publisher",
            &Shape::Object(&object(
                &["category", "name", "namespace"],
                &[
                    (
                        "category",
                        &OneOf(&[
                            "coordinator",
                            "discoverer",
                            "other",
                            "translator",
                            "user",
                            "vendor",
                        ]),
                    ),
                    ("contact_details", &TEXT),
                    ("issuing_authority", &TEXT),
                    ("name", &TEXT),
                    ("namespace", &URI),
                ],
            )),
        ),
        ("references", &REFERENCES),
        ("source_lang", &LANG),
        ("title", &TEXT),
        ("tracking", &TRACKING),
    ],
));

static FLAGS: Shape = List(
    &Shape::Object(&object(
        &["label"],
        &[
            ("date", &DATE),
            ("group_ids", &TEXTS_UNIQUE),
            (
                "label",
                &OneOf(&[
                    "component_not_present",
                    "inline_mitigations_already_exist",
                    "vulnerable_code_cannot_be_controlled_by_adversary",
                    "vulnerable_code_not_in_execute_path",
                    "vulnerable_code_not_present",
                ]),
            ),
            ("product_ids", &TEXTS_UNIQUE),
        ],
    )),
    1,
    Unique::Yes,
);
static INVOLVEMENTS: Shape = List(
    &Shape::Object(&object(
        &["party", "status"],
        &[
            ("date", &DATE),
            (
                "party",
                &OneOf(&["coordinator", "discoverer", "other", "user", "vendor"]),
            ),
            (
                "status",
                &OneOf(&[
                    "completed",
                    "contact_attempted",
                    "disputed",
                    "in_progress",
                    "not_contacted",
                    "open",
                ]),
            ),
            ("summary", &TEXT),
        ],
    )),
    1,
    Unique::Yes,
);
static REMEDIATIONS: Shape = List(
    &Shape::Object(&object(
        &["category", "details"],
        &[
            (
                "category",
                &OneOf(&[
                    "mitigation",
                    "no_fix_planned",
                    "none_available",
                    "vendor_fix",
                    "workaround",
                ]),
            ),
            ("date", &DATE),
            ("details", &TEXT),
            ("entitlements", &TEXTS),
            ("group_ids", &TEXTS_UNIQUE),
            ("product_ids", &TEXTS_UNIQUE),
            (
                "restart_required",
                &Shape::Object(&object(
                    &["category"],
                    &[
                        (
                            "category",
                            &OneOf(&[
                                "connected",
                                "dependencies",
                                "machine",
                                "none",
                                "parent",
                                "service",
                                "system",
                                "vulnerable_component",
                                "zone",
                            ]),
                        ),
                        ("details", &TEXT),
                    ],
                )),
            ),
            ("url", &URI),
        ],
    )),
    1,
    Unique::No,
);
static THREATS: Shape = List(
    &Shape::Object(&object(
        &["category", "details"],
        &[
            ("category", &OneOf(&["exploit_status", "impact", "target_set"])),
            ("date", &DATE),
            ("details", &TEXT),
            ("group_ids", &TEXTS_UNIQUE),
            ("product_ids", &TEXTS_UNIQUE),
        ],
    )),
    1,
    Unique::No,
);
static SCORES: Shape = List(
    &Shape::Object(&Object {
        required: &["products"],
        fields: &[
            ("cvss_v2", &Cvss),
            ("cvss_v3", &Cvss),
            ("products", &TEXTS_UNIQUE),
        ],
        count: (2, usize::MAX),
    }),
    1,
    Unique::No,
);
static STATUS: Shape = Shape::Object(&not_empty(&[
    ("first_affected", &TEXTS_UNIQUE),
    ("first_fixed", &TEXTS_UNIQUE),
    ("fixed", &TEXTS_UNIQUE),
    ("known_affected", &TEXTS_UNIQUE),
    ("known_not_affected", &TEXTS_UNIQUE),
    ("last_affected", &TEXTS_UNIQUE),
    ("recommended", &TEXTS_UNIQUE),
    ("under_investigation", &TEXTS_UNIQUE),
]));
static VULNERABILITIES: Shape = List(
    &Shape::Object(&not_empty(&[
        ("acknowledgments", &ACKNOWLEDGMENTS),
        ("cve", &Like("a CVE identifier", syntax::is_cve)),
        (
            "cwe",
            &Shape::Object(&object(
                &["id", "name"],
                &[("id", &Like("a CWE identifier", syntax::is_cwe)), ("name", &TEXT)],
            )),
        ),
        ("discovery_date", &DATE),
        ("flags", &FLAGS),
        (
            "ids",
            &List(
                &Shape::Object(&object(
                    &["system_name", "text"],
                    &[("system_name", &TEXT), ("text", &TEXT)],
                )),
                1,
                Unique::Yes,
            ),
        ),
        ("involvements", &INVOLVEMENTS),
        ("notes", &NOTES),
        ("product_status", &STATUS),
        ("references", &REFERENCES),
        ("release_date", &DATE),
        ("remediations", &REMEDIATIONS),
        ("scores", &SCORES),
        ("threats", &THREATS),
        ("title", &TEXT),
    ])),
    1,
    Unique::No,
);
static ROOT: Shape = Shape::Object(&object(
    &["document"],
    &[
        ("document", &DOCUMENT),
        ("product_tree", &PRODUCT_TREE),
        ("vulnerabilities", &VULNERABILITIES),
    ],
));

/// Compares a document with the table.
pub(super) fn check(document: &Json, report: &mut Report) {
    check_shape(&Node::root(document), &ROOT, report);
}

fn wrong(report: &mut Report, path: &str, message: String) {
    report.add(Finding::error("schema", path, message));
}

fn check_shape(node: &Node<'_>, shape: &Shape, report: &mut Report) {
    match shape {
        Shape::Object(object) => check_object(node, object, report),
        List(item, least, unique) => check_list(node, item, *least, *unique, report),
        Cvss => {
            if !matches!(node.value, Json::Object(_)) {
                wrong(
                    report,
                    &node.path,
                    format!("is {}, not an object", node.value.kind()),
                );
            }
        }
        Text | OneOf(_) | Like(..) => check_text(node, shape, report),
    }
}

fn check_text(node: &Node<'_>, shape: &Shape, report: &mut Report) {
    let Some(text) = node.value.as_text() else {
        wrong(
            report,
            &node.path,
            format!("is {}, not a text", node.value.kind()),
        );
        return;
    };
    match shape {
        OneOf(allowed) if !allowed.contains(&text) => {
            let message = format!("{:?} is none of {}", short(text), allowed.join(", "));
            wrong(report, &node.path, message);
        }
        Like(what, check) if !check(text) => {
            wrong(report, &node.path, format!("{:?} is not {what}", short(text)))
        }
        _ if text.is_empty() => wrong(report, &node.path, "is empty".to_owned()),
        _ => {}
    }
}

fn check_list(node: &Node<'_>, item: &Shape, least: usize, unique: Unique, report: &mut Report) {
    let Json::List(items) = node.value else {
        wrong(
            report,
            &node.path,
            format!("is {}, not a list", node.value.kind()),
        );
        return;
    };
    if items.len() < least {
        wrong(
            report,
            &node.path,
            format!("has {} item(s), at least {least} are needed", items.len()),
        );
    }
    if unique == Unique::Yes {
        let mut seen = std::collections::HashSet::new();
        for (index, value) in items.iter().enumerate() {
            if !seen.insert(canonical(value)) {
                wrong(
                    report,
                    &format!("{}/{index}", node.path),
                    "comes twice in this list".to_owned(),
                );
            }
        }
    }
    for item_node in node.items() {
        check_shape(&item_node, item, report);
    }
}

/// One text for values that are equal, whatever the order of keys.
fn canonical(value: &Json) -> String {
    match value {
        Json::Object(fields) => {
            let mut fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{key:?}:{}", canonical(value)))
                .collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
        Json::List(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        other => format!("{other:?}"),
    }
}

fn check_object(node: &Node<'_>, object: &Object, report: &mut Report) {
    let Json::Object(fields) = node.value else {
        wrong(
            report,
            &node.path,
            format!("is {}, not an object", node.value.kind()),
        );
        return;
    };
    for required in object.required {
        if node.value.get(required).is_none() {
            wrong(report, &node.path, format!("{required:?} is missing"));
        }
    }
    let (least, most) = object.count;
    if fields.len() < least || fields.len() > most {
        let message = match (fields.len(), most) {
            (0, _) => "is empty".to_owned(),
            (have, usize::MAX) => format!("has {have} properties, at least {least} are needed"),
            (have, _) => format!("has {have} properties, {least} are needed"),
        };
        wrong(report, &node.path, message);
    }
    for (name, value) in fields {
        let child = Node {
            value,
            path: pointer(&node.path, name),
        };
        match object.fields.iter().find(|(known, _)| known == name) {
            Some((_, shape)) => check_shape(&child, shape, report),
            None => report.add(Finding::warning(
                "6.2.20",
                &child.path,
                "CSAF does not know this property".to_owned(),
            )),
        }
    }
}

/// At most 80 characters of a foreign text, for messages.
pub(super) fn short(text: &str) -> String {
    if text.chars().count() > 80 {
        let cut: String = text.chars().take(79).collect();
        format!("{cut}…")
    } else {
        text.to_owned()
    }
}
