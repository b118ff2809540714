//! A store whose keys do not come back: a slot and its generation.

/// A key: slot in the low half, generation in the high half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(pub(crate) u64);

#[derive(Debug)]
pub(crate) struct Arena<T> {
    slots: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Arena<T> {
    pub(crate) fn new() -> Arena<T> {
        Arena { slots: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            (self.slots.len() - 1) as u32
        });
        let (generation, place) = &mut self.slots[slot as usize];
        *place = Some(value);
        Key(u64::from(*generation) << 32 | u64::from(slot))
    }

    pub(crate) fn find(&self, key: Key) -> Option<&T> {
        let (generation, value) = self.slots.get(key.0 as u32 as usize)?;
        if u64::from(*generation) == key.0 >> 32 { value.as_ref() } else { None }
    }

    pub(crate) fn find_mut(&mut self, key: Key) -> Option<&mut T> {
        let (generation, value) = self.slots.get_mut(key.0 as u32 as usize)?;
        if u64::from(*generation) == key.0 >> 32 { value.as_mut() } else { None }
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let slot = key.0 as u32;
        let (generation, value) = self.slots.get_mut(slot as usize)?;
        if u64::from(*generation) != key.0 >> 32 {
            return None;
        }
        let value = value.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(slot);
        Some(value)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Keys in slot order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.slots.iter().enumerate().filter_map(|(slot, (generation, value))| {
            Some((Key(u64::from(*generation) << 32 | slot as u64), value.as_ref()?))
        })
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        self.slots.iter_mut().enumerate().filter_map(|(slot, (generation, value))| {
            Some((Key(u64::from(*generation) << 32 | slot as u64), value.as_mut()?))
        })
    }
}
