//! What arrived of one source: sequence, loss, jitter (RFC 3550 appendix A.1, A.3, A.8).

/// Statistics of the packets of one SSRC.
#[derive(Debug, Clone)]
pub struct Reception {
    base: u32,
    /// Highest extended sequence number.
    highest: u32,
    /// The sequence number that would confirm a jump.
    jump: Option<u16>,
    /// One bit for each of the last 64 sequence numbers, the highest in bit 0.
    seen: u64,
    received: u32,
    duplicates: u32,
    late: u32,
    expected_prior: u32,
    received_prior: u32,
    transit: Option<u32>,
    /// 16 × the mean deviation, in timestamp units.
    jitter_16: u32,
}

/// Where a packet stands among the others of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Sequence number with the number of wraps above it.
    pub extended: u32,
    /// Its order.
    pub order: Order,
}

/// How a packet's sequence number relates to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Newer than all before, perhaps with a gap.
    Newer,
    /// Older than another, not seen before.
    Late,
    /// Seen before.
    Duplicate,
    /// Far away from the others; if the next one follows it, the source has restarted.
    Jump,
}

impl Reception {
    /// Statistics that begin with this sequence number; call [`Reception::place`] for the packet itself too.
    #[must_use]
    pub fn new(sequence: u16) -> Reception {
        // One wrap up, so that a late packet from before the first has a number as well.
        let first = FIRST_CYCLE + u32::from(sequence);
        Reception {
            base: first,
            highest: first.wrapping_sub(1),
            jump: None,
            seen: 0,
            received: 0,
            duplicates: 0,
            late: 0,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter_16: 0,
        }
    }

    /// Takes note of a packet.
    pub fn place(&mut self, sequence: u16) -> Placed {
        let ahead = i32::from(sequence.wrapping_sub(self.highest as u16) as i16);
        let extended = self.highest.wrapping_add_signed(ahead);
        let order = match ahead {
            1..MAX_DROPOUT => {
                self.seen = self.seen.checked_shl(ahead as u32).unwrap_or(0) | 1;
                self.highest = extended;
                self.received += 1;
                Order::Newer
            }
            _ if -ahead < MAX_MISORDER && ahead <= 0 => self.place_old(-ahead as u32, extended),
            _ if self.jump == Some(sequence) => return self.restart(sequence),
            _ => {
                self.jump = Some(sequence.wrapping_add(1));
                return Placed { extended, order: Order::Jump };
            }
        };
        self.jump = None;
        Placed { extended, order }
    }

    /// The deviation of spacing (RFC 3550 §6.4.1) takes in a packet: arrival and timestamp in the same unit.
    pub fn note_arrival(&mut self, arrival: u32, timestamp: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(last) = self.transit.replace(transit) {
            let difference = (transit.wrapping_sub(last) as i32).unsigned_abs();
            if difference < MAX_TRANSIT_STEP {
                self.jitter_16 = self.jitter_16 + difference - ((self.jitter_16 + 8) >> 4);
            }
        }
    }

    /// Interarrival jitter in timestamp units.
    #[must_use]
    pub fn jitter(&self) -> u32 {
        self.jitter_16 >> 4
    }

    /// Different packets received.
    #[must_use]
    pub fn received(&self) -> u32 {
        self.received
    }

    /// Packets received again.
    #[must_use]
    pub fn duplicates(&self) -> u32 {
        self.duplicates
    }

    /// Packets received after a newer one.
    #[must_use]
    pub fn late(&self) -> u32 {
        self.late
    }

    /// Packets between the first and the highest sequence number.
    #[must_use]
    pub fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.base).wrapping_add(1)
    }

    /// Packets that did not arrive.
    #[must_use]
    pub fn lost(&self) -> u32 {
        self.expected().saturating_sub(self.received)
    }

    /// Highest sequence number, extended by its wraps, as RTCP reports it.
    #[must_use]
    pub fn highest(&self) -> u32 {
        self.highest.wrapping_sub(FIRST_CYCLE)
    }

    /// Share of packets lost since the last call, in 1/256 (RFC 3550 A.3).
    pub fn take_fraction_lost(&mut self) -> u8 {
        let received = self.received + self.duplicates;
        let expected_interval = self.expected().saturating_sub(self.expected_prior);
        let received_interval = received - self.received_prior;
        self.expected_prior = self.expected();
        self.received_prior = received;
        let lost = expected_interval.saturating_sub(received_interval);
        if lost == 0 { 0 } else { (u64::from(lost) * 256 / u64::from(expected_interval)).min(255) as u8 }
    }

    fn place_old(&mut self, behind: u32, extended: u32) -> Order {
        let bit = 1u64.checked_shl(behind).unwrap_or(0);
        if self.seen & bit != 0 || bit == 0 {
            self.duplicates += 1;
            return Order::Duplicate;
        }
        self.seen |= bit;
        self.received += 1;
        self.late += 1;
        self.base = self.base.min(extended);
        Order::Late
    }

    /// The source has restarted: what is counted goes on, the numbers begin anew.
    fn restart(&mut self, sequence: u16) -> Placed {
        let expected = self.expected();
        let first = FIRST_CYCLE + u32::from(sequence);
        self.highest = first;
        // The packet that jumped came too, and was not counted.
        self.base = first.wrapping_sub(expected).wrapping_sub(1);
        self.received += 2;
        self.seen = 0b11;
        self.jump = None;
        self.transit = None;
        Placed { extended: first, order: Order::Newer }
    }
}

/// A gap larger than a minute of packets is a restart.
const MAX_DROPOUT: i32 = 3000;
/// A packet older than this is a restart.
const MAX_MISORDER: i32 = 100;
/// A step of two seconds is a pause or a new clock, not jitter.
const MAX_TRANSIT_STEP: u32 = 16_000;
const FIRST_CYCLE: u32 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn after(sequences: &[u16]) -> Reception {
        let mut reception = Reception::new(sequences[0]);
        for &sequence in sequences {
            reception.place(sequence);
        }
        reception
    }

    #[test]
    fn loss_and_order_are_counted_over_a_wrap() {
        let reception = after(&[65_533, 65_535, 1, 0, 0, 2]);
        assert_eq!((reception.received(), reception.lost()), (5, 1));
        assert_eq!((reception.late(), reception.duplicates()), (1, 1));
        assert_eq!(reception.highest(), (1 << 16) + 2);
    }

    #[test]
    fn a_packet_from_before_the_first_is_late_and_not_a_loss() {
        let reception = after(&[5, 4, 6]);
        assert_eq!((reception.received(), reception.lost(), reception.late()), (3, 0, 1));
    }

    #[test]
    fn one_stray_number_is_ignored_and_two_in_a_row_are_a_restart() {
        let mut reception = after(&[10, 11]);
        assert_eq!(reception.place(40_000).order, Order::Jump);
        assert_eq!(reception.place(12).order, Order::Newer);
        assert_eq!(reception.place(40_000).order, Order::Jump);
        assert_eq!(reception.place(40_001).order, Order::Newer);
        assert_eq!(reception.place(40_002).order, Order::Newer);
        assert_eq!((reception.received(), reception.lost()), (6, 0));
    }

    #[test]
    fn the_fraction_lost_is_that_of_the_interval() {
        let mut reception = after(&[0, 1, 2, 3]);
        assert_eq!(reception.take_fraction_lost(), 0);
        for sequence in [5, 7] {
            reception.place(sequence);
        }
        assert_eq!(reception.take_fraction_lost(), 128);
        assert_eq!(reception.take_fraction_lost(), 0);
    }

    #[test]
    fn steady_spacing_has_no_jitter_and_uneven_spacing_has() {
        let mut reception = Reception::new(0);
        for n in 0..500u32 {
            reception.note_arrival(n * 160, n * 160);
        }
        assert_eq!(reception.jitter(), 0);
        for n in 500..1000u32 {
            reception.note_arrival(n * 160 + (n % 2) * 80, n * 160);
        }
        assert!((75..=80).contains(&reception.jitter()), "{}", reception.jitter());
    }

    proptest::proptest! {
        #[test]
        fn no_sequence_of_numbers_panics(numbers in proptest::collection::vec(proptest::num::u16::ANY, 1..300)) {
            let mut reception = Reception::new(numbers[0]);
            for number in numbers {
                reception.place(number);
                reception.note_arrival(u32::from(number) << 16, u32::from(number).wrapping_mul(77_777));
                reception.take_fraction_lost();
                let _ = reception.lost();
            }
        }
    }
}
