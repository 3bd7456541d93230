//! `scandir`: an iterator of `DirEntry`.

use super::directories::{directory, entries};
use super::paths::{Path, name_value, path};
use super::{last_error, stat, types};
use crate::support::{self, signature};
use heap::Value;
use objects::args::{CallArgs, GetSetDef, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

layout! {
    ScandirIterator {
        /// A list of entries; NULL once closed.
        entries ENTRIES: Value;
        index INDEX: i64;
    }

    DirEntry {
        name NAME: Value;
        /// As `scandir` was given it, joined with the name.
        path PATH: Value;
        /// What the directory says the file is, as `DT_…`.
        kind KIND: i64;
        inode INODE: i64;
        /// The directory's descriptor, or -1.
        directory DIRECTORY: i64;
        /// Cached results of `stat`; NULL until asked for.
        stat STAT: Value;
        lstat LSTAT: Value;
    }
}

pub(super) fn add_types(vm: &mut Vm, module: Value) -> [TypeRef; 2] {
    let entry = support::add_type(
        vm,
        module,
        TypeSpec {
            module: "posix",
            flags: flags::NO_NEW,
            slots: Slots {
                repr: Some(|vm, entry| {
                    let name = vm.repr_text(cast::<DirEntry>(entry).name.get())?;
                    Ok(vm.new_str(&format!("<DirEntry {name}>")))
                }),
                ..Slots::default()
            },
            methods: ENTRY_METHODS,
            getset: ENTRY_GETSET,
            ..TypeSpec::of::<DirEntry>("DirEntry", Kind::Other)
        },
    );
    let object = vm.types.object;
    let iterator = vm.new_builtin_type(
        TypeSpec {
            module: "posix",
            flags: flags::NO_NEW,
            slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
            methods: ITERATOR_METHODS,
            ..TypeSpec::of::<ScandirIterator>("ScandirIterator", Kind::Other)
        },
        object,
    );
    [entry, iterator]
}

static ITERATOR_METHODS: &[MethodDef] = &[
    MethodDef::method("close", 1, 1, close),
    MethodDef::method("__enter__", 1, 1, |_, args| Ok(args.values[0])),
    MethodDef::method("__exit__", 4, 4, close),
];

fn close(vm: &mut Vm, args: &CallArgs) -> PyResult {
    cast::<ScandirIterator>(args.values[0]).entries.set(Value::NULL);
    Ok(vm.none)
}

fn next(_: &mut Vm, iterator: Value) -> PyResult<Option<Value>> {
    let object = cast::<ScandirIterator>(iterator);
    if object.entries.get().is_null() {
        return Ok(None);
    }
    let index = object.index.get();
    object.index.set(index + 1);
    Ok(objects::list::items(object.entries.get()).get(index as usize).copied())
}

pub(super) fn scandir(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let name = directory(vm, "scandir", args)?;
    let list = vm.new_list(&[]);
    let (entry_type, iterator_type) = (types(vm).dir_entry, types(vm).scandir);
    for found in entries(vm, &name)? {
        let text = name_value(vm, &found.name, name.is_bytes)?;
        let full = match name.fd {
            Some(_) => text,
            None => {
                let mut full = name.text.as_bytes().to_vec();
                if !full.ends_with(b"/") {
                    full.push(b'/');
                }
                full.extend_from_slice(&found.name);
                name_value(vm, &full, name.is_bytes)?
            }
        };
        let entry = vm.new_instance(entry_type);
        let object = cast::<DirEntry>(entry);
        object.name.set(text);
        object.path.set(full);
        object.kind.set(i64::from(found.kind));
        object.inode.set(found.inode as i64);
        object.directory.set(name.fd.map_or(-1, i64::from));
        vm.list_append(list, entry);
    }
    let iterator = vm.new_instance(iterator_type);
    cast::<ScandirIterator>(iterator).entries.set(list);
    Ok(iterator)
}

static ENTRY_GETSET: &[GetSetDef] = &[
    GetSetDef::read_only("name", |_, entry| Ok(cast::<DirEntry>(entry).name.get())),
    GetSetDef::read_only("path", |_, entry| Ok(cast::<DirEntry>(entry).path.get())),
];

static ENTRY_METHODS: &[MethodDef] = &[
    MethodDef::method("inode", 1, 1, |vm, args| {
        let inode = cast::<DirEntry>(args.values[0]).inode.get();
        Ok(vm.int_from_u64(inode as u64))
    }),
    MethodDef::method("is_dir", 1, 1, |vm, args| is_kind(vm, args, libc::DT_DIR, libc::S_IFDIR)).with_keywords(),
    MethodDef::method("is_file", 1, 1, |vm, args| is_kind(vm, args, libc::DT_REG, libc::S_IFREG)).with_keywords(),
    MethodDef::method("is_symlink", 1, 1, |vm, args| {
        let entry = cast::<DirEntry>(args.values[0]);
        if entry.kind.get() != i64::from(libc::DT_UNKNOWN) {
            return Ok(vm.bool(entry.kind.get() == i64::from(libc::DT_LNK)));
        }
        let mode = mode_of(vm, args.values[0], false)?;
        Ok(vm.bool(mode & libc::S_IFMT == libc::S_IFLNK))
    }),
    MethodDef::method("is_junction", 1, 1, |vm, _| Ok(vm.false_)),
    MethodDef::method("stat", 1, 1, |vm, args| {
        let follow = follows(vm, "stat", args)?;
        stat_of(vm, args.values[0], follow)
    })
    .with_keywords(),
    MethodDef::method("__fspath__", 1, 1, |_, args| Ok(cast::<DirEntry>(args.values[0]).path.get())),
    objects::generic_alias::CLASS_GETITEM,
];

fn follows(vm: &mut Vm, function: &str, args: &CallArgs) -> PyResult<bool> {
    let signature = Signature { skip: 1, max_positional: 0, ..signature(["follow_symlinks"], 0) };
    let [follow] = args.bind(vm, function, &signature)?;
    Ok(follow.is_null() || vm.truth(follow)?)
}

fn stat_of(vm: &mut Vm, entry: Value, follow: bool) -> PyResult {
    let object = cast::<DirEntry>(entry);
    let is_link = object.kind.get() == i64::from(libc::DT_LNK) || object.kind.get() == i64::from(libc::DT_UNKNOWN);
    let cache = if follow && is_link { &object.stat } else { &object.lstat };
    if !cache.get().is_null() {
        return Ok(cache.get());
    }
    let (name, directory) = location(vm, object)?;
    let result = stat::stat_path(vm, &name, directory, follow)?;
    vm.write(entry, cache, result);
    Ok(result)
}

/// The path by which the file is found, from a directory.
fn location(vm: &mut Vm, entry: &DirEntry) -> PyResult<(Path, i32)> {
    let directory = entry.directory.get();
    if directory >= 0 {
        Ok((path(vm, "stat", "path", entry.name.get())?, directory as i32))
    } else {
        Ok((path(vm, "stat", "path", entry.path.get())?, libc::AT_FDCWD))
    }
}

fn mode_of(vm: &mut Vm, entry: Value, follow: bool) -> PyResult<u32> {
    let (name, directory) = location(vm, cast::<DirEntry>(entry))?;
    match stat::read(&name, directory, follow) {
        Some(found) => Ok(found.st_mode),
        // It is gone: it is of no kind any more.
        None if std::io::Error::last_os_error().raw_os_error() == Some(libc::ENOENT) => Ok(0),
        None => Err(last_error(vm, name.value)),
    }
}

/// Answered from the directory where that is enough.
fn is_kind(vm: &mut Vm, args: &CallArgs, kind: u8, bits: u32) -> PyResult {
    let follow = follows(vm, if kind == libc::DT_DIR { "is_dir" } else { "is_file" }, args)?;
    let known = cast::<DirEntry>(args.values[0]).kind.get() as u8;
    let undecided = known == libc::DT_UNKNOWN || known == libc::DT_LNK && follow;
    if !undecided {
        return Ok(vm.bool(known == kind));
    }
    let mode = mode_of(vm, args.values[0], follow)?;
    Ok(vm.bool(mode & libc::S_IFMT == bits))
}
