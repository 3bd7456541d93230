"""Runs the programs that it is given in one process, each in a module of its own called __main__.

Writes `seed status bytes`, and what the program printed, for each to standard output. What a program leaves behind in the library
is the next one's to find, so a difference seen here is looked at again alone.
"""
import os, sys, io, types, gc

def run(path):
    module = types.ModuleType('__main__')
    module.__dict__['__file__'] = path
    with open(path, encoding='utf-8') as file:
        source = file.read()
    sys.modules['__main__'] = module
    sys.stdout = text = io.StringIO()
    try:
        exec(compile(source, path, 'exec'), module.__dict__)
        status = 'done'
    except BaseException as error:
        status = type(error).__name__
    sys.stdout = sys.__stdout__
    return status, text.getvalue().encode('utf-8', 'backslashreplace')

def main():
    for path in sys.argv[1:]:
        status, output = run(path)
        seed = os.path.basename(path).removesuffix('.py')
        os.write(1, f'{seed} {status} {len(output)}\n'.encode() + output)

main()
