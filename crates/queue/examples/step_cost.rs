//! What a step costs: `cargo run --release -p hotline-queue --example step_cost`.
//!
//! A day of 1,000 callers and 30 agents on virtual time, and a crowded one: 3,000 callers, 60 agents, so
//! that hundreds wait at once. Printed is the best of ten rounds, for the day and for each event.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

mod day;

use std::time::Instant;

fn main() {
    for (callers, agents) in [(1_000, 30), (3_000, 60)] {
        let mut best = f64::MAX;
        let mut steps = 0;
        for _ in 0..10 {
            let began = Instant::now();
            let done = day::run(callers, agents, 7);
            best = best.min(began.elapsed().as_secs_f64());
            steps = done.steps;
        }
        println!(
            "{callers} callers, {agents} agents: {:.1} ms a day, {steps} steps, {:.1} µs a step",
            best * 1e3,
            best * 1e6 / steps as f64
        );
    }
    let done = day::run(1_000, 30, 7);
    println!(
        "of 1,000: {} served, {} gave up, {} found nobody, {} left over; {} of {} waits told were near the truth",
        done.served, done.gave_up, done.nobody, done.left_over, done.honest, done.estimates
    );
}
