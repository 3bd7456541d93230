//! Module `_random`: the Mersenne Twister MT19937, as Matsumoto and Nishimura published it.

use crate::support;
use heap::{MakeRoom, Value};
use num_bigint::{BigInt, Sign};
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeSpec, flags};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_random",
    doc: "Module implements the Mersenne Twister random number generator.",
    functions: &[],
    init,
};

const N: usize = 624;
const M: usize = 397;

layout! {
    Random {
        /// Of the next word of the state to be used.
        index INDEX: i64;
        /// Of the state, off the heap. The collector frees it.
        address ADDRESS: i64;
        bytes BYTES_ALLOCATED: i64;
    }
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("random", 1, 1, |vm, args| {
        let number = next_float(args.values[0]);
        Ok(vm.float(number))
    })
    .leaf()
    .with_doc("random($self, /)\n--\n\nrandom() -> x in the interval [0, 1)."),
    MethodDef::method("seed", 1, 2, |vm, args| {
        seed(vm, args.values[0], args.get(1))?;
        Ok(vm.none)
    })
    .with_doc("seed($self, n=None, /)\n--\n\nseed([n]) -> None.\n\nDefaults to use urandom and falls back to a combination\nof the current time and the process identifier."),
    MethodDef::method("getstate", 1, 1, get_state)
        .leaf()
        .with_doc("getstate($self, /)\n--\n\ngetstate() -> tuple containing the current state."),
    MethodDef::method("setstate", 2, 2, set_state)
        .with_doc("setstate($self, state, /)\n--\n\nsetstate(state) -> None.  Restores generator state."),
    MethodDef::method("getrandbits", 2, 2, get_bits)
        .with_doc("getrandbits($self, k, /)\n--\n\ngetrandbits(k) -> x.  Generates an int with k random bits."),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    support::add_type(
        vm,
        module,
        TypeSpec {
            module: "_random",
            flags: flags::BASETYPE,
            finalize: heap::Finalize::OffHeap,
            slots: Slots {
                new: Some(|vm, ty, _| {
                    let random = vm.new_instance(ty);
                    let object = cast::<Random>(random);
                    // SAFETY: plain allocation; the object owns the memory from here on.
                    let memory = unsafe { libc::calloc(N, 4) };
                    assert!(!memory.is_null(), "out of memory for a random number generator");
                    object.address.set(memory as i64);
                    object.bytes.set(N as i64 * 4);
                    vm.thread.heap.add_pressure(N as isize * 4);
                    Ok(random)
                }),
                init: Some(|vm, random, args| {
                    let ty = vm.type_of(random);
                    support::no_keywords(vm, ty, "Random", args)?;
                    if args.args().len() > 1 {
                        return Err(
                            vm.type_error(format!("Random expected at most 1 argument, got {}", args.args().len()))
                        );
                    }
                    seed(vm, random, args.get(0))
                }),
                ..Slots::default()
            },
            methods: METHODS,
            doc: "Random() -> create a random number generator with its own internal state.",
            ..TypeSpec::of::<Random>("Random", Kind::Other)
        },
    );
    Ok(())
}

/// The caller holds one such slice at a time.
fn state(random: Value) -> &'static mut [u32; N] {
    // SAFETY: `new` allocated the state, zeroed; it lives as long as the object.
    unsafe { &mut *(cast::<Random>(random).address.get() as *mut [u32; N]) }
}

fn next_word(random: Value) -> u32 {
    let (object, state) = (cast::<Random>(random), state(random));
    let mut index = object.index.get() as usize;
    if index >= N {
        twist(state);
        index = 0;
    }
    object.index.set(index as i64 + 1);
    let mut word = state[index];
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c_5680;
    word ^= (word << 15) & 0xefc6_0000;
    word ^ (word >> 18)
}

/// The next N words of the state.
fn twist(state: &mut [u32; N]) {
    for i in 0..N {
        let joined = (state[i] & 0x8000_0000) | (state[(i + 1) % N] & 0x7fff_ffff);
        let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
        state[i] = state[(i + M) % N] ^ (joined >> 1) ^ odd;
    }
}

/// 53 random bits as a number in [0, 1).
fn next_float(random: Value) -> f64 {
    let high = (next_word(random) >> 5) as f64;
    let low = (next_word(random) >> 6) as f64;
    (high * 67_108_864.0 + low) * (1.0 / 9_007_199_254_740_992.0)
}

fn start_from(state: &mut [u32; N], seed: u32) {
    state[0] = seed;
    for i in 1..N {
        let previous = state[i - 1];
        state[i] = 1_812_433_253u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(i as u32);
    }
}

fn start_from_key(random: Value, key: &[u32]) {
    let state = state(random);
    start_from(state, 19_650_218);
    let (mut i, mut j) = (1, 0);
    let wrap = |state: &mut [u32; N], i: &mut usize| {
        *i += 1;
        if *i >= N {
            state[0] = state[N - 1];
            *i = 1;
        }
    };
    for _ in 0..N.max(key.len()) {
        let previous = state[i - 1];
        let mixed = state[i] ^ (previous ^ (previous >> 30)).wrapping_mul(1_664_525);
        state[i] = mixed.wrapping_add(key[j]).wrapping_add(j as u32);
        wrap(state, &mut i);
        j = (j + 1) % key.len();
    }
    for _ in 0..N - 1 {
        let previous = state[i - 1];
        let mixed = state[i] ^ (previous ^ (previous >> 30)).wrapping_mul(1_566_083_941);
        state[i] = mixed.wrapping_sub(i as u32);
        wrap(state, &mut i);
    }
    state[0] = 0x8000_0000;
    cast::<Random>(random).index.set(N as i64);
}

/// From an int, the hash of another object, or the system's entropy.
fn seed(vm: &mut Vm, random: Value, seed: Option<Value>) -> PyResult<()> {
    let number = match seed {
        Some(seed) if seed != vm.none => match vm.as_bigint(seed) {
            Some(number) => number,
            None => BigInt::from(vm.hash(seed)? as u64),
        },
        _ => {
            let key = entropy(vm)?;
            start_from_key(random, &key);
            return Ok(());
        }
    };
    // Zero has one digit here.
    start_from_key(
        random,
        &number.magnitude().iter_u32_digits().chain(number.magnitude().bits().eq(&0).then_some(0)).collect::<Vec<_>>(),
    );
    Ok(())
}

fn entropy(vm: &mut Vm) -> PyResult<Vec<u32>> {
    let mut bytes = [0u8; N * 4];
    let mut at = 0;
    while at < bytes.len() {
        let rest = &mut bytes[at..];
        // SAFETY: the system writes at most `rest.len()` bytes there.
        let got = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        if got < 0 {
            let error = std::io::Error::last_os_error();
            if error.kind() == std::io::ErrorKind::Interrupted {
                continue;
            }
            return Err(vm.io_error(&error, Value::NULL));
        }
        at += got as usize;
    }
    Ok(bytes.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]])).collect())
}

fn get_state(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let random = args.values[0];
    let mut words = ValueVec::with_capacity(vm, N + 1);
    for &word in state(random).iter() {
        words.push(vm, Value::from_int(word as i64));
    }
    words.push(vm, Value::from_int(cast::<Random>(random).index.get()));
    Ok(vm.new_tuple(words.as_slice()))
}

fn set_state(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (random, given) = (args.values[0], args.values[1]);
    if !objects::tuple::is_tuple(vm, given) {
        return Err(vm.type_error("state vector must be a tuple"));
    }
    let items = objects::tuple::items(given);
    if items.len() != N + 1 {
        return Err(vm.value_error("state vector is the wrong size"));
    }
    let mut fresh = [0; N];
    for (word, &item) in fresh.iter_mut().zip(items) {
        *word = word_of(vm, item)? as u32;
    }
    let index = match vm.as_i64(items[N]) {
        Some(index) => index,
        None if vm.is_int(items[N]) => {
            return Err(vm.overflow_error("Python int too large to convert to C long"));
        }
        None => return Err(vm.type_error("an integer is required")),
    };
    if !(0..=N as i64).contains(&index) {
        return Err(vm.value_error("invalid state"));
    }
    *state(random) = fresh;
    cast::<Random>(random).index.set(index);
    Ok(vm.none)
}

fn word_of(vm: &mut Vm, item: Value) -> PyResult<u64> {
    let Some(number) = vm.as_bigint(item) else {
        return Err(vm.type_error("an integer is required"));
    };
    match (number.sign(), u64::try_from(&number)) {
        (Sign::Minus, _) => Err(vm.overflow_error("can't convert negative value to unsigned int")),
        (_, Ok(number)) => Ok(number),
        _ => Err(vm.overflow_error("Python int too large to convert to C unsigned long")),
    }
}

fn get_bits(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let random = args.values[0];
    let count = vm.index_big(args.values[1])?;
    let count = match vm.as_bigint(count) {
        Some(big) if big.sign() == Sign::Minus => {
            return Err(vm.value_error("Cannot convert negative int"));
        }
        Some(big) => u64::try_from(&big).ok(),
        None => None,
    };
    let Some(count) = count else {
        return Err(vm.overflow_error("Python int too large for C uint64_t"));
    };
    if count <= 32 {
        // No word is used for no bits.
        let word = if count == 0 { 0 } else { next_word(random) >> (32 - count) };
        return Ok(Value::from_int(word as i64));
    }
    let mut words = heap::vec_with_capacity(count.div_ceil(32) as usize);
    let mut left = count;
    while left > 0 {
        let word = next_word(random);
        words.put(if left < 32 { word >> (32 - left) } else { word });
        left = left.saturating_sub(32);
    }
    heap::ensure_room(words.len().saturating_mul(4 * 3));
    Ok(vm.int_from_big(&BigInt::from_slice(Sign::Plus, &words)))
}
