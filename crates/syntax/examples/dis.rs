//! Shows the code objects of a file: `cargo run -p syntax --example dis FILE`.

use syntax::{Code, Mode, Options, SyntaxError, decode_source};

fn main() {
    let path = std::env::args().nth(1).expect("usage: dis FILE");
    let bytes = std::fs::read(&path).expect("the file can be read");
    let source = decode_source(&bytes).expect("the file is text");
    match syntax::compile(&source, &path, Mode::Exec, Options::default()) {
        Ok(code) => code.walk(&mut show),
        Err(error) => report(&error),
    }
}

fn show(code: &Code) {
    println!("{} (line {}, stack {})", code.qualname, code.first_line, code.stack_size);
    for (index, instruction) in code.instructions.iter().enumerate() {
        let line = code.position(index).line.unwrap_or(0);
        println!("{line:>5} {index:>5} {:<28} {}", instruction.op.name(), instruction.arg);
    }
    for entry in &code.exceptions {
        println!("      {entry:?}");
    }
    println!();
}

fn report(error: &SyntaxError) {
    println!("{:?}: {error}", error.kind);
    println!("columns {}..{}", error.column, error.end_column);
}
