//! Nothing but a place for the tests in `tests/`: Cargo compiles no tests of a virtual workspace.
