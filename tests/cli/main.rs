//! The command line: each row of the table is one start of `adder`, with what it must print and how it must end.
//!
//! Rows hold for CPython 3.14 too (`ADDER=python3.14` runs them under it), except where `adder` speaks of itself.

mod example;
mod markup;
mod memory;
mod profile;
mod prompt;
mod row;
mod why;

use row::{Row, check, row};

const HELLO: &str = "import sys\nprint('hello', sys.argv[1:])\n";

#[test]
fn programs_from_files_text_modules_and_standard_input() {
    check(&[
        row(&["hello.py"]).file("hello.py", HELLO).out("hello []\n"),
        row(&["hello.py", "a", "-b", "--", "c d"]).file("hello.py", HELLO).out("hello ['a', '-b', '--', 'c d']\n"),
        row(&["hello.py", "-V"]).file("hello.py", HELLO).out("hello ['-V']\n"),
        row(&["./sub/hello.py"]).file("sub/hello.py", "import sys; print(sys.argv[0])").out("./sub/hello.py\n"),
        row(&["no.py"]).err("can't open file").err("[Errno 2] No such file or directory").status(2),
        row(&["-c", "print(1 + 1)"]).out("2\n"),
        row(&["-cprint(5)"]).out("5\n"),
        row(&["-c", "import sys; print(sys.argv)", "x", "-y"]).out("['-c', 'x', '-y']\n"),
        row(&["-c", "for i in range(2):\n    print(i)\n"]).out("0\n1\n"),
        row(&["-c", "  print('indented')"]).out("indented\n"),
        row(&["-c"]).err("Argument expected for the -c option").status(2),
        row(&["-"]).stdin("import sys\nprint('from stdin', sys.argv)").out("from stdin ['-']\n"),
        row(&["-", "a", "b"]).stdin("import sys; print(sys.argv)").out("['-', 'a', 'b']\n"),
        row(&[]).stdin("print(1)\nprint(__name__)\n").out("1\n__main__\n"),
        row(&[]).stdin("").out(""),
        row(&["-m", "mod", "x"]).file("mod.py", "import sys; print(__name__, sys.argv[1:])").out("__main__ ['x']\n"),
        row(&["-m", "pkg"]).file("pkg/__init__.py", "").file("pkg/__main__.py", "print(__package__)").out("pkg\n"),
        row(&["-m", "pkg.sub"]).file("pkg/__init__.py", "").file("pkg/sub.py", "print(__name__)").out("__main__\n"),
        row(&["-m", "no_such_module"]).err("No module named no_such_module").status(1),
        row(&["-m", "json.tool"]).stdin("{\"a\":[1,2]}").out("{\n    \"a\": [\n        1,\n        2\n    ]\n}\n"),
        row(&["-m"]).err("Argument expected for the -m option").status(2),
        row(&["dir"]).file("dir/__main__.py", "print('directory', __name__)").out("directory __main__\n"),
        row(&["dir"]).file("dir/other.py", "").err("can't find '__main__' module").status(1),
        row(&["z.py"])
            .file(
                "z.py",
                "import os, sys, zipfile\nwith zipfile.ZipFile('app.zip', 'w') as z:\n    z.writestr('__main__.py', 'import m; print(m.x)')\n    z.writestr('m.py', 'x = 9')\nos.execv(sys.executable, [sys.executable, 'app.zip'])\n",
            )
            .out("9\n"),
        row(&["use.py"]).file("use.py", "import beside; print(beside.x)").file("beside.py", "x = 7").out("7\n"),
        row(&["sub/use.py"]).file("sub/use.py", "import near; print(near.x)").file("sub/near.py", "x = 8").out("8\n"),
        row(&["u.py"]).file("u.py", "# -*- coding: latin-1 -*-\nprint('ok')").out("ok\n"),
        row(&["u.py"]).file("u.py", "\u{feff}print('bom')").out("bom\n"),
        row(&["e.py"]).file("e.py", "").out(""),
    ]);
}

#[test]
fn how_programs_end() {
    check(&[
        row(&["-c", "import sys; sys.exit(7)"]).status(7),
        row(&["-c", "import sys; sys.exit()"]).status(0),
        row(&["-c", "import sys; sys.exit(True)"]).status(1),
        row(&["-c", "import sys; sys.exit('why')"]).err("why\n").status(1),
        row(&["-c", "import sys; sys.exit(256 + 3)"]).status(3),
        row(&["-c", "import sys; sys.exit(-1)"]).status(255),
        row(&["-c", "raise SystemExit(4)"]).status(4),
        row(&["-c", "1 / 0"]).err("Traceback (most recent call last):").err("ZeroDivisionError: ").status(1),
        row(&["-c", "x ="]).err("SyntaxError: invalid syntax").status(1),
        row(&["-c", "import os; os._exit(9)"]).status(9),
        row(&["-c", "exit(4)"]).status(4),
        row(&["-c", "quit()"]),
        row(&["-c", "print(exit)"]).out("Use exit() or Ctrl-D (i.e. EOF) to exit\n"),
        row(&["-S", "-c", "exit(4)"]).err("NameError: name 'exit' is not defined").status(1),
        row(&["-c", "raise KeyboardInterrupt"]).err("KeyboardInterrupt").interrupted(),
        row(&["-c", "import os, signal; os.kill(os.getpid(), signal.SIGINT)\nwhile True: pass"])
            .err("KeyboardInterrupt")
            .interrupted(),
        row(&["-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"]).status(-15),
        row(&["-c", "import atexit; atexit.register(print, 'bye'); print('hi')"]).out("hi\nbye\n"),
        row(&["-c", "import atexit, sys; atexit.register(print, 'bye'); sys.exit(3)"]).out("bye\n").status(3),
        row(&["-c", "print('no newline', end='')"]).out("no newline"),
        row(&["-c", "import sys; sys.stdout.write('a'); sys.stderr.write('b')"]).out("a").err("b"),
        row(&["-c", "import os; os.write(1, b'raw\\n'); print('text')"]).out("raw\ntext\n"),
        row(&["-c", "import sys; sys.excepthook = lambda t, v, tb: print('hook', v); 1 / 0"])
            .out("hook division by zero\n")
            .status(1),
        row(&["-c", "class E(SystemExit): pass\nraise E(6)"]).status(6),
        row(&["-c", "class D:\n    def __del__(self): print('del')\nd = D()\nprint('end')"]).out("end\ndel\n"),
        row(&["-c", "import subprocess, sys\nsubprocess.run([sys.executable, 'w.py'])\nprint(open('kept').read())"])
            .file("w.py", "f = open('kept', 'w')\nf.write('written')\n")
            .out("written\n"),
    ]);
}

#[test]
#[ignore = "threads do not start yet"]
fn threads_end_before_the_program() {
    check(&[row(&["-c", "import threading; threading.Thread(target=print, args=('t',)).start()"]).out("t\n")]);
}

#[test]
fn options() {
    check(&[
        row(&["-V"]).out_has("Python 3.14"),
        row(&["--version"]).out_has("Python 3.14"),
        row(&["--help"]).out_has("usage: ").out_has("-c cmd").out_has("-O").out_has("-X opt"),
        row(&["-h"]).out_has("usage: "),
        row(&["-Z"]).err("Unknown option: -Z").err("usage: ").status(2),
        row(&["--nonsense"]).err("nknown option").err("usage: ").status(2),
        row(&["-O", "-c", "assert False; print(__debug__)"]).out("False\n"),
        row(&["-c", "print(__debug__)"]).out("True\n"),
        row(&["-OO", "f.py"]).file("f.py", "def f():\n    'doc'\nprint(f.__doc__)").out("None\n"),
        row(&["-O", "f.py"]).file("f.py", "def f():\n    'doc'\nprint(f.__doc__)").out("doc\n"),
        row(&["-u", "-c", "import os; print('first'); os._exit(0)"]).out("first\n"),
        row(&["-c", "import os; print('lost'); os._exit(0)"]).out(""),
        row(&["-W", "error", "-c", "import warnings; warnings.warn('w')"]).err("UserWarning: w").status(1),
        row(&["-Wignore", "-c", "import warnings; warnings.warn('w'); print('ok')"]).out("ok\n"),
        row(&["-W", "ignore::DeprecationWarning", "-c", "import warnings; warnings.warn('d', DeprecationWarning)"]),
        row(&["-c", "import sys; print(sys.flags.optimize, sys.flags.isolated, sys.warnoptions)"]).out("0 0 []\n"),
        row(&["-Wonce", "-O", "-c", "import sys; print(sys.warnoptions, sys.flags.optimize)"]).out("['once'] 1\n"),
        row(&["-X", "utf8", "-c", "import sys; print(sys.flags.utf8_mode, sys._xoptions)"]).out("1 {'utf8': True}\n"),
        row(&["-Xa=b", "-X", "c", "-c", "import sys; print(sys._xoptions)"]).out("{'a': 'b', 'c': True}\n"),
        row(&["-X", "int_max_str_digits=700", "-c", "print(len(str(10**800)))"]).err("ValueError").status(1),
        row(&["-I", "-c", "import sys; print(sys.flags.isolated)"]).out("1\n"),
        row(&["-S", "-c", "import sys; print(sys.flags.no_site)"]).out("1\n"),
        row(&["-B", "-c", "import sys; print(sys.dont_write_bytecode)"]).out("True\n"),
        row(&["-E", "-c", "import sys; print(sys.flags.ignore_environment)"]).out("1\n"),
        row(&["-q", "-s", "-P", "-c", "print('many')"]).out("many\n"),
        row(&["-bb", "-c", "print(1)"]).out("1\n"),
        row(&["-x", "f.py"]).file("f.py", "not python\nprint('second line')").out("second line\n"),
    ]);
}

#[test]
fn environment() {
    check(&[
        row(&["-c", "import m; print(m.x)"]).file("lib/m.py", "x = 3").env("PYTHONPATH", "lib").out("3\n"),
        row(&["-E", "-c", "import m"])
            .file("lib/m.py", "")
            .env("PYTHONPATH", "lib")
            .err("ModuleNotFoundError: No module named 'm'")
            .status(1),
        row(&["-c", "print(__debug__)"]).env("PYTHONOPTIMIZE", "1").out("False\n"),
        row(&["-c", "import os; print('x'); os._exit(0)"]).env("PYTHONUNBUFFERED", "1").out("x\n"),
        row(&["-c", "import warnings; warnings.warn('w')"]).env("PYTHONWARNINGS", "error").err("UserWarning").status(1),
        row(&["-c", "print(hash('a') == hash('a'))"]).env("PYTHONHASHSEED", "0").out("True\n"),
        row(&["-c", "print('é')"]).env("PYTHONIOENCODING", "latin-1:replace").out_bytes(b"\xe9\n"),
        row(&["-c", "import sys; print(sys.stdout.encoding)"]).env("PYTHONUTF8", "1").out("utf-8\n"),
        row(&["-c", "import sys; print(sys.dont_write_bytecode)"]).env("PYTHONDONTWRITEBYTECODE", "1").out("True\n"),
        row(&["-c", "breakpoint(); print('went on')"]).env("PYTHONBREAKPOINT", "0").out("went on\n"),
        row(&["-c", "import os; print(os.environ['SOME_NAME'])"]).env("SOME_NAME", "é x").out("é x\n"),
    ]);
}

#[test]
fn interactive() {
    let echo = "x = 5\nx + 1\nNone\n'text'\n";
    check(&[
        row(&["-i", "-c", "print('first')"]).stdin("print('then')\n").out_has("first\n").out_has("then\n"),
        row(&["-i", "f.py"]).file("f.py", "y = 7").stdin("y\n").out("7\n"),
        row(&["-i"]).stdin(echo).out("6\n'text'\n"),
        row(&["-i"]).stdin("if True:\n    print('block')\n\nprint('after')\n").out("block\nafter\n"),
        row(&["-i"]).stdin("1 / 0\nprint('goes on')\n").out("goes on\n").err("ZeroDivisionError"),
        row(&["-i"]).stdin("x = = 1\n5\n").out("5\n").err("SyntaxError"),
        row(&["-i"]).stdin("import sys\nsys.exit(3)\n").status(3),
        row(&["-i", "-c", "1 / 0"]).stdin("print('inspect')\n").out("inspect\n").err("ZeroDivisionError"),
        row(&["-i"]).stdin("_ = 1\n[1, 2]\n_\n").out("[1, 2]\n1\n"),
        row(&["-i"]).stdin("2 + 3\n_ * 2\n").out("5\n10\n"),
    ]);
}

#[test]
fn options_of_the_collector_that_make_no_sense_are_refused() {
    let refused = [
        ("max=much", "adder: ADDER_GC: max: `much` is no number"),
        ("max=1T", "adder: ADDER_GC: max: `1T` is no number"),
        ("max=99999999999999999G", "adder: ADDER_GC: max: `99999999999999999G` is too much"),
        ("log=no/such/folder", "adder: ADDER_GC: log: cannot write `no/such/folder`: No such file or directory"),
        ("speed=1", "adder: ADDER_GC: there is no option `speed`"),
    ];
    check(&refused.map(|(options, message)| row(&["-c", "print(1)"]).env("ADDER_GC", options).err(message).status(2)));
}

/// A signal that arrives while the process ends does what it does by default.
#[test]
fn signals_arrive_to_the_end() {
    use std::os::unix::process::ExitStatusExt;
    const SIGALRM: i32 = 14;
    let program = "\
import signal
signal.signal(signal.SIGALRM, lambda number, frame: None)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
for i in range(20000): pass
";
    for jit in ["off", "threshold=3"] {
        for _ in 0..10 {
            let status = std::process::Command::new(row::binary())
                .args(["-c", program])
                .env("ADDER_JIT", jit)
                .status()
                .expect("binary starts");
            assert!(status.success() || status.signal() == Some(SIGALRM), "{status}");
        }
    }
}

/// What was being optimised or compiled on another thread when the process forked is recorded again in the child.
#[test]
fn a_loop_that_is_on_its_way_is_compiled_in_a_forks_child() {
    // The loop is hot at once, and so large that it is optimised on another thread.
    let program = "\
import os, sys
source = 'def f(n):\\n    s = 0\\n    for i in range(n):\\n'
source += ''.join(f'        s = (s * 3 + i + {k}) & 0xffff\\n' for k in range(70))
exec(source + '    return s\\n')
f(105)
child = os.fork()
if child == 0:
    f(20000)
    sys.exit()
os.waitpid(child, 0)
os._exit(0)
";
    let options = "threshold=100,apart=100,log=opt";
    check(&[row(&["-c", program]).env("ADDER_JIT", options).err("# opt f <string>:3")]);
}

#[test]
fn the_jit_is_chosen_by_adder_jit() {
    let sum = "t = 0\nfor i in range(100000): t += i\nprint(t)\n";
    let rows: Vec<Row> = ["off", "threshold=3", "threshold=1000", "log=stats"]
        .iter()
        .map(|jit| row(&["-c", sum]).env("ADDER_JIT", jit).out("4999950000\n").any_err())
        .collect();
    check(&rows);
}
