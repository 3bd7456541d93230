"""Counts, under the reference, the places at which the programs execute each instruction: `name count` lines."""
import collections, io, sys, types

places, bytecode = collections.Counter(), {}

def instruction(code, offset):
    if code not in bytecode:
        bytecode[code] = code.co_code
    places[bytecode[code][offset]] += 1
    return sys.monitoring.DISABLE

def main():
    sys.monitoring.use_tool_id(sys.monitoring.COVERAGE_ID, 'coverage')
    sys.monitoring.register_callback(sys.monitoring.COVERAGE_ID, sys.monitoring.events.INSTRUCTION, instruction)
    for path in sys.argv[1:]:
        module = types.ModuleType('__main__')
        sys.modules['__main__'] = module
        with open(path, encoding='utf-8') as file:
            code = compile(file.read(), path, 'exec')
        sys.stdout = io.StringIO()
        sys.monitoring.set_events(sys.monitoring.COVERAGE_ID, sys.monitoring.events.INSTRUCTION)
        try:
            exec(code, module.__dict__)
        except BaseException:
            pass
        sys.monitoring.set_events(sys.monitoring.COVERAGE_ID, 0)
        sys.stdout = sys.__stdout__
    import dis
    for number, count in places.items():
        print(dis.opname[number], count)

main()
