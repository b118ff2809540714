//! The system calls that the standard library does not have: the absolute clock, `recvmmsg`, `epoll`, CPU affinity.
#![expect(
    unsafe_code,
    reason = "these calls have no safe form in std; each is wrapped here and nowhere else"
)]

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The monotonic clock, as time since its own start.
pub(crate) fn monotonic() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec that the call fills; CLOCK_MONOTONIC always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Wakes a sleeping media thread before its tick.
#[derive(Debug, Default)]
pub(crate) struct Bell(AtomicU32);

impl Bell {
    /// Wakes the sleeper, or keeps the next sleep from beginning.
    pub fn ring(&self) {
        if self.0.swap(1, Ordering::Release) == 0 {
            // SAFETY: the address is that of a living, aligned 32-bit integer; the call writes nothing.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.0.as_ptr(),
                    libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                    1,
                );
            }
        }
    }

    /// Sleeps until a moment of [`monotonic`]; true if it was rung for before.
    pub fn sleep_until(&self, moment: Duration) -> bool {
        let time = libc::timespec {
            tv_sec: moment.as_secs() as libc::time_t,
            tv_nsec: libc::c_long::from(moment.subsec_nanos() as i32),
        };
        loop {
            if self.0.swap(0, Ordering::Acquire) == 1 {
                return true;
            }
            // SAFETY: the address is that of a living, aligned 32-bit integer and `time` a valid timespec, an absolute
            // one of CLOCK_MONOTONIC for FUTEX_WAIT_BITSET; neither is written.
            let result = unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.0.as_ptr(),
                    libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                    0,
                    &raw const time,
                    std::ptr::null::<u32>(),
                    libc::FUTEX_BITSET_MATCH_ANY,
                )
            };
            if result != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ETIMEDOUT) {
                return false;
            }
        }
    }
}

/// Ties the calling thread to a core, counted over those the process may use.
///
/// # Errors
/// If the system refuses.
pub(crate) fn pin_to_core(nth: usize) -> io::Result<()> {
    // SAFETY: a cpu_set_t of zeros is the empty set; the calls get its true size.
    unsafe {
        let mut allowed: libc::cpu_set_t = mem::zeroed();
        if libc::sched_getaffinity(0, mem::size_of_val(&allowed), &mut allowed) != 0 {
            return Err(io::Error::last_os_error());
        }
        let cores: Vec<usize> =
            (0..libc::CPU_SETSIZE as usize).filter(|&core| libc::CPU_ISSET(core, &allowed)).collect();
        let mut one: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(cores[nth % cores.len().max(1)], &mut one);
        if libc::sched_setaffinity(0, mem::size_of_val(&one), &one) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// A turn of the calling thread, in ns, where the scheduler lets a thread say it: the usual ones are 1 to 3 ms.
const LONG_TURN_NS: u64 = 20_000_000;

/// Lets the calling thread, which works for long behind the media threads, be interrupted by any thread that wakes. A
/// niceness alone does not do that: it says how much of the core a thread gets, and who wakes meanwhile waits for the
/// end of the running turn, up to a tick of 4 ms. The scheduler (EEVDF, Linux 6.12 and later) interrupts a turn at once
/// for a thread that asks for shorter ones, so this one asks for long ones. Niceness and policy stay as they are, and
/// so does its share. Earlier kernels take no notice.
///
/// # Errors
/// If the system refuses.
pub fn take_long_turns() -> io::Result<()> {
    // SAFETY: sched_attr is plain data that the first call fills and the second reads; both are told its true size.
    unsafe {
        let mut turn: libc::sched_attr = mem::zeroed();
        let size = mem::size_of_val(&turn) as u32;
        if libc::syscall(libc::SYS_sched_getattr, 0, &raw mut turn, size, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
        turn.sched_runtime = LONG_TURN_NS;
        if libc::syscall(libc::SYS_sched_setattr, 0, &raw const turn, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Raises the number of files the process may open as far as it may; gives that number.
pub(crate) fn raise_file_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit, filled by the first call and read by the second.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 && limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
            libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        }
    }
    limit.rlim_cur
}

/// Dissolves the association of a connected UDP socket, so that it hears everyone again.
pub(crate) fn disconnect(socket: BorrowedFd<'_>) {
    // SAFETY: a zeroed sockaddr has a valid family after the next line; the call reads only as many bytes as it is told.
    unsafe {
        let mut nobody: libc::sockaddr = mem::zeroed();
        nobody.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
        libc::connect(socket.as_raw_fd(), &nobody, mem::size_of_val(&nobody) as libc::socklen_t);
    }
}

/// Room for the datagrams of one `recvmmsg`, used again and again.
pub(crate) struct Inbox {
    buffers: Box<[[u8; DATAGRAM]; BATCH]>,
    names: Box<[libc::sockaddr_storage; BATCH]>,
    lens: [usize; BATCH],
    count: usize,
}

impl Inbox {
    pub fn new() -> Inbox {
        Inbox {
            buffers: Box::new([[0; DATAGRAM]; BATCH]),
            // SAFETY: sockaddr_storage is plain data; zeros are the unspecified family.
            names: Box::new(unsafe { mem::zeroed() }),
            lens: [0; BATCH],
            count: 0,
        }
    }

    /// Receives what waits, at most [`BATCH`] datagrams, without blocking. Datagrams longer than 1,500 bytes are left out.
    ///
    /// # Errors
    /// What the socket says; `WouldBlock` if nothing waits.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        self.count = 0;
        let mut vectors: [libc::iovec; BATCH] = std::array::from_fn(|n| libc::iovec {
            iov_base: self.buffers[n].as_mut_ptr().cast(),
            iov_len: DATAGRAM,
        });
        let mut messages: [libc::mmsghdr; BATCH] = std::array::from_fn(|n| {
            // SAFETY: mmsghdr is plain data; zeros are null pointers and lengths of 0, which `recvmmsg` allows.
            let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
            message.msg_hdr.msg_name = (&raw mut self.names[n]).cast();
            message.msg_hdr.msg_namelen = mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            message.msg_hdr.msg_iov = &raw mut vectors[n];
            message.msg_hdr.msg_iovlen = 1;
            message
        });
        // SAFETY: each message points to its own iovec, buffer and name, all alive and not otherwise used until the call
        // returns; BATCH is their number; no timeout is given.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                messages.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        if received < 0 {
            return Err(io::Error::last_os_error());
        }
        self.count = received as usize;
        for (len, message) in self.lens.iter_mut().zip(&messages).take(self.count) {
            let cut = message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            *len = if cut { 0 } else { (message.msg_len as usize).min(DATAGRAM) };
        }
        Ok(self.count)
    }

    /// The datagrams of the last call with their sources.
    pub fn datagram(&self, n: usize) -> Option<(&[u8], SocketAddr)> {
        if n >= self.count {
            return None;
        }
        Some((&self.buffers[n][..self.lens[n]], address(&self.names[n])?))
    }
}

/// The address the kernel wrote.
fn address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the storage holds a sockaddr_in, which is smaller and not more aligned.
            let v4 = unsafe { *(&raw const *storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(v4.sin_port))))
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for sockaddr_in6.
            let v6 = unsafe { *(&raw const *storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            // Scope and flow would make the same peer look different from its SDP.
            Some(SocketAddr::V6(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, 0)))
        }
        _ => None,
    }
}

/// Which sockets have something to read.
pub(crate) struct Watch {
    epoll: OwnedFd,
}

impl Watch {
    /// # Errors
    /// If the system has no more files.
    pub fn new() -> io::Result<Watch> {
        // SAFETY: the call takes no pointer; a descriptor that is not negative is new and ours alone.
        let epoll = unsafe {
            let fd = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Watch { epoll })
    }

    /// Watches a socket under a number: each arrival is told once.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn add(&self, socket: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket, token)
    }

    /// Ends it; a socket that is not watched is no matter.
    pub fn remove(&self, socket: BorrowedFd<'_>) {
        let _ = self.control(libc::EPOLL_CTL_DEL, socket, 0);
    }

    /// The numbers of the sockets where something arrived, at most as many as there is room; never waits.
    pub fn poll(&self, ready: &mut [u64; READY]) -> usize {
        let mut events = [MaybeUninit::<libc::epoll_event>::uninit(); READY];
        // SAFETY: `events` has room for READY events; a timeout of 0 returns at once.
        let count = unsafe {
            libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr().cast(), READY as libc::c_int, 0)
        };
        let count = usize::try_from(count).unwrap_or(0);
        for (token, event) in ready.iter_mut().zip(&events).take(count) {
            // SAFETY: the kernel has filled the first `count` events.
            *token = unsafe { event.assume_init() }.u64;
        }
        count
    }

    fn control(&self, operation: libc::c_int, socket: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        // Edge-triggered, which spares a second look at each socket: what is told is read until nothing is left.
        let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET) as u32, u64: token };
        // SAFETY: both descriptors are open for the length of the call; `event` is valid.
        let result =
            unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, socket.as_raw_fd(), &mut event) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Datagrams one call receives: a leg has one a frame, seldom more.
pub(crate) const BATCH: usize = 8;
/// Sockets one look at the watch tells.
pub(crate) const READY: usize = 256;
/// Longest datagram: an Ethernet frame's.
const DATAGRAM: usize = 1500;

#[cfg(test)]
mod tests {
    use super::*;

    /// Policy, niceness and turn of the calling thread.
    fn scheduled() -> (u32, i32, u64) {
        // SAFETY: sched_attr is plain data, filled by the call that is told its true size.
        unsafe {
            let mut turn: libc::sched_attr = mem::zeroed();
            let size = mem::size_of_val(&turn) as u32;
            assert_eq!(libc::syscall(libc::SYS_sched_getattr, 0, &raw mut turn, size, 0), 0);
            (turn.sched_policy, turn.sched_nice, turn.sched_runtime)
        }
    }

    #[test]
    fn long_turns_leave_policy_and_niceness_as_they_were() {
        let worker = std::thread::spawn(|| {
            // SAFETY: the call takes numbers only; 0 is the calling thread.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 5) };
            let before = scheduled();
            take_long_turns().unwrap();
            (before, scheduled())
        });
        let ((policy, nice, usual), after) = worker.join().unwrap();
        assert_eq!((policy, nice), (libc::SCHED_OTHER as u32, 5));
        // Kernels that know no turns tell 0.
        let turn = if usual == 0 { 0 } else { LONG_TURN_NS };
        assert_eq!(after, (policy, nice, turn));
    }
}
