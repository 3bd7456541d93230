//! Module `_stat`: the bits of file modes.

use crate::support::int_constants;
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_stat",
    doc: "S_IFMT_: file type bits\nS_IFDIR: directory\nS_IFCHR: character device\nS_IFBLK: block device\nS_IFREG: regular file\nS_IFIFO: fifo (named pipe)\nS_IFLNK: symbolic link\nS_IFSOCK: socket file\n",
    functions: FUNCTIONS,
    init: |vm, module| {
        int_constants(vm, module, CONSTANTS);
        Ok(())
    },
};

static CONSTANTS: &[(&str, i64)] = &[
    ("SF_APPEND", 0o1000000),
    ("SF_ARCHIVED", 0o200000),
    ("SF_DATALESS", 0o10000000000),
    ("SF_FIRMLINK", 0o40000000),
    ("SF_IMMUTABLE", 0o400000),
    ("SF_NOUNLINK", 0o4000000),
    ("SF_SETTABLE", 0o37777600000),
    ("SF_SNAPSHOT", 0o10000000),
    ("ST_ATIME", 7),
    ("ST_CTIME", 9),
    ("ST_DEV", 2),
    ("ST_GID", 5),
    ("ST_INO", 1),
    ("ST_MODE", 0),
    ("ST_MTIME", 8),
    ("ST_NLINK", 3),
    ("ST_SIZE", 6),
    ("ST_UID", 4),
    ("S_ENFMT", 0o2000),
    ("S_IEXEC", 0o100),
    ("S_IFBLK", 0o60000),
    ("S_IFCHR", 0o20000),
    ("S_IFDIR", 0o40000),
    ("S_IFDOOR", 0),
    ("S_IFIFO", 0o10000),
    ("S_IFLNK", 0o120000),
    ("S_IFPORT", 0),
    ("S_IFREG", 0o100000),
    ("S_IFSOCK", 0o140000),
    ("S_IFWHT", 0),
    ("S_IREAD", 0o400),
    ("S_IRGRP", 0o40),
    ("S_IROTH", 0o4),
    ("S_IRUSR", 0o400),
    ("S_IRWXG", 0o70),
    ("S_IRWXO", 0o7),
    ("S_IRWXU", 0o700),
    ("S_ISGID", 0o2000),
    ("S_ISUID", 0o4000),
    ("S_ISVTX", 0o1000),
    ("S_IWGRP", 0o20),
    ("S_IWOTH", 0o2),
    ("S_IWRITE", 0o200),
    ("S_IWUSR", 0o200),
    ("S_IXGRP", 0o10),
    ("S_IXOTH", 0o1),
    ("S_IXUSR", 0o100),
    ("UF_APPEND", 0o4),
    ("UF_COMPRESSED", 0o40),
    ("UF_DATAVAULT", 0o200),
    ("UF_HIDDEN", 0o100000),
    ("UF_IMMUTABLE", 0o2),
    ("UF_NODUMP", 0o1),
    ("UF_NOUNLINK", 0o20),
    ("UF_OPAQUE", 0o10),
    ("UF_SETTABLE", 0o177777),
    ("UF_TRACKED", 0o100),
];

/// Whether a mode has this file type; `None` is one that the system does not have.
macro_rules! is_type {
    ($name:literal, $bits:expr, $doc:literal) => {
        MethodDef::function($name, 1, 1, |vm, args| {
            let mode = mode_of(vm, args)?;
            Ok(vm.bool($bits == Some(mode & libc::S_IFMT)))
        })
        .with_doc(concat!($name, "(mode) -> bool\n\nReturn True if mode is from ", $doc, "."))
    };
}

static FUNCTIONS: &[MethodDef] = &[
    is_type!("S_ISDIR", Some(libc::S_IFDIR), "a directory"),
    is_type!("S_ISCHR", Some(libc::S_IFCHR), "a character special device file"),
    is_type!("S_ISBLK", Some(libc::S_IFBLK), "a block special device file"),
    is_type!("S_ISREG", Some(libc::S_IFREG), "a regular file"),
    is_type!("S_ISFIFO", Some(libc::S_IFIFO), "a FIFO (named pipe)"),
    is_type!("S_ISLNK", Some(libc::S_IFLNK), "a symbolic link"),
    is_type!("S_ISSOCK", Some(libc::S_IFSOCK), "a socket"),
    is_type!("S_ISDOOR", None, "a door"),
    is_type!("S_ISPORT", None, "an event port"),
    is_type!("S_ISWHT", None, "a whiteout"),
    MethodDef::function("S_IMODE", 1, 1, |vm, args| {
        let mode = mode_of(vm, args)?;
        Ok(vm.int(i64::from(mode & 0o7777)))
    })
    .with_doc("Return the portion of the file's mode that can be set by os.chmod()."),
    MethodDef::function("S_IFMT", 1, 1, |vm, args| {
        let mode = mode_of(vm, args)?;
        Ok(vm.int(i64::from(mode & libc::S_IFMT)))
    })
    .with_doc("Return the portion of the file's mode that describes the file type."),
    MethodDef::function("filemode", 1, 1, |vm, args| {
        let mode = mode_of(vm, args)?;
        Ok(vm.new_str(&filemode(mode)))
    })
    .with_doc("Convert a file's mode to a string of the form '-rwxrwxrwx'"),
];

fn mode_of(vm: &mut Vm, args: &CallArgs) -> PyResult<u32> {
    let mode = vm.index(args.values[0])?;
    match u32::try_from(mode) {
        Ok(mode) => Ok(mode),
        Err(_) if mode < 0 => Err(vm.overflow_error("can't convert negative value to unsigned int")),
        Err(_) => Err(vm.overflow_error("mode out of range")),
    }
}

/// As `ls -l` shows it.
fn filemode(mode: u32) -> String {
    let kind = match mode & libc::S_IFMT {
        libc::S_IFREG => '-',
        libc::S_IFDIR => 'd',
        libc::S_IFLNK => 'l',
        libc::S_IFBLK => 'b',
        libc::S_IFCHR => 'c',
        libc::S_IFIFO => 'p',
        libc::S_IFSOCK => 's',
        _ => '?',
    };
    let mut text = String::from(kind);
    for (shift, special, set, unset) in
        [(6, libc::S_ISUID, 's', 'S'), (3, libc::S_ISGID, 's', 'S'), (0, libc::S_ISVTX, 't', 'T')]
    {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => set,
            (true, false) => unset,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}
