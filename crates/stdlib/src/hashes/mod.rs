//! Modules `_md5`, `_sha1`, `_sha2`, `_sha3`, `_blake2`: hashes, over the crates of RustCrypto and `blake2_simd`.

mod algorithms;
mod blake2;

use crate::streams::Streams;
use crate::support::signature;
use algorithms::{ALGORITHMS, Algorithm, Hasher, number};
use heap::Value;
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

pub static MD5: ModuleDef = ModuleDef {
    name: "_md5",
    doc: "",
    functions: &[MethodDef::function("md5", 0, 1, start::<{ number::MD5 }>).with_keywords()
    .with_doc("md5($module, /, data=b'', *, usedforsecurity=True, string=None)\n--\n\nReturn a new MD5 hash object; optionally initialized with a string.")],
    init: |vm, module| {
        let class = make_class(vm, number::MD5, None);
        vm.module_set(module, "MD5Type", class.value());
        Ok(())
    },
};

pub static SHA1: ModuleDef = ModuleDef {
    name: "_sha1",
    doc: "",
    functions: &[MethodDef::function("sha1", 0, 1, start::<{ number::SHA1 }>).with_keywords()
    .with_doc("sha1($module, /, data=b'', *, usedforsecurity=True, string=None)\n--\n\nReturn a new SHA1 hash object; optionally initialized with a string.")],
    init: |vm, module| {
        let class = make_class(vm, number::SHA1, None);
        vm.module_set(module, "SHA1Type", class.value());
        Ok(())
    },
};

pub static SHA2: ModuleDef = ModuleDef {
    name: "_sha2",
    doc: "",
    functions: &[
        MethodDef::function("sha224", 0, 1, start::<{ number::SHA2[0] }>).with_keywords()
        .with_doc("sha224($module, /, data=b'', *, usedforsecurity=True, string=None)\n--\n\nReturn a new SHA-224 hash object; optionally initialized with a string."),
        MethodDef::function("sha256", 0, 1, start::<{ number::SHA2[1] }>).with_keywords()
        .with_doc("sha256($module, /, data=b'', *, usedforsecurity=True, string=None)\n--\n\nReturn a new SHA-256 hash object; optionally initialized with a string."),
        MethodDef::function("sha384", 0, 1, start::<{ number::SHA2[2] }>).with_keywords()
        .with_doc("sha384($module, /, data=b'', *, usedforsecurity=True, string=None)\n--\n\nReturn a new SHA-384 hash object; optionally initialized with a string."),
        MethodDef::function("sha512", 0, 1, start::<{ number::SHA2[3] }>).with_keywords()
        .with_doc("sha512($module, /, data=b'', *, usedforsecurity=True, string=None)\n--\n\nReturn a new SHA-512 hash object; optionally initialized with a string."),
    ],
    init: |vm, module| {
        for i in number::SHA2 {
            let class = make_class(vm, i, None);
            vm.module_set(module, ALGORITHMS[i].class, class.value());
        }
        Ok(())
    },
};

pub static SHA3: ModuleDef = ModuleDef {
    name: "_sha3",
    doc: "",
    functions: &[],
    init: |vm, module| {
        let constructors: [New; 6] = [
            construct::<{ number::SHA3[0] }>,
            construct::<{ number::SHA3[1] }>,
            construct::<{ number::SHA3[2] }>,
            construct::<{ number::SHA3[3] }>,
            construct::<{ number::SHA3[4] }>,
            construct::<{ number::SHA3[5] }>,
        ];
        for (i, new) in number::SHA3.into_iter().zip(constructors) {
            let class = make_class(vm, i, Some(new));
            vm.module_set(module, ALGORITHMS[i].class, class.value());
        }
        let implementation = vm.intern("generic");
        vm.module_set(module, "implementation", implementation);
        Ok(())
    },
};

pub use blake2::MODULE as BLAKE2;

type New = fn(&mut Vm, TypeRef, &CallArgs) -> PyResult;

#[derive(Default)]
struct State {
    hashers: Streams<Hasher>,
    classes: [Option<TypeRef>; 14],
}

layout! {
    Hash {
        /// Of the state.
        hasher HASHER: i64;
        /// Place in the table.
        algorithm ALGORITHM: i64;
    }
}

const CONSTRUCTOR: Signature<3> =
    Signature { max_positional: 1, ..signature(["data", "usedforsecurity", "string"], 0) };

fn make_class(vm: &mut Vm, i: usize, new: Option<New>) -> TypeRef {
    let algorithm = &ALGORITHMS[i];
    let spec = TypeSpec {
        module: algorithm.module,
        flags: if new.is_none() { flags::NO_NEW } else { 0 },
        finalize: heap::Finalize::Guest,
        slots: Slots {
            new,
            finalize: Some(|vm, hash| {
                let number = cast::<Hash>(hash).hasher.replace(-1);
                vm.extension::<State>().hashers.remove(number);
                Ok(())
            }),
            ..Slots::default()
        },
        methods: if algorithm.digest_bytes == 0 { SHAKE_METHODS } else { METHODS },
        getset: if algorithm.module == "_sha3" { SHA3_GETTERS } else { GETTERS },
        ..TypeSpec::of::<Hash>(algorithm.class, Kind::Other)
    };
    let object = vm.types.object;
    let class = vm.new_builtin_type(spec, object);
    vm.extension::<State>().classes[i] = Some(class);
    class
}

/// An object with that state.
fn new_hash(vm: &mut Vm, i: usize, hasher: Hasher) -> Value {
    let state = vm.extension::<State>();
    let class = state.classes[i].expect("made with the module");
    let number = state.hashers.add(hasher);
    let value = vm.new_instance(class);
    let hash = cast::<Hash>(value);
    hash.hasher.set(number);
    hash.algorithm.set(i as i64);
    vm.heap().register_finalizer(value);
    value
}

fn start<const ALGORITHM: usize>(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let algorithm = &ALGORITHMS[ALGORITHM];
    let [data, _, string] = args.bind(vm, algorithm.name, &CONSTRUCTOR)?;
    let mut hasher = (algorithm.start)();
    if let Some(data) = first_data(vm, data, string)? {
        hasher.update(hashable(vm, data)?);
    }
    Ok(new_hash(vm, ALGORITHM, hasher))
}

fn construct<const ALGORITHM: usize>(vm: &mut Vm, _class: TypeRef, args: &CallArgs) -> PyResult {
    start::<ALGORITHM>(vm, args)
}

/// `data`, or `string` as it was called.
fn first_data(vm: &mut Vm, data: Value, string: Value) -> PyResult<Option<Value>> {
    match (data.is_null(), string.is_null()) {
        (false, false) => Err(vm.type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for removal in a future version.",
        )),
        (false, true) => Ok(Some(data)),
        (true, false) => Ok(Some(string)),
        (true, true) => Ok(None),
    }
}

fn hashable(vm: &mut Vm, data: Value) -> PyResult<&'static [u8]> {
    if vm.is_str(data) {
        return Err(vm.type_error("Strings must be encoded before hashing"));
    }
    match vm.bytes_like_opt(data)? {
        Some(bytes) => Ok(bytes),
        None => Err(vm.type_error("object supporting the buffer API required")),
    }
}

fn algorithm(hash: Value) -> &'static Algorithm {
    &ALGORITHMS[cast::<Hash>(hash).algorithm.get() as usize]
}

fn hasher(vm: &mut Vm, hash: Value) -> &mut Hasher {
    let number = cast::<Hash>(hash).hasher.get();
    vm.extension::<State>().hashers.get_mut(number).expect("a hash has its state as long as it lives")
}

static METHODS: &[MethodDef] = &[
    UPDATE,
    COPY,
    MethodDef::method("digest", 1, 1, |vm, args| {
        let digest = hasher(vm, args.values[0]).digest(0);
        Ok(vm.new_bytes(&digest))
    })
    .with_doc("digest($self, /)\n--\n\nReturn the digest value as a bytes object."),
    MethodDef::method("hexdigest", 1, 1, |vm, args| {
        let digest = hasher(vm, args.values[0]).digest(0);
        Ok(vm.new_str(&hex(&digest)))
    })
    .with_doc("hexdigest($self, /)\n--\n\nReturn the digest value as a string of hexadecimal digits."),
];

static SHAKE_METHODS: &[MethodDef] = &[
    UPDATE,
    COPY,
    MethodDef::method("digest", 1, 2, |vm, args| {
        let digest = shake(vm, args, "digest")?;
        Ok(vm.new_bytes(&digest))
    })
    .with_keywords()
    .with_doc("digest($self, /, length)\n--\n\nReturn the digest value as a bytes object."),
    MethodDef::method("hexdigest", 1, 2, |vm, args| {
        let digest = shake(vm, args, "hexdigest")?;
        Ok(vm.new_str(&hex(&digest)))
    })
    .with_keywords()
    .with_doc("hexdigest($self, /, length)\n--\n\nReturn the digest value as a string of hexadecimal digits."),
];

const UPDATE: MethodDef = MethodDef::method("update", 2, 2, |vm, args| {
    let data = hashable(vm, args.values[1])?;
    hasher(vm, args.values[0]).update(data);
    Ok(vm.none)
})
.with_doc("update($self, data, /)\n--\n\nUpdate this hash object's state with the provided bytes-like object.");

const COPY: MethodDef = MethodDef::method("copy", 1, 1, |vm, args| {
    let copied = hasher(vm, args.values[0]).clone();
    let i = cast::<Hash>(args.values[0]).algorithm.get() as usize;
    Ok(new_hash(vm, i, copied))
})
.with_doc("copy($self, /)\n--\n\nReturn a copy of the hash object.");

/// As many bytes as asked for.
fn shake(vm: &mut Vm, args: &CallArgs, name: &str) -> PyResult<Vec<u8>> {
    const PARAMETERS: Signature<1> = Signature { skip: 1, ..signature(["length"], 1) };
    let [length] = args.bind(vm, name, &PARAMETERS)?;
    let length = vm.index(length)?;
    if length < 0 {
        return Err(vm.value_error("length must be non-negative"));
    }
    if length >= 1 << 29 {
        return Err(vm.overflow_error("digest length is too large"));
    }
    Ok(hasher(vm, args.values[0]).digest(length as usize))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS[half as usize] as char;
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

const NAME: GetSetDef = GetSetDef::read_only("name", |vm, hash| Ok(vm.intern(algorithm(hash).name)));
const BLOCK_SIZE: GetSetDef =
    GetSetDef::read_only("block_size", |_, hash| Ok(Value::from_int(algorithm(hash).block_bytes as i64)));
const DIGEST_SIZE: GetSetDef = GetSetDef::read_only("digest_size", |vm, hash| {
    // Blake's is a parameter.
    let bytes = match hasher(vm, hash) {
        Hasher::Blake2b(state) => state.finalize().as_bytes().len(),
        Hasher::Blake2s(state) => state.finalize().as_bytes().len(),
        _ => algorithm(hash).digest_bytes,
    };
    Ok(Value::from_int(bytes as i64))
});

static GETTERS: &[GetSetDef] = &[NAME, BLOCK_SIZE, DIGEST_SIZE];

static SHA3_GETTERS: &[GetSetDef] = &[
    NAME,
    BLOCK_SIZE,
    DIGEST_SIZE,
    GetSetDef::read_only("_capacity_bits", |_, hash| {
        Ok(Value::from_int(1600 - 8 * algorithm(hash).block_bytes as i64))
    }),
    GetSetDef::read_only("_rate_bits", |_, hash| Ok(Value::from_int(8 * algorithm(hash).block_bytes as i64))),
    GetSetDef::read_only("_suffix", |vm, hash| {
        let suffix: &[u8] = if algorithm(hash).digest_bytes == 0 { b"\x1f" } else { b"\x06" };
        Ok(vm.new_bytes(suffix))
    }),
];
