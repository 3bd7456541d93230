//! Where objects were made: tracebacks, each kept once.

use objects::code::Code;
use objects::vm::Vm;
use std::collections::HashMap;
use syntax::Op;

/// A frame: its code, which is immortal, and the instruction in progress.
#[derive(Clone, Copy)]
pub struct Place {
    code: &'static Code,
    line: u32,
}

impl Place {
    pub fn filename(self) -> &'static str {
        &self.code.source.filename
    }

    pub fn line(self) -> u32 {
        self.line
    }

    fn key(self) -> (usize, u32) {
        (std::ptr::from_ref(self.code).addr(), self.line)
    }
}

/// Whether a frame has not begun: what is allocated for it is its caller's doing.
fn is_incomplete(code: &Code, instruction: u32) -> bool {
    let first = code.source.instructions.iter().position(|instruction| instruction.op == Op::Resume);
    first.is_some_and(|first| (instruction as usize) < first)
}

/// Frames, innermost first, and how many there were in all.
pub struct Origin {
    pub places: Box<[Place]>,
    pub depth: u32,
}

/// All origins met so far, numbered.
#[derive(Default)]
pub struct Origins {
    known: Vec<Origin>,
    numbers: HashMap<(Box<[(usize, u32)]>, u32), u32>,
}

impl Origins {
    /// The number of the present traceback, of at most `most` frames.
    pub fn here(&mut self, vm: &mut Vm, most: usize) -> u32 {
        let mut places = Vec::new();
        let mut depth = 0;
        for view in vm.thread.frames() {
            if view.code.is_hidden.get() || is_incomplete(view.code, view.instruction()) {
                continue;
            }
            if places.len() < most {
                let line = view.code.source.position(view.instruction() as usize).line.unwrap_or(0);
                places.push(Place { code: view.code, line });
            }
            depth += 1;
        }
        let key = (places.iter().map(|place| place.key()).collect(), depth);
        let next = self.known.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.known.push(Origin { places: places.into(), depth });
        }
        number
    }

    pub fn get(&self, number: u32) -> &Origin {
        &self.known[number as usize]
    }

    /// Bytes that the table takes, roughly.
    pub fn bytes(&self) -> usize {
        let places: usize = self.known.iter().map(|origin| origin.places.len()).sum();
        places * 2 * size_of::<Place>() + self.known.len() * (size_of::<Origin>() + 64)
    }
}
