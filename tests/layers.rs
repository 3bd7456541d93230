//! The crates keep to the layers: each `crates/*/Cargo.toml` against the import table in ARCHITECTURE.md.
//!
//! The table has the header `| crate | may import |`. A row names one or more crates and the crates they may depend on,
//! separated by commas; `–` is none, `any` is all. Development dependencies are free.
//!
//! And guest values stay where the collector sees them: not in vectors and boxes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn crates_import_only_what_the_table_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let allowed = import_table(&fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md"));
    let manifests = manifests(&root.join("crates"));
    let crates: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();

    let mut faults = Vec::new();
    for (name, path) in &manifests {
        let Some(may) = allowed.get(name) else {
            faults.push(format!("{name} has no row in the import table"));
            continue;
        };
        for import in imports(&fs::read_to_string(path).expect("manifest")) {
            if crates.contains(import.as_str()) && !may.contains("any") && !may.contains(&import) {
                faults.push(format!("{name} imports {import}, which its row does not allow"));
            }
        }
    }
    for name in allowed.keys().filter(|name| !crates.contains(name.as_str())) {
        faults.push(format!("the import table has a row for {name}, which is no crate"));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_and_the_manifests_are_understood() {
    let table =
        "text\n\n| crate | may import |\n|---|---|\n| a | – |\n| `b`, c | a |\n| d | any |\n\n| other | table |\n";
    let table = import_table(table);
    assert_eq!(table.keys().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert!(table["a"].is_empty() && table["c"].contains("a") && table["d"].contains("any"));
    let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\nb = { path = \"../b\" }\n# c = 1\n\
                    [dev-dependencies]\nd = \"1\"\n[build-dependencies]\ne=\"1\"\n[dependencies.f]\npath = \"../f\"\n";
    assert_eq!(imports(manifest), ["a", "b", "e", "f"]);
}

/// The collector sees the native stack and its own heap. A vector of values is neither, so a comment on its line or
/// the one before says why that is no matter: all in it is `immortal` or `immediate`, it is `a root`, `nothing is
/// allocated` while it lives, or it is `not seen` on purpose.
#[test]
fn vectors_of_values_say_why_they_may_be() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut faults = Vec::new();
    for name in ["objects", "interp", "stdlib"] {
        for path in sources(&root.join(name).join("src")) {
            let text = fs::read_to_string(&path).expect("source");
            let mut before = "";
            for (number, line) in text.lines().enumerate() {
                let above = std::mem::replace(&mut before, line);
                let says =
                    |reason: &&str| [line, above].iter().any(|line| line.trim_end_matches('.').ends_with(*reason));
                if holds_values(line)
                    && !["immortal", "immediate", "a root", "nothing is allocated", "not seen"].iter().any(says)
                {
                    faults.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "values in vectors (a ValueVec is for that):\n{}", faults.join("\n"));
}

fn holds_values(line: &str) -> bool {
    let types = ["Vec<Value>", "Vec<(Value", "Vec<Option<Value", "Box<[Value]>", "VecDeque<Value", "SmallVec<[Value"];
    !line.trim_start().starts_with("//") && types.iter().any(|ty| line.contains(ty))
}

/// The source files below a directory but for those of unit tests, which run with a heap of their own.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory).expect("directory").flatten().map(|entry| entry.path()) {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        if path.is_dir() && name != "core_tests" {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "testing.rs" {
            found.push(path);
        }
    }
    found
}

/// Crate to the crates it may import.
fn import_table(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let names = |cell: &str| -> Vec<String> {
        let names = cell.split(',').map(|name| name.trim().trim_matches('`').to_string());
        names.filter(|name| !name.is_empty() && name != "–").collect()
    };
    let mut lines = text.lines().skip_while(|line| line.replace(' ', "") != "|crate|mayimport|").skip(2).peekable();
    assert!(lines.peek().is_some(), "ARCHITECTURE.md has no table with the header | crate | may import |");
    let mut table = BTreeMap::new();
    for line in lines.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let [crates, may] = cells[..] else { panic!("not two cells: {line}") };
        for name in names(crates) {
            let old = table.insert(name.clone(), names(may).into_iter().collect());
            assert!(old.is_none(), "two rows for {name}");
        }
    }
    table
}

/// Crate name to its manifest, of all crates in the directory.
fn manifests(directory: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(directory).expect("crates directory").flatten();
    let paths = entries.map(|entry| entry.path().join("Cargo.toml")).filter(|path| path.exists());
    paths
        .map(|path| {
            let text = fs::read_to_string(&path).expect("manifest");
            let name = text.lines().find_map(|line| line.strip_prefix("name = ")).expect("name in the manifest");
            (name.trim_matches('"').to_string(), path)
        })
        .collect()
}

/// The names under `[dependencies]` and `[build-dependencies]`, in the order of the text.
fn imports(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section == "dependencies" || section == "build-dependencies";
            for kind in ["dependencies.", "build-dependencies."] {
                names.extend(section.strip_prefix(kind).map(str::to_string));
            }
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let end = line.find([' ', '=', '.']).expect("name of a dependency");
            names.push(line[..end].to_string());
        }
    }
    names
}
