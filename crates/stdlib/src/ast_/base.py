class AST:
    __module__ = "ast"

    _fields = ()
    _attributes = ()
    _field_types = {}
    __match_args__ = ()

    def __init__(self, /, *values, **keywords):
        cls = type(self)
        fields = cls._fields
        if len(values) > len(fields):
            plural = "" if len(fields) == 1 else "s"
            raise TypeError(f"{cls.__name__} constructor takes at most {len(fields)} positional argument{plural}")
        for field, value in zip(fields, values):
            setattr(self, field, value)
        given = set(fields[: len(values)])
        for name, value in keywords.items():
            if name in given:
                raise TypeError(f"{cls.__name__} got multiple values for argument {name!r}")
            if name not in fields and name not in cls._attributes:
                _warn(
                    f"{cls.__name__}.__init__ got an unexpected keyword argument {name!r}. Support for arbitrary "
                    "keyword arguments is deprecated and will be removed in Python 3.15."
                )
            setattr(self, name, value)
        given.update(keywords)
        types = cls._field_types
        for field in fields:
            if field in given:
                continue
            kind = types.get(field)
            if kind is None:
                _warn(
                    f"Field {field!r} is missing from {cls.__name__}._field_types. This will become an error in "
                    "Python 3.15."
                )
            elif isinstance(kind, _GenericAlias):
                setattr(self, field, [])
            elif kind is expr_context:
                setattr(self, field, Load())
            elif not isinstance(kind, _Union):
                _warn(
                    f"{cls.__name__}.__init__ missing 1 required positional argument: {field!r}. This will become an "
                    "error in Python 3.15."
                )

    def __repr__(self):
        return _repr(self, 3)

    def __reduce__(self):
        state = dict(self.__dict__)
        values = []
        for field in type(self)._fields:
            if field not in state:
                break
            values.append(state[field])
        return type(self), tuple(values), state

    def __replace__(self, /, **keywords):
        cls = type(self)
        known = set(cls._fields) | set(cls._attributes)
        state = {name: value for name, value in self.__dict__.items() if name in known}
        for name in keywords:
            if name not in known:
                raise TypeError(f"{cls.__name__}.__replace__ got an unexpected keyword argument {name!r}.")
        missing = [
            name
            for name in cls._fields
            if name not in state and name not in keywords and not isinstance(cls._field_types.get(name), _Union)
        ]
        if missing:
            names = ", ".join(map(repr, missing))
            plural = "" if len(missing) == 1 else "s"
            raise TypeError(f"{cls.__name__}.__replace__ missing {len(missing)} keyword argument{plural}: {names}.")
        return cls(**(state | keywords))


_GenericAlias = type(list[int])
_Union = type(int | None)
_builtin_types = {"str": str, "int": int, "object": object}


def _warn(message):
    import warnings

    warnings.warn(message, DeprecationWarning, 3)


def _repr(node, depth):
    if depth <= 0:
        return f"{type(node).__name__}(...)"

    def of_value(value):
        if isinstance(value, (list, tuple)):
            start, end = "[]" if isinstance(value, list) else "()"
            shown = [of_value(item) for item in ([value[0], value[-1]] if len(value) > 1 else value)]
            if len(value) > 2:
                shown.insert(1, "...")
            return start + ", ".join(shown) + end
        return _repr(value, depth - 1) if isinstance(value, AST) else repr(value)

    fields = (f"{field}={of_value(getattr(node, field))}" for field in type(node)._fields)
    return f"{type(node).__name__}({', '.join(fields)})"


_classes = {"AST": AST}
_kinds = {}
_singletons = {}


def _class(name, base, doc, span, fields):
    base = _classes[base]
    names = tuple(field[0] for field in fields)
    body = {"__module__": "ast", "__doc__": doc, "_fields": names, "__match_args__": names}
    if span:
        body["_attributes"] = ("lineno", "col_offset", "end_lineno", "end_col_offset")
        body["end_lineno"] = body["end_col_offset"] = None
    for field, _, quantity in fields:
        if quantity == "?":
            body[field] = None
    cls = _classes[name] = type(name, (base,), body)
    _kinds[name] = fields
    if base is not AST and base.__name__ in ("expr_context", "boolop", "operator", "unaryop", "cmpop"):
        # One instance does for all.
        cls.__new__ = _shared
    return cls


def _shared(cls, *values, **keywords):
    if cls not in _singletons:
        _singletons[cls] = object.__new__(cls)
    return _singletons[cls]


def _finish():
    """Names the types of the fields, now that all classes exist."""
    for cls in _classes.values():
        if cls is AST:
            continue
        types = {}
        for field, kind, quantity in _kinds[cls.__name__]:
            kind = _builtin_types.get(kind) or _classes[kind]
            types[field] = list[kind] if quantity == "*" else kind | None if quantity == "?" else kind
        cls._field_types = cls.__annotations__ = types
