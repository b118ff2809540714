//! The exchange that runs: SIP sockets, trunks, calls, interpreter.
