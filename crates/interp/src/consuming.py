# What native functions do to the values of a generator, for traces to see through. No frame of these functions is shown (see
# `objects::Code::is_hidden`). The builtins are what they are called, whatever programs make of them; `to_float` is `int.__float__`.

# Three ways to add follow each other, and none comes again: small ints, floats with what their sums lost, anything.
def sum(values, total, lost):
    if type(total) is int and -0x8000_0000_0000_0000 <= total <= 0x7fff_ffff_ffff_ffff:
        for value in values:
            if type(value) is int or type(value) is bool:
                both = total + value
                if -0x4000_0000_0000_0000 <= both <= 0x3fff_ffff_ffff_ffff or is_long(both) and is_long(value):
                    total = both
                    continue
            total = total + value
            break
        else:
            return total
    if type(total) is float:
        for value in values:
            if type(value) is not float:
                if type(value) is int:
                    value = float(value)
                elif isinstance(value, int):
                    value = to_float(value)
                else:
                    if lost != 0.0 and lost - lost == 0.0:
                        total += lost
                    total = total + value
                    break
            both = total + value
            if (total if total >= 0.0 else -total) >= (value if value >= 0.0 else -value):
                lost += total - both + value
            else:
                lost += value - both + total
            total = both
        else:
            if lost != 0.0 and lost - lost == 0.0:
                total += lost
            return total
    if type(total) is complex:
        return native_sum(values, total)
    for value in values:
        total = total + value
    return total

# Whether C's `long` holds it.
def is_long(x):
    return -0x8000_0000_0000_0000 <= x <= 0x7fff_ffff_ffff_ffff

def any(values, unused):
    for value in values:
        if value:
            return True
    return False

def all(values, unused):
    for value in values:
        if not value:
            return False
    return True

def min(values, unused):
    for best in values:
        break
    else:
        raise ValueError('min() iterable argument is empty')
    for value in values:
        if value < best:
            best = value
    return best

def max(values, unused):
    for best in values:
        break
    else:
        raise ValueError('max() iterable argument is empty')
    for value in values:
        if value > best:
            best = value
    return best

def list(values, unused):
    return [value for value in values]

def tuple(values, unused):
    return (*[value for value in values],)

def set(values, unused):
    return {value for value in values}

def sorted(values, unused):
    values = [value for value in values]
    values.sort()
    return values

def join(values, separator):
    return separator.join([value for value in values])
