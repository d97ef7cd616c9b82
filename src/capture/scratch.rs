//! What encoding a row needs beside the row, kept from one to the next.

use super::encode;
use super::plan::{Part, Plan, Topic};
use super::row::Row;
use crate::error::Error;
use wire::buffer::Text;
use wire::json;

/// Reused from row to row, so that a row allocates nothing.
pub struct Scratch {
    /// By column: has NEW another value than OLD?
    pub changed: Vec<bool>,
    /// By column: where NEW's `"name":value` stands in the text.
    pub places: Vec<(u32, u32)>,
    pub topics: Topics,
    pub left: Topics,
    pub plain: Text,
    /// A value of the key or the status is larger than an event may be, and null stands for it.
    pub cut: bool,
}

impl Scratch {
    pub const fn new() -> Scratch {
        Scratch {
            changed: Vec::new(),
            places: Vec::new(),
            topics: Topics::new(),
            left: Topics::new(),
            plain: Text::new(),
            cut: false,
        }
    }
}

/// Rendered topics, one after another.
pub struct Topics {
    pub text: Text,
    pub ends: Vec<u32>,
    /// One was left out, for a value in it that is larger than an event may be.
    pub cut: bool,
}

impl Topics {
    const fn new() -> Topics {
        Topics {
            text: Text::new(),
            ends: Vec::new(),
            cut: false,
        }
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.cut = false;
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        (0..self.ends.len()).map(|n| {
            let start = if n == 0 { 0 } else { self.ends[n - 1] as usize };
            &self.text.as_bytes()[start..self.ends[n] as usize]
        })
    }

    /// Adds a topic of the row, unless one of its columns is null or too large or it is there already;
    /// without `all`, unless naming it runs foreign code.
    pub fn add(
        &mut self,
        topic: &Topic,
        row: Option<Row>,
        plan: &Plan,
        plain: &mut Text,
        all: bool,
    ) {
        let start = self.text.len();
        if !all && topic.columns.iter().any(|&n| plan.columns[n].foreign) {
            return;
        }
        for part in &topic.parts {
            match part {
                Part::Text(text) => self.text.extend(text),
                Part::Column(column) => match row.and_then(|row| row.get(*column)) {
                    Some(datum) if plan.columns[*column].is_too_large(datum) => {
                        self.cut = true;
                        return self.text.truncate(start);
                    }
                    // SAFETY: the codec is the column's.
                    Some(datum) => unsafe {
                        let codec = &plan.columns[*column].codec;
                        encode::write_plain(codec, datum, &mut self.text, plain);
                    },
                    None => return self.text.truncate(start),
                },
            }
        }
        if self
            .iter()
            .any(|other| other == &self.text.as_bytes()[start..])
        {
            return self.text.truncate(start);
        }
        reserve(&mut self.ends);
        self.ends.push(self.text.len() as u32);
    }

    pub fn write(&self, out: &mut Text) {
        for (n, topic) in self.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            json::write_string(out, topic);
        }
    }
}

fn reserve<T>(list: &mut Vec<T>) {
    if list.try_reserve(1).is_err() {
        Error::OutOfMemory {
            bytes: size_of::<T>() * list.len(),
        }
        .raise();
    }
}

pub fn resize<T: Copy>(list: &mut Vec<T>, n: usize, value: T) {
    list.clear();
    if list.try_reserve(n).is_err() {
        Error::OutOfMemory {
            bytes: size_of::<T>() * n,
        }
        .raise();
    }
    list.resize(n, value);
}
