//! Texts that occur often, by number: keys, clients, backends, classes.

use xxhash_rust::xxh64::xxh64;

/// Different texts, each with a number in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Names {
    pub(super) const fn none() -> Self {
        Self { text: Vec::new(), ends: Vec::new() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a number; empty where there is none.
    #[must_use]
    pub fn get(&self, number: usize) -> &[u8] {
        let Some(&end) = self.ends.get(number) else { return &[] };
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..end as usize]
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.get(number))
    }

    fn push(&mut self, text: &[u8]) {
        self.text.extend(text);
        self.ends.push(self.text.len() as u32);
    }

    /// Lengths first (four bytes each), then all texts.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        to.extend((self.ends.len() as u32).to_le_bytes());
        self.iter().for_each(|text| to.extend((text.len() as u32).to_le_bytes()));
        to.extend(&self.text);
    }

    /// What [`Names::write`] wrote; `None` if it is not that.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk()?;
        let (lengths, text) = rest.split_at_checked((u32::from_le_bytes(*count) as usize).checked_mul(4)?)?;
        let mut ends = Vec::with_capacity(lengths.len() / 4);
        let mut end = 0_u32;
        for length in lengths.chunks_exact(4) {
            end = end.checked_add(u32::from_le_bytes(length.try_into().expect("chunks of four")))?;
            ends.push(end);
        }
        (end as usize == text.len()).then(|| Self { text: text.to_vec(), ends })
    }
}

/// Gives numbers to texts, up to so many bytes of them.
#[derive(Debug)]
pub(super) struct Naming {
    names: Names,
    /// Numbers, from 1 on, at the place of their text's hash or behind it; 0 is free. Never more than half full.
    table: Vec<u32>,
    most: usize,
    /// Texts that got the number of another.
    pub(super) shared: u64,
}

impl Naming {
    pub(super) fn new(most: usize) -> Self {
        Self { names: Names::default(), table: vec![0; 64], most, shared: 0 }
    }

    /// The number of a text. When there is no room for more, it shares that of another, by its hash.
    pub(super) fn number(&mut self, text: &[u8]) -> u64 {
        let hash = xxh64(text, 0);
        let mut place = hash as usize & (self.table.len() - 1);
        while let Some(number) = self.table[place].checked_sub(1) {
            if self.names.get(number as usize) == text {
                return number.into();
            }
            place = (place + 1) & (self.table.len() - 1);
        }
        let count = self.names.len();
        // Each takes its text, its end, and two places in the table.
        if self.names.text.len() + text.len() + 16 * count > self.most && count > 0 {
            self.shared += 1;
            return hash % count as u64;
        }
        self.names.push(text);
        self.table[place] = count as u32 + 1;
        if 2 * self.names.len() > self.table.len() {
            self.grow();
        }
        count as u64
    }

    fn grow(&mut self) {
        let size = 2 * self.table.len();
        self.table = vec![0; size];
        for (number, text) in (1..).zip(self.names.iter()) {
            let mut place = xxh64(text, 0) as usize & (size - 1);
            while self.table[place] != 0 {
                place = (place + 1) & (size - 1);
            }
            self.table[place] = number;
        }
    }

    pub(super) fn names(self) -> Names {
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_equal_numbers_in_order_of_their_coming() {
        let mut naming = Naming::new(1 << 20);
        let texts: Vec<String> = (0..1000).map(|number| format!("/{}", number % 321)).collect();
        let numbers: Vec<u64> = texts.iter().map(|text| naming.number(text.as_bytes())).collect();
        assert_eq!(numbers, (0..1000).map(|number| number % 321).collect::<Vec<_>>());
        let names = naming.names();
        assert_eq!((names.len(), names.get(320), names.get(321)), (321, &b"/320"[..], &b""[..]));
        let mut bytes = Vec::new();
        names.write(&mut bytes);
        assert_eq!(Names::read(&bytes), Some(names));
        assert_eq!(Names::read(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn beyond_the_limit_numbers_are_shared() {
        let mut naming = Naming::new(1000);
        let numbers: Vec<u64> = (0..1000).map(|number| naming.number(format!("client {number}").as_bytes())).collect();
        let count = naming.names.len() as u64;
        assert!((30..60).contains(&count) && naming.shared == 1000 - count, "{count}");
        assert!(numbers.iter().all(|&number| number < count));
        assert_eq!(naming.number(b"client 999"), numbers[999]);
    }
}
