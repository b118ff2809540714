//! A day of a hotline on virtual time: a thousand callers, thirty agents.

#[path = "../examples/day/mod.rs"]
mod day;

#[test]
fn a_day_of_a_thousand_callers_and_thirty_agents() {
    let done = day::run(1_000, 30, 7);
    assert_eq!(done.served + done.gave_up + done.nobody, 1_000, "{done:?}");
    assert!(done.served > 800 && done.gave_up > 0, "{done:?}");
    assert!(done.estimates > 100, "{done:?}");
    // Half of what callers were told first is within a factor of three of what they waited, and two
    // minutes either way.
    assert!(done.honest * 2 > done.estimates, "{done:?}");
    assert_eq!(done.left_over, 0, "{done:?}");
    assert!(done.steps > 3_000, "{done:?}");
}
