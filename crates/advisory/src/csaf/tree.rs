//! What tests ask of a document: products it defines, groups, references to them.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::json::Node;

/// A product identifier, and where it stands.
pub(super) struct Id<'a> {
    pub(super) id: &'a str,
    pub(super) path: String,
}

/// A full product name with what is above it.
pub(super) struct Product<'a> {
    pub(super) id: &'a str,
    pub(super) node: Node<'a>,
}

/// A branch with the categories above it, outermost first, its own last.
pub(super) struct Branch<'a> {
    pub(super) node: Node<'a>,
    pub(super) categories: Vec<&'a str>,
}

/// Groups of products by identifier.
pub(super) type Groups<'a> = HashMap<&'a str, Vec<&'a str>>;

/// A document, walked once.
pub(super) struct Document<'a> {
    pub(super) root: &'a Node<'a>,
    pub(super) products: Vec<Product<'a>>,
    pub(super) branches: Vec<Branch<'a>>,
    pub(super) groups: Groups<'a>,
    pub(super) vulnerabilities: Vec<Node<'a>>,
}

impl<'a> Document<'a> {
    pub(super) fn of(root: &'a Node<'a>) -> Document<'a> {
        let mut products = Vec::new();
        let mut branches = Vec::new();
        let mut groups = HashMap::new();
        if let Some(tree) = root.get("product_tree") {
            for product in tree.list("full_product_names") {
                add_product(product, &mut products);
            }
            for relationship in tree.list("relationships") {
                if let Some(product) = relationship.get("full_product_name") {
                    add_product(product, &mut products);
                }
            }
            for branch in tree.list("branches") {
                walk(branch, &[], &mut branches, &mut products);
            }
            for group in tree.list("product_groups") {
                if let Some(id) = group.text("group_id") {
                    let members: &mut Vec<&str> = groups.entry(id).or_default();
                    members.extend(texts(&group, "product_ids").into_iter().map(|member| member.id));
                }
            }
        }
        Document {
            root,
            products,
            branches,
            groups,
            vulnerabilities: root.list("vulnerabilities"),
        }
    }

    /// The text under keys of keys.
    pub(super) fn text(&self, keys: &[&str]) -> Option<&'a str> {
        self.root.at(keys)?.value.as_text()
    }

    /// The document's category, empty when it has none.
    pub(super) fn category(&self) -> &'a str {
        self.text(&["document", "category"]).unwrap_or_default()
    }

    /// Every reference to a product.
    pub(super) fn product_references(&self) -> Vec<Id<'a>> {
        let mut ids = Vec::new();
        if let Some(tree) = self.root.get("product_tree") {
            for group in tree.list("product_groups") {
                ids.extend(texts(&group, "product_ids"));
            }
            for relationship in tree.list("relationships") {
                for key in ["product_reference", "relates_to_product_reference"] {
                    ids.extend(text(&relationship, key));
                }
            }
        }
        for vulnerability in &self.vulnerabilities {
            if let Some(status) = vulnerability.get("product_status") {
                for (name, _) in status.value.fields() {
                    ids.extend(texts(&status, name));
                }
            }
            for key in ["flags", "remediations", "threats"] {
                for item in vulnerability.list(key) {
                    ids.extend(texts(&item, "product_ids"));
                }
            }
            for score in vulnerability.list("scores") {
                ids.extend(texts(&score, "products"));
            }
        }
        ids
    }

    /// Every reference to a group.
    pub(super) fn group_references(&self) -> Vec<Id<'a>> {
        let mut ids = Vec::new();
        for vulnerability in &self.vulnerabilities {
            for key in ["flags", "remediations", "threats"] {
                for item in vulnerability.list(key) {
                    ids.extend(texts(&item, "group_ids"));
                }
            }
        }
        ids
    }

    /// Products that an item names itself or through a group.
    pub(super) fn products_of(&self, item: &Node<'a>) -> HashSet<&'a str> {
        let mut named: HashSet<&str> = texts(item, "product_ids").into_iter().map(|id| id.id).collect();
        for group in texts(item, "group_ids") {
            named.extend(self.groups.get(group.id).into_iter().flatten());
        }
        named
    }

    /// Products of a vulnerability by the groups of statuses named here, with the place of the first.
    pub(super) fn with_status(
        &self,
        vulnerability: &Node<'a>,
        statuses: &[&str],
    ) -> BTreeMap<&'a str, String> {
        let mut found = BTreeMap::new();
        if let Some(status) = vulnerability.get("product_status") {
            for name in statuses {
                for id in texts(&status, name) {
                    found.entry(id.id).or_insert(id.path);
                }
            }
        }
        found
    }
}

/// Statuses of products that are affected.
pub(super) const AFFECTED: [&str; 3] = ["first_affected", "known_affected", "last_affected"];
/// Statuses of products that hold a fix.
pub(super) const FIXED: [&str; 2] = ["first_fixed", "fixed"];

fn add_product<'a>(node: Node<'a>, products: &mut Vec<Product<'a>>) {
    if let Some(id) = node.text("product_id") {
        products.push(Product { id, node });
    }
}

fn walk<'a>(
    branch: Node<'a>,
    above: &[&'a str],
    branches: &mut Vec<Branch<'a>>,
    products: &mut Vec<Product<'a>>,
) {
    let mut categories = above.to_vec();
    categories.push(branch.text("category").unwrap_or_default());
    if let Some(product) = branch.get("product") {
        add_product(product, products);
    }
    for inner in branch.list("branches") {
        walk(inner, &categories, branches, products);
    }
    branches.push(Branch {
        node: branch,
        categories,
    });
}

/// The text under a key, with its place.
fn text<'a>(node: &Node<'a>, key: &str) -> Option<Id<'a>> {
    let child = node.get(key)?;
    Some(Id {
        id: child.value.as_text()?,
        path: child.path,
    })
}

/// The texts of the list under a key, with their places.
pub(super) fn texts<'a>(node: &Node<'a>, key: &str) -> Vec<Id<'a>> {
    node.list(key)
        .into_iter()
        .filter_map(|item| {
            Some(Id {
                id: item.value.as_text()?,
                path: item.path,
            })
        })
        .collect()
}
