"""CSV parsing and writing.

Dialects and their registry; reading and writing themselves are native.
"""

from _adder_csv import (
    QUOTE_ALL, QUOTE_MINIMAL, QUOTE_NONE, QUOTE_NONNUMERIC, QUOTE_NOTNULL, QUOTE_STRINGS,
    Error, Reader, Writer, field_size_limit, new_reader, new_writer,
)

_dialects = {}

_missing = object()

_DEFAULTS = {
    'delimiter': ',',
    'doublequote': True,
    'escapechar': None,
    'lineterminator': '\r\n',
    'quotechar': '"',
    'quoting': QUOTE_MINIMAL,
    'skipinitialspace': False,
    'strict': False,
}


def _reader_of(name):
    def get(self):
        return self._values[name]
    get.__name__ = name
    return get


class Dialect:
    """CSV dialect

The Dialect type records CSV dialect options."""

    __slots__ = ('_values',)

    def __new__(cls, dialect=None, **options):
        for name in options:
            if name not in _DEFAULTS:
                raise TypeError(f'this function got an unexpected keyword argument {name!r}')
        if dialect is not None:
            if isinstance(dialect, str):
                dialect = get_dialect(dialect)
            if type(dialect) is Dialect and not options:
                return dialect
        values = {}
        for name, default in _DEFAULTS.items():
            value = options.get(name, _missing)
            if value is _missing and dialect is not None:
                value = getattr(dialect, name, _missing)
            values[name] = default if value is _missing else value
        given_quoting = 'quoting' in options or getattr(dialect, 'quoting', _missing) is not _missing
        _check(values, given_quoting)
        self = object.__new__(cls)
        object.__setattr__(self, '_values', values)
        return self

    def __setattr__(self, name, value):
        if name in _DEFAULTS:
            raise AttributeError(f"attribute {name!r} of '_csv.Dialect' objects is not writable")
        raise AttributeError(f"'_csv.Dialect' object has no attribute {name!r}")

    def __delattr__(self, name):
        self.__setattr__(name, None)

    def __reduce_ex__(self, protocol):
        raise TypeError("cannot pickle 'Dialect' instances")

    for _name in _DEFAULTS:
        locals()[_name] = property(_reader_of(_name))
    del _name


def _check(values, given_quoting):
    """Turns the values into their types, or raises."""
    for name, can_be_none in (('delimiter', False), ('escapechar', True), ('quotechar', True)):
        value = values[name]
        if value is None and can_be_none:
            continue
        wanted = f'"{name}" must be a unicode character' + (' or None' if can_be_none else '')
        if not isinstance(value, str):
            raise TypeError(f'{wanted}, not {type(value).__name__}')
        if len(value) != 1:
            raise TypeError(f'{wanted}, not a string of length {len(value)}')
    if not isinstance(values['lineterminator'], str):
        raise TypeError(f'"lineterminator" must be a string, not {type(values["lineterminator"]).__name__}')
    if type(values['quoting']) is not int:
        raise TypeError(f'"quoting" must be an integer, not {type(values["quoting"]).__name__}')
    if not QUOTE_MINIMAL <= values['quoting'] <= QUOTE_NOTNULL:
        raise TypeError('bad "quoting" value')
    for name in ('doublequote', 'skipinitialspace', 'strict'):
        values[name] = bool(values[name])
    if values['quotechar'] is None:
        if not given_quoting:
            values['quoting'] = QUOTE_NONE
        elif values['quoting'] != QUOTE_NONE:
            raise TypeError('quotechar must be set if quoting enabled')
    _check_apart(values)


def _check_apart(values):
    """Line ends are no special characters, and no character has two meanings."""
    names = ('delimiter', 'escapechar', 'quotechar')
    for name in names:
        value = values[name]
        if value is not None and (value in '\r\n' or value == ' ' and name != 'delimiter' and values['skipinitialspace']):
            raise ValueError(f'bad {name} value')
    for first, second in (('delimiter', 'escapechar'), ('delimiter', 'quotechar'), ('escapechar', 'quotechar')):
        if values[first] is not None and values[first] == values[second]:
            raise ValueError(f'bad {first} or {second} value')
    for name in names:
        if values[name] is not None and values[name] in values['lineterminator']:
            raise ValueError(f'bad {name} or lineterminator value')


def _dialect_of(dialect, options):
    return Dialect(**options) if dialect is _missing else Dialect(dialect, **options)


def reader(*args, **fmtparams):
    """reader($module, iterable, /, dialect='excel', **fmtparams)
--

Return a reader object that will process lines from the given iterable.

The "iterable" argument can be any object that returns a line
of input for each iteration, such as a file object or a list.  The
optional "dialect" argument defines a CSV dialect.  The function
also accepts optional keyword arguments which override settings
provided by the dialect.

The returned object is an iterator.  Each iteration returns a row
of the CSV file (which can span multiple input lines)."""
    iterable, dialect = _arguments('reader', args, fmtparams)
    dialect = _dialect_of(dialect, fmtparams)
    return new_reader(iter(iterable), dialect, *dialect._values.values())


def writer(*args, **fmtparams):
    """writer($module, fileobj, /, dialect='excel', **fmtparams)
--

Return a writer object that will write user data on the given file object.

The "fileobj" argument can be any object that supports the file API.
The optional "dialect" argument defines a CSV dialect.  The function
also accepts optional keyword arguments which override settings
provided by the dialect."""
    file, dialect = _arguments('writer', args, fmtparams)
    dialect = _dialect_of(dialect, fmtparams)
    write = getattr(file, 'write', None)
    if not callable(write):
        raise TypeError('argument 1 must have a "write" method')
    return new_writer(write, dialect, *dialect._values.values())


def _arguments(function, args, options):
    """The first argument, and the dialect given in one way or the other."""
    if not args:
        raise TypeError(f'{function} expected at least 1 argument, got 0')
    if len(args) > 2:
        raise TypeError(f'{function} expected at most 2 arguments, got {len(args)}')
    if len(args) == 2:
        return args
    return args[0], options.pop('dialect', _missing)


def register_dialect(name, /, dialect=_missing, **fmtparams):
    """Create a mapping from a string name to a CSV dialect.

The optional "dialect" argument specifies the base dialect instance
or the name of the registered dialect.  The function also accepts
optional keyword arguments which override settings provided by the
dialect."""
    if not isinstance(name, str):
        raise TypeError('dialect name must be a string')
    _dialects[name] = _dialect_of(dialect, fmtparams)


def unregister_dialect(name):
    """Delete the name/dialect mapping associated with a string name."""
    if name not in _dialects:
        raise Error('unknown dialect')
    del _dialects[name]


def get_dialect(name):
    """Return the dialect instance associated with name."""
    if name not in _dialects:
        raise Error('unknown dialect')
    return _dialects[name]


def list_dialects():
    """Return a list of all known dialect names."""
    return list(_dialects)
