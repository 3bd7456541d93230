"""Primitives and accelerators for the typing module."""

import sys


class NoDefaultType:
    """The type of the NoDefault singleton."""

    __slots__ = ()
    __module__ = "typing"

    def __new__(cls):
        return NoDefault

    def __init_subclass__(cls):
        raise TypeError("type 'NoDefaultType' is not an acceptable base type")

    def __repr__(self):
        return "typing.NoDefault"

    def __reduce__(self):
        return "NoDefault"


NoDefault = object.__new__(NoDefaultType)


def _typing():
    import typing

    return typing


def _caller():
    """The name of the module that called the function that calls this."""
    try:
        return sys._getframe(2).f_globals.get("__name__")
    except ValueError:
        return None


def _unpacked(parameters):
    """Parameters as arguments: a TypeVarTuple stands for several."""
    return tuple(
        _typing().Unpack[parameter] if isinstance(parameter, TypeVarTuple) else parameter for parameter in parameters
    )


def _checked_bound(bound):
    return None if bound is None else _typing()._type_check(bound, "Bound must be a type.")


class _ConstantEvaluator:
    """What an evaluate_... attribute is when the value was given."""

    __slots__ = ("_value",)
    __module__ = "_typing"

    def __init__(self, value):
        self._value = value

    def __call__(self, format=1, /):
        if format == 2 or format not in (1, 3, 4):
            raise NotImplementedError if format == 2 else ValueError("invalid format")
        if format != 4:
            return self._value
        value = self._value
        if isinstance(value, tuple):
            return "(" + ", ".join(map(_typing()._type_repr, value)) + ")"
        return _typing()._type_repr(value)

    def __repr__(self):
        return f"<constevaluator {self._value!r}>"


_ConstantEvaluator.__name__ = _ConstantEvaluator.__qualname__ = "_ConstEvaluator"


# The classes that cannot be derived from, once they exist.
_sealed = ()


class _Parameter:
    """What type parameters have in common."""

    __module__ = "typing"

    def __init_subclass__(cls, /, **keywords):
        if _sealed:
            base = next(base for base in cls.__mro__[1:] if base in _sealed)
            raise TypeError(f"type 'typing.{base.__name__}' is not an acceptable base type")

    def __mro_entries__(self, bases):
        raise TypeError(f"Cannot subclass an instance of {type(self).__name__}")

    def __reduce__(self):
        return self.__name__

    @property
    def __name__(self):
        return self._name

    @property
    def __default__(self):
        if self._default is None:
            self._default = (self._evaluate_default(1),)
        return self._default[0]

    @property
    def evaluate_default(self):
        if self._evaluate_default is not None:
            return self._evaluate_default
        value = self._default[0]
        return None if value is NoDefault else _ConstantEvaluator(value)

    def has_default(self):
        return self._default is None or self._default[0] is not NoDefault

    def _set_default(self, default):
        # A value in a tuple, or None and the function that gives it.
        self._default = (default,)
        self._evaluate_default = None

    def _set_variance(self, covariant, contravariant, infer_variance):
        if covariant and contravariant:
            raise ValueError("Bivariant types are not supported.")
        if infer_variance and (covariant or contravariant):
            raise ValueError("Variance cannot be specified with infer_variance.")
        self._covariant = bool(covariant)
        self._contravariant = bool(contravariant)
        self._infer_variance = bool(infer_variance)

    def _repr_of_variance(self):
        if self._infer_variance:
            return self._name
        sign = "+" if self._covariant else "-" if self._contravariant else "~"
        return sign + self._name


class _Variant(_Parameter):
    """A parameter with a variance, which can stand in a union."""

    @property
    def __covariant__(self):
        return self._covariant

    @property
    def __contravariant__(self):
        return self._contravariant

    @property
    def __infer_variance__(self):
        return self._infer_variance

    def __repr__(self):
        return self._repr_of_variance()

    def __or__(self, other):
        return Union[self, other]

    def __ror__(self, other):
        return Union[other, self]


class TypeVar(_Variant):
    """Type variable.

    The preferred way to construct a type variable is via the dedicated
    syntax for generic functions, classes, and type aliases::

        class Sequence[T]:  # T is a TypeVar
            ...
    """

    __module__ = "typing"

    def __init__(
        self,
        name,
        *constraints,
        bound=None,
        default=NoDefault,
        covariant=False,
        contravariant=False,
        infer_variance=False,
    ):
        if not isinstance(name, str):
            raise TypeError(f"typevar() argument 'name' must be str, not {type(name).__name__}")
        self._set_variance(covariant, contravariant, infer_variance)
        if len(constraints) == 1:
            raise TypeError("A single constraint is not allowed")
        if constraints and bound is not None:
            raise TypeError("Constraints cannot be combined with bound=...")
        check = "TypeVar(name, constraint, ...): constraints must be types."
        constraints = tuple(_typing()._type_check(constraint, check) for constraint in constraints)
        self._name = name
        self._bound = (_checked_bound(bound),)
        self._evaluate_bound = None
        self._constraints = (constraints,)
        self._evaluate_constraints = None
        self._set_default(default)
        module = _caller()
        if module is not None:
            self.__module__ = module

    @property
    def __bound__(self):
        if self._bound is None:
            self._bound = (self._evaluate_bound(1),)
        return self._bound[0]

    @property
    def __constraints__(self):
        if self._constraints is None:
            self._constraints = (self._evaluate_constraints(1),)
        return self._constraints[0]

    @property
    def evaluate_bound(self):
        if self._evaluate_bound is not None:
            return self._evaluate_bound
        bound = self._bound[0]
        return None if bound is None else _ConstantEvaluator(bound)

    @property
    def evaluate_constraints(self):
        if self._evaluate_constraints is not None:
            return self._evaluate_constraints
        constraints = self._constraints[0]
        return _ConstantEvaluator(constraints) if constraints else None

    def __typing_subst__(self, arg):
        return _typing()._typevar_subst(self, arg)

    def __typing_prepare_subst__(self, alias, args):
        index = alias.__parameters__.index(self)
        if index < len(args):
            return args
        if index == len(args) and self.has_default():
            return (*args, self.__default__)
        raise TypeError(f"Too few arguments for {alias}")


class _ParamSpecPart:
    """What the args and the kwargs of a ParamSpec have in common."""

    __module__ = "typing"
    __slots__ = ("__origin__", "__weakref__")

    def __init__(self, origin):
        self.__origin__ = origin

    def __repr__(self):
        origin = self.__origin__
        part = type(self).__name__.removeprefix("ParamSpec").lower()
        return f"{origin.__name__ if isinstance(origin, ParamSpec) else repr(origin)}.{part}"

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return self.__origin__ == other.__origin__

    __hash__ = object.__hash__

    def __mro_entries__(self, bases):
        raise TypeError(f"Cannot subclass an instance of {type(self).__name__}")


class ParamSpecArgs(_ParamSpecPart):
    """The args for a ParamSpec object.

    Given a ParamSpec object P, P.args returns an instance of ParamSpecArgs.
    """

    __module__ = "typing"
    __slots__ = ()


class ParamSpecKwargs(_ParamSpecPart):
    """The kwargs for a ParamSpec object.

    Given a ParamSpec object P, P.kwargs returns an instance of ParamSpecKwargs.
    """

    __module__ = "typing"
    __slots__ = ()


class ParamSpec(_Variant):
    """Parameter specification variable.

    The preferred way to construct a parameter specification is via the
    dedicated syntax for generic functions, classes, and type aliases.
    """

    __module__ = "typing"

    def __init__(
        self, name, *, bound=None, default=NoDefault, covariant=False, contravariant=False, infer_variance=False
    ):
        if not isinstance(name, str):
            raise TypeError(f"paramspec() argument 'name' must be str, not {type(name).__name__}")
        self._set_variance(covariant, contravariant, infer_variance)
        self._name = name
        self._bound = _checked_bound(bound)
        self._set_default(default)
        module = _caller()
        if module is not None:
            self.__module__ = module

    @property
    def __bound__(self):
        return self._bound

    @property
    def args(self):
        """Represents positional arguments."""
        return ParamSpecArgs(self)

    @property
    def kwargs(self):
        """Represents keyword arguments."""
        return ParamSpecKwargs(self)

    def __typing_subst__(self, arg):
        return _typing()._paramspec_subst(self, arg)

    def __typing_prepare_subst__(self, alias, args):
        return _typing()._paramspec_prepare_subst(self, alias, args)


class TypeVarTuple(_Parameter):
    """Type variable tuple.

    A specialized form of type variable that enables variadic generics.
    """

    __module__ = "typing"

    def __init__(self, name, *, default=NoDefault):
        if not isinstance(name, str):
            raise TypeError(f"typevartuple() argument 'name' must be str, not {type(name).__name__}")
        self._name = name
        self._set_default(default)
        module = _caller()
        if module is not None:
            self.__module__ = module

    def __iter__(self):
        yield _typing().Unpack[self]

    def __repr__(self):
        return self._name

    def __typing_subst__(self, arg):
        raise TypeError("Substitution of bare TypeVarTuple is not supported")

    def __typing_prepare_subst__(self, alias, args):
        return _typing()._typevartuple_prepare_subst(self, alias, args)


class TypeAliasType:
    """Type alias.

    Type aliases are created through the type statement::

        type Alias = int
    """

    __module__ = "typing"

    def __init__(self, name, value, *, type_params=()):
        if not isinstance(name, str):
            raise TypeError(f"typealias() argument 'name' must be str, not {type(name).__name__}")
        if not isinstance(type_params, tuple):
            raise TypeError("type_params must be a tuple")
        seen_default = False
        for parameter in type_params:
            if not isinstance(parameter, (TypeVar, ParamSpec, TypeVarTuple)):
                raise TypeError(f"Expected a type param, got {parameter!r}")
            if parameter.has_default():
                seen_default = True
            elif seen_default:
                raise TypeError(f"non-default type parameter '{parameter!r}' follows default type parameter")
        self._start(name, type_params, (value,), None, _caller())

    def _start(self, name, type_params, value, evaluate, module):
        self._name = name
        self._type_params = type_params
        self._value = value
        self._evaluate = evaluate
        self.__module__ = module

    def __init_subclass__(cls):
        raise TypeError("type 'typing.TypeAliasType' is not an acceptable base type")

    @property
    def __name__(self):
        return self._name

    @property
    def __type_params__(self):
        return self._type_params

    @property
    def __parameters__(self):
        return _unpacked(self._type_params)

    @property
    def __value__(self):
        if self._value is None:
            self._value = (self._evaluate(1),)
        return self._value[0]

    @property
    def evaluate_value(self):
        return self._evaluate if self._evaluate is not None else _ConstantEvaluator(self._value[0])

    def __getitem__(self, arguments):
        if not self._type_params:
            raise TypeError("Only generic type aliases are subscriptable")
        return _GenericAlias(self, arguments)

    def __iter__(self):
        yield _typing().Unpack[self]

    def __repr__(self):
        return self._name

    def __or__(self, other):
        return Union[self, other]

    def __ror__(self, other):
        return Union[other, self]

    def __reduce__(self):
        return self._name


class Generic:
    """Abstract base class for generic types

    On Python 3.12 and newer, generic classes implicitly inherit from
    Generic when they declare a parameter list after the class's name::

        class Mapping[KT, VT]:
            def __getitem__(self, key: KT) -> VT:
                ...
                # Etc.

    On older versions of Python, however, generic classes have to
    explicitly inherit from Generic.
    """

    __module__ = "typing"
    __slots__ = ()
    _is_protocol = False

    def __class_getitem__(cls, args):
        return _typing()._generic_class_getitem(cls, args)

    def __init_subclass__(cls, *args, **kwargs):
        return _typing()._generic_init_subclass(cls, *args, **kwargs)


_sealed = (TypeVar, ParamSpec, TypeVarTuple)


# What the compiler's type parameters and aliases are made by.


def _type_variable(name, bound, constraints):
    self = object.__new__(TypeVar)
    self._name = name
    self._set_variance(False, False, True)
    self._bound = (None,) if bound is None else None
    self._evaluate_bound = bound
    self._constraints = ((),) if constraints is None else None
    self._evaluate_constraints = constraints
    self._set_default(NoDefault)
    self.__module__ = _caller()
    return self


def _param_spec(name):
    self = object.__new__(ParamSpec)
    self._name = name
    self._set_variance(False, False, True)
    self._bound = None
    self._set_default(NoDefault)
    self.__module__ = _caller()
    return self


def _type_variable_tuple(name):
    self = object.__new__(TypeVarTuple)
    self._name = name
    self._set_default(NoDefault)
    self.__module__ = _caller()
    return self


def _set_default(parameter, evaluate):
    parameter._default = None
    parameter._evaluate_default = evaluate
    return parameter


def _subscript_generic(parameters):
    return _typing()._GenericAlias(Generic, _unpacked(parameters))


def _type_alias(name, type_params, evaluate):
    self = object.__new__(TypeAliasType)
    self._start(name, type_params or (), None, evaluate, _caller())
    return self
