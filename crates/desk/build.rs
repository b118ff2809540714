//! The desktop is compiled in: when it was built anew, so is this crate.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../../desktop/dist");
}
