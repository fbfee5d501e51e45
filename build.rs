//! How large a component's stack is.

/// In bytes. Rust's own 1 MiB is the most of a component's memory, and hosts that make an instance for each request clear
/// it each time. The deepest that Landfall goes is bounded by its parsers, and held against this by the component's tests.
const STACK: u32 = 256 * 1024;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo:rustc-link-arg-bins=-z");
        println!("cargo:rustc-link-arg-bins=stack-size={STACK}");
    }
}
