//! The algorithms: one type for the state of any of them, and a table.

use sha3::digest::{DynDigest, ExtendableOutput, Update, XofReader};

/// A hash in progress.
#[derive(Clone)]
pub enum Hasher {
    Fixed(Box<dyn DynDigest>),
    Shake128(sha3::Shake128),
    Shake256(sha3::Shake256),
    Blake2b(Box<blake2b_simd::State>),
    Blake2s(Box<blake2s_simd::State>),
}

impl Hasher {
    pub fn update(&mut self, data: &[u8]) {
        match self {
            Hasher::Fixed(state) => state.update(data),
            Hasher::Shake128(state) => state.update(data),
            Hasher::Shake256(state) => state.update(data),
            Hasher::Blake2b(state) => drop(state.update(data)),
            Hasher::Blake2s(state) => drop(state.update(data)),
        }
    }

    /// The hash of all data up to here; `len` bytes if the algorithm has no size of its own.
    pub fn digest(&self, len: usize) -> Vec<u8> {
        let mut output = heap::zeros(len);
        match self {
            Hasher::Fixed(state) => return state.clone().finalize().into_vec(),
            Hasher::Shake128(state) => state.clone().finalize_xof().read(&mut output),
            Hasher::Shake256(state) => state.clone().finalize_xof().read(&mut output),
            Hasher::Blake2b(state) => return state.finalize().as_bytes().to_vec(),
            Hasher::Blake2s(state) => return state.finalize().as_bytes().to_vec(),
        }
        output
    }
}

/// A row of the table: sizes are in bytes. A digest of 0 bytes has any length.
pub struct Algorithm {
    pub name: &'static str,
    pub module: &'static str,
    pub class: &'static str,
    pub digest_bytes: usize,
    pub block_bytes: usize,
    pub start: fn() -> Hasher,
}

fn fixed<D: DynDigest + Default + 'static>() -> Hasher {
    Hasher::Fixed(Box::new(D::default()))
}

const fn row(
    name: &'static str,
    module: &'static str,
    class: &'static str,
    digest_bytes: usize,
    block_bytes: usize,
    start: fn() -> Hasher,
) -> Algorithm {
    Algorithm { name, module, class, digest_bytes, block_bytes, start }
}

pub static ALGORITHMS: [Algorithm; 14] = [
    row("md5", "_md5", "md5", 16, 64, fixed::<md5::Md5>),
    row("sha1", "_sha1", "sha1", 20, 64, fixed::<sha1::Sha1>),
    row("sha224", "_sha2", "SHA224Type", 28, 64, fixed::<sha2::Sha224>),
    row("sha256", "_sha2", "SHA256Type", 32, 64, fixed::<sha2::Sha256>),
    row("sha384", "_sha2", "SHA384Type", 48, 128, fixed::<sha2::Sha384>),
    row("sha512", "_sha2", "SHA512Type", 64, 128, fixed::<sha2::Sha512>),
    row("sha3_224", "_sha3", "sha3_224", 28, 144, fixed::<sha3::Sha3_224>),
    row("sha3_256", "_sha3", "sha3_256", 32, 136, fixed::<sha3::Sha3_256>),
    row("sha3_384", "_sha3", "sha3_384", 48, 104, fixed::<sha3::Sha3_384>),
    row("sha3_512", "_sha3", "sha3_512", 64, 72, fixed::<sha3::Sha3_512>),
    row("shake_128", "_sha3", "shake_128", 0, 168, || Hasher::Shake128(sha3::Shake128::default())),
    row("shake_256", "_sha3", "shake_256", 0, 136, || Hasher::Shake256(sha3::Shake256::default())),
    row("blake2b", "_blake2", "blake2b", 64, 128, || Hasher::Blake2b(Box::new(blake2b_simd::State::new()))),
    row("blake2s", "_blake2", "blake2s", 32, 64, || Hasher::Blake2s(Box::new(blake2s_simd::State::new()))),
];

/// Places in the table.
pub mod number {
    pub const MD5: usize = 0;
    pub const SHA1: usize = 1;
    pub const SHA2: [usize; 4] = [2, 3, 4, 5];
    pub const SHA3: [usize; 6] = [6, 7, 8, 9, 10, 11];
    pub const BLAKE2B: usize = 12;
    pub const BLAKE2S: usize = 13;
}
