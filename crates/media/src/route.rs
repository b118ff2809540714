//! Where a forwarded packet falls in the stream of the leg it goes to.

use hotline_rtp::Header;

/// Maps sequence numbers and timestamps of another leg's source into our stream, so that its gaps and disorder stay
/// visible and our own sound before and after fits.
#[derive(Debug, Default)]
pub(crate) struct Route {
    map: Option<Map>,
}

#[derive(Debug, Clone, Copy)]
struct Map {
    ssrc: u32,
    first_in: u16,
    sequence_offset: u16,
    timestamp_offset: u32,
}

/// A packet's place in our stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub sequence: u16,
    pub timestamp: u32,
    /// The stream starts anew here.
    pub fresh: bool,
}

impl Route {
    /// Our own sound came between; the next forwarded packet starts anew.
    pub fn reset(&mut self) {
        self.map = None;
    }

    /// The place of a packet. `next_sequence` and `clock` are our stream's; nothing for one from before the start.
    pub fn place(&mut self, header: &Header, next_sequence: u16, clock: u32) -> Option<Place> {
        let fresh = self.map.is_none_or(|map| map.ssrc != header.ssrc);
        if fresh {
            self.map = Some(Map {
                ssrc: header.ssrc,
                first_in: header.sequence,
                sequence_offset: next_sequence.wrapping_sub(header.sequence),
                timestamp_offset: clock.wrapping_sub(header.timestamp),
            });
        }
        let map = self.map?;
        if header.sequence.wrapping_sub(map.first_in) > 0xFF00 {
            return None;
        }
        let sequence = header.sequence.wrapping_add(map.sequence_offset);
        Some(Place { sequence, timestamp: header.timestamp.wrapping_add(map.timestamp_offset), fresh })
    }

    /// A packet was kept back; the next one takes its number.
    pub fn skip(&mut self) {
        if let Some(map) = &mut self.map {
            map.sequence_offset = map.sequence_offset.wrapping_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16, timestamp: u32, ssrc: u32) -> Header {
        Header { marker: false, payload_type: 0, sequence, timestamp, ssrc }
    }

    #[test]
    fn gaps_stay_and_kept_back_packets_leave_none() {
        let mut route = Route::default();
        let place = route.place(&header(65_535, 1000, 1), 50, 8000).unwrap();
        assert_eq!(place, Place { sequence: 50, timestamp: 8000, fresh: true });
        assert_eq!(route.place(&header(1, 1320, 1), 51, 8160).unwrap().sequence, 52);
        route.skip();
        assert_eq!(
            route.place(&header(3, 1640, 1), 53, 8480).unwrap(),
            Place { sequence: 53, timestamp: 8640, fresh: false }
        );
        assert_eq!(route.place(&header(65_530, 200, 1), 54, 8480), None);
        assert!(route.place(&header(9, 9, 2), 54, 9000).unwrap().fresh);
    }
}
