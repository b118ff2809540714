//! The bounded run: each target's corpus, and a fixed number of seeded mutations of it, on plain stable Rust.
//! `HOTLINE_FUZZ_SEED` takes other mutations, `HOTLINE_FUZZ_TIMES` more of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hotline_fuzz::{Mutator, TARGETS, corpus, seeds};

fn number(name: &str) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn hold(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "{name} has nothing to begin with");
    for seed in &seeds {
        (target.run)(seed);
    }
    let mut mutator = Mutator::new(number("HOTLINE_FUZZ_SEED"));
    for _ in 0..u64::from(target.bounded) * number("HOTLINE_FUZZ_TIMES") {
        let input = mutator.next_input(&seeds);
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            let kept = std::env::temp_dir().join(format!("{name}-failed"));
            std::fs::write(&kept, &input).expect("the input can be kept");
            panic!(
                "{name}: kept in {}; once mended, it belongs into {}",
                kept.display(),
                corpus(target).display()
            );
        }
    }
}

macro_rules! bounded {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            hold($name);
        })*

        #[test]
        fn every_target_has_a_test() {
            let tested = [$($name),*];
            assert!(TARGETS.iter().all(|target| tested.contains(&target.name)));
        }
    };
}

bounded! {
    sip_message "sip-message"
    sip_endpoint "sip-endpoint"
    sip_stream "sip-stream"
    sdp "sdp"
    rtp "rtp"
    rtcp "rtcp"
    dialplan "dialplan"
    http "http"
}
