//! The telephone engine for customer service.
fn main() {}
