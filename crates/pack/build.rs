//! The packs of this repository are embedded: a change in one of them must rebuild the crate.

fn main() {
    println!("cargo::rerun-if-changed=../../packs");
}
