//! Prints the code objects of files in a form that `tests/compare_with_cpython.py` compares: one line a code object.

use syntax::{Code, Const, Mode, Options, decode_source};

fn main() {
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    thread.spawn(dump_all).expect("a thread").join().expect("no panic");
}

fn dump_all() {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).expect("the file can be read");
        let Ok(source) = decode_source(&bytes) else {
            println!("!{path}\tnot decoded");
            continue;
        };
        println!("!{path}");
        match syntax::compile(&source, &path, Mode::Exec, Options::default()) {
            Ok(code) => code.walk(&mut |code| println!("{}", describe(code))),
            Err(error) => println!("error\t{}\t{}", error.line, error.message),
        }
    }
}

fn describe(code: &Code) -> String {
    let names = |names: &[Box<str>]| names.join(",");
    let consts: Vec<String> = code.consts.iter().map(constant).collect();
    [
        code.qualname.to_string(),
        format!("{}", code.first_line),
        format!("{:x}", code.flags.0),
        format!("{},{},{},{}", code.arg_count, code.posonly_count, code.kwonly_count, code.stack_size),
        hex(&code.code_bytes),
        hex(&code.line_table),
        hex(&code.exception_table),
        names(&code.names),
        names(code.varnames()),
        names(&code.cellvars),
        names(code.freevars()),
        consts.join(","),
    ]
    .join("\t")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn constant(constant: &Const) -> String {
    let all = |elements: &[Const]| elements.iter().map(self::constant).collect::<Vec<_>>();
    match constant {
        Const::None => "None".to_owned(),
        Const::True => "True".to_owned(),
        Const::False => "False".to_owned(),
        Const::Ellipsis => "Ellipsis".to_owned(),
        Const::Int(value) => format!("i{value}"),
        Const::BigInt(value) => format!("i{value}"),
        Const::Float(value) => format!("f{:016x}", value.to_bits()),
        Const::Complex(re, im) => format!("c{:016x}{:016x}", re.to_bits(), im.to_bits()),
        Const::Str(text) => format!("s{}", hex(text.as_bytes())),
        Const::Wtf8(bytes) => format!("s{}", hex(bytes)),
        Const::Bytes(bytes) => format!("b{}", hex(bytes)),
        Const::Tuple(elements) => format!("({})", all(elements).join(" ")),
        Const::FrozenSet(elements) => {
            let mut elements = all(elements);
            elements.sort();
            format!("{{{}}}", elements.join(" "))
        }
        Const::Slice(parts) => format!("[{}]", all(&parts[..]).join(" ")),
        Const::Code(code) => format!("<{}>", code.qualname),
    }
}
