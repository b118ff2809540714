//! What happens without a caller: ticket, render, message.
