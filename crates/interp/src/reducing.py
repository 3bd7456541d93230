# What functools.reduce does to a list, for traces to see through. No frame of these functions is shown (see `objects::Code::is_hidden`).

def reduce(function, values, unused):
    is_first = True
    for value in values:
        if is_first:
            total = value
            is_first = False
        else:
            total = function(total, value)
    return total

def reduce_from(function, values, total):
    for value in values:
        total = function(total, value)
    return total
