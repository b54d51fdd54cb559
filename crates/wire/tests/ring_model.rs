//! The protocol of the ring and the control page as a model, explored in every order of its loads and
//! stores.
//!
//! The hook pushes packets and branch bits (`shim/src/shared.rs`, `record_enter` in `ceval.c`), the
//! writer takes them (`ring.rs` of the writer). At any store the hook is killed, or a thread without the
//! GIL ends the process while the hook runs on. What the writer then has is what happened up to some
//! moment, at least up to the last store before: nothing lost, nothing twice. Loads and stores happen in
//! one order for both sides: the model proves nothing of weaker memory.
//!
//! Things that happen are numbered. The register of branch bits is a range of numbers, a packet one.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

use std::collections::HashSet;

/// Packets that the ring holds; a packet may be written up to this much beyond `limit`; `WAKE`.
const RING: u8 = 4;
const SLACK: u8 = 1;
const WAKE: u8 = 2;

const NOWHERE: i8 = -2;
const NOT_PARKED: i8 = -3;

/// What a thread does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Act {
    /// An instruction begins.
    Begin,
    /// A branch.
    Bit,
    /// One short packet.
    Short,
    /// Packets that follow a header.
    Long(u8),
}

/// A way in which the protocol could be wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    None,
    /// The branch bits are cleared with the first piece of a long packet.
    ClearsEarly,
    /// `head` moves without `head_pending`.
    NoPending,
    /// `head_pending` and the branch bits change in the other order.
    ClearsBeforePending,
    /// A thread that stops recording leaves its position to the untraced loop.
    NotParked,
    /// The writer reads the page once.
    NoRecheck,
    /// The writer counts the branch bits of a long packet before all of it is there.
    CountsEarly,
    /// The writer frees room before it has copied.
    FreesEarly,
}

/// A slot of the ring: its position, the branch bits before, what it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Slot {
    position: u8,
    bits: (u8, u8),
    /// Of a header: how many follow; else 0.
    follow: u8,
    /// The number of what happened; 0 for a piece of a long packet before its last.
    number: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Hook {
    Next,
    /// A short packet, written at `head`.
    Written(u8),
    Pending(u8),
    Cleared(u8),
    /// A long packet, of which so many slots are left; and whether the header is.
    Reserve {
        left: u8,
        total: u8,
    },
    Room {
        left: u8,
        total: u8,
        tail: u8,
    },
    Piece {
        left: u8,
        total: u8,
        head: u8,
    },
    LongPending(u8),
    LongCleared(u8),
    Stops,
    Stopped,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Writer {
    Loop,
    Take { is_over: bool },
    Copy { is_over: bool, from: u8, to: u8, at: u8 },
    Bits,
    Place { bits: (u8, u8) },
    Again { bits: (u8, u8), place: (i8, i8) },
    Head { bits: (u8, u8), place: (i8, i8) },
    Pending { bits: (u8, u8), place: (i8, i8), head: u8 },
    Done { total: u8, place: i8 },
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct State {
    // The page: the register is the number of its first bit, and how many.
    bits: (u8, u8),
    place: (i8, i8),
    head: u8,
    limit: u8,
    pending: u8,
    tail: u8,
    closed: bool,
    died: bool,
    slots: [Slot; RING as usize],
    // The hook.
    hook: Hook,
    act: u8,
    done: u8,
    last_packet: u8,
    done_at_end: Option<u8>,
    zeroes_limit: bool,
    // The writer: the next number that it expects, slots of a long packet to come, its branch bits.
    writer: Writer,
    next: u8,
    to_come: u8,
    long_bits: (u8, u8),
}

struct Model {
    acts: Vec<Act>,
    flaw: Flaw,
    /// The numbers of packets.
    packets: Vec<u8>,
}

impl Model {
    fn new(acts: &[Act], flaw: Flaw) -> Model {
        let happens = acts.iter().filter(|act| **act != Act::Begin);
        let packets = happens.zip(1..).filter(|(act, _)| **act != Act::Bit).map(|(_, n)| n);
        Model { packets: packets.collect(), acts: acts.to_vec(), flaw }
    }

    fn start(&self) -> State {
        State {
            bits: (1, 0),
            place: (NOWHERE, NOT_PARKED),
            head: 0,
            limit: 0,
            pending: 0,
            tail: 0,
            closed: false,
            died: false,
            slots: [Slot::default(); RING as usize],
            hook: Hook::Next,
            act: 0,
            done: 0,
            last_packet: 0,
            done_at_end: None,
            zeroes_limit: false,
            writer: Writer::Loop,
            next: 1,
            to_come: 0,
            long_bits: (0, 0),
        }
    }

    fn put(&self, s: &mut State, position: u8, slot: Slot) {
        s.slots[usize::from(position % RING)] = Slot { position, ..slot };
    }

    /// The packet is in the place of the branch bits.
    fn clear(&self, s: &mut State) {
        s.done += 1;
        s.last_packet = s.done;
        s.bits = (s.done + 1, 0);
        s.place = (NOWHERE, NOT_PARKED);
    }

    /// One load or store of the hook; false if it waits or is gone.
    fn hook(&self, s: &mut State) -> bool {
        if s.died {
            return false;
        }
        s.hook = match s.hook {
            Hook::Next => {
                let Some(&act) = self.acts.get(usize::from(s.act)) else { return false };
                match act {
                    Act::Begin => {
                        s.act += 1;
                        s.place.0 = s.done as i8;
                        Hook::Next
                    }
                    Act::Bit => {
                        s.act += 1;
                        s.done += 1;
                        s.bits.1 += 1;
                        Hook::Next
                    }
                    Act::Short if s.head <= s.limit => {
                        let (head, bits) = (s.head, s.bits);
                        self.put(s, head, Slot { bits, number: s.done + 1, ..Slot::default() });
                        Hook::Written(head + 1)
                    }
                    Act::Short => Hook::Reserve { left: 2, total: 1 },
                    Act::Long(total) => Hook::Reserve { left: total + 1, total },
                }
            }
            Hook::Written(head) => {
                match self.flaw {
                    Flaw::NoPending => {}
                    Flaw::ClearsBeforePending => self.clear(s),
                    _ => s.pending = head,
                }
                Hook::Pending(head)
            }
            Hook::Pending(head) => {
                match self.flaw {
                    Flaw::ClearsBeforePending => s.pending = head,
                    _ => self.clear(s),
                }
                Hook::Cleared(head)
            }
            Hook::Cleared(head) | Hook::LongCleared(head) => {
                s.head = head;
                s.act += 1;
                Hook::Next
            }
            Hook::Reserve { .. } if s.closed => Hook::Stops,
            Hook::Reserve { left, total } => {
                if s.head + 1 > s.tail + RING - SLACK {
                    return false;
                }
                Hook::Room { left, total, tail: s.tail }
            }
            Hook::Room { left, total, tail } => {
                s.limit = (tail + RING - SLACK).min(s.head + WAKE);
                Hook::Piece { left, total, head: s.head }
            }
            // The end is seen here or when this is asked the next time.
            Hook::Piece { .. } if s.closed => Hook::Stops,
            Hook::Piece { left, total, head } => {
                let room = (s.tail + RING - SLACK).saturating_sub(head);
                let count = left.min(room.max(1));
                for index in 0..count {
                    let rest = left - index;
                    let follow = if rest == total + 1 { total } else { 0 };
                    let bits = if rest == total { s.bits } else { (0, 0) };
                    let number = if rest == 1 { s.done + 1 } else { 0 };
                    self.put(s, head + index, Slot { bits, follow, number, position: 0 });
                }
                let (head, left) = (head + count, left - count);
                if left > 0 {
                    if self.flaw == Flaw::ClearsEarly {
                        s.bits = (s.bits.0, 0);
                    }
                    s.head = head;
                    Hook::Reserve { left, total }
                } else {
                    s.pending = head;
                    Hook::LongPending(head)
                }
            }
            Hook::LongPending(head) => {
                self.clear(s);
                Hook::LongCleared(head)
            }
            Hook::Stops => {
                if self.flaw != Flaw::NotParked {
                    s.place.1 = s.place.0;
                }
                Hook::Stopped
            }
            Hook::Stopped => {
                // The loop runs on untraced.
                s.place.0 = 99;
                return false;
            }
        };
        true
    }

    /// Takes a slot.
    fn read(&self, s: &mut State, position: u8) -> Result<(), String> {
        let slot = s.slots[usize::from(position % RING)];
        if slot.position != position {
            return Err(format!("slot {position} was overwritten by {}", slot.position));
        }
        if slot.follow > 0 {
            s.to_come = slot.follow;
            return Ok(());
        }
        s.to_come = s.to_come.saturating_sub(1);
        if slot.bits.1 > 0 {
            s.long_bits = slot.bits;
        }
        if s.to_come == 0 || self.flaw == Flaw::CountsEarly {
            let bits = std::mem::take(&mut s.long_bits);
            self.bits(s, bits)?;
        }
        if slot.number > 0 {
            if slot.number != s.next {
                return Err(format!("{} after {}", slot.number, s.next - 1));
            }
            s.next += 1;
        }
        Ok(())
    }

    fn bits(&self, s: &mut State, (first, count): (u8, u8)) -> Result<(), String> {
        if count > 0 && first != s.next {
            return Err(format!("branch bits from {first} on after {}", s.next - 1));
        }
        s.next += count;
        Ok(())
    }

    /// One load or store of the writer; false if it is done.
    fn writer(&self, s: &mut State) -> Result<bool, String> {
        let end = s.head.max(s.pending);
        s.writer = match s.writer {
            Writer::Loop => Writer::Take { is_over: s.closed || s.died },
            Writer::Take { is_over } => {
                let to = if s.died { end } else { s.head };
                let from = s.tail;
                if self.flaw == Flaw::FreesEarly {
                    s.tail = to;
                }
                Writer::Copy { is_over, from, to, at: from }
            }
            Writer::Copy { is_over, from, to, at } if at < to => {
                // The pieces of a packet count once it is whole.
                self.read(s, at)?;
                Writer::Copy { is_over, from, to, at: at + 1 }
            }
            Writer::Copy { is_over, from, to, .. } => {
                s.tail = to;
                if from == to && is_over { Writer::Bits } else { Writer::Loop }
            }
            Writer::Bits => Writer::Place { bits: s.bits },
            Writer::Place { bits } => Writer::Again { bits, place: s.place },
            Writer::Again { bits, .. } if bits != s.bits && self.flaw != Flaw::NoRecheck => {
                Writer::Loop
            }
            Writer::Again { bits, place } => Writer::Head { bits, place },
            Writer::Head { bits, place } => Writer::Pending { bits, place, head: s.head },
            Writer::Pending { bits, place, head } => {
                if head.max(s.pending) != s.tail && self.flaw != Flaw::NoRecheck {
                    Writer::Loop
                } else if head != s.tail {
                    Writer::Done { total: s.next - 1, place: NOWHERE }
                } else {
                    let next = s.next;
                    self.bits(s, bits)?;
                    let total = s.next - 1;
                    s.next = next;
                    let place = if place.1 == NOT_PARKED { place.0 } else { place.1 };
                    Writer::Done { total, place }
                }
            }
            Writer::Done { .. } => return Ok(false),
        };
        Ok(true)
    }

    /// What the writer has in the end is what happened.
    fn check(&self, s: &State) -> Result<(), String> {
        let Writer::Done { total, place } = s.writer else { return Ok(()) };
        let least = s.done_at_end.unwrap();
        let most = if s.pending > s.head { s.done + 1 } else { s.done };
        if total < least || total > most {
            return Err(format!("the writer has {total}, {least} to {most} have happened"));
        }
        let last = self.packets.iter().copied().filter(|&packet| packet <= total).max();
        let last = last.unwrap_or(0) as i8;
        if place != NOWHERE && (place < last || place > total as i8) {
            return Err(format!("instruction {place} after packet {last} of {total}"));
        }
        Ok(())
    }

    /// Visits every state; how many there are, or what is wrong in one.
    fn explore(&self) -> Result<usize, String> {
        let start = self.start();
        let mut seen = HashSet::from([start.clone()]);
        let mut open = vec![start];
        while let Some(state) = open.pop() {
            let mut next = Vec::new();
            let mut hook = state.clone();
            if self.hook(&mut hook) || hook != state {
                next.push(hook);
            }
            let mut writer = state.clone();
            if self.writer(&mut writer).map_err(|error| format!("{error}: {state:?}"))? {
                next.push(writer);
            }
            if state.done_at_end.is_none() {
                let done_at_end = Some(state.done);
                next.push(State { died: true, done_at_end, ..state.clone() });
                let closed = State { closed: true, done_at_end, ..state.clone() };
                next.push(State { zeroes_limit: true, ..closed });
            } else if !state.died {
                // Killed all the same.
                next.push(State { died: true, ..state.clone() });
            }
            if state.zeroes_limit {
                next.push(State { limit: 0, zeroes_limit: false, ..state.clone() });
            }
            for state in next {
                self.check(&state).map_err(|error| format!("{error}: {state:?}"))?;
                if seen.insert(state.clone()) {
                    open.push(state);
                }
            }
        }
        Ok(seen.len())
    }
}

/// Short and long packets, a long one that is larger than the ring has room for, branch bits and
/// instructions before each.
const ACTS: [&[Act]; 3] = [
    &[Act::Begin, Act::Bit, Act::Short, Act::Begin, Act::Bit, Act::Begin, Act::Short, Act::Bit],
    &[Act::Begin, Act::Bit, Act::Long(5), Act::Begin, Act::Bit, Act::Short, Act::Begin],
    &[Act::Short, Act::Begin, Act::Short, Act::Bit, Act::Short, Act::Begin, Act::Long(2), Act::Bit],
];

#[test]
fn nothing_is_lost_or_taken_twice_in_any_order() {
    for acts in ACTS {
        let states =
            Model::new(acts, Flaw::None).explore().unwrap_or_else(|error| panic!("{error}"));
        assert!(states > 1_000, "{states} states of {acts:?}");
    }
}

#[test]
fn the_model_sees_what_is_wrong() {
    for flaw in [
        Flaw::ClearsEarly,
        Flaw::NoPending,
        Flaw::ClearsBeforePending,
        Flaw::NotParked,
        Flaw::NoRecheck,
        Flaw::CountsEarly,
        Flaw::FreesEarly,
    ] {
        let is_seen = ACTS.iter().any(|acts| Model::new(acts, flaw).explore().is_err());
        assert!(is_seen, "{flaw:?}");
    }
}
