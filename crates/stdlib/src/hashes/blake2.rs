//! Module `_blake2`: hashes with a key, salt, personalisation and a place in a tree.

use super::{Hasher, first_data, hashable, make_class, new_hash, number};
use crate::support::signature;
use heap::Value;
use objects::args::{CallArgs, Signature};
use objects::error::PyResult;
use objects::module::{ModuleDef, dict_of};
use objects::ty::TypeRef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "_blake2", doc: "", functions: &[], init };

/// Limits in bytes.
struct Sizes {
    digest: usize,
    salt: usize,
    person: usize,
    /// Bits of a leaf's place in the tree.
    offset_bits: u32,
}

const BLAKE2B: Sizes = Sizes { digest: 64, salt: 16, person: 16, offset_bits: 64 };
const BLAKE2S: Sizes = Sizes { digest: 32, salt: 8, person: 8, offset_bits: 48 };

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let constructors: [(usize, super::New, &str, Sizes); 2] = [
        (number::BLAKE2B, |vm, _, args| new_b(vm, args), "BLAKE2B", BLAKE2B),
        (number::BLAKE2S, |vm, _, args| new_s(vm, args), "BLAKE2S", BLAKE2S),
    ];
    for (i, new, prefix, sizes) in constructors {
        let class: TypeRef = make_class(vm, i, Some(new));
        vm.module_set(module, super::ALGORITHMS[i].class, class.value());
        for (name, bytes) in [
            ("SALT_SIZE", sizes.salt),
            ("PERSON_SIZE", sizes.person),
            ("MAX_KEY_SIZE", sizes.digest),
            ("MAX_DIGEST_SIZE", sizes.digest),
        ] {
            let bytes = Value::from_int(bytes as i64);
            vm.dict_set_str(dict_of(module), &format!("{prefix}_{name}"), bytes);
            vm.dict_set_str(class.0.dict.get(), name, bytes);
        }
    }
    Ok(())
}

/// What a constructor is given, checked.
struct Given {
    data: Option<&'static [u8]>,
    digest_bytes: usize,
    key: Vec<u8>,
    salt: Vec<u8>,
    person: Vec<u8>,
    fanout: u8,
    depth: u8,
    leaf_bytes: u32,
    node_offset: u64,
    node_depth: u8,
    inner_bytes: usize,
    last_node: bool,
}

const PARAMETERS: Signature<14> = Signature {
    max_positional: 1,
    ..signature(
        [
            "data",
            "digest_size",
            "key",
            "salt",
            "person",
            "fanout",
            "depth",
            "leaf_size",
            "node_offset",
            "node_depth",
            "inner_size",
            "last_node",
            "usedforsecurity",
            "string",
        ],
        0,
    )
};

fn given(vm: &mut Vm, name: &str, args: &CallArgs, sizes: &Sizes) -> PyResult<Given> {
    let [data, digest, key, salt, person, fanout, depth, leaf, offset, node_depth, inner, last, _, string] =
        args.bind(vm, name, &PARAMETERS)?;
    let data = match first_data(vm, data, string)? {
        Some(data) => Some(hashable(vm, data)?),
        None => None,
    };
    let most = sizes.digest as i64;
    let digest_bytes = number_or(vm, digest, most)?;
    if !(1..=most).contains(&digest_bytes) {
        return Err(vm.value_error(format!(
            "digest_size for {} must be between 1 and {most} bytes, here it is {digest_bytes}",
            if most == 64 { "Blake2b" } else { "Blake2s" }
        )));
    }
    let key = limited(vm, key, sizes.digest, "key")?;
    let salt = limited(vm, salt, sizes.salt, "salt")?;
    let person = limited(vm, person, sizes.person, "person")?;
    let fanout = in_range(vm, fanout, 1, 0..=255, "fanout must be between 0 and 255")?;
    let depth = in_range(vm, depth, 1, 1..=255, "depth must be between 1 and 255")?;
    let leaf_bytes = unsigned(vm, leaf, 32, "leaf_size is too large")?;
    let node_offset = unsigned(vm, offset, sizes.offset_bits, "node_offset is too large")?;
    let node_depth = in_range(vm, node_depth, 0, 0..=255, "node_depth must be between 0 and 255")?;
    let inner_bytes = in_range(vm, inner, 0, 0..=most, &format!("inner_size must be between 0 and is {most}"))?;
    Ok(Given {
        data,
        digest_bytes: digest_bytes as usize,
        key,
        salt,
        person,
        fanout: fanout as u8,
        depth: depth as u8,
        leaf_bytes: leaf_bytes as u32,
        node_offset,
        node_depth: node_depth as u8,
        inner_bytes: inner_bytes as usize,
        last_node: if last.is_null() { false } else { vm.truth(last)? },
    })
}

fn number_or(vm: &mut Vm, value: Value, default: i64) -> PyResult<i64> {
    if value.is_null() { Ok(default) } else { vm.index(value) }
}

fn in_range(
    vm: &mut Vm,
    value: Value,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
    message: &str,
) -> PyResult<i64> {
    let number = number_or(vm, value, default)?;
    if range.contains(&number) { Ok(number) } else { Err(vm.value_error(message)) }
}

fn unsigned(vm: &mut Vm, value: Value, bits: u32, message: &str) -> PyResult<u64> {
    if value.is_null() {
        return Ok(0);
    }
    let int = vm.index_big(value)?;
    let big = vm.as_bigint(int).expect("an int");
    if big.sign() == num_bigint::Sign::Minus {
        return Err(vm.value_error("value must be positive"));
    }
    match u64::try_from(big) {
        Ok(number) if number.checked_shr(bits).unwrap_or(0) == 0 => Ok(number),
        _ => Err(vm.overflow_error(message)),
    }
}

fn limited(vm: &mut Vm, value: Value, most: usize, name: &str) -> PyResult<Vec<u8>> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let bytes = vm.bytes_like(value)?;
    if bytes.len() > most {
        return Err(vm.value_error(format!("maximum {name} length is {most} bytes")));
    }
    Ok(heap::copied(bytes))
}

macro_rules! constructor {
    ($function:ident, $library:ident, $variant:ident, $name:literal, $sizes:ident, $number:ident) => {
        fn $function(vm: &mut Vm, args: &CallArgs) -> PyResult {
            let given = given(vm, $name, args, &$sizes)?;
            let mut state = $library::Params::new()
                .hash_length(given.digest_bytes)
                .key(&given.key)
                .salt(&given.salt)
                .personal(&given.person)
                .fanout(given.fanout)
                .max_depth(given.depth)
                .max_leaf_length(given.leaf_bytes)
                .node_offset(given.node_offset)
                .node_depth(given.node_depth)
                .inner_hash_length(given.inner_bytes)
                .last_node(given.last_node)
                .to_state();
            state.update(given.data.unwrap_or(&[]));
            Ok(new_hash(vm, number::$number, Hasher::$variant(Box::new(state))))
        }
    };
}

constructor!(new_b, blake2b_simd, Blake2b, "blake2b", BLAKE2B, BLAKE2B);
constructor!(new_s, blake2s_simd, Blake2s, "blake2s", BLAKE2S, BLAKE2S);
